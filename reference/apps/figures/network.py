"""A convolutional network as a drawing: its layers from top to bottom, with shapes and numbers of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .stepper import Figure, picture
from .svg import BLUE, GREEN, INK, MUTED, ORANGE, PLAIN, PURPLE, Drawing, Tone

LEFT = 20.0
WIDTH = 800.0
HEIGHT = 34.0
GAP = 15.0


@dataclass(frozen=True)
class Layer:
    """One row of a network's table. `residual` numbers the residual block that it belongs to; 0: none."""

    kind: str  # "ConvBN", "Linear", "ReLU", "Flatten"
    inputs: int = 0
    outputs: int = 0
    kernel: int = 0
    stride: int = 1
    residual: int = 0

    @property
    def name(self) -> str:
        if self.kind == "ConvBN":
            return f"ConvBN({self.inputs}, {self.outputs}, kernel {self.kernel}, stride {self.stride})"
        return f"{self.kind}({self.inputs}, {self.outputs})" if self.kind == "Linear" else self.kind

    @property
    def parameters(self) -> int:
        """Weights and biases, and for ConvBN the scale and shift of every channel."""
        if self.kind == "ConvBN":
            return self.kernel**2 * self.inputs * self.outputs + 3 * self.outputs
        return self.inputs * self.outputs + self.outputs if self.kind == "Linear" else 0

    def shape_after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one item, (channels, height, width) or (features,), after this layer."""
        if self.kind == "ConvBN":
            reach = 2 * ((self.kernel - 1) // 2) - self.kernel
            return self.outputs, *((length + reach) // self.stride + 1 for length in shape[1:])
        if self.kind == "Flatten":
            features = 1
            for length in shape:
                features *= length
            return (features,)
        return (self.outputs,) if self.kind == "Linear" else shape


RESNET9 = (
    Layer("ConvBN", 3, 16, 7, 4),
    Layer("ConvBN", 16, 32, 3, 2),
    Layer("ConvBN", 32, 32, 3, 1, residual=1),
    Layer("ConvBN", 32, 32, 3, 1, residual=1),
    Layer("ConvBN", 32, 64, 3, 2),
    Layer("ConvBN", 64, 128, 3, 2),
    Layer("ConvBN", 128, 128, 3, 1, residual=2),
    Layer("ConvBN", 128, 128, 3, 1, residual=2),
    Layer("Flatten"),
    Layer("Linear", 128, 128),
    Layer("ReLU"),
    Layer("Linear", 128, 10),
)

_TONES = {"ConvBN": BLUE, "Linear": PURPLE, "ReLU": GREEN, "Flatten": PLAIN}


def network(layers: Sequence[Layer], shape: tuple[int, ...], title: str) -> Figure:
    """The layers in the order of the data's way; `shape` is that of one item that goes in."""
    drawing = Drawing(WIDTH, 52 + (len(layers) + 1) * (HEIGHT + GAP))
    for x, anchor, heading in (
        (LEFT + 62, "start", "layer"),
        (540, "start", "one image becomes"),
        (775, "end", "parameters"),
    ):
        drawing.label(x, 12, heading, anchor=anchor, size=12, colour=MUTED)
    _row(drawing, 26, "image", PLAIN, shape, 0)
    total, joins = 0, _joins(layers)
    for n, layer in enumerate(layers):
        y = 26 + (n + 1) * (HEIGHT + GAP)
        shape = layer.shape_after(shape)
        total += layer.parameters
        drawing.arrow(260, y - GAP, 260, y, colour=MUTED)
        _row(drawing, y, layer.name, _TONES[layer.kind], shape, layer.parameters)
        if n in joins:
            _detour(drawing, 26 + joins[n] * (HEIGHT + GAP), y)
    drawing.label(775, 26 + (len(layers) + 1) * (HEIGHT + GAP) + 6, f"{total:,}", anchor="end", bold=True)
    drawing.label(540, 26 + (len(layers) + 1) * (HEIGHT + GAP) + 6, "in all", anchor="start", bold=True)
    caption = (
        "ConvBN is a convolution, batch normalisation and ReLU. Along an orange line the data goes past two layers "
        "and is added to what they make of it: a residual block."
    )
    return picture(drawing, caption, title)


def resnet9() -> Figure:
    """The network of part 3, for one image of CIFAR-10."""
    return network(RESNET9, (3, 32, 32), "ResNet9 for CIFAR-10")


def _joins(layers: Sequence[Layer]) -> dict[int, int]:
    """The last layer of each residual block -> its first, as rows of the table."""
    joins: dict[int, int] = {}
    for block in {layer.residual for layer in layers} - {0}:
        rows = [n for n, layer in enumerate(layers) if layer.residual == block]
        joins[rows[-1]] = rows[0]
    return joins


def _row(drawing: Drawing, y: float, name: str, tone: Tone, shape: tuple[int, ...], parameters: int) -> None:
    drawing.rect(LEFT + 48, y, 440, HEIGHT, tone, radius=8)
    middle = y + HEIGHT / 2
    drawing.label(LEFT + 62, middle, name, anchor="start", mono=True, colour=INK)
    drawing.label(540, middle, " x ".join(map(str, shape)), anchor="start", mono=True)
    if parameters:
        drawing.label(775, middle, f"{parameters:,}", anchor="end", mono=True, colour=MUTED)


def _detour(drawing: Drawing, top: float, last: float) -> None:
    """From the row above a block, at its left, to the way out of the block's last row, with a plus."""
    colour, x = ORANGE.line, LEFT + 20
    start, end = top + HEIGHT / 2, last + HEIGHT / 2
    drawing.raw(
        f'<path d="M{LEFT + 48} {start} H{x + 8} Q{x} {start} {x} {start + 8} V{end - 8} Q{x} {end} {x + 8} {end}"'
        f' fill="none" stroke="{colour}" stroke-width="2"/>'
    )
    drawing.arrow(x + 8, end, LEFT + 47, end, colour=colour, stroke=2)
    drawing.label(LEFT + 6, (start + end) / 2, "+", size=20, bold=True, colour=colour)
