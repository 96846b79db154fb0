"""Part 1: reverse-mode differentiation through whole graphs."""

from __future__ import annotations

import numpy as np
import oracle.graph
import pytest
from probes import graph

from grader.compare import assert_close


@pytest.mark.problem("nd_backend", weight=4)
@pytest.mark.parametrize("shape", [(1,), (7, 3)], ids=["1", "7x3"])
def test_graph_value_used_twice(subject, rng, device, shape):
    """A value that is used several times receives the sum of the gradients of all its uses."""
    x, y = rng.normal(*shape), rng.away_from_zero(*shape)
    want = oracle.graph.graph("used_twice", [x, y], rng.normal)
    got = subject(graph.used_twice, x, y, want.out_grad)
    assert_close(got.value, want.value)
    assert_close(got.x_grad, want.grads[0])
    assert_close(got.y_grad, want.grads[1])


@pytest.mark.problem("nd_backend", weight=4)
@pytest.mark.parametrize(("rows", "inner", "columns"), [(3, 7, 2), (1, 31, 5)], ids=["3x7x2", "1x31x5"])
def test_graph_diamond(subject, rng, device, rows, inner, columns):
    """Two ways of different lengths that meet again: a node waits for the gradients of all its uses."""
    x, w = rng.normal(rows, inner), rng.normal(inner, columns, std=0.5 / inner**0.5)
    want = oracle.graph.graph("diamond", [x, w], rng.normal)
    got = subject(graph.diamond, x, w, want.out_grad)
    assert_close(got.value, want.value)
    assert_close(got.x_grad, want.grads[0])
    assert_close(got.w_grad, want.grads[1])


@pytest.mark.problem("nd_backend", weight=2)
def test_graph_shared_gradient(subject, rng, device):
    """A gradient that two nodes are given is not changed by what one of them is given besides."""
    x, y = rng.normal(3, 4), rng.normal(3, 4)
    want = oracle.graph.graph("shared", [x, y], rng.normal)
    got = subject(graph.shared, x, y, want.out_grad)
    assert_close(got.value, want.value)
    assert_close(got.x_grad, want.grads[0])
    assert_close(got.y_grad, want.grads[1])


@pytest.mark.problem("nd_backend")
def test_graph_inner_node(subject, rng, device):
    """backward() leaves a gradient in every tensor on its way, not in leaves alone."""
    x = rng.normal(5)
    h = np.exp(x.astype(np.float64))
    want = oracle.graph.graph("square", [h], rng.normal)
    got = subject(graph.inner, x, want.out_grad)
    assert_close(got.h_grad, want.grads[0])
    assert_close(got.x_grad, want.grads[0] * h)


@pytest.mark.problem("nd_backend", weight=2)
def test_graph_many_ways(subject, rng, device):
    """A graph of 100 nodes through which 2**25 ways lead is differentiated node by node, not way by way."""
    x = rng.normal(3)
    want = oracle.graph.graph("identity", [x], rng.normal)
    got = subject(graph.doubled, x, want.out_grad, times=25)
    assert_close(got.value, want.value)
    assert_close(got.grad, want.grads[0])


@pytest.mark.problem("nd_backend", weight=2)
def test_graph_detach(subject, rng, device):
    """No gradient flows through detach()."""
    x = rng.normal(4, 3)
    want = oracle.graph.graph("detached", [x], rng.normal)
    got = subject(graph.detached, x, want.out_grad)
    assert_close(got.value, want.value)
    assert_close(got.grad, want.grads[0])


@pytest.mark.problem("nd_backend", weight=2)
def test_graph_backward_twice(subject, rng, device):
    """A second backward() replaces the gradients of the first, it does not add to them."""
    x = rng.normal(5)
    want = oracle.graph.graph("half_exp", [x], rng.normal)
    got = subject(graph.backward_twice, x, rng.normal(5), want.out_grad)
    assert_close(got.grad, want.grads[0])


SECOND_ORDER = {
    "cube": ((3, 5), (3, 5)),
    "quotient": ((7,), (7,)),
    "tanh": ((3, 5), (3, 5)),
    "exp-matmul": ((3, 7), (7, 2)),
    "logsumexp": ((3, 5), (3, 5)),
    "broadcast-sum": ((3, 1), (4, 3, 5)),
}


@pytest.mark.problem("nd_backend", weight=2)
@pytest.mark.parametrize("function", SECOND_ORDER)
def test_graph_gradient_of_gradient(subject, rng, device, function):
    """A gradient is made of ops, so it can be differentiated in turn."""
    x, w = (rng.uniform(*shape, low=0.3, high=1.5) for shape in SECOND_ORDER[function])
    want = oracle.graph.second_order(function, x, w, rng.normal)
    got = subject(graph.second_order, function, x, w, want.out_grad, want.v)
    assert_close(got.grad, want.grad)
    assert_close(got.x_grad_of_grad, want.x_grad_of_grad)
    assert_close(got.w_grad_of_grad, want.w_grad_of_grad)
