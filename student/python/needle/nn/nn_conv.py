"""The convolution layer."""

from __future__ import annotations

from needle import init, ops
from needle.autograd import Tensor

from .nn_basic import Module, Parameter, along_last, check_shape, check_sizes


class Conv(Module):
    """2-d convolution with square kernels: x (N, C_in, H, W) -> (N, C_out, H', W').

    Channels come second outside, as in most frameworks; `ops.conv` wants them last, so the layer moves them
    there and back.
    - Padding is (kernel_size - 1) // 2 on every side: with stride 1 an odd kernel keeps height and width, and
      H' = (H + 2*padding - kernel_size) // stride + 1.
    - `weight`, Parameter (k, k, C_in, C_out): `init.kaiming_uniform(C_in*k*k, C_out*k*k, shape=...)`. A fan
      counts channels times the k*k receptive field.
    - `bias`, Parameter (C_out,), drawn after the weight: uniform in ±1/sqrt(C_in*k*k); None with
      `bias=False`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        bias: bool = True,
        device=None,
        dtype="float32",
    ):
        super().__init__()
        kernel_size, stride = _one_size("kernel_size", kernel_size), _one_size("stride", stride)
        check_sizes("Conv", in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size, stride=stride)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Conv.__init__ is yours to write (python/needle/nn/nn_conv.py)")
        ### END YOUR SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        check_shape("Conv's input", x, batch=None, in_channels=self.in_channels, height=None, width=None)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Conv.forward is yours to write (python/needle/nn/nn_conv.py)")
        ### END YOUR SOLUTION


def _one_size(name: str, size: int | tuple[int, ...]) -> int:
    """The earlier edition allows (3, 3) for 3; kernels and strides are square."""
    if not isinstance(size, (tuple, list)):
        return size
    if len(set(size)) != 1:
        raise ValueError(f"Conv: {name} is {tuple(size)}; expected one number, kernels and strides are square.")
    return size[0]
