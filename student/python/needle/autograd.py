"""The computation graph: values, the ops that make them, and reverse-mode differentiation through both.

A `Value` is a node of the graph: a `Tensor` (one array) or a `TensorTuple` (several). It remembers the op and
the inputs it was computed from. Gradients are values too, computed by the same ops, so they can be
differentiated in turn.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy

# Tensor's operators call needle.ops and needle.init, which import this module: found when called, not here.
import needle

from ._arguments import checked_array, checked_device, checked_dtype, checked_numbers, device_of, kind, number
from .backend_selection import Device, NDArray, array_api, default_device


class Op:
    """A function in the graph. Subclasses say how to compute it, what inputs it takes, and its gradient."""

    # Whether the inputs are TensorTuples rather than Tensors.
    takes_tuple = False

    def __call__(self, *args: Value) -> Value:
        """Apply the op to values: check them, compute the result, and put it into the graph."""
        raise NotImplementedError(f"{type(self).__name__}: derive from TensorOp or TensorTupleOp, not from Op.")

    def check(self, *args: Value) -> None:
        """Raise ValueError if the op cannot take these inputs, mostly because of their shapes.

        Runs before every compute, so that compute may rely on it. The default accepts everything.
        """

    def compute(self, *args: NDArray) -> NDArray | tuple[NDArray, ...]:
        """The forward pass, on arrays (not on Tensors).

        Args:
            args: the arrays of the inputs, one for each.

        Returns:
            The array of the output; for a TensorTupleOp, a tuple of arrays.
        """
        raise NotImplementedError(f"{type(self).__name__}.compute is not written.")

    def gradient(self, out_grad: Value, node: Value) -> Value | tuple[Value | None, ...]:
        """The backward pass: the gradient with respect to each input, by ops on Tensors (not on arrays).

        Args:
            out_grad: the gradient of the final result with respect to this op's output, in that one's shape.
            node: the output's node. `node.inputs` are this op's inputs.

        Returns:
            One gradient, or a tuple of one for each input, each of its input's shape. None may stand for the
            gradient of an input that does not require one.
        """
        raise NotImplementedError(f"{type(self).__name__}.gradient is not written.")

    def gradient_as_tuple(self, out_grad: Value, node: Value) -> tuple[Value | None, ...]:
        """`gradient`, always as a tuple with one entry for each input, and checked against the inputs."""
        gradients = self.gradient(out_grad, node)
        gradients = tuple(gradients) if isinstance(gradients, (tuple, list)) else (gradients,)
        _check_gradients(type(self).__name__, gradients, node.inputs)
        return gradients


class TensorOp(Op):
    """An op whose output is a Tensor."""

    def __call__(self, *args: Value) -> Tensor:
        _check_inputs(self, args)
        return Tensor.make_from_op(self, args)


class TensorTupleOp(Op):
    """An op whose output is a TensorTuple."""

    def __call__(self, *args: Value) -> TensorTuple:
        _check_inputs(self, args)
        return TensorTuple.make_from_op(self, args)


class Value:
    """A node of the graph.

    Attributes:
        op: the op that made it; None for a leaf.
        inputs: what the op was applied to; empty for a leaf.
        cached_data: the array (for a TensorTuple: the tuple of arrays), once computed.
        requires_grad: whether gradients flow to it.
    """

    op: Op | None
    inputs: tuple[Value, ...]
    cached_data: Any
    requires_grad: bool

    def _init(self, op: Op | None, inputs: tuple[Value, ...], cached_data: Any, requires_grad: bool) -> None:
        self.op = op
        self.inputs = tuple(inputs)
        self.cached_data = cached_data
        self.requires_grad = requires_grad

    @classmethod
    def make_const(cls, data: Any, *, requires_grad: bool = False) -> Value:
        """A leaf that holds `data` itself: an array, or for a TensorTuple a tuple of arrays."""
        value = cls.__new__(cls)
        value._init(None, (), data, requires_grad)
        return value

    @classmethod
    def make_from_op(cls, op: Op, inputs: tuple[Value, ...]) -> Value:
        """The value of `op` applied to `inputs`, computed now; a constant if no input requires a gradient."""
        value = cls.__new__(cls)
        value._init(op, inputs, None, any(x.requires_grad for x in inputs))
        value.realize_cached_data()
        # A constant forgets where it came from, so that the inputs' memory can go.
        return value if value.requires_grad else value.detach()

    def realize_cached_data(self) -> Any:
        """The array, or tuple of arrays, that this node holds; computed at the first call."""
        if self.cached_data is None:
            # As in needle's own backends, NumPy's 1/0 is inf and log(-1) nan without a warning.
            with numpy.errstate(all="ignore"):
                computed = self.op.compute(*[x.realize_cached_data() for x in self.inputs])
            self.cached_data = self._checked_result(computed)
        return self.cached_data

    def is_leaf(self) -> bool:
        """Whether it was given rather than computed by an op that is part of the graph."""
        return self.op is None

    def detach(self) -> Value:
        """The same data as a constant of its own: gradients do not flow through it."""
        raise NotImplementedError

    def _checked_result(self, computed: Any) -> Any:
        raise NotImplementedError


class TensorTuple(Value):
    """A node that holds several tensors, as Split returns. `t[i]` and `for x in t` give Tensors."""

    @property
    def shape(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each element."""
        return tuple(tuple(array.shape) for array in self.realize_cached_data())

    @property
    def device(self) -> Device | None:
        """Where all the elements are; None for an empty tuple."""
        data = self.realize_cached_data()
        return device_of(data[0]) if data else None

    def __len__(self) -> int:
        return len(self.realize_cached_data())

    def __getitem__(self, index: int) -> Tensor:
        return needle.ops.tuple_get_item(self, index)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def tuple(self) -> tuple[Tensor, ...]:
        """The elements, as a Python tuple of Tensors."""
        return tuple(self)

    def __add__(self, other: TensorTuple) -> TensorTuple:
        """Elementwise sum (not concatenation): how the gradients of a tuple add up."""
        if not isinstance(other, TensorTuple):
            return NotImplemented
        if len(self) != len(other):
            raise ValueError(f"TensorTuple +: lengths {len(self)} and {len(other)} differ; expected equal lengths.")
        return needle.ops.make_tuple(*[a + b for a, b in zip(self, other, strict=True)])

    def detach(self) -> TensorTuple:
        return TensorTuple.make_const(self.realize_cached_data())

    def __repr__(self) -> str:
        return f"TensorTuple({', '.join(map(repr, self))})"

    def _checked_result(self, computed: Any) -> tuple[NDArray, ...]:
        name = type(self.op).__name__
        if not isinstance(computed, (tuple, list)):
            raise TypeError(f"{name}.compute returned a value {kind(computed)}; expected a tuple of arrays.")
        return tuple(checked_array(name, array) for array in computed)


class Tensor(Value):
    """A node that holds one array.

    Args:
        array: numbers: a NumPy array, a (nested) list, a number, an array of the backend, or another Tensor.
        device: where to put it; default: where `array` is, and the default device for what is not needle's.
        dtype: default: "float32", whatever `array` holds (of another Tensor: the same).
        requires_grad: whether backward() computes its gradient, into `grad`.

    Raises:
        TypeError: `array` does not hold numbers; `device` is not a device; the backend cannot hold `dtype`.
        ValueError: the device is not enabled on this machine; `array` is ragged.
    """

    grad: Tensor | None = None
    inputs: tuple[Tensor, ...]  # for editors: of an op on a TensorTuple, that one

    # NumPy's operators leave `np_array + tensor` and `np.float32(2) * tensor` to Tensor's own.
    __array_ufunc__ = None

    def __init__(
        self,
        array: Any,
        *,
        device: Device | None = None,
        dtype: str | None = None,
        requires_grad: bool = True,
    ) -> None:
        if isinstance(array, Tensor):
            dtype = dtype or array.dtype
            array = array.realize_cached_data()
        if device is None:
            device = device_of(array) if isinstance(array, NDArray) else default_device()
        dtype = checked_dtype(dtype or "float32")
        data = Tensor._array_from_numpy(checked_numbers(array), checked_device(device), dtype)
        self._init(None, (), data, requires_grad)

    @staticmethod
    def _array_from_numpy(array: Any, device: Device, dtype: str) -> NDArray:
        """A copy of a NumPy array, or of one of needle's, on `device`."""
        if array_api is numpy:
            return numpy.array(array, dtype=dtype)
        if isinstance(array, NDArray) and array.device == device and array.dtype == dtype:
            return array.copy()
        return array_api.array(array, device=device, dtype=dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return tuple(self.realize_cached_data().shape)

    @property
    def dtype(self) -> str:
        """The type of the elements."""
        return self.realize_cached_data().dtype

    @property
    def device(self) -> Device:
        """Where the array is."""
        return device_of(self.realize_cached_data())

    @property
    def data(self) -> Tensor:
        """The same data, outside of the graph. `x.data = y` puts y's into x, also outside of the graph."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Tensor.data: got {kind(value)}; expected a Tensor.")
        if value.shape != self.shape or value.dtype != self.dtype:
            raise ValueError(
                f"Tensor.data: got {value.dtype}, shape {value.shape}; expected {self.dtype}, {self.shape}."
            )
        self.cached_data = value.realize_cached_data()

    def numpy(self) -> numpy.ndarray:
        """A NumPy copy of the data."""
        data = self.realize_cached_data()
        return data.copy() if array_api is numpy else data.numpy()

    def backward(self, out_grad: Tensor | None = None) -> None:
        """Compute the gradient with respect to every tensor that this one was made from, into their `grad`.

        Args:
            out_grad: the gradient of a final result with respect to this tensor, in its shape; default: ones,
                which makes the final result the sum of this tensor's elements.

        Raises:
            TypeError: `out_grad` is not a Tensor.
            ValueError: its shape or device is not this tensor's; or this tensor does not depend on any that
                requires a gradient.
        """
        if not self.requires_grad:
            raise ValueError(
                "backward: this tensor was computed from nothing that requires a gradient. "
                "Was an input made with requires_grad=False, or the graph cut by detach() or data?"
            )
        if out_grad is None:
            out_grad = needle.init.ones_like(self)
        elif not isinstance(out_grad, Tensor):
            raise TypeError(f"backward: out_grad is {kind(out_grad)}; expected a Tensor.")
        elif out_grad.shape != self.shape:
            raise ValueError(
                f"backward: out_grad has shape {out_grad.shape}; expected {self.shape}, as the tensor itself."
            )
        elif out_grad.device != self.device:
            raise ValueError(
                f"backward: out_grad is on {out_grad.device}; expected {self.device}, as the tensor itself."
            )
        compute_gradient_of_variables(self, out_grad)

    def detach(self) -> Tensor:
        # A Tensor also of a Parameter: a module must not take the copy for one of its own.
        return Tensor.make_const(self.realize_cached_data())

    def sum(self, axes: int | tuple[int, ...] | None = None) -> Tensor:
        """See `needle.ops.summation`."""
        return needle.ops.summation(self, axes)

    def reshape(self, shape: tuple[int, ...]) -> Tensor:
        """See `needle.ops.reshape`."""
        return needle.ops.reshape(self, shape)

    def broadcast_to(self, shape: tuple[int, ...]) -> Tensor:
        """See `needle.ops.broadcast_to`."""
        return needle.ops.broadcast_to(self, shape)

    def transpose(self, axes: tuple[int, int] | None = None) -> Tensor:
        """See `needle.ops.transpose`."""
        return needle.ops.transpose(self, axes)

    def matmul(self, other: Tensor) -> Tensor:
        """See `needle.ops.matmul`."""
        return needle.ops.matmul(self, other)

    def __add__(self, other: Tensor | float) -> Tensor:
        if isinstance(other, Tensor):
            return needle.ops.add(self, other)
        return needle.ops.add_scalar(self, number("+", other))

    def __mul__(self, other: Tensor | float) -> Tensor:
        if isinstance(other, Tensor):
            return needle.ops.multiply(self, other)
        return needle.ops.mul_scalar(self, number("*", other))

    def __sub__(self, other: Tensor | float) -> Tensor:
        if isinstance(other, Tensor):
            return needle.ops.add(self, needle.ops.negate(other))
        return needle.ops.add_scalar(self, -number("-", other))

    def __rsub__(self, other: float) -> Tensor:
        return needle.ops.add_scalar(needle.ops.negate(self), number("-", other))

    def __truediv__(self, other: Tensor | float) -> Tensor:
        if isinstance(other, Tensor):
            return needle.ops.divide(self, other)
        return needle.ops.divide_scalar(self, number("/", other))

    def __rtruediv__(self, other: float) -> Tensor:
        return needle.ops.mul_scalar(needle.ops.power_scalar(self, -1), number("/", other))

    def __pow__(self, other: Tensor | float) -> Tensor:
        if isinstance(other, Tensor):
            return needle.ops.power(self, other)
        return needle.ops.power_scalar(self, number("**", other))

    def __matmul__(self, other: Tensor) -> Tensor:
        return needle.ops.matmul(self, other)

    def __neg__(self) -> Tensor:
        return needle.ops.negate(self)

    __radd__ = __add__
    __rmul__ = __mul__

    def __repr__(self) -> str:
        numbers = numpy.array2string(
            self.numpy(), precision=4, threshold=20, edgeitems=2, separator=", ", prefix="Tensor("
        )
        made_by = "" if self.op is None else f", op={type(self.op).__name__}"
        return f"Tensor({numbers}, shape={self.shape}, device={self.device}{made_by})"

    def __str__(self) -> str:
        return str(self.numpy())

    def _checked_result(self, computed: Any) -> NDArray:
        return checked_array(type(self.op).__name__, computed)


def compute_gradient_of_variables(output_tensor: Tensor, out_grad: Tensor) -> None:
    """Reverse-mode differentiation: set `grad` of everything that `output_tensor` was computed from.

    Visit the nodes from the output back to the leaves, each after all the nodes that use it. At each node:

    1. its gradient is the sum of the contributions that the nodes using it have sent (`sum_node_list`);
       keep it in `node.grad`;
    2. unless it is a leaf, `node.op.gradient_as_tuple(gradient, node)` is a contribution to each input.

    Skip inputs that do not require a gradient. A value used twice, as in `x * x`, receives two contributions.
    A second call replaces the gradients of the first; it does not add to them.

    Args:
        output_tensor: where to begin.
        out_grad: the gradient with respect to `output_tensor`, in its shape: the only contribution to it.
    """
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("compute_gradient_of_variables is yours to write (python/needle/autograd.py)")
    ### END YOUR SOLUTION


def find_topo_sort(node_list: list[Value]) -> list[Value]:
    """The nodes of `node_list` and all they were computed from, each once and after all of its inputs.

    The order is that of a post-order depth-first search that visits inputs from left to right: for
    `c = a + b` and `d = c * a`, `find_topo_sort([d])` is `[a, b, c, d]`.
    """
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("find_topo_sort is yours to write (python/needle/autograd.py)")
    ### END YOUR SOLUTION


def topo_sort_dfs(node: Value, visited: set[Value], topo_order: list[Value]) -> None:
    """Append to `topo_order` what `node` was computed from and is not in `visited` yet, then `node`.

    Graphs can be deep, as for a long text that goes through an RNN word by word: Python ends a recursion
    after some 1,000 calls.
    """
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("topo_sort_dfs is yours to write (python/needle/autograd.py)")
    ### END YOUR SOLUTION


def sum_node_list(node_list: list[Value]) -> Value:
    """The sum of one or more values of the same shape."""
    return reduce(add, node_list)


def _check_inputs(op: Op, args: tuple[Value, ...]) -> None:
    """Refuse what no op takes (other types, devices that differ), then let the op judge the shapes."""
    name = type(op).__name__
    expected = TensorTuple if op.takes_tuple else Tensor
    for position, arg in enumerate(args):
        if not isinstance(arg, expected):
            raise TypeError(f"{name}: input {position} is {kind(arg)}; expected a {expected.__name__}.")
    for arg in args[1:]:
        if arg.device != args[0].device:
            raise ValueError(f"{name}: inputs are on {args[0].device} and {arg.device}; expected one device.")
    op.check(*args)


def _check_gradients(name: str, gradients: tuple, inputs: tuple[Value, ...]) -> None:
    """Refuse gradients that do not fit the inputs: found here, where the op at fault is known."""
    if len(gradients) != len(inputs):
        raise ValueError(
            f"{name}.gradient returned {len(gradients)} gradient(s); expected {len(inputs)}, one an input."
        )
    for position, (gradient, value) in enumerate(zip(gradients, inputs, strict=True)):
        if gradient is None and not value.requires_grad:
            continue
        expected = TensorTuple if isinstance(value, TensorTuple) else Tensor
        returned = f"{name}.gradient, for input {position}, returned"
        if not isinstance(gradient, expected):
            raise TypeError(f"{returned} a value {kind(gradient)}; expected a {expected.__name__}.")
        if expected is TensorTuple and len(gradient) != len(value):
            raise ValueError(f"{returned} a tuple of {len(gradient)}; expected {len(value)}, as the input has.")
        if expected is Tensor and gradient.shape != value.shape:
            raise ValueError(f"{returned} shape {gradient.shape}; expected {value.shape}, the input's own.")
