"""Convolution in needle's layouts: images and kernels with their channels last, the layer's images channels first."""

from __future__ import annotations

import torch

from oracle.calculus import Array, Derivatives, Draw, differentiate


def conv(z: Array, w: Array, draw: Draw, *, stride: int, padding: int, dilation: int = 1) -> Derivatives:
    """z (N, H, W, C_in) and w (K, K, C_in, C_out) -> (N, H', W', C_out)."""

    def function(z: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return conv2d(z.permute(0, 3, 1, 2), w, stride, padding, dilation).permute(0, 2, 3, 1)

    return differentiate(function, [z, w], draw)


def layer(x: Array, weight: Array, bias: Array | None, draw: Draw, *, stride: int) -> Derivatives:
    """x (N, C_in, H, W), weight (K, K, C_in, C_out), bias (C_out,) -> (N, C_out, H', W'); padding (K - 1) // 2."""
    padding = (weight.shape[0] - 1) // 2

    def function(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
        y = conv2d(x, w, stride, padding)
        return y if b is None else y + b.reshape(1, -1, 1, 1)

    return differentiate(function, [x, weight] if bias is None else [x, weight, bias], draw)


def conv2d(x: torch.Tensor, w: torch.Tensor, stride: int, padding: int, dilation: int = 1) -> torch.Tensor:
    """PyTorch's convolution of x (N, C_in, H, W), with w in needle's layout (K, K, C_in, C_out)."""
    kernels = w.permute(3, 2, 0, 1).contiguous()  # as PyTorch's gradient for float64 demands
    return torch.nn.functional.conv2d(x, kernels, stride=stride, padding=padding, dilation=dilation)
