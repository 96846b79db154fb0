"""Optimizers."""

import needle as ndl
import numpy as np


class Optimizer:
    def __init__(self, params):
        self.params = params

    def step(self):
        raise NotImplementedError()

    def reset_grad(self):
        for p in self.params:
            p.grad = None

    def clip_grad_norm(self, max_norm=0.25):
        """Scale the gradients down until their norm, over all parameters, is at most max_norm."""
        ### BEGIN YOUR SOLUTION
        with_grad = [p for p in self.params if p.grad is not None]
        norm = np.sqrt(sum(float((p.grad.numpy().astype("float64") ** 2).sum()) for p in with_grad))
        if norm > max_norm:
            for p in with_grad:
                p.grad = p.grad.detach() * float(max_norm / norm)
        ### END YOUR SOLUTION


class SGD(Optimizer):
    def __init__(self, params, lr=0.01, momentum=0.0, weight_decay=0.0):
        super().__init__(params)
        self.lr = lr
        self.momentum = momentum
        self.u = {}
        self.weight_decay = weight_decay

    def step(self):
        ### BEGIN YOUR SOLUTION
        for i, w in enumerate(self.params):
            if w.grad is None:
                continue
            g = w.grad.detach() + w.detach() * self.weight_decay
            fresh = g * (1 - self.momentum)
            self.u[i] = fresh if i not in self.u else self.u[i] * self.momentum + fresh
            w.data = w.detach() - self.u[i] * self.lr
        ### END YOUR SOLUTION


class Adam(Optimizer):
    def __init__(self, params, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
        super().__init__(params)
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.weight_decay = weight_decay
        self.t = 0

        self.m = {}
        self.v = {}

    def step(self):
        ### BEGIN YOUR SOLUTION
        self.t += 1
        c1 = 1 - self.beta1**self.t
        c2 = 1 - self.beta2**self.t
        for w in self.params:
            if w.grad is None:
                continue
            g = w.grad.data
            if self.weight_decay > 0:
                g = g + self.weight_decay * w.data
            m_old = self.m.get(w, 0.0)
            v_old = self.v.get(w, 0.0)
            self.m[w] = (g * (1 - self.beta1) + m_old * self.beta1).data
            self.v[w] = (g * g * (1 - self.beta2) + v_old * self.beta2).data
            m_hat = self.m[w] / c1
            v_hat = self.v[w] / c2
            w.data = w.data - self.lr * (m_hat / (v_hat**0.5 + self.eps))
        ### END YOUR SOLUTION
