"""Show drawings one after another, with a slider and buttons, in any place that shows a notebook's HTML.

JupyterLab, VS Code and an exported page all show it, with and without a kernel: the page holds all frames, and the
handlers are written into the controls. The frames lie on top of each other and one is visible: so the figure never
changes its size, and without JavaScript the first frame is what is seen. Each is an image with its SVG in the address:
JupyterLab cuts <svg> and handlers out of a notebook that somebody else has run, but leaves images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import count

from .svg import INK, MONO, MUTED, PAPER, RULE, SANS

_ids = count(1)

# The slider is the only state: buttons move it and tell it so.
_SHOW = (
    "var n=+this.value,f=this.closest('figure');"
    "f.querySelectorAll('[data-frame]').forEach(function(e){"
    "e.style.visibility=+e.getAttribute('data-frame')===n?'visible':'hidden'});"
    "f.querySelector('[data-count]').textContent=(n+1)+' / '+(+this.max+1);"
)
_MOVE = (
    "var f=this.closest('figure'),s=f.querySelector('input');clearInterval(f.timer);f.timer=0;"
    "f.querySelector('[data-play]').textContent='Play';"
    "s.value=(+s.value+{step}+ +s.max+1)%(+s.max+1);s.dispatchEvent(new Event('input'));"
)
_PLAY = (
    "var b=this,f=b.closest('figure'),s=f.querySelector('input');"
    "if(f.timer){clearInterval(f.timer);f.timer=0;b.textContent='Play';}else{b.textContent='Pause';"
    "f.timer=setInterval(function(){if(!f.isConnected){clearInterval(f.timer);return;}"
    "s.value=(+s.value+1)%(+s.max+1);s.dispatchEvent(new Event('input'));},1100);}"
)
_BUTTON = (
    f"font:13px {SANS};color:{INK};background:#ffffff;border:1px solid {RULE};border-radius:6px;"
    "padding:3px 10px;min-width:34px;cursor:pointer;"
)

_CAPTION = f"font:14px/1.5 {SANS};color:{INK};margin-top:8px;max-width:780px;min-height:3em"
# JupyterLab takes every key for its own, and an arrow key on the slider for "next cell", but for elements so marked.
_OUR_KEYS = 'data-lm-suppress-shortcuts="true"'
# A dark theme would give code its own dark ground, on our light one.
_CODE = f'<code style="font:13px {MONO};color:{INK};background:#eceef1;border-radius:3px;padding:1px 4px">'


@dataclass(frozen=True)
class Figure:
    """Drawings with a caption each; shown by being a cell's last value. One drawing alone has no controls."""

    frames: tuple[str, ...]  # SVG text
    captions: tuple[str, ...]  # HTML: <b>, <code>; text from elsewhere is to be escaped
    title: str  # plain text

    def __repr__(self) -> str:
        return f"Figure({self.title!r}, {len(self.frames)} frame{'s' if len(self.frames) > 1 else ''})"

    def _repr_html_(self) -> str:
        name = f"needle-figure-{next(_ids)}"
        frames = "".join(
            f'<div data-frame="{index}" style="grid-area:1/1;visibility:{"hidden" if index else "visible"}">'
            f"{_image(svg, self.title)}"
            f'<div style="{_CAPTION}">{caption.replace("<code>", _CODE)}</div></div>'
            for index, (svg, caption) in enumerate(zip(self.frames, self.captions, strict=True))
        )
        return (
            f'<figure id="{name}" role="group" aria-label="{escape(self.title)}" style="margin:6px 0;padding:12px 16px;'
            f"background:{PAPER};color:{INK};border:1px solid {RULE};border-radius:10px;max-width:900px;"
            f'box-sizing:border-box;overflow-x:auto">'
            f'<div style="font:600 15px {SANS};color:{INK};margin-bottom:8px">{escape(self.title)}</div>'
            f"{self._controls() if len(self.frames) > 1 else ''}"
            f'<div style="display:grid;grid-template-columns:minmax(0,1fr)">{frames}</div></figure>'
        )

    def _controls(self) -> str:
        last = len(self.frames) - 1
        return (
            '<div style="display:flex;align-items:center;gap:8px;margin-bottom:10px">'
            f"{_button('previous step', '&lsaquo;', -1)}{_button('next step', '&rsaquo;', 1)}"
            f'<input type="range" {_OUR_KEYS} aria-label="step" min="0" max="{last}" value="0" step="1"'
            f' autocomplete="off" oninput="{_SHOW}" style="flex:1;min-width:80px;max-width:520px">'
            f'<span data-count style="font:13px {SANS};color:{MUTED};min-width:52px">1 / {last + 1}</span>'
            f'<button type="button" {_OUR_KEYS} data-play onclick="{_PLAY}" style="{_BUTTON}">Play</button></div>'
        )


def _image(svg: str, title: str) -> str:
    """The drawing as an image. What means something in an address, an attribute or HTML is written as its code."""
    for sign in '%#&"':  # the percent sign first, for it begins the codes of the others
        svg = svg.replace(sign, f"%{ord(sign):02X}")
    return (
        f'<img alt="{escape(title)}" src="data:image/svg+xml;charset=utf-8,{svg}"'
        ' style="max-width:100%;height:auto;display:block;margin:0">'
    )


def _button(name: str, sign: str, step: int) -> str:
    handler = _MOVE.format(step=step)
    return (
        f'<button type="button" {_OUR_KEYS} aria-label="{name}" onclick="{handler}" style="{_BUTTON}">{sign}</button>'
    )


def stepper(frames: Sequence[object], captions: Sequence[str], title: str) -> Figure:
    """The drawings (`Drawing` or SVG text) as one figure with a slider; `captions` has a line of HTML for each."""
    if not frames:
        raise ValueError("a figure needs at least one frame, and got none")
    if len(frames) != len(captions):
        raise ValueError(f"each frame needs a caption: there are {len(frames)} frames and {len(captions)} captions")
    return Figure(tuple(str(frame) for frame in frames), tuple(captions), title)


def picture(frame: object, caption: str, title: str) -> Figure:
    """One drawing with its caption, without controls."""
    return stepper([frame], [caption], title)
