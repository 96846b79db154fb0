"""How the API is described: every status that an endpoint answers with, and what its body is then."""

from __future__ import annotations

from typing import Any

Responses = dict[int | str, dict[str, Any]]

_REFUSALS = {
    400: "The body is not JSON, or not a value of the protocol.",
    401: "There is no key, or it is mistyped, not known or revoked.",
    403: "Not with this key's role, not another's, or not at this time.",
    404: "No such assignment, problem or submission.",
    409: "It contradicts what is stored, or cannot be done yet or any more.",
    410: "An older edition of the protocol.",
    413: "The body is over the limit.",
    414: "The URL is over the limit.",
    422: "A parameter is missing or wrong.",
    429: "The attempt limit is reached; the header Retry-After says for how many seconds.",
    500: "A fault of the server; its log has it under the reply's X-Request-Id.",
    503: "The database does not answer; the header Retry-After says when to try again.",
}
_EVERYWHERE = (413, 414, 422, 500, 503)


def refusals(*statuses: int) -> Responses:
    """Those statuses, and the ones that every endpoint may answer with: each with one sentence as text."""
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {status: {"description": _REFUSALS[status], "content": text} for status in sorted({*statuses, *_EVERYWHERE})}


def json_body(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """For `openapi_extra`: a body that we read ourselves, whatever its Content-Type says."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "description": description, "content": content}}
