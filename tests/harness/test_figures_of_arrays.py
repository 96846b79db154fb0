"""The notebook's figures of parts 1 to 3, and what shows them: right numbers, and a page that needs no kernel."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from drawings import figures, texts

APPS = Path(__file__).parents[2] / "reference" / "apps"
NUMBERS = np.arange(1, 25).reshape(3, 2, 4)
EDGES = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])


class Page(HTMLParser):
    """The start tags of a figure's HTML: name and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, Any]]:
        return [attributes for tag, attributes in self.tags if tag == name]


# -------------------------------------------------------------------------------------------- stepper


def test_a_figure_shows_its_first_frame_without_a_script() -> None:
    """One frame of three is visible, each is an image whose address holds the drawing, and the slider counts them."""
    stepper = figures("stepper")
    drawings = [
        f'<svg xmlns="http://www.w3.org/2000/svg"><text fill="#123456">50% &lt; {n}</text></svg>' for n in "abc"
    ]
    page = Page(stepper.stepper(drawings, ["one", "two", "three"], "Title & <more>")._repr_html_())
    frames = [attributes["style"] for attributes in page.all("div") if "data-frame" in attributes]
    assert [("visibility:visible" in style) for style in frames] == [True, False, False]
    prefix = "data:image/svg+xml;charset=utf-8,"
    assert [unquote(image["src"].removeprefix(prefix)) for image in page.all("img")] == drawings
    assert {image["alt"] for image in page.all("img")} == {"Title & <more>"}
    (slider,) = page.all("input")
    assert (slider["min"], slider["max"], slider["value"]) == ("0", "2", "0")


def test_the_keys_of_a_figure_are_its_own() -> None:
    """Each control bears the mark by which JupyterLab leaves it its keys: arrows would go to another cell."""
    page = Page(figures("stepper").stepper(["<svg/>", "<svg/>"], ["", ""], "Title")._repr_html_())
    controls = page.all("input") + page.all("button")
    assert len(controls) == 4
    assert {control.get("data-lm-suppress-shortcuts") for control in controls} == {"true"}


def test_code_in_a_caption_is_dark_on_light() -> None:
    """Whatever a page's theme gives to code: the figure's own ground is light."""
    page = Page(figures("stepper").picture("<svg/>", "see <code>a.T</code> and <code>a</code>", "Title")._repr_html_())
    styles = [code["style"] for code in page.all("code")]
    assert len(styles) == 2
    assert all("background:#" in style and "color:#" in style for style in styles)


def test_figures_on_one_page_do_not_share_an_id() -> None:
    """Shown twice, a figure has two ids: a label or a script finds its own."""
    figure = figures("network").resnet9()
    ids = [re.findall(r'\bid="([^"]+)"', figure._repr_html_()) for _ in range(2)]
    assert len(ids[0]) == 1
    assert ids[0] != ids[1]


def test_one_frame_has_no_controls() -> None:
    """A picture is not stepped through."""
    page = Page(figures("stepper").picture("<svg/>", "caption", "title")._repr_html_())
    assert page.all("button") + page.all("input") == []


@pytest.mark.parametrize(("frames", "captions"), [([], []), (["<svg/>"], []), (["<svg/>"], ["one", "two"])])
def test_every_frame_needs_a_caption(frames: list[str], captions: list[str]) -> None:
    """No frame, or another number of captions, is refused."""
    with pytest.raises(ValueError, match="frame"):
        figures("stepper").stepper(frames, captions, "title")


# -------------------------------------------------------------------------------------------- strides

FLIPPED = {
    (0,): ((-8, 4, 1), 16),
    (1,): ((8, -4, 1), 4),
    (2,): ((8, 4, -1), 3),
    (0, 1): ((-8, -4, 1), 20),
    (0, 2): ((-8, 4, -1), 19),
    (1, 2): ((8, -4, -1), 7),
    (0, 1, 2): ((-8, -4, -1), 23),
}


def test_flips_shows_every_set_of_axes() -> None:
    """The array as it is, then seven flips, each with its strides, its offset, and what a compact copy holds."""
    figure = figures("strides").flips(NUMBERS)
    assert len(figure.frames) == 1 + len(FLIPPED)
    for frame, caption, (axes, (strides, offset)) in zip(
        figure.frames[1:], figure.captions[1:], FLIPPED.items(), strict=True
    ):
        shown = ", ".join(map(str, strides)).replace("-", "\u2212")
        assert f"np.flip(a, {axes})" in caption
        assert f"strides ({shown}), offset {offset}" in caption
        copied = [str(number) for number in np.flip(NUMBERS, axes).ravel()]
        assert texts(frame)[-len(copied) :] == sorted(copied, key=lambda number: number == copied[0]), axes
    assert "not compact" not in figure.captions[0]


def test_layout_reads_a_view() -> None:
    """Shape, strides and offset are counted in elements; a copy has no layout on the memory."""
    strides = figures("strides")
    where = strides.layout(NUMBERS[1:, :, ::2].transpose(2, 0, 1), NUMBERS)
    assert (where.shape, where.strides, where.offset) == ((2, 2, 2), (2, 8, 4), 8)
    assert [NUMBERS.ravel()[k] for k in where.positions()] == NUMBERS[1:, :, ::2].transpose(2, 0, 1).ravel().tolist()
    with pytest.raises(ValueError, match="copy"):
        strides.layout(NUMBERS.copy(), NUMBERS)


def test_views_refuses_a_memory_that_fits_in_no_row() -> None:
    """25 elements are too many, and the message says how many are not."""
    many = np.arange(25)
    with pytest.raises(ValueError, match=r"25 elements.*at most 24"):
        figures("strides").views(many, {"many": many}, "title")


# -------------------------------------------------------------------------------------------- windows


@pytest.mark.parametrize(("stride", "padding", "windows"), [(1, 0, 9), (2, 0, 4), (2, 1, 9), (3, 1, 4)])
def test_im2col_shows_each_window_and_its_output(stride: int, padding: int, windows: int) -> None:
    """A frame for each window; the last one shows all outputs, twice: in the image's shape, and as a column."""
    image = np.arange(25).reshape(5, 5) % 7
    figure = figures("windows").im2col(image, EDGES, stride, padding)
    assert len(figure.frames) == windows
    padded = np.pad(image, padding)
    side = int(windows**0.5)
    outputs = [
        str((padded[i * stride : i * stride + 3, j * stride : j * stride + 3] * EDGES).sum()).replace("-", "\u2212")
        for i in range(side)
        for j in range(side)
    ]
    written = texts(figure.frames[-1])
    # The cell of the current window is drawn last, over its neighbours' borders; it is the last output anyway.
    assert written[-windows:] == outputs
    assert f"im2col ({windows}, 9)" in written


def test_pixel_uses_shows_the_weights_that_a_pixel_met() -> None:
    """The middle pixel of 5x5 meets all nine weights, a corner one; with stride 2, one between windows two."""
    uses = figures("windows").pixel_uses
    found = re.compile(r"read by (\d) window").search
    met = [found(caption) for caption in uses(5, 3).captions]
    assert [int(match[1]) for match in met if match][:13] == [1, 2, 3, 2, 1, 2, 4, 6, 4, 2, 3, 6, 9]
    strided = [found(caption) for caption in uses(5, 3, stride=2).captions]
    assert [int(match[1]) for match in strided if match][:5] == [1, 1, 2, 1, 1]
    left_out = [caption for caption in uses(6, 3, stride=2).captions if "no part" in caption]
    assert len(left_out) == 11  # the last row and the last column


def test_tap_uses_names_a_pixel_for_each_output() -> None:
    """Every weight met as many pixels as there are outputs."""
    for frame in figures("windows").tap_uses(5, 3, stride=2).frames:
        assert [texts(frame).count(name) for name in ("g00", "g01", "g10", "g11")] == [2] * 4  # in Z and in out_grad


def test_a_kernel_that_does_not_fit_is_refused() -> None:
    """A 4x4 kernel on a 3x3 image."""
    with pytest.raises(ValueError, match=r"4x4 kernel does not fit on \(3, 3\)"):
        figures("windows").im2col(np.ones((3, 3)), np.ones((4, 4)))


# -------------------------------------------------------------------------------- dilation, stacking, network, journey


def test_dilation_shows_zeros_after_every_element() -> None:
    """The last frame: 2 zeros along both axes."""
    figure = figures("dilation").dilation(np.array([[1, 2], [3, 4]]))
    assert [caption.split(": ")[1] for caption in figure.captions] == [
        "shape (2, 2) becomes (4, 2).",
        "shape (2, 2) becomes (2, 4).",
        "shape (2, 2) becomes (4, 4).",
        "shape (2, 2) becomes (6, 6).",
    ]
    assert texts(figure.frames[-1]).count("0") == 32


def test_stacking_shows_the_slices_of_every_axis() -> None:
    """The worked example: three matrices, stacked at axis 0, 1 and 2."""
    matrices = [np.arange(1, 5).reshape(2, 2) + 4 * k for k in range(3)]
    figure = figures("stacking").stacking(matrices)
    for axis, frame in enumerate(figure.frames):
        numbers = [int(text) for text in texts(frame) if text.isdigit()]
        assert numbers[12:] == np.stack(matrices, axis).ravel().tolist()


def test_network_adds_up_the_parameters_of_resnet9() -> None:
    """Its total is the assignment's, and the image has become 128 numbers where it is flattened."""
    written = texts(figures("network").resnet9().frames[0])
    assert "431,946" in written
    assert written.count("128 x 1 x 1") == 3
    assert written[-3:] == ["1,290", "431,946", "in all"]


def test_sum_journey_names_functions_that_are_there() -> None:
    """Each station's function is in the file that the figure names."""
    for station in figures("journey").SUM:
        base = APPS.parent if station.where.startswith("src/") else APPS.parent / "python" / "needle"
        name = station.call.partition("(")[0].rpartition(".")[2]
        assert re.search(rf"\b{name}\b", (base / station.where).read_text()), station
