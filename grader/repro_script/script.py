"""The text of the script."""

from __future__ import annotations

import base64
import io
import keyword
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.errors import GraderError
from grader.repro_script.finding import Check, Comparison, Found, Spot, wanted
from grader.repro_script.head import Case, docstring
from grader.repro_script.sources import Flattened, Place, Sources
from grader.repro_script.values import Writer, literal
from grader.visible import visible

# Names of the script's own, which no definition that it takes along may have.
RESERVED = frozenset(
    {"device", "data", "answer", "got", "want", "wrong", "allowed", "same", "first", "TREE", "np", "os", "sys", "Path"}
    | {"SimpleNamespace", "base64", "io"}
)

_LOAD, _DEVICE = ("probes", "load"), ("probes", "device")
_ROUNDED = 1e-7  # of a looser tolerance what is expected is written in ten digits

# What the suite's own checks use of grader.compare, in a line each.
STAND_INS: dict[Place, str] = {
    ("grader.compare", "assert_true"): """\
def assert_true(condition, sentence):
    if not condition:
        sys.exit(f"wrong: {sentence}")""",
    ("grader.compare", "assert_same"): """\
def assert_same(got, want, what):
    if repr(got) != repr(want):
        sys.exit(f"wrong: {what}: got {got!r}, expected {want!r}")""",
    ("grader.compare", "assert_dtype"): """\
def assert_dtype(got, want="float32", *, name="the answer"):
    if np.asarray(got).dtype != want:
        sys.exit(f"wrong: {name} has dtype {np.asarray(got).dtype}; expected {want}")""",
    ("grader.compare", "assert_close"): """\
def assert_close(got, want, *, rtol=1e-4, atol=1e-5, name="the answer", curve=""):
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    allowed = atol * max(1.0, np.abs(want).max(initial=0.0)) + rtol * np.abs(want)
    if got.shape != want.shape or not (np.abs(got - want) <= allowed).all():
        sys.exit(f"wrong: {name}: got {got}, expected {want}")""",
}


@dataclass(frozen=True)
class Asked:
    """A question of the case."""

    module: str  # of the probe: "probes.conv"
    probe: str
    device: str  # "" where the case has none
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    parameters: Sequence[str]  # the probe's own names: for the tree's module, for the device, for each of args


@dataclass(frozen=True)
class Script:
    """A script, and what lies beside it."""

    text: str
    npz: bytes  # for the .npz of the script's name; empty where all is in the text


def write(case: Case, asked: Sequence[Asked], found: Found | None, sources: Sources) -> Script:
    """The script. found: what was judged wrong; None where the last question has no answer, but an error or a crash.

    Raises GraderError where a question cannot be written down.
    """
    numbers = _needed(found, len(asked))
    device = asked[numbers[-1]].device
    known = case.simulates.get(device, device)
    roots = [_LOAD, *([_DEVICE] if known else []), *((asked[k].module, asked[k].probe) for k in numbers)]
    roots += [(found.module, found.name)] if isinstance(found, Check) else []
    flat = sources.flatten(list(dict.fromkeys(roots)), RESERVED | {asked[k].parameters[0] for k in numbers})
    writer = Writer()
    parts = [_question(asked[k], f"answer{k if len(numbers) > 1 else ''}", flat, writer, sources) for k in numbers]
    names = {k: f"answer{k if len(numbers) > 1 else ''}" for k in numbers}
    judged = _judged(found, names, flat, writer)
    npz = _npz(writer.arrays)
    module = asked[numbers[-1]].parameters[0]
    place = f"{flat.names[_DEVICE]}({module}, {literal(known)})" if known else "None"
    body = [
        _imports(flat, isinstance(found, Check), bool(npz) and not case.file),
        _tree(case),
        "",
        f"# -- the question, from {_line(case.suite)} {'-' * max(4, 90 - len(case.suite))}",
        "",
        flat.code,
        "",
        "# -- the input " + "-" * 103,
        "",
        f"{module} = {flat.names[_LOAD]}()",
        f"device = {place}",
        *([_data(npz, case.file)] if npz else []),
        "\n".join(parts),
        "",
        "# -- the answer, and what is right " + "-" * 84,
        "",
        judged,
    ]
    text = docstring(case, bool(npz), device, known) + "\n" + "\n".join(body) + "\n"
    try:
        compile(text, "script", "exec")  # whatever went wrong above shows here, and not at a student's
    except (SyntaxError, ValueError) as error:  # ValueError: what no source can hold, as a zero byte
        raise GraderError(f"what was written of it is no Python: {error}") from None
    return Script(text, npz if case.file else b"")


def _npz(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue() if arrays else b""


def _data(npz: bytes, file: str) -> str:
    """`data = ...`: the .npz beside the script, or, where the script is no file, inside of it."""
    if file:
        return 'data = np.load(Path(__file__).with_suffix(".npz"))'
    lines = textwrap.wrap(base64.b64encode(npz).decode(), 110)
    return "\n".join(['data = np.load(io.BytesIO(base64.b64decode("""', *lines, '""")))'])


def _line(text: str) -> str:
    """A text within one line of a comment."""
    return visible(text).replace("\n", " ")


def _needed(found: Found | None, count: int) -> list[int]:
    """The numbers of the questions that the verdict came from."""
    if isinstance(found, Comparison):
        return [found.got.answer]
    if isinstance(found, Check):
        return sorted({spot.answer for spot in _spots(found.arguments)})
    return [count - 1] if found is None else list(range(count))


def _spots(value: Any) -> list[Spot]:
    if isinstance(value, Spot):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [spot for item in items for spot in _spots(item)]


def _imports(flat: Flattened, namespace: bool, inside: bool) -> str:
    own = ["import os", "import sys", "from pathlib import Path", "import numpy as np"]
    own += ["from types import SimpleNamespace"] if namespace else []
    own += ["import base64", "import io"] if inside else []
    lines = sorted({*own, *flat.imports}, key=lambda line: (line.startswith("from"), line))
    return "\n".join(["from __future__ import annotations", "", *lines])


def _tree(case: Case) -> str:
    paths = ", ".join(map(literal, case.paths))
    return "\n".join(
        [
            "",
            f"TREE = Path(sys.argv[1] if len(sys.argv) > 1 else {literal(str(case.tree))}).resolve()",
            *_environment(case.env),
            f"sys.path[:0] = [str(TREE / part) for part in [{paths}]]",
        ]
    )


def _environment(env: Mapping[str, str]) -> list[str]:
    """The variables that a worker has. Some, as MALLOC_PERTURB_, count only where a process begins with them."""
    if not env:
        return []
    pairs = ", ".join(f"{literal(name)}: {literal(value)}" for name, value in env.items())
    return [
        f"WORKER = {{{pairs}}}",
        "if Path(sys.argv[0]).is_file() and not WORKER.items() <= os.environ.items():",
        "    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **WORKER})",
        "os.environ.update(WORKER)",
    ]


def _question(asked: Asked, answer: str, flat: Flattened, writer: Writer, sources: Sources) -> str:
    """The arguments by the probe's own names, and the call."""
    lines, arguments = [], []
    taken = {*flat.names.values(), *RESERVED, asked.parameters[0]}
    named = [(name, value, False) for name, value in zip(asked.parameters[2:], asked.args, strict=True)]
    named += [(name, value, True) for name, value in asked.kwargs.items()]
    for name, value, by_name in named:
        if isinstance(value, (bool, int, float, str, type(None))):
            written = writer.expression(name, value)
        else:
            variable = name if name not in taken and not keyword.iskeyword(name) else f"{name}_"
            variable += answer.removeprefix("answer")
            lines.append(writer.statement(variable, value))
            written = variable
        arguments.append(f"{name}={written}" if by_name else written)
    call = ", ".join([asked.parameters[0], "device", *arguments])
    lines.append(f"{answer} = {flat.names[_origin(asked, flat)]}({call})")
    return "\n".join(lines)


def _origin(asked: Asked, flat: Flattened) -> Place:
    place = (asked.module, asked.probe)
    if place not in flat.names:
        raise GraderError(f"{asked.module}.{asked.probe} is no function of its own module")
    return place


def _judged(found: Found | None, names: Mapping[int, str], flat: Flattened, writer: Writer) -> str:
    if found is None:
        return 'print("an answer, and no error:", answer)'
    if isinstance(found, Comparison):
        return _compared(found, names, writer)
    if isinstance(found, Check):
        arguments = ", ".join(f"{key}={_argument(key, item, names, writer)}" for key, item in found.arguments.items())
        return f'{flat.names[found.module, found.name]}({arguments})\nprint("right")'
    shown = "\n".join(f"print({name!r}, {name})" for name in names.values())
    code = textwrap.indent(textwrap.dedent(found.code), "#     ")
    return (
        f"# The test goes on with these answers by itself ({found.file}, line {found.line}):\n{code}\n{shown}\n"
        'sys.exit("see the head of this script for what is wrong with that, as the grader says")'
    )


def _argument(name: str, value: Any, names: Mapping[int, str], writer: Writer) -> str:
    if isinstance(value, Spot):
        return f"SimpleNamespace(**{names[value.answer]})" if not value.keys else _place(value, names)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_argument(name, item, names, writer)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_argument(name, item, names, writer) for item in value)}]"
    return writer.expression(name, value)


def _place(spot: Spot, names: Mapping[int, str]) -> str:
    return names[spot.answer] + "".join(f"[{literal(key) if isinstance(key, str) else key}]" for key in spot.keys)


def _compared(found: Comparison, names: Mapping[int, str], writer: Writer) -> str:
    place = _place(found.got, names)
    called = _quoted(found.called)
    if found.kind == "assert_dtype":
        return "\n".join(
            [
                f"got, want = str(np.asarray({place}).dtype), {literal(str(found.want))}",
                "if got != want:",
                f'    sys.exit(f"wrong: {called} has dtype {{got}}; expected {{want}}")',
                'print("right")',
            ]
        )
    want = wanted(found.want)
    if found.kind == "assert_same":
        return "\n".join(
            [
                f"got = {place}",
                "got = got.tolist() if isinstance(got, (np.ndarray, np.generic)) else got",
                writer.statement("want", want.tolist() if isinstance(want, (np.ndarray, np.generic)) else want),
                "if repr(got) != repr(want):",
                f'    sys.exit(f"wrong: {called}: got {{got!r}}, expected {{want!r}}")',
                'print("right")',
            ]
        )
    return _close(found, place, called, np.asarray(want), writer)


def _close(found: Comparison, place: str, called: str, want: Any, writer: Writer) -> str:
    exact = found.kind == "assert_equal"
    dtype = "" if exact else ", dtype=np.float64"
    finite = want.dtype.kind != "f" or bool(np.isfinite(want).all())
    if not exact:
        want = want.astype(np.float64)
        want = _rounded(want) if max(found.rtol, found.atol) > _ROUNDED else want
    want_line = writer.statement("want", want)
    lines = [f"got = np.asarray({place}{dtype})", want_line]
    if found.kind == "assert_scalar":
        lines.append("got = got.reshape(()) if got.size == 1 else got")
    lines += [
        "if got.shape != want.shape:",
        f'    sys.exit(f"wrong: {called} has shape {{got.shape}}; expected {{want.shape}}")',
    ]
    if exact:
        lines.append("wrong = got != want" if finite else "wrong = (got != want) & ~(np.isnan(got) & np.isnan(want))")
    else:
        scale = "np.abs(want).max(initial=0.0)" if finite else "np.abs(want[np.isfinite(want)]).max(initial=0.0)"
        lines.append(f"allowed = {found.atol:g} * max(1.0, {scale}) + {found.rtol:g} * np.abs(want)")
        near = "wrong = ~(np.abs(got - want) <= allowed)"
        if not finite:
            lines.append("same = (got == want) | (np.isnan(got) & np.isnan(want))")
            near = "wrong = ~(same | (np.isfinite(want) & (np.abs(got - want) <= allowed)))"
        lines.append(near)
    lines += [
        "if wrong.any():",
        "    first = tuple(map(int, np.argwhere(wrong)[0]))",
        '    print("got", got, "expected", want, sep="\\n")',
        f'    sys.exit(f"wrong: {called} at {{list(first)}}: got {{got[first]}}, expected {{want[first]}}; '
        '{wrong.sum()} of {wrong.size} values differ")',
        'print("right")',
    ]
    return "\n".join(lines)


def _rounded(want: Any) -> Any:
    """In ten digits: half the length."""
    return np.vectorize(lambda value: float(f"{value:.10g}"), otypes=[np.float64])(want) if want.size else want


def _quoted(text: str) -> str:
    """A text within the double quotes of an f-string."""
    return literal(text)[1:-1].replace("{", "{{").replace("}", "}}")
