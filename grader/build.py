"""Compile a tree's native modules with the harness's own project and flags."""

from __future__ import annotations

import json
import sysconfig
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from grader import devices, intake
from grader.assignment import Assignment
from grader.build_cache import cache_folder
from grader.devices import is_cuda
from grader.errors import GraderError
from grader.intake import StagedTree
from grader.intake.account import NO_ACCOUNT, Account
from grader.recipe import Kind
from grader.sandbox import Sandbox
from grader.toolchain import find_toolchain
from grader.workshop import Workshop


@dataclass(frozen=True)
class BuiltTree:
    """A tree that is ready to be measured, or the reason why it cannot be."""

    name: str  # how reports call it: the folder's or archive's name
    root: Path  # the staged tree; nothing is written to it after the build
    modules: Mapping[str, str]  # compiled module, fully qualified -> its file; "" where it is not built
    fault: str | None  # why nothing of the tree can be graded, in words with the compiler's first errors
    notes: tuple[str, ...] = ()  # for the report: what was left out, and why a module is not built
    identity: str = ""  # sha256 over the files taken of the submission, the same wherever they come from
    account: Account = NO_ACCOUNT  # what became of the submission's files
    # Module compiled from CUDA -> its file that runs on the CPU: what a worker for a simulated device loads instead.
    simulated: Mapping[str, str] = field(default_factory=dict)
    unbuilt: Mapping[str, str] = field(default_factory=dict)  # device -> why its module is not built: the tree's fault
    absent: Mapping[str, str] = field(default_factory=dict)  # device -> what this machine lacks to build its module

    def loaded(self, *, simulated: bool) -> dict[str, str]:
        """What a worker loads: compiled module -> its file. simulated: for a device that simulates another one."""
        return {**self.modules, **(self.simulated if simulated else {})}

    @property
    def folders(self) -> list[Path]:
        """The folders of the compiled modules, which a box must show to a worker."""
        return sorted({Path(file).parent for file in (*self.modules.values(), *self.simulated.values()) if file})

    def to_json(self) -> str:
        """The tree as JSON text, for another process on this machine."""
        return json.dumps({**asdict(self), "root": str(self.root)})

    @classmethod
    def from_json(cls, text: str) -> BuiltTree:
        """The tree that `to_json` wrote. Raises GraderError where the text is something else."""
        try:
            data = json.loads(text)
            account = Account.from_json(data["account"])
            return cls(**{**data, "root": Path(data["root"]), "notes": tuple(data["notes"]), "account": account})
        except (ValueError, KeyError, TypeError) as error:
            raise GraderError(f"the description of a prepared tree cannot be read: {error!r}.") from None


def prepare(
    source: Path,
    assignment: Assignment,
    sandbox: Sandbox,
    workspace: Path,
    name: str | None = None,
    *,
    native: bool = True,
    for_devices: Collection[str] | None = None,
    checks: Sequence[str] = (),
    debug: bool = False,
) -> BuiltTree:
    """Stage `source` (a folder, an archive or a commit) in a new folder under `workspace`, and compile it; see `build`.

    name: how reports call it; by default what `intake.report_names` makes of `source`. debug: what is simulated is for
    a debugger, which then shows the files of `source` itself, if that is a folder. Raises UsageError where
    `source` is not there or none of these, GraderError where this machine cannot compile.
    """
    name = name or intake.report_names([source])[0]
    workspace.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=workspace)).resolve()
    home.chmod(0o755)  # mkdtemp's 0700 would shut out a worker that runs as another user
    staged = intake.stage(source, assignment, home / "tree")
    return build(
        staged,
        assignment,
        sandbox,
        home / "native",
        native=native,
        name=name,
        for_devices=for_devices,
        checks=checks,
        debugged=str(source.resolve() if source.is_dir() else staged.root) if debug else "",
    )


def build(
    staged: StagedTree,
    assignment: Assignment,
    sandbox: Sandbox,
    output: Path,
    *,
    native: bool = True,
    name: str | None = None,
    for_devices: Collection[str] | None = None,
    checks: Sequence[str] = (),
    debugged: str = "",
) -> BuiltTree:
    """Compile every module of the assignment's layout into the folder `output`.

    native: use every instruction of this machine. for_devices: those that are graded; by default the assignment's. A
    module that is compiled from CUDA is built for those among them that this machine has. checks: of --check, for a
    device that simulates. debugged: where a debugger finds the tree; "" where none will look. A module compiled from
    CUDA that fails costs its devices, any other one is the tree's fault.
    """
    made = _Made(dict.fromkeys(assignment.layout.modules, ""), list(staged.notes))
    if staged.fault is None:
        shop = Workshop(staged, assignment, sandbox)
        if not shop.has_cache:
            made.notes.append(
                f"the build cache {cache_folder()} cannot be written to, so every run compiles anew; "
                "let GRADER_CACHE name another folder"
            )
        kind = Kind(native, find_toolchain(), checks=tuple(checks), debugged=debugged)
        chosen = assignment.devices.graded if for_devices is None else for_devices
        for module, source in assignment.layout.modules.items():
            if is_cuda(source):
                _make_for_devices(shop, module, kind, chosen, output, made)
            elif (compiled := shop.make(module, kind)).module is not None:
                made.modules[module] = _write(output, module, compiled.module)
            else:
                made.fault = compiled.why
                break
    return BuiltTree(
        name or staged.name,
        staged.root,
        made.modules,
        staged.fault or made.fault,
        tuple(made.notes),
        staged.identity,
        staged.account,
        made.simulated,
        made.unbuilt,
        made.absent,
    )


@dataclass
class _Made:
    """What a build has brought so far; see BuiltTree."""

    modules: dict[str, str]
    notes: list[str]
    fault: str | None = None
    simulated: dict[str, str] = field(default_factory=dict)
    unbuilt: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def _make_for_devices(
    shop: Workshop,
    module: str,
    kind: Kind,
    chosen: Collection[str],
    output: Path,
    made: _Made,
) -> None:
    """Make a module that is compiled from CUDA, for each of the chosen devices that needs it and is here."""
    short, known = module.rpartition(".")[2], shop.assignment.devices
    users = [device for device in known.known if known.module(device) == module]
    if not set(users) & set(chosen):
        gpus = ", ".join(device for device in users if device not in known.simulates)
        made.notes.append(f"{short} is not built: no device that needs it is graded ({gpus})")
    for device in users:
        if device not in chosen:
            continue
        simulated = device in known.simulates
        what = f"{short} is not built for {device}" if simulated else f"{short} is not built"
        # Not tried for a GPU that is not there: CUDA with bindings takes 20 s to compile.
        if lacks := devices.present(shop.assignment, device):
            made.notes.append(f"{what}: {lacks}")
            continue
        compiled = shop.make(module, replace(kind, simulator=device if simulated else ""))
        if compiled.module is None:
            made.notes.append(f"{what}: {compiled.why}")
            (made.absent if compiled.machine else made.unbuilt)[device] = f"{what}: {compiled.why}"
        if simulated:
            made.simulated[module] = _write(output / device, module, compiled.module)
        else:
            made.modules[module] = _write(output, module, compiled.module)


def _write(folder: Path, module: str, data: bytes | None) -> str:
    """A file of this tree's own: neither `make clean` nor another tree can change what a worker loads. "" for None."""
    if data is None:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (module.rpartition(".")[2] + str(sysconfig.get_config_var("EXT_SUFFIX")))
    file.write_bytes(data)
    return str(file)
