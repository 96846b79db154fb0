"""Text that a terminal or a page would obey."""
import os

EVIL = (
    "\x1b[2J\x1b[31m\x1b]0;title\x07\x1b]8;;http://127.0.0.1/\x1b\\10/10\x1b]8;;\x1b\\ \x9b31m \r10 / 10"
    "<script>alert(1)</script><img src=x onerror=alert(1)> [bold red]all passed[/] [/red] &lt; ]]> "
    "\u202e01/01\u202c \u2066\u200b\ufeff \ud800 \udcff \x00 \u0085"
)


def add(a, b):
    os.write(1, EVIL.encode("utf-8", "surrogatepass"))
    os.write(2, EVIL.encode("utf-8", "surrogatepass"))
    raise ValueError(EVIL)


def scale(a, factor):
    source = "def evil():\n    raise ValueError(EVIL)\n"
    scope = {"EVIL": EVIL}
    exec(compile(source, os.path.join(os.path.dirname(__file__), "x\x1b[31m<b>\n.py"), "exec"), scope)
    scope["evil"].__code__ = scope["evil"].__code__.replace(co_name="\x1b[31m<script>\n")
    scope["evil"]()
