"""Whole graphs of ops: what reverse-mode differentiation makes of values that are used more than once."""

from __future__ import annotations

from typing import Any

import numpy as np

from probes import _common
from probes._common import gradient, tensor, to_numpy


def used_twice(needle: Any, device: Any, x: np.ndarray, y: np.ndarray, out_grad: np.ndarray) -> dict[str, Any]:
    """z = x * x / y + tanh(x): x is used three times."""
    x_, y_ = tensor(needle, device, x), tensor(needle, device, y)
    z = x_ * x_ / y_ + needle.ops.tanh(x_)
    _common.backward(needle, device, z, out_grad)
    return {"value": to_numpy(z), "x_grad": gradient(x_, "x"), "y_grad": gradient(y_, "y")}


def diamond(needle: Any, device: Any, x: np.ndarray, w: np.ndarray, out_grad: np.ndarray) -> dict[str, Any]:
    """h = exp(x @ w) is used by two ways of different lengths, which meet: log(h + 1) + (2 * h - 3) * h."""
    x_, w_ = tensor(needle, device, x), tensor(needle, device, w)
    h = needle.ops.exp(x_ @ w_)
    z = needle.ops.log(h + 1.0) + (2.0 * h + -3.0) * h
    _common.backward(needle, device, z, out_grad)
    return {"value": to_numpy(z), "x_grad": gradient(x_, "x"), "w_grad": gradient(w_, "w")}


def shared(needle: Any, device: Any, x: np.ndarray, y: np.ndarray, out_grad: np.ndarray) -> dict[str, Any]:
    """z = (x + y) + x: an addition hands one gradient to both of its inputs, of which x receives another one."""
    x_, y_ = tensor(needle, device, x), tensor(needle, device, y)
    z = (x_ + y_) + x_
    _common.backward(needle, device, z, out_grad)
    return {"value": to_numpy(z), "x_grad": gradient(x_, "x"), "y_grad": gradient(y_, "y")}


def inner(needle: Any, device: Any, x: np.ndarray, out_grad: np.ndarray) -> dict[str, Any]:
    """z = h * h for h = exp(x): the gradients of z with respect to the inner node h and to x."""
    leaf = tensor(needle, device, x)
    h = needle.ops.exp(leaf)
    _common.backward(needle, device, h * h, out_grad)
    return {"h_grad": gradient(h, "h, which is no leaf"), "x_grad": gradient(leaf, "x")}


def doubled(needle: Any, device: Any, x: np.ndarray, out_grad: np.ndarray, *, times: int) -> dict[str, Any]:
    """x, `times` times replaced by the mean of it and its own negation's negation: 2**times ways lead back to it."""
    leaf = tensor(needle, device, x)
    y = leaf
    for _ in range(times):
        y = (y + needle.ops.negate(needle.ops.negate(y))) / 2.0
    _common.backward(needle, device, y, out_grad)
    return {"value": to_numpy(y), "grad": gradient(leaf, "x")}


def detached(needle: Any, device: Any, x: np.ndarray, out_grad: np.ndarray) -> dict[str, Any]:
    """exp(x) * tanh(x).detach(): no gradient flows through the second factor."""
    leaf = tensor(needle, device, x)
    y = needle.ops.exp(leaf) * needle.ops.tanh(leaf).detach()
    _common.backward(needle, device, y, out_grad)
    return {"value": to_numpy(y), "grad": gradient(leaf, "x")}


def backward_twice(needle: Any, device: Any, x: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """x's gradient after y.backward(first) and then y.backward(second), for y = exp(x) / 2."""
    leaf = tensor(needle, device, x)
    y = needle.ops.exp(leaf) / 2.0
    _common.backward(needle, device, y, first)
    _common.backward(needle, device, y, second)
    return {"grad": gradient(leaf, "x")}


def second_order(
    needle: Any, device: Any, function: str, x: np.ndarray, w: np.ndarray, out_grad: np.ndarray, v: np.ndarray
) -> dict[str, Any]:
    """g, the gradient with respect to x of sum(f(x, w) * out_grad), and the gradients of sum(g * v) in turn."""
    x_, w_ = tensor(needle, device, x), tensor(needle, device, w)
    ops = needle.ops
    y = {
        "cube": lambda: x_**3.0 * w_,
        "quotient": lambda: ops.log(x_) / w_,
        "tanh": lambda: ops.tanh(x_ * w_),
        "exp-matmul": lambda: ops.exp(x_ @ w_),
        "logsumexp": lambda: ops.logsumexp(x_ * w_, axes=(1,)),
        "broadcast-sum": lambda: ops.summation(ops.broadcast_to(x_, w_.shape) * w_ * w_, axes=(0,)) ** 2.0,
    }[function]()
    _common.backward(needle, device, y, out_grad)
    first = x_.grad
    grad = gradient(x_, "x")
    _common.backward(needle, device, first, v)
    return {"grad": grad, "x_grad_of_grad": gradient(x_, "x"), "w_grad_of_grad": gradient(w_, "w")}
