"""A kernel's windows on an image: where it may stand, what it reads there, and the rows of im2col."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .stepper import Figure, stepper
from .svg import BLUE, FAINT, GREEN, MUTED, ORANGE, PLAIN, YELLOW, Drawing, Tone

CELL = 28.0
LEFT = 20.0
TOP = 34.0


@dataclass(frozen=True)
class Windows:
    """The places of a square kernel on an image of one channel."""

    padded: np.ndarray  # the image with its zeros around it
    kernel: int  # side of the kernel
    stride: int
    padding: int

    @property
    def places(self) -> list[tuple[int, int]]:
        """The upper left corner of every window in the padded image, row by row."""
        last = [length - self.kernel for length in self.padded.shape]
        return [(i, j) for i in range(0, last[0] + 1, self.stride) for j in range(0, last[1] + 1, self.stride)]

    @property
    def output(self) -> tuple[int, int]:
        """How many windows there are below and beside each other."""
        rows, columns = ((length - self.kernel) // self.stride + 1 for length in self.padded.shape)
        return rows, columns

    def at(self, place: tuple[int, int]) -> np.ndarray:
        """What the kernel reads at one place."""
        i, j = place
        return self.padded[i : i + self.kernel, j : j + self.kernel]

    def covers(self, place: tuple[int, int], pixel: tuple[int, int]) -> bool:
        """Whether the window at `place` reads `pixel`, both counted in the padded image."""
        return all(0 <= p - w < self.kernel for p, w in zip(pixel, place, strict=True))

    def is_edge(self, pixel: tuple[int, int]) -> bool:
        """Whether it is one of the zeros around the image."""
        return any(not self.padding <= p < n - self.padding for p, n in zip(pixel, self.padded.shape, strict=True))


def windows_of(image: np.ndarray, kernel: int, stride: int = 1, padding: int = 0) -> Windows:
    """The windows of a kernel of side `kernel` on an image (height, width)."""
    windows = Windows(np.pad(image, padding), kernel, stride, padding)
    if not windows.places:
        raise ValueError(f"a {kernel}x{kernel} kernel does not fit on {windows.padded.shape}, the padded image")
    return windows


def im2col(image: np.ndarray, weights: np.ndarray, stride: int = 1, padding: int = 0) -> Figure:
    """A step for each window: the image on the left, the window's row of the matrix, and the output it gives.

    `image` (height, width) and `weights` (k, k) are those of one channel.
    """
    windows = windows_of(image, weights.shape[0], stride, padding)
    what = "padded image" if padding else "image"
    frames = [_im2col_frame(windows, weights, current) for current in range(len(windows.places))]
    captions = [
        f"Window {n} of {len(frames)} begins at row {i}, column {j} of the {what}. Its {weights.size} numbers are "
        f"row {n - 1} of the matrix; row times kernel is output {divmod(n - 1, windows.output[1])}."
        for n, (i, j) in enumerate(windows.places, 1)
    ]
    title = (
        f"im2col: a {weights.shape[0]}x{weights.shape[0]} kernel on {image.shape}, stride {stride}, padding {padding}"
    )
    return stepper(frames, captions, title)


def _im2col_frame(windows: Windows, weights: np.ndarray, current: int) -> Drawing:
    rows = np.array([windows.at(place).ravel() for place in windows.places])
    out = rows @ weights.ravel()
    height, width = windows.padded.shape
    image_width, matrix_width = width * CELL, rows.shape[1] * CELL
    tallest = max(height + 1.6 + windows.output[0], rows.shape[0], weights.size)
    drawing = Drawing(LEFT * 2 + image_width + matrix_width + 2 * CELL + 150, TOP + tallest * CELL + 24)
    _image(drawing, windows, windows.places[current])
    y = TOP + (height + 1.6) * CELL
    drawing.label(LEFT, y - 14, "output", anchor="start", size=12, bold=True)
    shown = np.array([value if n <= current else "" for n, value in enumerate(out)], dtype=object)
    drawing.cells(LEFT, y, shown.reshape(windows.output), {divmod(current, windows.output[1]): GREEN}, cell=CELL)

    x = LEFT + image_width + 44
    drawing.label(x, TOP - 14, f"im2col {rows.shape}", anchor="start", size=12, bold=True)
    drawing.cells(x, TOP, rows, lambda n, _: ORANGE if n == current else PLAIN if n < current else FAINT, cell=CELL)
    x += matrix_width + 16
    drawing.label(x, TOP + rows.shape[0] * CELL / 2, "@", mono=True)
    x += 16
    drawing.label(x, TOP - 14, "W", anchor="start", size=12, bold=True)
    drawing.cells(x, TOP, weights.reshape(-1, 1), BLUE, cell=CELL)
    x += CELL + 16
    drawing.label(x, TOP + rows.shape[0] * CELL / 2, "=", mono=True)
    x += 16
    drawing.label(x, TOP - 14, "out", anchor="start", size=12, bold=True)
    drawing.cells(x, TOP, shown.reshape(-1, 1), {(current, 0): GREEN}, cell=CELL)
    return drawing


def _image(drawing: Drawing, windows: Windows, place: tuple[int, int]) -> None:
    def tone(i: int, j: int) -> Tone:
        if windows.covers(place, (i, j)):
            return ORANGE
        return FAINT if windows.is_edge((i, j)) else PLAIN

    drawing.label(LEFT, TOP - 14, "image" + (", padded" if windows.padding else ""), anchor="start", size=12, bold=True)
    drawing.cells(LEFT, TOP, windows.padded, tone, cell=CELL)
    side = windows.kernel * CELL
    drawing.rect(LEFT + place[1] * CELL, TOP + place[0] * CELL, side, side, ORANGE, stroke=2.5, hollow=True)


def shrinking(size: int, kernel: int) -> Figure:
    """Where a kernel's middle may stand on an image, without padding and with the padding that keeps its size."""
    frames, captions = [], []
    side = size + 2 * (kernel // 2)
    for padding in (0, kernel // 2):
        windows = windows_of(np.ones((size, size), dtype=int), kernel, 1, padding)
        drawing = Drawing(LEFT * 2 + side * CELL + 150, TOP + side * CELL + 16)
        reach = kernel // 2
        middles = {(i + reach, j + reach) for i, j in windows.places}
        shift = (kernel // 2 - padding) * CELL
        drawing.label(LEFT, TOP - 14, f"{size}x{size} image, padding {padding}", anchor="start", size=12, bold=True)
        drawing.cells(
            LEFT + shift,
            TOP + shift,
            np.full(windows.padded.shape, "", dtype=object),
            lambda i, j, of=windows, at=middles: GREEN if (i, j) in at else FAINT if of.is_edge((i, j)) else PLAIN,
            cell=CELL,
        )
        drawing.rect(LEFT + shift, TOP + shift, kernel * CELL, kernel * CELL, ORANGE, stroke=2.5, hollow=True)
        x = LEFT + side * CELL + 24
        drawing.label(x, TOP + 40, "output", anchor="start", size=12, colour=MUTED)
        drawing.label(x, TOP + 62, "x".join(map(str, windows.output)), anchor="start", bold=True, size=16)
        frames.append(drawing)
        captions.append(
            f"The middle of a {kernel}x{kernel} kernel can stand on the green pixels: "
            + (
                f"{kernel // 2} pixel is lost at every edge."
                if not padding
                else "with a frame of zeros, on every pixel of the image."
            )
        )
    return stepper(frames, captions, "Why convolution shrinks an image")


def pixel_uses(size: int, kernel: int, stride: int = 1) -> Figure:
    """A step for each pixel of an image: the outputs that it went into, and the weight it met in each of them."""
    windows = windows_of(np.zeros((size, size), dtype=int), kernel, stride)
    frames, captions = [], []
    for pixel in np.ndindex(size, size):
        drawing = Drawing(LEFT * 2 + (size + kernel) * 38 + 390, TOP + size * 38 + 12)
        used = {
            divmod(n, windows.output[1]): (pixel[0] - i, pixel[1] - j)
            for n, (i, j) in enumerate(windows.places)
            if windows.covers((i, j), pixel)
        }
        names = np.array([[f"w{r}{s}" for s in range(kernel)] for r in range(kernel)], dtype=object)
        blank = np.full((size, size), "", dtype=object)
        x = LEFT
        drawing.label(x, TOP - 14, "Z", anchor="start", bold=True)
        drawing.cells(x, TOP, blank, {pixel: YELLOW}, cell=38)
        for i, j in windows.places:
            if windows.covers((i, j), pixel):
                drawing.rect(
                    x + j * 38 + 2, TOP + i * 38 + 2, kernel * 38 - 4, kernel * 38 - 4, ORANGE, stroke=1.5, hollow=True
                )
        x += size * 38 + 50
        drawing.label(x, TOP - 14, "W", anchor="start", bold=True)
        met = set(used.values())
        drawing.cells(x, TOP, names, dict.fromkeys(met, BLUE), cell=38)
        x += kernel * 38 + 50
        drawing.label(x, TOP - 14, "out: the weight the pixel met", anchor="start", bold=True)
        shown = np.full(windows.output, "", dtype=object)
        for place, tap in used.items():
            shown[place] = names[tap]
        drawing.cells(x, TOP, shown, dict.fromkeys(used, BLUE), cell=38)
        frames.append(drawing)
        captions.append(
            f"Pixel {pixel} was read by {len(used)} window{'s' if len(used) != 1 else ''}"
            + (", drawn in orange." if used else ": it has no part in the output.")
        )
    return stepper(
        frames, captions, f"Where a pixel goes: {size}x{size} image, {kernel}x{kernel} kernel, stride {stride}"
    )


def tap_uses(size: int, kernel: int, stride: int = 1) -> Figure:
    """A step for each weight of a kernel: the pixels that it met, one for each output."""
    windows = windows_of(np.zeros((size, size), dtype=int), kernel, stride)
    frames, captions = [], []
    for tap in np.ndindex(kernel, kernel):
        drawing = Drawing(LEFT * 2 + (size + kernel) * 38 + 390, TOP + size * 38 + 12)
        shown = np.full((size, size), "", dtype=object)
        outputs = np.full(windows.output, "", dtype=object)
        met = {}
        for n, (i, j) in enumerate(windows.places):
            place = divmod(n, windows.output[1])
            met[i + tap[0], j + tap[1]] = GREEN
            shown[i + tap[0], j + tap[1]] = outputs[place] = f"g{place[0]}{place[1]}"
        x = LEFT
        drawing.label(x, TOP - 14, "W", anchor="start", bold=True)
        drawing.cells(x, TOP, np.full((kernel, kernel), "", dtype=object), {tap: YELLOW}, cell=38)
        x += kernel * 38 + 50
        drawing.label(x, TOP - 14, "Z, named by output", anchor="start", bold=True)
        drawing.cells(x, TOP, shown, met, cell=38)
        x += size * 38 + 50
        drawing.label(x, TOP - 14, "out_grad", anchor="start", bold=True)
        drawing.cells(x, TOP, outputs, GREEN, cell=38)
        frames.append(drawing)
        captions.append(f"Weight {tap} met one pixel for each of the {len(met)} outputs: those that are green.")
    return stepper(
        frames, captions, f"What a weight meets: {size}x{size} image, {kernel}x{kernel} kernel, stride {stride}"
    )
