"""What a worker changes on purpose, so that the judge can see by which way an answer was computed.

A submission may compute with NumPy what its compiled backend was to compute, and no right answer shows that. So some
cases are asked again in a worker where one of these is changed:

    sealed   NumPy sees other values than the backend. The judge sends masked inputs; the backend's way in takes the
             mask off, its way out puts another one on, which the judge takes off again. What the backend computed is
             right all the same; what NumPy computed, or only carried over, is not.
    masked   The same with one mask for both ways: values that are only carried over by NumPy stay right.
    kernels  The kernels give altered results: an answer that stays right does not come from them.

A mask flips bits of a float's mantissa. It is its own inverse, bit by bit exact, keeps sign and size (up to a factor of
two), and leaves alone what is no measurement: whole numbers (labels, indices, tables of zeros and ones, padding),
infinities and NaN. On the way in it is taken off only what is under it: a constant that a tree makes by NumPy, such as
np.full(shape, 0.5), never had one. This module runs on both sides, so it imports nothing else but NumPy.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.delegation.modes import KERNELS, MASKED, PLAIN, SEALED

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """What the judge tells a worker; nothing else of a re-run differs from the first run."""

    mode: str  # one of modes.MODES
    way_in: int  # the mask of values on their way into the backend; 0: none
    way_out: int  # and of those on their way out
    seed: int  # of what the kernels' results are altered by

    @classmethod
    def drawn(cls, mode: str) -> Plan:
        """A plan with masks that nobody can know: from the system's own randomness, not from the run's printed seed."""
        way_in, way_out = (0, 0) if mode in (PLAIN, KERNELS) else (_mask(0b01), _mask(0b10 if mode == SEALED else 0))
        return cls(mode, way_in, way_in if mode == MASKED else way_out, secrets.randbits(32))


def _mask(top: int) -> int:
    """Which of the 23 bits of a mantissa are flipped.

    top: the two highest. They move a value by a sixteenth of its size or more, as the bit below them stays; so do two
    masks that differ there. The lowest bits are flipped so that a half or a quarter becomes no whole number.
    """
    return (top << 21) | (secrets.randbits(13) << 7) | 0b1010101


def masked(values: Array, mask: int) -> Array:
    """The values under the mask, or without it: float32 of the same shape. Raises what NumPy raises for no numbers."""
    values = np.asarray(values, dtype=np.float32)
    other = (np.ascontiguousarray(values).view(np.uint32) ^ np.uint32(mask)).view(np.float32).reshape(values.shape)
    # Of a value that would become a whole number the mask could not be taken off: it stays as well.
    with np.errstate(invalid="ignore"):  # an infinity under a mask is a NaN
        fixed = ~np.isfinite(values) | (values == np.rint(values)) | (other == np.rint(other))
    return np.where(fixed, values, other)


class Perturbation:
    """A worker's plan at work. The probes' package puts it around the compiled module, by its `_perturbed.wrap`."""

    def __init__(self, plan: Plan) -> None:
        self.mode = plan.mode
        self._way_in, self._way_out = plan.way_in, plan.way_out
        # Not NumPy's global generator: needle's layers draw their weights from that one. A prime number of shares, so
        # that rows do not repeat them; drawing anew in every call would take longer than the kernels.
        count = 65_521 if plan.mode == KERNELS else 0
        self._shares = np.random.default_rng(plan.seed).uniform(0.25, 0.75, count).astype(np.float32)
        self._calls = 0
        self._under_mask = _Values()  # under the mask of the way in
        self.depth = 0  # of calls into the compiled module that are running

    def asked(self, given: Any) -> None:
        """A new question, with this in it at any depth: arrays of it are under the mask of the way in, nothing else."""
        if self._way_in:
            self._under_mask = _Values()
            self._note(given)

    def enter(self, values: Any) -> Any:
        """Values on their way from NumPy into the backend, as the backend must get them; no array: as it is."""
        if not self._way_in or not isinstance(values, np.ndarray) or values.dtype.kind != "f":
            return values
        given = np.asarray(values, dtype=np.float32)
        return np.where(self._under_mask.hold(given), masked(given, self._way_in), given)

    def enter_number(self, value: Any) -> Any:
        """A number that a kernel is given beside its arrays: `float(x.numpy().max())` carries a value as arrays do."""
        if not self._way_in or not isinstance(value, (float, np.floating)):
            return value
        with np.errstate(over="ignore"):
            number = np.float32(value)
        entered = self.enter(np.array([number]))[0]
        return value if entered == number or np.isnan(number) else float(entered)

    def leave(self, values: Any) -> Any:
        """Values on their way from the backend to NumPy, as NumPy must get them."""
        if not self._way_out:
            return values
        hidden = masked(values, self._way_out)
        if self._way_out == self._way_in:  # NumPy may carry them back
            self._under_mask.add(hidden)
        return hidden

    def _note(self, given: Any) -> None:
        if isinstance(given, np.ndarray) and given.dtype.kind == "f":
            with np.errstate(over="ignore"):
                self._under_mask.add(given.astype(np.float32))
        elif isinstance(given, (list, tuple)):
            for item in given:
                self._note(item)
        elif isinstance(given, dict):
            self._note(list(given.values()))

    def alter(self, values: Any) -> Any:
        """What a kernel computed, changed everywhere by a quarter to three quarters of its size, or of 1 if it is less.

        Another change for every element and every call: a constant factor would cancel out in what is normalised.
        """
        values = np.asarray(values, dtype=np.float32)
        self._calls += 1
        share = np.resize(np.roll(self._shares[: max(values.size, 1)], 7 * self._calls), values.shape)
        with np.errstate(all="ignore"):
            return (values + share * np.maximum(np.abs(values), 1)).astype(np.float32)

    def called(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of the compiled module; NumPy refuses to compute meanwhile where it was told to."""
        self.depth += 1
        try:
            return function(*args, **kwargs)
        finally:
            self.depth -= 1


class _Values:
    """Which float32 values have been seen, whatever their sign, which no mask changes: in `Z - m` it is -m that enters.

    Exactly: by a hash into 2**25 places, the 0.5 that a tree multiplied by was taken for one of 4 million values seen.
    """

    def __init__(self) -> None:
        # Exponent -> for each of the 2**23 mantissas whether it was seen: 8 MiB, of which the system gives what is
        # touched. Sets and sorted arrays took longer than the kernels where numbers go in and out in a loop.
        self._seen: dict[int, npt.NDArray[np.bool_]] = {}

    def add(self, values: Array) -> None:
        """values: of float32."""
        for exponent, _, mantissas in _by_exponent(values):
            if exponent not in self._seen:
                self._seen[exponent] = np.zeros(1 << 23, dtype=np.bool_)
            self._seen[exponent][mantissas] = True

    def hold(self, values: Array) -> Array:
        """For each value (of float32) whether it was added."""
        found = np.zeros(values.size, dtype=np.bool_)
        for exponent, where, mantissas in _by_exponent(values):
            if exponent in self._seen:
                found[where] = self._seen[exponent][mantissas]
        return found.reshape(values.shape)


def _by_exponent(values: Array) -> Iterator[tuple[int, Array, Array]]:
    """(exponent, which of the flat values have it, their mantissas), both as IEEE 754 lays them out."""
    bits = np.abs(np.ascontiguousarray(values)).view(np.uint32).reshape(-1)
    exponents = bits >> np.uint32(23)
    for exponent in np.flatnonzero(np.bincount(exponents, minlength=1)):
        where = exponents == exponent
        yield int(exponent), where, bits[where] & np.uint32((1 << 23) - 1)


def refuse_numpy_in_kernels(perturbation: Perturbation, numpy: ModuleType) -> None:
    """Make NumPy's computing functions raise while a function of the compiled module runs.

    A C++ kernel can reach NumPy through Python's C API and hand the work over: its values look as if the kernel had
    computed them. Only for workers of re-runs: what is put in NumPy's place is no `np.ufunc` to isinstance(). Methods
    and operators of arrays cannot be replaced, so `a @ b` of two arrays made in C++ is not seen here.
    """
    for module, all_compute in ((numpy, False), (numpy.linalg, True), (numpy.fft, True)):
        for name, value in list(vars(module).items()):
            function = callable(value) and not isinstance(value, (type, ModuleType)) and not name.startswith("_")
            if function and (all_compute or name in COMPUTES or isinstance(value, numpy.ufunc)):
                setattr(module, name, _Refusing(value, name, perturbation))


REFUSAL = "from within one of its functions"  # how the refusal ends, by which the judge knows it

# NumPy's functions that compute and are no ufuncs; the others of its top level make, shape or index arrays.
_COMPUTE = """
all amax amin any argmax argmin argsort average bincount convolve correlate cross cumprod cumsum diff dot
einsum einsum_path flip fliplr flipud gradient histogram inner interp kron matmul max mean median min nanmax
nanmean nanmin nansum outer pad prod ptp roll rot90 round sort std sum take tensordot trace transpose trapz
trapezoid var vdot vecdot where vectorize apply_along_axis apply_over_axes copyto concatenate stack
"""
COMPUTES = frozenset(_COMPUTE.split())


class _Refusing:
    """A function of NumPy that does not compute inside of a kernel."""

    def __init__(self, function: Callable[..., Any], name: str, perturbation: Perturbation) -> None:
        self._function, self._name, self._perturbation = function, name, perturbation
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._perturbation.depth:
            raise RuntimeError(f"the compiled module called numpy.{self._name} {REFUSAL}")
        return self._function(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._function, name)
        return _Refusing(value, f"{self._name}.{name}", self._perturbation) if name in UFUNC_METHODS else value


UFUNC_METHODS = frozenset({"accumulate", "at", "outer", "reduce", "reduceat"})


def plan_of(told: Mapping[str, Any]) -> Plan:
    """The plan in a judge's frame."""
    return Plan(str(told["mode"]), int(told["way_in"]), int(told["way_out"]), int(told["seed"]))
