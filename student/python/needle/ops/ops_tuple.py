"""Ops on tuples of tensors."""

from __future__ import annotations

from .. import init
from ..autograd import Tensor, TensorOp, TensorTuple, TensorTupleOp
from ..backend_selection import NDArray
from . import _checks


class MakeTensorTuple(TensorTupleOp):
    """Tensors a, b, ... -> the TensorTuple (a, b, ...).

    The gradient that arrives is a TensorTuple of the same length.
    """

    def compute(self, *args: NDArray) -> tuple[NDArray, ...]:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("MakeTensorTuple.compute is yours to write (python/needle/ops/ops_tuple.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: TensorTuple, node: TensorTuple):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("MakeTensorTuple.gradient is yours to write (python/needle/ops/ops_tuple.py)")
        ### END YOUR SOLUTION


def make_tuple(*args: Tensor) -> TensorTuple:
    """See MakeTensorTuple."""
    return MakeTensorTuple()(*args)


### BEGIN YOUR SOLUTION
### END YOUR SOLUTION


class TupleGetItem(TensorOp):
    """A TensorTuple t -> its element `t[index]`; a negative index counts from the end.

    The gradient is that of the whole tuple, so a TensorTuple itself: elements that were not taken do not
    matter to the result. `node.inputs[0]` is the tuple, `init.zeros_like(x)` makes a tensor of zeros.
    """

    takes_tuple = True

    def __init__(self, index: int):
        self.index = _checks.integer(self, "index", index)

    def check(self, a: TensorTuple) -> None:
        if not -len(a) <= self.index < len(a):
            raise IndexError(f"TupleGetItem: index {self.index} is out of range for a tuple of {len(a)} tensors.")

    def compute(self, a: tuple[NDArray, ...]) -> NDArray:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("TupleGetItem.compute is yours to write (python/needle/ops/ops_tuple.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("TupleGetItem.gradient is yours to write (python/needle/ops/ops_tuple.py)")
        ### END YOUR SOLUTION


def tuple_get_item(value: TensorTuple, index: int) -> Tensor:
    """See TupleGetItem."""
    get = TupleGetItem(index)
    if isinstance(value, TensorTuple) and isinstance(value.op, MakeTensorTuple):
        # Packed just to be unpacked: the tensor itself is there, and needs no node of its own.
        get.check(value)
        return value.inputs[index]
    return get(value)


class FusedAddScalars(TensorTupleOp):
    """A tensor a -> the TensorTuple (a + c0, a + c1), for two numbers."""

    def __init__(self, c0: float, c1: float):
        self.c0 = _checks.number(self, "c0", c0)
        self.c1 = _checks.number(self, "c1", c1)

    def compute(self, a: NDArray) -> tuple[NDArray, NDArray]:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("FusedAddScalars.compute is yours to write (python/needle/ops/ops_tuple.py)")
        ### END YOUR SOLUTION

    def gradient(self, out_grad: TensorTuple, node: TensorTuple):
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("FusedAddScalars.gradient is yours to write (python/needle/ops/ops_tuple.py)")
        ### END YOUR SOLUTION


def fused_add_scalars(x: Tensor, c0: float, c1: float) -> TensorTuple:
    """See FusedAddScalars."""
    return FusedAddScalars(c0, c1)(x)
