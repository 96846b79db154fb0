"""Comparisons that several test files share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.compare import assert_close, assert_dtype, assert_same, assert_scalar, assert_true

# Standard errors that a mean or a variance may be off by. A right program is beyond it once in 10 million checks.
SIGMAS = 6.0


def assert_gradients(got: Any, want: Mapping[str, npt.NDArray[Any]], **tolerance: float) -> None:
    """Every gradient of `want` is right. One that is zero throughout may be missing: nothing had to flow there."""
    for name, value in want.items():
        found = getattr(got, name)
        if found is None:
            assert_true(not value.any(), f"{name} is missing: backward() left None there; expected {value.shape}.")
        else:
            assert_close(found, value, name=name, **tolerance)


def assert_between(got: Any, low: float, high: float, name: str) -> None:
    """`got` is one number from `low` to `high`, all of which are right, or as near to one as rounding allows."""
    number = isinstance(got, np.ndarray) and got.size == 1 and got.dtype.kind in "iuf"
    value = float(got.reshape(())) if number else low
    assert_scalar(got, low if not value >= low else min(value, high), name=name)  # a NaN is not the one that is wanted


def assert_uniform(got: Any, shape: tuple[int, ...], bound: float, name: str) -> None:
    """`got` has that shape and looks drawn from U(-bound, bound); needs 40 values or more to be worth something."""
    values = _finite(got, shape, name)
    largest = float(np.abs(values).max())
    assert_true(
        largest <= bound * (1 + 1e-5), f"{name} has a value of magnitude {largest:.5g}; expected at most {bound:.5g}."
    )
    # n values: the mean's standard error is bound/sqrt(3n), that of the mean square 2 bound^2/sqrt(45n).
    _assert_near(float(values.mean()), 0.0, bound / math.sqrt(3 * values.size), f"the mean of {name}")
    error = 2 * bound**2 / math.sqrt(45 * values.size)
    _assert_near(float((values**2).mean()), bound**2 / 3, error, f"the mean square of {name}")


def assert_normal(got: Any, shape: tuple[int, ...], name: str) -> None:
    """`got` has that shape and looks drawn from N(0, 1)."""
    values = _finite(got, shape, name)
    n = values.size
    _assert_near(float(values.mean()), 0.0, 1 / math.sqrt(n), f"the mean of {name}")
    _assert_near(float((values**2).mean()), 1.0, math.sqrt(2 / n), f"the mean square of {name}")
    # A uniform distribution of variance 1 has no values beyond sqrt(3); of a normal one 8.33% are.
    share = math.erfc(math.sqrt(3 / 2))
    far = float((np.abs(values) > math.sqrt(3)).mean())
    _assert_near(far, share, math.sqrt(share * (1 - share) / n), f"the share of values beyond 1.73 in {name}")


def assert_unlike(arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """No two of the arrays hold the same values: each was drawn by itself."""
    names = list(arrays)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            a, b = np.ravel(arrays[first]), np.ravel(arrays[second])
            size = min(a.size, b.size)
            same = np.array_equal(a[:size], b[:size])
            assert_true(not same, f"{first} and {second} hold the same values; expected new draws for each.")


def assert_share(got: float, want: float, n: int, what: str) -> None:
    """A share of n independent trials, each of which comes out with probability `want`."""
    _assert_near(float(got), want, math.sqrt(want * (1 - want) / n), what)


def assert_forgets(got: Any, holder: str, each: str) -> None:
    """What `holder` holds keeps no more earlier tensors alive after the last step or batch than after the first two."""
    counts = got.history
    whole = isinstance(counts, list) and all(isinstance(count, int) for count in counts)
    assert_true(whole and len(counts) > 0, f"{holder} was not counted: {counts!r}.")
    assert_true(
        counts[-1] <= max(counts[:2]),
        f"{holder} keeps the graph: after every {each} it holds on to more tensors, {counts}; "
        "compute what is kept from `.data` or `.detach()`.",
    )


# A device that simulates another: needle knows only the other.
SIMULATES = {"cuda-sim": "cuda"}


def no_default(device: str) -> str:
    """The device where a layer made for `device` is looked for: what `init` does by default, cpu(), must not do there.

    As _common.no_default of the probes.
    """
    return "cpu_numpy" if device == "cpu" else device


def assert_places(got: Any, device: str) -> None:
    """The devices and dtypes that a probe found are one: this device, float32."""
    assert_same(got.devices, [f"{SIMULATES.get(device, device)}()"], "the device of the tensors")
    assert_same(got.dtypes, ["float32"], "the dtype of the tensors")


def assert_shapes(got: Any, want: Sequence[Sequence[int]], what: str) -> None:
    """A list of shapes."""
    assert_same(got, [list(shape) for shape in want], what)


def _finite(got: Any, shape: tuple[int, ...], name: str) -> npt.NDArray[np.float64]:
    """The values in float64, when they are float32, of that shape and finite."""
    assert_dtype(got, name=name)
    assert_true(np.shape(got) == shape, f"{name} has shape {np.shape(got)}; expected {shape}.")
    values = np.asarray(got, dtype=np.float64)
    assert_true(bool(np.isfinite(values).all()), f"{name} has values that are infinite or NaN.")
    return values


def _assert_near(value: float, want: float, error: float, what: str) -> None:
    assert_true(
        abs(value - want) <= SIGMAS * error,
        f"{what} is {value:.5g}; expected {want:.5g}, give or take {SIGMAS * error:.2g}.",
    )
