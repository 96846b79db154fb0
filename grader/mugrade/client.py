"""Speak to a mugrade server: time-outs, retries, and one clear sentence for whatever goes wrong.

The key travels in the Authorization header and nowhere else: a query ends up in the logs of every proxy. It goes to the
server's own address only (redirects are not followed), over TLS that is verified, and it is taken out of every text
that a server or a library gives back before anybody sees it.

Every request may be repeated without harm: a submission is opened under a token of the client's, the same value for the
same case gets the same verdict, the same answers are the same version. So a reply that was lost is asked for again.
"""

from __future__ import annotations

import json
import platform
import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ReadTimeoutError

import grader
from grader.errors import UsageError
from grader.mugrade import replies
from grader.mugrade.address import checked, is_loopback
from grader.mugrade.moments import when
from grader.mugrade.redaction import redacted
from grader.visible import visible

T = TypeVar("T")

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0  # without a byte of the reply
PATIENCE_SECONDS = 180.0  # over all attempts of a request, waits included
ATTEMPTS = 7  # waits of 0.5, 1, 2, ... 16 s between them: a server that is started anew is back by then
FIRST_ATTEMPTS = 3  # while nothing has ever answered: more likely a wrong address than a pause
FIRST_WAIT = 0.5  # seconds
MAX_WAIT = 60.0  # what a server may ask for by Retry-After and we still wait
MAX_REPLY = 4 << 20  # bytes
RETRIED = (429, 502, 503, 504)


class SubmitError(UsageError):
    """Something could not be posted; the text says why, and what to do. `status`: of the server's reply, if any."""

    exit_status = 4

    def __init__(self, sentence: str, status: int | None = None, retry_after: float | None = None) -> None:
        """retry_after: seconds after which the same may be posted, as far as the server tells."""
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class Unreachable(SubmitError):
    """No reply came, or a server said that it cannot give one now: later the same request may do."""


def checked_key(key: str | None) -> str:
    """The key without blanks around it. Raises UsageError where there is none, or what is there cannot be one."""
    key = (key or "").strip()
    if not key:
        raise UsageError(
            "no key was given: use --key KEY or the environment variable MUGRADE_KEY. "
            "Your course's staff gave you one, and can give you another."
        )
    if not re.fullmatch(r"[\x21-\x7e]{1,512}", key):
        raise UsageError(
            "the key has characters that no key has (blanks, line breaks, or not ASCII): copy it once more."
        )
    return key


class Client:
    """A server, and the key to speak to it with."""

    def __init__(
        self,
        server: str,
        key: str,
        *,
        insecure_http: bool = False,
        notice: Callable[[str], None] = lambda line: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """notice: is told why we wait, and for how long. Raises UsageError where address or key cannot be one."""
        self._auth = _Bearer(checked_key(key))
        self.server = checked(server, insecure_http=insecure_http)
        self._notice = notice
        self._sleep = sleep
        self._answered = False  # whether anything has ever answered
        self.now: datetime | None = None  # by the server's own clock, when it last answered: deadlines go by that
        self._session = requests.Session()
        # Else a proxy of the environment would be given what is meant for this machine, key and all. Elsewhere a proxy
        # sees TLS only.
        host = urlsplit(self.server).hostname or ""
        self._proxies = {"no_proxy": host} if is_loopback(host) else {}
        system = f"Python {platform.python_version()}; {platform.system()}"
        self._session.headers["User-Agent"] = f"needle-submit/{grader.__version__} ({system})"

    def __repr__(self) -> str:
        return f"Client({self.server!r})"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def redacted(self, text: str) -> str:
        """The text fit for a terminal, the key taken out of it."""
        return visible(self._auth.redacted(text))

    # -- the wire ---------------------------------------------------------------------------------------------------

    def me(self) -> replies.Person | None:
        """Whom the key speaks for. None: a server without this extension of the protocol."""
        return self._maybe(replies.person, "api/me")

    def assignment(self, name: str) -> replies.ServedAssignment | None:
        """An assignment as it is for the key's holder. None: there is none of the name, or no such extension."""
        return self._maybe(replies.assignment, f"api/assignments/{quote(name, safe='')}")

    def submission(self, submission_id: str) -> replies.SubmissionState | None:
        """What the server has of a submission. None: nothing, or it has no such extension."""
        return self._maybe(replies.submission, f"api/submissions/{quote(submission_id, safe='')}")

    def submit(self, assignment: str, problem: str, *, token: str, tree_hash: str) -> str:
        """Open a submission, or find the one that this token has opened; its id."""
        headers = {"Idempotency-Key": token, "X-Tree-Hash": tree_hash}
        query = {"assignment": assignment, "problem": problem}
        return self._post(replies.submission_id, "submit", query, headers=headers)

    def submit_test(self, submission_id: str, index: int, value: bytes) -> replies.Judged:
        """Post the encoded value of a case."""
        query = {"submission_id": submission_id, "test_case_index": str(index)}
        return self._post(replies.judged, "submit_test", query, value)

    def publish(self, assignment: str, problem: str, values: bytes) -> replies.Published:
        """Publish the encoded list of a problem's answers."""
        return self._post(replies.published, "publish", {"assignment": assignment, "problem": problem}, values)

    def verified(self, statement: str, signature: str) -> replies.Recorded:
        """Post a signed grade. Raises SubmitError with status 409 where the server has the statement already."""
        body = json.dumps({"statement": statement, "signature": signature}).encode()
        return self._post(replies.recorded, "api/verified", {}, body)

    # -- requests ---------------------------------------------------------------------------------------------------

    def _maybe(self, read: Callable[[dict[str, Any]], T], path: str) -> T | None:
        status, headers, body = self._exchange("GET", path, {}, None, {})
        if status == 404:
            return None
        return self._understood(read, status, headers, body)

    def _post(
        self,
        read: Callable[[dict[str, Any]], T],
        path: str,
        query: dict[str, str],
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> T:
        return self._understood(read, *self._exchange("POST", path, query, body, headers or {}))

    def _exchange(
        self, method: str, path: str, query: dict[str, str], body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) of the reply, after as many attempts as it takes."""
        end = time.monotonic() + PATIENCE_SECONDS
        waits = _waits()
        attempt = 0
        while True:
            attempt += 1
            asked: float | None = None
            try:
                status, found, reply = self._once(method, path, query, body, headers)
                self._answered = True
                self.now = _date(found)
                if status not in RETRIED:
                    return status, found, reply
                asked = _retry_after(found)
                problem: SubmitError = self._refusal(status, found, reply)
                reason = f"{self.server} is busy (HTTP {status})"
            except Unreachable as error:
                problem, reason = error, str(error).partition(": ")[2].partition(". ")[0] or str(error)
            wait = next(waits) if asked is None else asked
            last = attempt >= (ATTEMPTS if self._answered else FIRST_ATTEMPTS)
            if last or wait > MAX_WAIT or time.monotonic() + wait > end:
                raise problem from None
            self._notice(f"{reason}; waiting {wait:.0f} s" if wait >= 1 else f"{reason}; trying again")
            self._sleep(wait)

    def _once(
        self, method: str, path: str, query: dict[str, str], body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"Accept": "application/json, text/plain", **headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._session.request(
                method,
                self.server + path,
                params=query,
                data=body,
                headers=headers,
                auth=self._auth,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                proxies=self._proxies,
                allow_redirects=False,  # the key is for this address and no other
                stream=True,
            ) as response:
                content = _content(response)
                return response.status_code, {k.lower(): v for k, v in response.headers.items()}, content
        # None of these is shown as it is: they hold the request, and their words may hold what a server echoed.
        except requests.exceptions.SSLError as error:
            raise SubmitError(self._untrusted(error)) from None
        except (requests.exceptions.Timeout, TimeoutError):
            raise Unreachable(
                f"No reply from {self.server}: it took longer than {READ_SECONDS:.0f} s. Try again later."
            ) from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            raise UsageError(f"--server has value {self.server!r}, which is no address.") from None
        except (requests.exceptions.RequestException, OSError) as error:
            raise Unreachable(self._no_answer(error)) from None

    def _understood(self, read: Callable[[dict[str, Any]], T], status: int, headers: dict[str, str], body: bytes) -> T:
        if status != 200 and status != 201:
            raise self._refusal(status, headers, body)
        try:
            parsed = self._cleaned(json.loads(body.decode("utf-8")))
            if not isinstance(parsed, dict):
                raise ValueError("no object")
            return read(parsed)
        except (ValueError, RecursionError):
            raise SubmitError(self._stranger(headers), status) from None

    def _cleaned(self, value: Any) -> Any:
        """A reply without the key: who wrote the server may have thought it a good name to greet somebody by."""
        if isinstance(value, str):
            return self._auth.redacted(value)
        if isinstance(value, list):
            return [self._cleaned(item) for item in value]
        return {key: self._cleaned(item) for key, item in value.items()} if isinstance(value, dict) else value

    # -- sentences --------------------------------------------------------------------------------------------------

    def _refusal(self, status: int, headers: dict[str, str], body: bytes) -> SubmitError:
        said = self._sentence(headers, body)
        if 300 <= status < 400:
            there = self.redacted(headers.get("location", ""))[:200] or "elsewhere"
            return SubmitError(
                f"{self.server} sends us on to {there}; a key is not sent there unasked. "
                "If that is your course's server, name it by --server.",
                status,
            )
        if status == 401:
            return SubmitError(
                f"The key was refused by {self.server}: it is mistyped, was replaced by a newer one, or belongs to "
                "another server. Check --key or MUGRADE_KEY; your course's staff can give you a new key.",
                status,
            )
        if status in (502, 503, 504):
            words = said.rstrip(".") or "it is overloaded or being restarted"
            return Unreachable(f"{self.server} cannot answer now (HTTP {status}): {words}. Try again later.", status)
        if status == 429:
            asked = _retry_after(headers)
            again = f" You can submit again {when(asked)}." if asked else ""
            return SubmitError((said or f"{self.server} takes no more for now (HTTP 429).") + again, status, asked)
        if not said:
            return SubmitError(f"{self.server} answered with HTTP {status} and no reason: {_hint(status)}.", status)
        return (
            SubmitError(said, status)
            if status < 500
            else SubmitError(f"{self.server} failed (HTTP {status}): {said}", status)
        )

    def _sentence(self, headers: dict[str, str], body: bytes) -> str:
        """The server's own words, where they are words for a person."""
        text = body[:4000].decode("utf-8", "replace").strip()
        if "html" in headers.get("content-type", "") or text.startswith("<"):
            return ""
        if text.startswith("{"):
            try:
                detail = json.loads(text).get("detail")
            except ValueError:
                detail = None
            text = detail if isinstance(detail, str) else ""
        return " ".join(self.redacted(text).split())[:500]

    def _stranger(self, headers: dict[str, str]) -> str:
        kind = "a web page" if "html" in headers.get("content-type", "") else "something else"
        return (
            f"{self.server} answers with {kind} where a mugrade server would answer with JSON: "
            "check the address given by --server or MUGRADE_SERVER."
        )

    def _untrusted(self, error: BaseException) -> str:
        reason = self.redacted(_innermost(error))
        return (
            f"The connection to {self.server} is not safe: {reason}. Nothing was sent. "
            "Check the address; where a course has an authority of its own, REQUESTS_CA_BUNDLE names its certificate."
        )

    def _no_answer(self, error: BaseException) -> str:
        reason = self.redacted(_innermost(error))
        local = is_loopback(urlsplit(self.server).hostname or "")
        advice = (
            "Name your course's server by --server or MUGRADE_SERVER; who runs it starts it by `python -m grader serve`"
            if local
            else "Check the address and your network; --server names another"
        )
        return f"No server answers at {self.server}: {reason}. {advice}."


class _Bearer(AuthBase):
    """Adds the key to a request, and shows it to nobody. As an `auth`, or ~/.netrc would have the last word."""

    def __init__(self, key: str) -> None:
        self.__key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.__key}"
        return request

    def __repr__(self) -> str:
        return "<the key>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not written down")

    def redacted(self, text: str) -> str:
        return redacted(text, self.__key)


def _waits() -> Iterator[float]:
    """Seconds to wait: twice as long each time, and never the same as the other 300 students' (up to a half more)."""
    wait = FIRST_WAIT
    while True:
        yield wait * random.uniform(1.0, 1.5)
        wait = min(2 * wait, MAX_WAIT / 2)


def _retry_after(headers: dict[str, str]) -> float | None:
    """Seconds, where the server names them; a date is none of ours."""
    text = headers.get("retry-after", "").strip()
    return float(text) if re.fullmatch(r"\d{1,9}", text) else None


def _date(headers: dict[str, str]) -> datetime | None:
    try:
        found = parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _content(response: requests.Response) -> bytes:
    """The body, up to a size and within a time: a byte a minute would otherwise keep us for ever."""
    end = time.monotonic() + READ_SECONDS
    parts, size = [], 0
    try:
        # What is there, as it comes: iter_content would wait for a full buffer, and look at no clock meanwhile.
        while part := response.raw.read1(1 << 16, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > MAX_REPLY:
                raise requests.exceptions.ContentDecodingError(f"a reply of more than {MAX_REPLY >> 20} MiB")
            if time.monotonic() > end:
                raise TimeoutError
        parts.append(response.content)  # nothing is left; but only who asks for it keeps the connection open
    except ReadTimeoutError:
        raise TimeoutError from None
    except HTTPError as error:
        raise requests.exceptions.ConnectionError(error) from None
    return b"".join(parts)


def _hint(status: int) -> str:
    if status == 404:
        return "there is no mugrade server at this address, or it does not know what was asked for"
    return "the server's log has it" if status >= 500 else "it does not take what was sent"


def _innermost(error: BaseException) -> str:
    """The reason at the bottom of a library's exceptions: "Connection refused", "self-signed certificate"."""
    seen: list[BaseException] = []
    found = ""
    pending: list[Any] = [error]
    while pending and len(seen) < 50:
        item = pending.pop(0)
        if not isinstance(item, BaseException) or item in seen:
            continue
        seen.append(item)
        text = getattr(item, "verify_message", None) or getattr(item, "strerror", None)
        if isinstance(text, str) and text:
            found = text
        pending += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    return found or ("the connection was closed" if "onnection" in type(error).__name__ else type(error).__name__)
