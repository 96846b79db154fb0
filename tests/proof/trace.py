"""What each case runs of the reference, as tracer.py sees it.

What is found is kept, a file of the suite at a time, until that file, the suite's common code, the reference or the way
of looking changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.build import BuiltTree
from grader.errors import GraderError
from grader.judge import ROOT
from proof.judge import judge_environment
from proof.python_units import parse
from proof.touched import Seen, TouchMap

KEPT = ROOT / "build" / "proof"


def touch_map(
    assignment: Assignment, tree: BuiltTree, sources: Mapping[str, str], devices: Sequence[str], *, complete: bool
) -> TouchMap:
    """What the cases of these devices run; tree: the reference, built for them; sources: its texts.

    A file of the suite whose cases do not all pass, since somebody is at work on it, is told about and left out: its
    cases are then touched by every change. complete: it is refused instead, with a GraderError.
    """
    cases: dict[str, Seen] = {}
    # A function that remembers what it gave runs in the first case of all that call it: any case may depend on it.
    imported = {
        f"{path}:{name}" for path, text in sources.items() if path.endswith(".py") for name in parse(text).memoised
    }
    # Each device has a process of its own, which takes half a minute.
    with ThreadPoolExecutor(max(1, len(devices))) as pool:
        traced = list(pool.map(lambda device: _per_file(assignment, tree, sources, device, complete), devices))
    for files in traced:
        for found in files:
            imported.update(found["imported"])
            for name, (units, kernels, seconds) in found["cases"].items():
                cases[name] = Seen(frozenset(units), frozenset(kernels), seconds)
    return TouchMap(cases, frozenset(imported))


def _per_file(
    assignment: Assignment, tree: BuiltTree, sources: Mapping[str, str], device: str, complete: bool
) -> list[dict[str, Any]]:
    common = _hash({path.name: path.read_text(encoding="utf-8") for path in _common(assignment.suite)})
    reference = _hash(sources)
    kept: dict[Path, Path] = {}
    for file in sorted(assignment.suite.glob("test_*.py")):
        if file.name == "test_submission.py":  # its functions have no verdict
            continue
        key = _hash({"file": file.read_text(encoding="utf-8"), "common": common, "reference": reference})
        kept[file] = KEPT / f"touched-{file.stem}-{device}-{key[:16]}.json"
    missing = [file for file, place in kept.items() if not place.exists()]
    if missing:
        print(f"seeing what the cases of {len(missing)} files run on {device} ...", file=sys.stderr, flush=True)
        found = _traced(tree, device, missing)
        KEPT.mkdir(parents=True, exist_ok=True)
        for file in missing:
            if file.name in found["passed"]:
                _keep(kept[file], file, device, found)
            elif complete:
                raise GraderError(f"{file.name} does not pass on the reference on {device}, so nothing can be proved")
            else:
                print(f"{file.name} does not pass on the reference: its cases are run for every bug", file=sys.stderr)
    return [json.loads(place.read_text(encoding="utf-8")) for place in kept.values() if place.exists()]


def _keep(place: Path, file: Path, device: str, found: Mapping[str, Any]) -> None:
    for older in KEPT.glob(f"touched-{file.stem}-{device}-*.json"):
        older.unlink(missing_ok=True)
    own = {name: seen for name, seen in found["cases"].items() if name.startswith(f"{file.name}::")}
    fresh = place.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"imported": found["imported"], "cases": own}), encoding="utf-8")
    fresh.replace(place)


def _common(suite: Path) -> list[Path]:
    """What the suite's files share, and this package's own way of looking."""
    shared = [path for path in suite.rglob("*.py") if not path.name.startswith("test_")]
    return sorted([*shared, *(Path(__file__).with_name(name) for name in ("trace.py", "tracer.py", "python_units.py"))])


def _hash(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(texts), sort_keys=True).encode()).hexdigest()


def _traced(tree: BuiltTree, device: str, files: Sequence[Path]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="proof-trace-") as name:
        folder = Path(name)
        (folder / "tree.json").write_text(tree.to_json(), encoding="utf-8")
        arguments = [str(folder / "tree.json"), str(folder / "found.json"), device, *map(str, files)]
        done = subprocess.run(
            [sys.executable, "-m", "proof.tracer", *arguments],
            cwd=ROOT,
            env=judge_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if not (folder / "found.json").exists():
            raise GraderError(f"the suite cannot be run on the reference:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return found
