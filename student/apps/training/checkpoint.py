"""Checkpoints: a training as a file, from which it goes on bit for bit as if it had never stopped.

The file is an .npz of plain arrays, read without pickle, so that nobody's checkpoint can run code. `header` is JSON as
bytes; `model/NAME` the model's numbers, `optimizer/NAME` the optimizer's; `random` NumPy's generator; `history/batches`
and `history/epochs` what has been so far.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import module_state, optimizer_state
from .errors import CheckpointError
from .history import History

FORMAT = 1
_MAY_CHANGE = ("epochs", "data", "checkpoint", "resume")  # settings that do not decide what an epoch does
_REMEDY = "Name the checkpoint of this one, or train without resuming."
# What NumPy, zipfile and json raise on a file that is none of ours, or was cut short; and what its content runs into,
# where numbers, sizes or nesting are beyond all measure.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, AttributeError, IndexError, KeyError, TypeError, ValueError),
    *(MemoryError, OverflowError, RecursionError),
)


@dataclass(frozen=True)
class Trained:
    """What a checkpoint keeps, besides NumPy's generator."""

    model: Any
    optimizer: Any
    identity: dict[str, Any]  # what must be the same for the numbers to mean the same: the kind of model, its words
    settings: dict[str, Any]  # what it was told; another when resumed is said, and no fault


def save(path: Path, trained: Trained, history: History) -> str | None:
    """Write the checkpoint; whoever reads the file finds the old one or the new one, never half of it.

    Gives a sentence where the optimizer's state is of a kind that cannot be kept, else None. Raises CheckpointError
    where the file cannot be written.
    """
    header = {"format": FORMAT, "identity": trained.identity, "settings": trained.settings, "optimizer": None}
    header["model"], numbers = module_state.named_arrays(trained.model)
    arrays = {f"model/{name}": array for name, array in numbers.items()}
    problem = None
    try:
        header["optimizer"], kept = optimizer_state.pack(trained.optimizer, trained.model.parameters())
        arrays.update({f"optimizer/{name}": array for name, array in kept.items()})
    except optimizer_state.UnknownState as unknown:
        problem = f"A checkpoint cannot keep the optimizer's state ({unknown}): a resumed training starts it fresh."
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    header["random"] = {"kind": kind, "position": position, "has_gauss": has_gauss, "gauss": gauss}
    arrays["random"] = keys
    arrays["history/batches"], arrays["history/epochs"] = history.arrays()
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    try:
        _write(path, arrays)
    except OSError as error:
        raise _unwritable(path, error) from error
    return problem


def resume(path: Path, trained: Trained) -> tuple[History, list[str]]:
    """Make model, optimizer and NumPy's generator what they were, and give the history.

    Gives sentences, too, about what is not as it was: other settings, an optimizer that starts fresh. Raises
    CheckpointError, in a sentence that names the file, where there is none, it is damaged, or of another model.
    """
    arrays = _read(path)
    try:
        header = json.loads(arrays["header"].tobytes())
        if header["format"] != FORMAT:
            raise CheckpointError(f"it has format {header['format']!r}; expected {FORMAT}")
        _check_identity(header["identity"], trained.identity)
        history = History.from_arrays(arrays["history/batches"], arrays["history/epochs"])
        module_state.put_arrays(trained.model, header["model"], _under("model/", arrays))
        problem = _resume_optimizer(trained, header["optimizer"], _under("optimizer/", arrays))
        changed = _changed(header["settings"], trained.settings)
        drawn = header["random"]
        np.random.set_state((drawn["kind"], arrays["random"], drawn["position"], drawn["has_gauss"], drawn["gauss"]))
    except CheckpointError as error:
        raise CheckpointError(f"The checkpoint {path} is of another training: {error}. {_REMEDY}") from error
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    return history, [sentence for sentence in (changed, problem) if sentence]


def check_target(path: Path) -> None:
    """Refuse, before an epoch of training, a file that cannot be written. Raises CheckpointError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise _unwritable(path, error) from error


def keep_earlier(path: Path) -> Path | None:
    """Move a file that is in the way aside, to NAME-1.npz or the next number that is free; its new name, or None."""
    if not path.exists():
        return None
    number = 1
    while (aside := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
    return aside


def _resume_optimizer(trained: Trained, described: Any, arrays: dict[str, np.ndarray]) -> str | None:
    if described is None:
        return "The checkpoint has no optimizer's state: the optimizer starts fresh."
    try:
        optimizer_state.unpack(trained.optimizer, trained.model.parameters(), described, arrays)
    except optimizer_state.UnknownState as unknown:
        return f"The checkpoint's optimizer state cannot be used ({unknown}): the optimizer starts fresh."
    return None


def _check_identity(there: dict[str, Any], here: dict[str, Any]) -> None:
    for name, value in here.items():
        if there.get(name) != value:
            raise CheckpointError(f"its {name} is {there.get(name)}, and here it is {value}")


def _changed(there: dict[str, Any], here: dict[str, Any]) -> str | None:
    """Which settings are others than before, apart from those that say how far and where."""
    names = [name for name, value in here.items() if name not in _MAY_CHANGE and there.get(name, value) != value]
    if not names:
        return None
    return f"Not as before: {', '.join(f'{name} was {there[name]}, now {here[name]}' for name in names)}."


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}; train without resuming first, or name another file.")
    try:
        # Opened here, because np.load would leave a file open that turns out to be damaged.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if any(member.compress_size != member.file_size for member in file.zip.infolist()):
                raise ValueError("it is compressed, as ours never are, and may unpack to more than fits into memory")
            return {name: file[name] for name in file.files}
    except _DAMAGED as error:  # of a plain .npy, np.load gives an array, which has no files: AttributeError
        raise _damaged(path, error) from error


def _unwritable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"The checkpoint {path} cannot be written ({error.strerror}); name another file.")


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} is no checkpoint of a training, or damaged ({type(error).__name__}: {error}). {_REMEDY}"
    )


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the new name on an empty file
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
