"""The mugrade protocol over HTTP: submit, submit_test, publish.

The handlers read what came; submissions.py and regrade.py do the work, in a thread. See working.py.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse

from grader.server.desk import regrade
from grader.server.desk.submissions import Desk, Opening
from grader.server.errors import Invalid
from grader.server.store.models import Role
from grader.server.store.values import decoded
from grader.server.web.auth import SentKey
from grader.server.web.described import json_body, refusals
from grader.server.web.working import checked_id, identified, in_thread, with_body

router = APIRouter(tags=["mugrade"])

_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
_TREE_HASH = re.compile(r"[0-9a-f]{64}")
_ANY_VALUE = {
    "description": 'Any JSON; arrays as {"_encoded_type": "np.ndarray", "data": nested lists}.',
    "example": {"_encoded_type": "np.ndarray", "data": [[1.0, 2.0]]},
}
_MAX_INDEX = 1 << 31  # what the column holds

AssignmentName = Annotated[str, Query(description="The assignment's name.", examples=["statistics"])]
ProblemName = Annotated[
    str, Query(description="The problem's name or alias; a leading submit_ is not part of it.", examples=["rnn"])
]


class Opened(BaseModel):
    """A submission, ready for its cases."""

    submission_id: str = Field(description="For submit_test.")


class Verdict(BaseModel):
    """How a value is judged."""

    correct: bool
    message: str = Field(description="What is wrong with it; never what was expected. Empty where it is correct.")


class Published(BaseModel):
    """A version of the answers."""

    version: int = Field(description="1, 2, ...")
    state: str = Field(description="active; pending, until it is applied; or unchanged: it is the newest one already.")
    cases: int = Field(description="Number of values.")
    changes: int = Field(description="Number of students whose points would change.")
    answer_id: int


@router.post("/submit", response_model=Opened, responses=refusals(401, 403, 404, 409, 429), summary="Open a submission")
async def submit(
    request: Request,
    key: SentKey,
    assignment: AssignmentName,
    problem: ProblemName,
    idempotency_key: Annotated[
        str | None, Header(description="8 to 64 letters, digits, _ and -: sent again, it opens nothing new.")
    ] = None,
    x_tree_hash: Annotated[str | None, Header(description="SHA-256 of the submitted tree, hexadecimal.")] = None,
) -> Any:
    """Open a submission of a problem. It takes cases for an hour, and costs an attempt with its first one."""
    now = request.app.state.clock()
    user, _ = await identified(request, key)
    opening = Opening(
        assignment,
        problem,
        _checked("Idempotency-Key", idempotency_key, _TOKEN, "8 to 64 letters, digits, _ and -"),
        _checked("X-Tree-Hash", x_tree_hash and x_tree_hash.lower(), _TREE_HASH, "64 hexadecimal digits"),
        request.headers.get("user-agent", ""),
    )
    return {"submission_id": await in_thread(lambda: _desk(request).open(user, opening, now))}


@router.post(
    "/submit_test",
    response_model=Verdict,
    responses=refusals(400, 401, 403, 404, 409, 429),
    openapi_extra=json_body(_ANY_VALUE, "One value."),
    summary="Post the value of a case",
)
async def submit_test(
    request: Request,
    key: SentKey,
    submission_id: Annotated[str, Query(description="As /submit gave it.")],
    test_case_index: Annotated[int, Query(ge=0, lt=_MAX_INDEX, description="Counted from 0.")],
) -> Any:
    """Judge and keep the value of a case. The same value again gives the same verdict, and counts once."""
    asked = request.app.state.clock()
    user, _ = await identified(request, key)
    # A busy server makes nobody late: how long we took to look up the key is not how long the value took to come.
    waited = request.app.state.clock() - asked
    checked_id(submission_id)
    body = await request.body()
    now = request.app.state.clock() - waited
    judged = await with_body(
        request, body, lambda: _desk(request).post(user, submission_id, test_case_index, body, now)
    )
    return {"correct": judged.correct, "message": judged.message}


@router.post(
    "/publish",
    response_model=Published,
    responses=refusals(400, 401, 403, 404, 409),
    openapi_extra=json_body({"type": "array", "items": _ANY_VALUE}, "The values of all cases, in their order."),
    summary="Publish a problem's answers",
)
async def publish(request: Request, key: SentKey, assignment: AssignmentName, problem: ProblemName) -> Any:
    """Publish a version of a problem's answers, as an instructor.

    The first one, and one that changes nobody's points, is active at once; another waits until it is applied.
    """
    user, _ = await identified(request, key, Role.INSTRUCTOR)
    body = await request.body()
    now = request.app.state.clock()

    def work() -> dict[str, Any]:
        values = _values(body, request.app.state.settings.max_cases)
        found = regrade.publish_to(request.app.state.database, user, assignment, problem, values, now)
        return {
            "version": found.version,
            "state": found.state,
            "cases": len(values),
            "changes": found.changes,
            "answer_id": found.answer_id,
        }

    return await with_body(request, body, work)


@router.api_route(
    "/_/api/{rest:path}",
    methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"],
    include_in_schema=False,
)
async def older_edition(rest: str) -> PlainTextResponse:
    """Where an older edition of the client posts base64 of pickles. Unpickling runs whatever the sender likes."""
    sentence = (
        "This server speaks the JSON edition of the mugrade protocol and reads no pickles; update your client: "
        "use submit.py, or the mugrade package that posts to /submit."
    )
    return PlainTextResponse(sentence, 410)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _checked(name: str, text: str | None, pattern: re.Pattern[str], expected: str) -> str:
    if text is None or pattern.fullmatch(text):
        return text or ""
    raise Invalid(f"The header {name} has value {text!r:.80}; expected {expected}.")


def _values(body: bytes, most: int) -> list[Any]:
    values = decoded(body)
    if not isinstance(values, list):
        raise Invalid("The body is not a list; expected the list of the values of all cases, in their order.")
    if not 0 < len(values) <= most:
        raise Invalid(f"The body has {len(values)} values; expected 1 to {most}.")
    return values
