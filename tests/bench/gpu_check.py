"""All that only a real GPU can tell: `make gpu-check`.

    python tests/bench/gpu_check.py [STEP ...]

The steps, each a line of its own in the summary, all of them unless some are named:

    build       the reference's backends, by its own Makefile, warnings as errors
    suite       the whole suite on the reference, --device cuda
    programs    the textbook kernels of tests/cudasim, compiled by nvcc: every right one prints ok
    sanitizer   compute-sanitizer over the suite's kernels: memcheck, racecheck, initcheck, synccheck
    bench       needle against PyTorch on the same GPU, into docs/performance.md

The exit status is 0 only if every step passed. Everything runs in this very Python: the comparison needs one whose
PyTorch has CUDA, which the course's own .venv has not (`make gpu-check GPU_PYTHON=...`).
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from machine import machine

from grader.devices import cuda_architectures, cuda_compiler, nvidia_gpus
from grader.toolchain import version_text

ROOT = Path(__file__).resolve().parents[2]
PERFORMANCE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- gpu: begin -->", "<!-- gpu: end -->"  # what `bench` writes stands between them
SANITIZER_TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
# The sanitizer makes kernels slower by a factor of 10 to 100: the cases that reach every kernel, not those that train.
SANITIZED = "nd_backend or new_ops or conv_forward or conv_backward or rnn or lstm"


def main() -> None:
    """Run the steps, and say what came of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="make gpu-check"
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}")
    chosen = parser.parse_args().steps or list(STEPS)
    if unknown := sorted(set(chosen) - set(STEPS)):
        parser.error(f"no step is called {unknown[0]!r}; expected some of: {', '.join(STEPS)}")
    gpus = nvidia_gpus()
    if not gpus.found:
        sys.exit(f"gpu-check needs an NVIDIA GPU, and there is none: {gpus.why_none}. Nothing was checked.")
    if cuda_compiler() is None:
        sys.exit(f"gpu-check needs nvcc, which is not on PATH, for {gpus.names[0]}. Nothing was checked.")
    print(f"{_about()}\n", flush=True)
    outcomes = {}
    for step in chosen:
        print(f"== {step}", flush=True)
        outcomes[step] = STEPS[step]()
    print()
    for step, fault in outcomes.items():
        print(f"{step:10} {'passed' if fault is None else f'FAILED: {fault}'}")
    sys.exit(any(fault is not None for fault in outcomes.values()))


def _about() -> str:
    gpus = nvidia_gpus()
    release = version_text(cuda_compiler() or "").splitlines()[-1:]
    return f"{gpus.names[0]}, driver {gpus.driver}, {' '.join(release)}; {machine()}"


def _run(command: Sequence[str], **more: str) -> str | None:
    """None where the command succeeds, else a clause that says how it ended."""
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **more}, check=False)
    return None if done.returncode == 0 else f"`{' '.join(command[:6])} ...` ended with status {done.returncode}"


def _build() -> str | None:
    return _run(["make", "-C", "reference", f"PYTHON={sys.executable}", "WERROR=1"])


def _suite() -> str | None:
    return _run([*_pytest(), "--durations=10"])


def _pytest() -> list[str]:
    return [sys.executable, "-m", "pytest", "tests/hw4", "-q", "--tree", "reference", "--device", "cuda"]


def _programs() -> str | None:
    sources = sorted((ROOT / "tests" / "cudasim").glob("*.cu"))
    if not sources:
        return "tests/cudasim holds no program"
    architecture = f"-arch=sm_{cuda_architectures()[0]}"
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        for source in sources:
            program = str(Path(folder) / source.stem)
            fault = _run([cuda_compiler() or "nvcc", architecture, "-std=c++17", "-o", program, str(source)])
            if fault := fault or _run([program, "right"]):
                return f"{source.name}: {fault}"
    return None


def _sanitizer() -> str | None:
    tool = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
    if tool is None:
        return "compute-sanitizer is not on PATH; it comes with CUDA's toolkit"
    # In this process (--isolation none): the sanitizer then sees the kernels without following workers.
    suite = [*_pytest(), "--isolation", "none", "-x", "-k", SANITIZED]
    for kind in SANITIZER_TOOLS:
        print(f"-- {kind}", flush=True)
        if fault := _run([tool, "--tool", kind, "--error-exitcode", "9", *suite]):
            return f"{kind}: {fault}"
    return None


def _bench() -> str | None:
    done = subprocess.run(
        [sys.executable, "tests/bench/gpu.py"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    print(done.stdout)
    if done.returncode != 0:
        return f"tests/bench/gpu.py ended with status {done.returncode}"
    head, _, rest = PERFORMANCE.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    today = datetime.date.today().isoformat()
    text = f"{head}{BEGIN}\n{_about()}, {today}; medians of seven rounds in turn.\n\n{done.stdout.strip()}\n{END}{tail}"
    PERFORMANCE.write_text(text, encoding="utf-8")
    return None


STEPS = {"build": _build, "suite": _suite, "programs": _programs, "sanitizer": _sanitizer, "bench": _bench}


if __name__ == "__main__":
    main()
