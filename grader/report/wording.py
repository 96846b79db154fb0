"""How every format words the same things: points, and a message that has to be short."""

from __future__ import annotations

from collections.abc import Sequence

from grader.reading.flag import Flag
from grader.visible import visible

# Above the suspicions, wherever they are told.
FLAGS = "For the instructor: worth a look by a person, and of no effect on the points"


def points(score: float, max_score: float) -> str:
    """Points of points, "8.5 / 10.0", in as many digits as it takes: 9.98 must not read as all, nor 0.02 as nothing."""
    if max_score == 0:
        return "not run"
    digits = 1
    while digits < 15 and (
        (score < max_score and f"{score:.{digits}f}" == f"{max_score:.{digits}f}")
        or (score > 0 and float(f"{score:.{digits}f}") == 0)
    ):
        digits += 1
    return f"{score:.{digits}f} / {max_score:.1f}"


def count(number: int, noun: str) -> str:
    """A number of things: "1 case", "2 cases"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def in_line(text: str) -> str:
    """The text as one line without control characters: names come from folders and archives that students made."""
    return visible(text).replace("\n", "\\n")


def flag_lines(flags: Sequence[Flag], most: int) -> list[tuple[str, str]]:
    """(place, what and why) of suspicions, `most` of them; places where the same stands are told of once."""
    alike: dict[tuple[str, str], list[str]] = {}
    for flag in flags:
        alike.setdefault((flag.what, flag.why), []).append(flag.place)
    lines = []
    for (what, why), places in list(alike.items())[:most]:
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        lines.append((f"{in_line(places[0])[:120]}{more}", f"{in_line(what)[:160]}: {why}"))
    if len(alike) > most:
        lines.append(("", f"... and {len(alike) - most} more; all are in grade.json"))
    return lines


def shortened(message: str, lines: int) -> str:
    """The message in at most so many lines: its beginning says what, its end where and with which input."""
    found = visible(message).split("\n")
    if len(found) > lines and lines < 4:  # no room for both ends
        found = [*found[: lines - 1], f"{found[lines - 1]} ..."]
    elif len(found) > lines:
        head = (lines - 1) // 3
        tail = found[head + 1 - lines :]
        while len(tail) > 1 and tail[0].startswith("    "):  # a line of code whose file and number have gone
            tail = tail[1:]
        found = [*found[:head], "  ...", *tail]
    return "\n".join(line if len(line) <= 2000 else f"{line[:2000]}..." for line in found)
