"""The HTML report: complete, self-contained, accessible, bounded, and deaf to what a submission says."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from toy_grades import ERROR, EVIL, FAIL, NOT_RUN, PASS, RUN, made, result

from grader.evidence import Curve, Evidence, Lines, Picture, Wrong
from grader.intake.account import Account
from grader.reading.flag import Flag
from grader.report.html import to_html
from grader.report.html.curves import chart
from grader.report.html.heatmap import heat_maps, short
from grader.report.html.markup import Markup, prose, tag, text
from grader.score import Grade
from grader.verdict import CaseResult

VOID = {"meta", "br"}
NAN = Picture(((1.0, None),), ((1.0, 2.0),), ((0.0, None),), "", "axis 0 (2)")


def wrong(picture: Picture | None, name: str = "z_grad", count: int = 1, size: int = 2) -> Wrong:
    return Wrong(name, (2,), (1,), (1,), ("NaN", "NaN"), ("2.0", "2.0"), count, size, "", picture)


def full(size: int) -> Picture:
    """A picture without two equal neighbours."""
    rows = tuple(tuple(float((i * 7 + j * 3) % 11) for j in range(size)) for i in range(size))
    return Picture(rows, rows, rows, f"axis 0 ({size})", f"axis 1 ({size})")


def failed(number: int, message: str, evidence: Evidence | None = None) -> CaseResult:
    found = result("scale", number, FAIL, message + RUN)
    return replace(found, evidence=evidence or Evidence())


TOLD = Evidence(
    asked="The gradient of `scale` is the factor.",
    question="scale: a (2,), factor 2.5",
    wrong=wrong(NAN),
    contrast="where a is longer than 1",
    own=(Lines("vec/elementwise.py", 3, 9, "scale"),),
    section="Part 1: Scaling",
    command="python -m grader repro 'x' student --seed 1",
    curves=(Curve("loss", (3.0, 2.0, None, 1.0), (3.0, 1.0, 0.5, 0.25)),),
)


@pytest.fixture
def grade() -> Grade:
    """One of everything."""
    return made(
        [
            *(result("add", k, PASS) for k in range(3)),
            failed(0, "scale: z_grad is wrong at [1]: got NaN, expected 2.0.", TOLD),
            failed(1, "scale: z_grad is wrong at [0]: got 1, expected 2.0.", TOLD),
            result(
                "scale", 2, ERROR, "scale raised IndexError: no\n  vec/elementwise.py:9 in scale\n    return a[8]" + RUN
            ),
            result("scale", 3, ERROR, "not implemented: Scale.compute is yours to write" + RUN),
            result("total", 0, NOT_RUN, "no GPU", device="gpu"),
        ],
        flags=[Flag("a.py", 3, "imports torch", "it could compute the answer")],
        account=Account("abc", 4, 9, changed=("Makefile",)),
    )


class Page(HTMLParser):
    """The page's elements, and what is wrong with their nesting."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return "".join(self.words)


def test_everything_is_there(grade: Grade) -> None:
    """Points, failures with their parts, pictures, curves, times, files, flags and what repeats the run."""
    words = Page(to_html(grade)).text
    for part in (
        "scale: z_grad is wrong at [1]: got NaN, expected 2.0.",
        "and 1 more like it",
        "The gradient of scale is the factor.",
        "scale: a (2,), factor 2.5",
        "Failswhere a is longer than 1",
        "vec/elementwise.py:3-9 scale",
        "Part 1: Scaling",
        "python -m grader repro 'x' student --seed 1",
        "NaN or infinite",
        "return a[8]",
        "Not implemented yet:Scale.compute, met by 1 case",
        "1 case not run",
        "no GPU",
        "imports torch: it could compute the answer",
        "changed, which does not count (graded as they were given): Makefile",
        "Commitabc",
        "Seed1",
        "python3.11",
    ):
        assert part in words, part


def test_what_was_computed_is_told_beside_its_input(grade: Grade) -> None:
    """The message's line on it has a name, and is no box of its own."""
    told = "scale: z_grad is wrong at [1]: got NaN, expected 2.0.\nscale: vec.scale(a, `factor`)."
    page = Page(to_html(made([failed(0, told, TOLD), *grade.problems[0].results, *grade.problems[2].results])))
    assert "Computedvec.scale(a, factor).Input" in page.text
    assert not page.of("pre")


def test_only_cases_that_were_run_took_their_time(grade: Grade) -> None:
    """One that could not be run on this machine is not counted."""
    assert "7 cases took 1.0 s" in Page(to_html(grade)).text


def test_parts_are_not_told_twice(grade: Grade) -> None:
    """What stands in a card of its own is not repeated from the message's text."""
    told = f"headline is wrong\nAsked: {TOLD.asked}\nInput: a (2,), factor 2.5.\n  a = [1, 2]\nHandout: {TOLD.section}"
    words = Page(to_html(made([failed(0, told, TOLD), *grade.problems[0].results, *grade.problems[2].results]))).text
    assert words.count("headline is wrong") == 2  # in its card, and in the list of all cases that were lost
    assert words.count("a (2,), factor 2.5") == 1
    assert words.count("  a = [1, 2]") == 1


def test_nothing_is_loaded_from_elsewhere(grade: Grade) -> None:
    """Its own policy forbids it as well, and allows just the style and the script that are in it."""
    document = to_html(grade)
    page = Page(document)
    policy = next(item["content"] for item in page.of("meta") if "http-equiv" in item)
    style, script = (re.search(f"<{name}>(.*?)</{name}>", document, re.DOTALL) for name in ("style", "script"))
    assert style is not None
    assert script is not None
    hashes = [base64.b64encode(hashlib.sha256(part[1].encode()).digest()).decode() for part in (style, script)]
    assert policy == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    )
    assert not [name for name, item in page.elements if {"src", "style", "onclick", "onerror"} & set(item)]
    assert all((item.get("href") or "").startswith("#") for item in page.of("a"))
    assert "url(" not in style[1].replace("url(#hatch)", "")


def test_headings_are_in_order(grade: Grade) -> None:
    """One h1, and no level is skipped."""
    levels = [int(name[1]) for name, _ in Page(to_html(grade)).elements if re.fullmatch("h[1-6]", name)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_and_drawings_can_be_read_aloud(grade: Grade) -> None:
    """Headers say of what they are; a drawing has a text or is left out; ids are unique and links lead somewhere."""
    page = Page(to_html(grade))
    assert all(item.get("scope") in ("col", "row") for item in page.of("th"))
    for item in page.of("svg"):
        assert item.get("aria-hidden") == "true" or (item.get("role") == "img" and item.get("aria-label"))
    ids = [item["id"] for _, item in page.elements if "id" in item]
    assert len(ids) == len(set(ids))
    assert {item["href"][1:] for item in page.of("a")} <= set(ids)  # type: ignore[index]
    assert {item["aria-labelledby"] for item in page.of("section")} <= set(ids)
    assert page.of("html")[0]["lang"] == "en"


def test_words_of_a_submission_stay_words(grade: Grade) -> None:
    """Whatever they are and wherever they stand."""
    evil = Evidence(
        asked=EVIL,
        question=EVIL,
        wrong=wrong(NAN, EVIL),
        contrast=EVIL,
        own=(Lines(EVIL, 1, 2, EVIL),),
        section=EVIL,
        command=EVIL,
        curves=(Curve(EVIL, (1.0,), ()),),
    )
    hostile = made(
        [failed(0, EVIL, evil), *grade.problems[0].results, *grade.problems[2].results],
        tree=EVIL,
        selection=EVIL,
        flags=[Flag(EVIL, 1, EVIL, "why")],
        account=Account(EVIL, 1, 1, changed=(EVIL,)),
        environment={EVIL: EVIL},
    )
    document = to_html(hostile)
    document.encode("utf-8")
    page = Page(document)
    assert len(page.of("script")) == 1
    assert "\x1b" not in document
    assert "\u202e" not in document
    assert page.text.count("<script>alert(1)</script>") > 8
    hostile = replace(hostile, fault=EVIL)
    assert len(Page(to_html(hostile)).of("script")) == 1


def test_fault_of_the_whole_tree_is_told_instead_of_its_cases(grade: Grade) -> None:
    """As every case would say the same."""
    page = Page(to_html(replace(grade, fault="src/native.cc does not compile:\nsrc/native.cc:1:1: error")))
    assert "Nothing could be graded" in page.text
    assert "src/native.cc:1:1: error" in page.text
    assert not page.of("article")


def test_page_of_many_failures_stays_small() -> None:
    """1,200 cases, each of a kind of its own, with large pictures and long messages: at most 5 MB, and every case."""
    message = "<&\x00>" * 2000
    evidence = replace(TOLD, wrong=wrong(full(64)), question="&" * 5000)
    cases = [failed(k, f"{chr(97 + k % 26)}{chr(97 + k // 26)} is wrong\n{message}", evidence) for k in range(1200)]
    document = to_html(made([*cases, result("add", 0, PASS), result("total", 0, PASS)]))
    assert len(document.encode()) < 5_000_000
    assert document.count("test_scale[cpu-") >= 1200
    assert "more kinds of failure" in document


def test_map_groups_equal_neighbours_and_keeps_blocks_apart() -> None:
    """One path a colour; a run ends where a block does."""
    rows = ((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 9.0, 9.0))
    maps = str(heat_maps(wrong(None), Picture(rows, rows, rows, "axis 0 (2)", "axis 1 (4)", (2, 2))))
    error = maps.partition("</svg>")[0]
    assert error.count("<path") == 2
    assert [path.count("M") for path in re.findall('d="([^"]*)"', error)] == [3, 1]


def test_map_says_in_words_where_the_errors_are() -> None:
    """For whoever cannot see it."""
    rows = ((0.0, 0.0), (0.0, 5.0), (0.0, 9.0))
    maps = str(heat_maps(wrong(None, count=2, size=6), Picture(rows, rows, rows, "axis 0 (3)", "axis 1 (2)")))
    told = "2 of 6 values wrong, in 2 of 3 rows and 1 of 2 columns; the largest in row 2, column 1"
    assert f'aria-label="Map of the error of z_grad: {told}"' in maps


@pytest.mark.parametrize(
    "rows",
    [
        ((None,),),
        ((0.0, None),),
        ((1e308, -1e308),),
        ((1e-300, 0.0),),
        ((5.0,) * 64,) * 64,
        ((0.0,), (1e30,)),
        ((1.0, 2.0, 3.0, 1e306),),
    ],
    ids=["only NaN", "zero and NaN", "huge", "tiny", "constant", "one far off", "huge among small"],
)
def test_any_picture_can_be_drawn(rows: tuple[tuple[float | None, ...], ...]) -> None:
    """And is well-formed."""
    error = tuple(tuple(None if value is None else abs(value) for value in row) for row in rows)
    Page(heat_maps(wrong(None), Picture(rows, rows, error, "", "axis 0")))
    right = tuple((1.0,) * len(row) for row in rows)
    Page(heat_maps(wrong(None), Picture(rows, right, error, "", "axis 0")))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "0"),
        (3.0, "3"),
        (-0.5, "\u22120.50"),
        (12.345, "12.3"),
        (123.4, "123"),
        (1e-7, "1e\u22127"),
        (1.5e10, "2e10"),
    ],
)
def test_numbers_fit_into_cells(value: float, told: str) -> None:
    """Six characters at most."""
    assert short(value) == told


@pytest.mark.parametrize(
    ("got", "want"),
    [
        ((3.0, 2.0, 1.0), (3.0, 2.0, 1.5)),
        ((3.0, float("nan"), float("inf"), 1e30), (3.0, 2.0, 1.0, 0.5)),
        ((None, None), (1.0, 1.0)),
        ((1.0,), ()),
        ((2.0,) * 512, (2.0,) * 512),
        ((1e308, -1e308), ()),
    ],
    ids=["near", "diverged", "nothing finite", "a point", "constant", "huge"],
)
def test_any_curve_can_be_drawn(got: tuple[float | None, ...], want: tuple[float | None, ...]) -> None:
    """Inside of its frame, however far it has gone."""
    drawn = chart(Curve("loss", got, want))
    Page(drawn)
    heights = [
        float(y) for path in re.findall(r' d="([^"]*)"', drawn) for y in re.findall(r"[ML][\d.]+ (-?[\d.]+)", path)
    ]
    assert all(0 <= y <= 180 for y in heights)


def test_markup_escapes_what_is_no_markup() -> None:
    """Children and attributes."""
    assert tag("p", "<b>", Markup("<i></i>"), None, class_='"x"', aria_label="&", open=True, hidden=False) == (
        '<p class="&quot;x&quot;" aria-label="&amp;" open>&lt;b&gt;<i></i></p>'
    )
    assert prose("a `b<` c") == "a <code>b&lt;</code> c"
    assert prose("a ` c") == text("a ` c")
