"""Three-way merging of notebooks: cells by their ids, outputs kept where they are still true."""

from __future__ import annotations

import copy
import json
from typing import Any

import nbformat
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.carry.upgrade.merge_notebook import Notebook, merge_notebook, read, unresolved

REGION = "### BEGIN YOUR SOLUTION\n{}\n### END YOUR SOLUTION\n"
STUB = REGION.format('raise NotImplementedError("yours")')


def code(name: str, source: str, outputs: tuple[str, ...] = (), **metadata: Any) -> dict[str, Any]:
    found = [{"output_type": "stream", "name": "stdout", "text": [text]} for text in outputs]
    count = 3 if outputs else None
    ran = {"outputs": found, "execution_count": count}
    return {"cell_type": "code", "id": name, "metadata": metadata, "source": source.splitlines(keepends=True), **ran}


def prose(name: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source.splitlines(keepends=True)}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


BASE = notebook(
    prose("top-1", "# Title\n"),
    code("flip-1", "x = 1\n"),
    code("flip-2", f"def f():\n    pass\n\n{STUB}"),
    prose("end-1", "The end.\n"),
)


def merged(mine: dict[str, Any], theirs: dict[str, Any]) -> tuple[Notebook, list[dict[str, Any]]]:
    """The merged notebook, which is a valid one, and its cells."""
    result = merge_notebook(BASE, mine, theirs, "2.0")
    document = json.loads(result.text)
    nbformat.validate(document)
    return result, document["cells"]


def sources(cells: list[dict[str, Any]]) -> dict[str, str]:
    return {cell["id"]: "".join(cell["source"]) for cell in cells}


def changed(cells: dict[str, dict[str, Any] | None], base: dict[str, Any] = BASE) -> dict[str, Any]:
    """A notebook in which some cells are others, or are not there; a name with `>` comes behind another."""
    result = [cells.get(cell["id"], cell) for cell in base["cells"]]
    found = [cell for cell in result if cell is not None]
    for name, cell in cells.items():
        behind, _, own = name.partition(">")
        if own and cell is not None:
            place = next(k for k, other in enumerate(found) if other["id"] == behind)
            found.insert(place + 1, cell)
    return notebook(*found)


def test_work_in_a_cell_wins_over_a_stub() -> None:
    """A region of a cell is the student's, and given lines around it become the new ones."""
    work = code("flip-2", f"def f():\n    pass\n\n{REGION.format('answer = 42')}", ("42\n",))
    new = code("flip-2", f"def f():\n    return 1\n\n{STUB.replace('yours', 'write it')}")
    result, cells = merged(changed({"flip-2": work}), changed({"flip-2": new}))
    assert result.conflicts == ()
    assert sources(cells)["flip-2"] == f"def f():\n    return 1\n\n{REGION.format('answer = 42')}"
    assert cells[2]["outputs"] == []  # of other code than this


def test_outputs_stay_where_nothing_has_changed() -> None:
    """A cell that says what it said when it was run keeps what came of it."""
    mine = changed({"flip-1": code("flip-1", "x = 1\n", ("one\n",), scrolled=True)})
    _, cells = merged(mine, changed({"end-1": prose("end-1", "Another end.\n")}))
    assert cells[1]["outputs"][0]["text"] == ["one\n"]
    assert (cells[1]["execution_count"], cells[1]["metadata"]) == (3, {"scrolled": True})
    assert sources(cells)["end-1"] == "Another end.\n"


def test_cells_of_both_sides() -> None:
    """The student's own cells stay behind the ones that they stood behind, and the release's new ones come in."""
    mine = changed({"flip-1>a": code("0a1b", "mine = 1\n", ("1\n",)), "end-1>b": code("0a1c", "last = 1\n")})
    theirs = changed({"top-1>n": prose("top-2", "New.\n"), "flip-1>m": code("flip-3", "new = 1\n")})
    result, cells = merged(mine, theirs)
    assert [*sources(cells)] == ["top-1", "top-2", "flip-1", "0a1b", "flip-3", "flip-2", "end-1", "0a1c"]
    assert cells[3]["outputs"]
    assert (result.conflicts, result.notes) == ((), ())


def test_a_conflict_is_shown_as_cells() -> None:
    """Where both have changed the same lines there is a cell that says so, then the student's, then the new one."""
    result, cells = merged(
        changed({"flip-1": code("flip-1", "x = 2\n", ("2\n",))}), changed({"flip-1": code("flip-1", "x = 3\n")})
    )
    assert result.conflicts == (2,)
    assert [*sources(cells)] == ["top-1", "flip-1-conflict", "flip-1", "flip-1-new", "flip-2", "end-1"]
    assert "**Conflict** with release 2.0" in sources(cells)["flip-1-conflict"]
    assert (sources(cells)["flip-1"], sources(cells)["flip-1-new"]) == ("x = 2\n", "x = 3\n")
    assert cells[2]["outputs"]
    document = read(result.text)
    assert document is not None
    assert unresolved(document) == 2


def test_a_cell_that_the_release_drops() -> None:
    """It goes where the student had not changed it; else it stays, and is told."""
    theirs = changed({"flip-1": None, "flip-2": None})
    result, cells = merged(changed({"flip-2": code("flip-2", REGION.format("mine = 1"))}), theirs)
    assert [*sources(cells)] == ["top-1", "flip-2", "end-1"]
    assert result.notes == (
        "the cell “### BEGIN YOUR SOLUTION” is no longer in the notebook; you had changed it, so it stays",
    )


def test_a_cell_that_the_student_deleted() -> None:
    """It stays away as long as the release does not change it; else it comes back, and is told."""
    mine = changed({"top-1": None, "flip-1": None})
    result, cells = merged(mine, changed({"flip-1": code("flip-1", "x = 3\n")}))
    assert [*sources(cells)] == ["flip-1", "flip-2", "end-1"]
    assert result.notes == ("the cell “x = 3”, which you had deleted, has changed and is there again",)


def test_cells_that_were_moved() -> None:
    """The student's order stands as long as the release has not another one."""
    mine = notebook(*reversed(BASE["cells"]))
    _, cells = merged(mine, changed({"end-1": prose("end-1", "Another end.\n")}))
    assert [*sources(cells)] == ["end-1", "flip-2", "flip-1", "top-1"]


def test_an_editor_that_keeps_no_ids() -> None:
    """Cells without ids, or with others, are known by what they say."""
    mine = copy.deepcopy(changed({"flip-2>own": code("x", "own = 1\n")}))
    for number, cell in enumerate(mine["cells"]):
        cell["id"] = f"foreign{number}"
    for cell in mine["cells"][1::2]:
        del cell["id"]
    result, cells = merged(mine, changed({"end-1": prose("end-1", "Another end.\n")}))
    said = [*sources(cells).values()]
    assert said == ["# Title\n", "x = 1\n", f"def f():\n    pass\n\n{STUB}", "own = 1\n", "Another end.\n"]
    assert result.conflicts == ()


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.data())
def test_no_cell_is_lost(data: st.DataObject) -> None:
    """Whatever both sides add, change, delete and move: what a student wrote is there, once."""

    def edited(name: str) -> dict[str, Any]:
        cells = [cell for cell in BASE["cells"] if data.draw(st.booleans())]
        cells = [prose(cell["id"], f"{name} in {cell['id']}") if data.draw(st.booleans()) else cell for cell in cells]
        cells += [prose(f"{name}-{number}", f"{name}, new {number}") for number in range(data.draw(st.integers(0, 3)))]
        return notebook(*data.draw(st.permutations(cells)))

    mine, theirs = edited("mine"), edited("theirs")
    _, cells = merged(mine, theirs)
    found = [*sources(cells).values()]
    written = [text for text in sources(mine["cells"]).values() if text.startswith("mine")]
    assert sorted(text for text in found if text.startswith("mine")) == sorted(written)
    assert all(text in found for text in sources(theirs["cells"]).values() if text.startswith("theirs"))
    assert len(found) == len(cells)


def test_what_is_no_notebook() -> None:
    """A file that is no notebook is told from one."""
    for text in ("", "{", "[]", "{}", '{"cells": 3}', '{"cells": [1]}'):
        assert read(text) is None
