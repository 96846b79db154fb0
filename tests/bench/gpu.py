"""needle on a GPU against PyTorch on the same one, in one process, in turn: `make gpu-check` runs this.

    python tests/bench/gpu.py [--rounds N] [--on cuda|cpu]

It needs a PyTorch with CUDA and a tree whose backends are built (`make -C reference`). Both sides run on the default
stream, and PyTorch's events time both, so that nothing is measured but the device's work. Behind the table stands
where the time of a training step goes, kernel by kernel. `--on cpu` is a rehearsal of the same code on the CPU, at
small sizes, for a machine without a GPU.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "reference"
Action = Callable[[], object]


@dataclass(frozen=True)
class Sizes:
    """What is measured, and how large."""

    products: tuple[tuple[int, int, int], ...]  # (m, n, p) of (m, n) @ (n, p)
    elements: int  # of an array in the tests of bandwidth
    batch: int  # of a training step
    step_seconds: float  # of one measurement: as many repetitions as fit in


GPU = Sizes(
    products=(
        (4096, 4096, 4096),
        (2048, 2048, 2048),
        (1024, 1024, 1024),
        (1000, 1000, 1000),
        (256, 256, 256),
        (8192, 147, 16),
        (2048, 288, 32),
        (700, 100, 10000),
    ),
    elements=1 << 28,  # 1 GiB an array: many times the 60 MB of an H200's L2 cache
    batch=128,
    step_seconds=0.2,
)
CPU = Sizes(products=((256, 256, 256), (200, 147, 16)), elements=1 << 20, batch=4, step_seconds=0.05)


@dataclass(frozen=True)
class Pair:
    """One row: the same work by needle and by what it is measured against."""

    what: str
    against: str
    needle: Action
    other: Action
    amounts: tuple[float, float]  # of work in one call of each, for the unit
    unit: str  # "GFLOP/s": amounts are in GFLOP; "GB/s": in GB; "ms": the time itself, amounts are 1


@dataclass(frozen=True)
class Row:
    """What came of a pair."""

    pair: Pair
    needle: tuple[float, ...]  # seconds a call, one number a round
    other: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """How many times as fast as the other needle is, round by round."""
        scale = self.pair.amounts[0] / self.pair.amounts[1]
        return [scale * other / needle for needle, other in zip(self.needle, self.other, strict=True)]

    def markdown(self) -> str:
        """A row of the table: medians, and the ratio with its spread."""
        medians = (statistics.median(self.needle), statistics.median(self.other))
        speeds = [self._speed(amount, seconds) for amount, seconds in zip(self.pair.amounts, medians, strict=True)]
        ratio = f"{statistics.median(self.ratios):.2f} ({min(self.ratios):.2f} to {max(self.ratios):.2f})"
        return f"| {self.pair.what} | {self.pair.against} | {speeds[0]} | {speeds[1]} | {ratio} |"

    def _speed(self, amount: float, seconds: float) -> str:
        if self.pair.unit == "ms":
            return f"{seconds * 1e3:.3g} ms"
        return f"{amount / seconds:,.0f} {self.pair.unit}"


class Clock:
    """Times work on the device: by events in its stream, or by the wall on a CPU."""

    def __init__(self, device: str) -> None:
        self._cuda = device == "cuda"

    def seconds(self, action: Action, times: int) -> float:
        """Seconds a call, over `times` calls."""
        if not self._cuda:
            start = time.perf_counter()
            for _ in range(times):
                action()
            return (time.perf_counter() - start) / times
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(times):
            action()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3 / times


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each, in turn (default: 7)")
    parser.add_argument("--on", choices=("cuda", "cpu"), default="cuda", help="cpu: a rehearsal")
    arguments = parser.parse_args()
    if arguments.on == "cuda" and not torch.cuda.is_available():
        sys.exit(f"PyTorch {torch.__version__} of {sys.executable} has no CUDA device to compare with.")
    torch.backends.cuda.matmul.allow_tf32 = False  # float32 against float32
    torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(1)
    sizes, clock = (GPU, Clock("cuda")) if arguments.on == "cuda" else (CPU, Clock("cpu"))
    print("| what | against | needle | the other | times as fast |\n|---|---|---|---|---|")
    for pair in pairs(_needle(), arguments.on, sizes):
        print(measured(pair, clock, sizes.step_seconds, arguments.rounds).markdown(), flush=True)
    if arguments.on == "cuda":  # the last pair: the training step
        for who, step in (("needle", pair.needle), ("PyTorch", pair.other)):
            print(f"\nKernels of five training steps, {who}:\n\n{kernels(step)}")


def _needle() -> Any:
    for folder in ("python", "apps"):
        sys.path.insert(0, str(TREE / folder))
    import needle

    return needle


def measured(pair: Pair, clock: Clock, seconds: float, rounds: int) -> Row:
    """Both sides in turn, so that a drift of the clocks hits both alike; a first round warms up and is thrown away."""
    counts = []
    for action in (pair.needle, pair.other):
        clock.seconds(action, 1)
        counts.append(max(1, int(seconds / max(clock.seconds(action, 2), 1e-7))))
    times = [(clock.seconds(pair.needle, counts[0]), clock.seconds(pair.other, counts[1])) for _ in range(rounds + 1)]
    return Row(pair, tuple(t[0] for t in times[1:]), tuple(t[1] for t in times[1:]))


def kernels(step: Action, steps: int = 5, rows: int = 15) -> str:
    """A table of the kernels that take most of the time of some steps, whoever launched them."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
    found = sorted(profiler.key_averages(), key=lambda event: -event.self_device_time_total)[:rows]
    lines = ["| kernel | calls | ms in all |", "|---|---|---|"]
    lines += [f"| `{event.key[:90]}` | {event.count} | {event.self_device_time_total / 1e3:.3f} |" for event in found]
    return "\n".join(lines)


def pairs(needle: Any, device: str, sizes: Sizes) -> Iterator[Pair]:
    """What is measured. Lazily, so that only one row's arrays are on the device at a time."""
    place = getattr(needle, device)()
    if not place.enabled():
        sys.exit(f"needle.{device}() is not enabled; run `make -C {TREE}` with this Python first.")
    for m, n, p in sizes.products:
        yield _product(place.mod, device, m, n, p)
    yield from _bandwidth(place.mod, device, sizes.elements)
    yield _training_step(needle, place, device, sizes.batch)


def _product(backend: Any, device: str, m: int, n: int, p: int) -> Pair:
    a, b, out = backend.Array(m * n), backend.Array(n * p), backend.Array(m * p)
    backend.fill(a, 0.5)
    backend.fill(b, 0.25)
    x, y = torch.full((m, n), 0.5, device=device), torch.full((n, p), 0.25, device=device)
    z = torch.empty((m, p), device=device)
    return Pair(
        f"matmul ({m}, {n}) @ ({n}, {p})",
        "torch.mm, float32" + (" (cuBLAS, TF32 off)" if device == "cuda" else ""),
        lambda: backend.matmul(a, b, out, m, n, p),
        lambda: torch.mm(x, y, out=z),
        (2e-9 * m * n * p,) * 2,
        "GFLOP/s",
    )


def _bandwidth(backend: Any, device: str, size: int) -> Iterator[Pair]:
    """Work that only moves memory, against a plain copy: bytes read and written, a second."""
    rows = 1 << (size.bit_length() // 2)
    columns = size // rows
    x, y = torch.ones(size, device=device), torch.empty(size, device=device)
    a, b, out = backend.Array(size), backend.Array(size), backend.Array(size)
    half, many, few = backend.Array(size // 2), backend.Array(size // 8), backend.Array(16)
    backend.fill(a, 1.5)
    backend.fill(b, 2.5)
    # What is read and written, in arrays of `size`.
    works: list[tuple[str, float, Action]] = [
        ("fill", 1, lambda: backend.fill(out, 1.0)),
        ("ewise_add", 3, lambda: backend.ewise_add(a, b, out)),
        ("scalar_mul", 2, lambda: backend.scalar_mul(a, 3.0, out)),
        ("ewise_exp", 2, lambda: backend.ewise_exp(a, out)),
        ("compact, transposed", 2, lambda: backend.compact(a, out, [columns, rows], [1, columns], 0)),
        (
            "compact, every second row, reversed",
            1,
            lambda: backend.compact(a, half, [rows // 2, columns], [2 * columns, -1], columns - 1),
        ),
        ("ewise_setitem", 2, lambda: backend.ewise_setitem(a, out, [rows, columns], [columns, 1], 0)),
        ("reduce_sum, 16 long rows", 1, lambda: backend.reduce_sum(a, few, size // 16)),
        ("reduce_sum, rows of 8", 1 + 1 / 8, lambda: backend.reduce_sum(a, many, 8)),
    ]
    for what, arrays, work in works:
        yield Pair(what, "torch's copy", work, lambda: y.copy_(x), (arrays * size * 4e-9, 2 * size * 4e-9), "GB/s")


def _training_step(needle: Any, place: Any, device: str, batch: int) -> Pair:
    """Forward, loss, backward and Adam's step of ResNet9."""
    from models import ResNet9

    x = np.random.default_rng(0).random((batch, 3, 32, 32), np.float32)
    y = np.random.default_rng(1).integers(0, 10, batch)
    ours = ResNet9(device=place)
    loss_fn = needle.nn.SoftmaxLoss()
    optimizer = needle.optim.Adam(ours.parameters(), lr=0.001, weight_decay=0.001)
    images = needle.Tensor(x, device=place, requires_grad=False)
    labels = needle.Tensor(y.astype(np.float32), device=place, requires_grad=False)

    def step() -> None:
        optimizer.reset_grad()
        loss_fn(ours(images), labels).backward()
        optimizer.step()

    theirs = _torch_resnet9().to(device)
    torch_optimizer = torch.optim.Adam(theirs.parameters(), lr=0.001, weight_decay=0.001)
    torch_images, torch_labels = torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)

    def torch_step() -> None:
        torch_optimizer.zero_grad()
        torch.nn.functional.cross_entropy(theirs(torch_images), torch_labels).backward()
        torch_optimizer.step()

    return Pair(f"ResNet9 training step, batch {batch}", "PyTorch, eager", step, torch_step, (1.0, 1.0), "ms")


def _torch_resnet9() -> torch.nn.Module:
    """The same network of PyTorch's own modules (the oracle's is made for float64, and for nothing but being right)."""
    nn = torch.nn

    def conv_bn(inputs: int, outputs: int, kernel: int, stride: int) -> torch.nn.Module:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2), nn.BatchNorm2d(outputs), nn.ReLU()
        )

    class Residual(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(conv_bn(channels, channels, 3, 1), conv_bn(channels, channels, 3, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.inner(x)

    return nn.Sequential(
        *(conv_bn(3, 16, 7, 4), conv_bn(16, 32, 3, 2), Residual(32)),
        *(conv_bn(32, 64, 3, 2), conv_bn(64, 128, 3, 2), Residual(128)),
        *(nn.Flatten(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


if __name__ == "__main__":
    main()
