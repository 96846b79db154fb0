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
        return args
        ### END YOUR SOLUTION

    def gradient(self, out_grad: TensorTuple, node: TensorTuple):
        ### BEGIN YOUR SOLUTION
        return out_grad.tuple()
        ### END YOUR SOLUTION


def make_tuple(*args: Tensor) -> TensorTuple:
    """See MakeTensorTuple."""
    return MakeTensorTuple()(*args)


### BEGIN YOUR SOLUTION


class OneOfTuple(TensorTuple):
    """A gradient of the tuple `whole` that is zero but for some elements: `items`, by their index.

    A tuple of n tensors, taken apart, gets n gradients of one element each. Filled up with zeros they would
    take n**2 additions to add up: 0.1 s for the 40 words of a sequence. Here zeros are made only where there
    is nothing else. It is no node of the graph: an op that is to be differentiated again must take its
    elements.
    """

    def __init__(self, whole: TensorTuple, items: dict[int, Tensor]):
        self._init(None, (), None, any(item.requires_grad for item in items.values()))
        self.whole = whole
        self.items = items

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, index: int) -> Tensor:
        return self.items[index] if index in self.items else init.zeros_like(self.whole[index])

    def __add__(self, other: TensorTuple) -> TensorTuple:
        if not isinstance(other, OneOfTuple):
            return super().__add__(other)
        both = {index: self.items[index] + other.items[index] for index in self.items.keys() & other.items.keys()}
        return OneOfTuple(self.whole, {**self.items, **other.items, **both})

    def realize_cached_data(self) -> tuple[NDArray, ...]:
        return tuple(item.realize_cached_data() for item in self)


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
        return a[self.index]
        ### END YOUR SOLUTION

    def gradient(self, out_grad: Tensor, node: Tensor):
        ### BEGIN YOUR SOLUTION
        (whole,) = node.inputs
        return OneOfTuple(whole, {self.index % len(whole): out_grad})
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
        return a + self.c0, a + self.c1
        ### END YOUR SOLUTION

    def gradient(self, out_grad: TensorTuple, node: TensorTuple):
        ### BEGIN YOUR SOLUTION
        return out_grad[0] + out_grad[1]
        ### END YOUR SOLUTION


def fused_add_scalars(x: Tensor, c0: float, c1: float) -> TensorTuple:
    """See FusedAddScalars."""
    return FusedAddScalars(c0, c1)(x)
