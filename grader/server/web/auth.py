"""Who a request of the API comes from: the key in `Authorization: Bearer KEY`, or in the query as `user_key=KEY`.

The header wins where both are there; it is the one that no proxy's log shows. The course's client knows the query only.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyQuery, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from sqlalchemy.orm import Session

from grader.server.errors import Forbidden, Invalid, Unauthorized
from grader.server.store import keys
from grader.server.store.models import Key, Role, User

_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="A key, as the course's staff gave it out.")
_QUERY = APIKeyQuery(
    name="user_key", auto_error=False, scheme_name="key in the query", description="The same, for the course's client."
)


async def sent_key(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    query: Annotated[str | None, Depends(_QUERY)],
) -> str:
    """The key's text as it came, "" where there is none. Whether anybody has it is for `person` to say."""
    _refuse_twice(request)
    if bearer is not None:
        return bearer.credentials.strip()
    if "authorization" in request.headers and not query:
        raise Unauthorized(
            "The header Authorization is not of the form 'Bearer KEY'; expected your key after 'Bearer '."
        )
    return (query or "").strip()


def _refuse_twice(request: Request) -> None:
    """A parameter with two values means one to us and the other to whoever reads it next: a proxy, a person, a log."""
    given = [name for name, _ in request.query_params.multi_items()]
    for name in dict.fromkeys(given):
        if (times := given.count(name)) > 1:
            raise Invalid(f"{name[:60]!r} is in the query {times} times; expected it once.")
    if len(request.headers.getlist("authorization")) > 1:
        raise Invalid("There are two headers Authorization; expected one, with your key after 'Bearer '.")


SentKey = Annotated[str, Depends(sent_key)]


def person(request: Request, session: Session, text: str, *roles: Role) -> tuple[User, Key]:
    """Who sent the key. roles: those that may do this; none: everyone. Raises Unauthorized or Forbidden."""
    if not text:
        raise Unauthorized("There is no key; send yours in the header 'Authorization: Bearer KEY'.")
    if not keys.well_formed(text):
        raise Unauthorized(
            "The key is incomplete or mistyped; expected 'ndl_' and 38 letters and digits, as the course's staff gave "
            "it out."
        )
    found = keys.find(session, text)
    if found is None:
        raise Unauthorized("The key is not known or was revoked; ask the course's staff for a new one.")
    request.state.login = found[0].login  # for the log
    if roles and found[0].role not in roles:
        allowed = " or ".join(role.value for role in roles)
        raise Forbidden(f"Your key has the role {found[0].role.value}; this needs the role {allowed}.")
    return found
