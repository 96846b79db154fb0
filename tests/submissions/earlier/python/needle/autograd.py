"""The graph of values and ops, and backpropagation through it."""

from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import numpy

import needle
from needle import init

from .backend_selection import Device, NDArray, all_devices, array_api, cpu, default_device


class Op:
    """What an op has to offer."""

    def __call__(self, *args):
        raise NotImplementedError()

    def compute(self, *args: NDArray):
        """The forward pass, on arrays."""
        raise NotImplementedError()

    def gradient(self, out_grad: "Value", node: "Value") -> Union["Value", Tuple["Value"]]:
        """The backward pass, on values: what out_grad means for each of node.inputs."""
        raise NotImplementedError()

    def gradient_as_tuple(self, out_grad: "Value", node: "Value") -> Tuple["Value"]:
        """gradient, as a tuple even for one input."""
        grads = self.gradient(out_grad, node)
        return tuple(grads) if isinstance(grads, (tuple, list)) else (grads,)


class TensorOp(Op):
    """An op that makes a tensor."""

    def __call__(self, *args):
        return Tensor.make_from_op(self, args)


class TensorTupleOp(Op):
    """An op that makes a tuple of tensors."""

    def __call__(self, *args):
        return TensorTuple.make_from_op(self, args)


class Value:
    """A node of the graph."""

    op: Optional[Op]
    inputs: List["Value"]
    cached_data: NDArray
    requires_grad: bool

    def realize_cached_data(self):
        """The array; it is computed when somebody asks for the first time."""
        if self.cached_data is None:
            self.cached_data = self.op.compute(*[x.realize_cached_data() for x in self.inputs])
        return self.cached_data

    def is_leaf(self):
        return self.op is None

    def _init(self, op, inputs, *, cached_data=None, requires_grad=None):
        if requires_grad is None:
            requires_grad = any(x.requires_grad for x in inputs)
        self.op = op
        self.inputs = inputs
        self.cached_data = cached_data
        self.requires_grad = requires_grad

    @classmethod
    def make_const(cls, data, *, requires_grad=False):
        value = cls.__new__(cls)
        value._init(None, [], cached_data=data, requires_grad=requires_grad)
        return value

    @classmethod
    def make_from_op(cls, op: Op, inputs: List["Value"]):
        value = cls.__new__(cls)
        value._init(op, inputs)
        if not value.requires_grad:
            return value.detach()
        value.realize_cached_data()
        return value


class TensorTuple(Value):
    """Several tensors in one node; split makes one."""

    def __len__(self):
        return len(self.realize_cached_data())

    def __getitem__(self, index: int):
        return needle.ops.tuple_get_item(self, index)

    def tuple(self):
        return tuple([x for x in self])

    def __iter__(self):
        for k in range(len(self)):
            yield self[k]

    def __repr__(self):
        return "needle.TensorTuple" + str(self.tuple())

    def __str__(self):
        return self.__repr__()

    def __add__(self, other):
        assert isinstance(other, TensorTuple)
        assert len(self) == len(other)
        return needle.ops.make_tuple(*[self[k] + other[k] for k in range(len(self))])

    def detach(self):
        return TensorTuple.make_const(self.realize_cached_data())


class Tensor(Value):
    """One array in a node."""

    grad: "Tensor" = None

    def __init__(self, array, *, device: Optional[Device] = None, dtype=None, requires_grad=True, **kwargs):
        if isinstance(array, Tensor):
            array = array.realize_cached_data()
        if device is None:
            device = array.device if isinstance(array, NDArray) and backend_is_nd() else default_device()
        data = Tensor._array_from_numpy(array, device=device, dtype=dtype)
        self._init(None, [], cached_data=data, requires_grad=requires_grad)

    @staticmethod
    def _array_from_numpy(numpy_array, device, dtype):
        if dtype is None:
            dtype = "float32"
        if array_api is numpy:
            return numpy.array(numpy_array, dtype=dtype)
        return array_api.array(numpy_array, device=device, dtype=dtype)

    @property
    def data(self):
        return self.detach()

    @data.setter
    def data(self, value):
        assert isinstance(value, Tensor)
        assert value.dtype == self.dtype, "%s %s" % (value.dtype, self.dtype)
        self.cached_data = value.realize_cached_data()

    def detach(self):
        """The same array, outside of the graph."""
        return Tensor.make_const(self.realize_cached_data())

    @property
    def shape(self):
        return self.realize_cached_data().shape

    @property
    def dtype(self):
        return self.realize_cached_data().dtype

    @property
    def device(self):
        data = self.realize_cached_data()
        if array_api is numpy:
            return default_device()
        return data.device

    def backward(self, out_grad=None):
        if out_grad is None:
            out_grad = init.ones(*self.shape, dtype=self.dtype, device=self.device)
        compute_gradient_of_variables(self, out_grad)

    def __repr__(self):
        return "needle.Tensor(" + str(self.realize_cached_data()) + ")"

    def __str__(self):
        return str(self.realize_cached_data())

    def numpy(self):
        data = self.realize_cached_data()
        return data if array_api is numpy else data.numpy()

    def __add__(self, other):
        if isinstance(other, Tensor):
            return needle.ops.EWiseAdd()(self, other)
        return needle.ops.AddScalar(other)(self)

    def __mul__(self, other):
        if isinstance(other, Tensor):
            return needle.ops.EWiseMul()(self, other)
        return needle.ops.MulScalar(other)(self)

    def __pow__(self, other):
        if isinstance(other, Tensor):
            return needle.ops.EWisePow()(self, other)
        return needle.ops.PowerScalar(other)(self)

    def __sub__(self, other):
        if isinstance(other, Tensor):
            return needle.ops.EWiseAdd()(self, needle.ops.Negate()(other))
        return needle.ops.AddScalar(-other)(self)

    def __rsub__(self, other):
        return needle.ops.AddScalar(other)(needle.ops.Negate()(self))

    def __truediv__(self, other):
        if isinstance(other, Tensor):
            return needle.ops.EWiseDiv()(self, other)
        return needle.ops.DivScalar(other)(self)

    def __matmul__(self, other):
        return needle.ops.MatMul()(self, other)

    def matmul(self, other):
        return needle.ops.MatMul()(self, other)

    def sum(self, axes=None):
        return needle.ops.Summation(axes)(self)

    def broadcast_to(self, shape):
        return needle.ops.BroadcastTo(shape)(self)

    def reshape(self, shape):
        return needle.ops.Reshape(shape)(self)

    def __neg__(self):
        return needle.ops.Negate()(self)

    def transpose(self, axes=None):
        return needle.ops.Transpose(axes)(self)

    __radd__ = __add__
    __rmul__ = __mul__


def backend_is_nd():
    return array_api is not numpy


def compute_gradient_of_variables(output_tensor, out_grad):
    """Backpropagate from output_tensor, whose own gradient is out_grad; every node gets its grad."""
    # for each node, what the nodes that use it have sent so far
    node_to_output_grads_list: Dict[Tensor, List[Tensor]] = {}
    # out_grad is the only thing that output_tensor itself is sent
    node_to_output_grads_list[output_tensor] = [out_grad]

    # users come before what they use
    reverse_topo_order = list(reversed(find_topo_sort([output_tensor])))

    ### BEGIN YOUR SOLUTION
    for current in reverse_topo_order:
        if not current.requires_grad:
            continue
        current.grad = sum_node_list(node_to_output_grads_list[current])
        if current.is_leaf():
            continue
        contributions = current.op.gradient_as_tuple(current.grad, current)
        for parent, contribution in zip(current.inputs, contributions):
            if parent.requires_grad:
                node_to_output_grads_list.setdefault(parent, []).append(contribution)
    ### END YOUR SOLUTION


def find_topo_sort(node_list: List[Value]) -> List[Value]:
    """All nodes that node_list depends on, inputs first: a post-order depth-first search."""
    ### BEGIN YOUR SOLUTION
    seen = set()
    result = []
    for root in node_list:
        topo_sort_dfs(root, seen, result)
    return result
    ### END YOUR SOLUTION


def topo_sort_dfs(node, visited, topo_order):
    """Post-order DFS"""
    ### BEGIN YOUR SOLUTION
    # recursion hits python's limit on long sequences, so: a stack, and a flag that says "inputs are done"
    todo = [(node, False)]
    while todo:
        item, expanded = todo.pop()
        if expanded:
            topo_order.append(item)
        elif item not in visited:
            visited.add(item)
            todo.append((item, True))
            todo.extend((parent, False) for parent in reversed(list(item.inputs)) if parent not in visited)
    ### END YOUR SOLUTION


def sum_node_list(node_list):
    """The sum, without a useless zero at its beginning."""
    total = node_list[0]
    for node in node_list[1:]:
        total = total + node
    return total
