"""Requests made from the server's own description, well-formed and not, as nobody, as a student, as an instructor.

Whatever is asked, the reply is one that the description has, and a refusal stores nothing. Below, the same for requests
that no description would lead to: byte for byte, as somebody writes them who means harm.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import ledger
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_http import Reply, chunked, request, send
from schemathesis import checks
from schemathesis.config import GenerationConfig, SchemathesisConfig
from schemathesis.generation import GenerationMode
from servers import NOW, VALUES, Live, opened, serving, set_up

from grader.mugrade import codec
from grader.server.store import catalogue, keys
from grader.server.store.models import APPEND_ONLY

EXAMPLES = 15  # of each kind, for each endpoint and each person
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.allow_header_conformance,
]
# Who asks, and which statuses at least their requests must meet: else they went nowhere.
PEOPLE = {
    "nobody": ("", {401}),
    "student": ("ada", {200, 403, 404, 422}),
    "instructor": ("prof", {200, 404, 422}),
}
LIMIT = 8 << 20  # bytes of a body


# -- from the description ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server over a course, on either database. "fresh" of "toy" has no answers; "second" is over."""
    with opened(request.param, tmp_path_factory.mktemp("openapi"), request) as database:
        course = set_up(database)
        toy = course.assignments["toy"]
        with database.write() as session:
            unpublished = replace(toy.problems[0], name="fresh", aliases=())
            catalogue.sync(session, replace(toy, problems=(*toy.problems, unpublished)))
        course.policy("second", due_at=NOW - timedelta(days=1))
        with serving(course) as found:
            yield found


@pytest.fixture(scope="module")
def begun(live: Live) -> dict[str, str]:
    """Whose submission of "add" -> its id; each has its first case."""
    found = {}
    for login in ("ada", "bob"):
        query = {"assignment": "toy", "problem": "add"}
        opening = live.http.post(f"{live.url}submit", params=query, headers=live.bearer(login))
        found[login] = opening.json()["submission_id"]
        place = {"submission_id": found[login], "test_case_index": "0"}
        value = codec.dumps(VALUES["add"][0])
        live.http.post(f"{live.url}submit_test", params=place, headers=live.bearer(login), content=value)
    return found


@pytest.fixture(scope="module")
def schema(live: Live) -> Any:
    """The server's own description of itself, as schemathesis reads it."""
    config = SchemathesisConfig()
    # The keys are ours to send: one that is made up has no chance, and the tests below try those.
    config.projects.default.generation = GenerationConfig(with_security_parameters=False, deterministic=True)
    return schemathesis.openapi.from_url(f"{live.url}openapi.json", config=config)


def likely(begun: dict[str, str]) -> dict[str, st.SearchStrategy[Any]]:
    """Values of parameters that lead further in than "there is no such thing"."""
    ids = st.sampled_from([*begun.values(), "0" * 32])
    return {
        "assignment": st.sampled_from(["toy", "second", "TOY"]),
        "problem": st.sampled_from(["add", "submit_add", "multiply", "beta", "x"]),
        "name": st.sampled_from(["toy", "second", "hw4"]),
        "submission_id": ids,
        "public_id": ids,
        "test_case_index": st.sampled_from(["0", "1", "2", "3", "-1", "1e1"]),
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("person", PEOPLE)
def test_described(live: Live, schema: Any, begun: dict[str, str], person: str, mode: GenerationMode) -> None:
    """Every endpoint keeps to its description, for what fits it and for what does not; a refusal stores nothing."""
    login, wanted = PEOPLE[person]
    headers = live.bearer(login) if login else {}
    before = ledger.rows(live.course.database)
    usual = likely(begun)
    statuses: Counter[int] = Counter()

    def asking(operation: Any) -> None:
        @given(case=operation.as_strategy(mode), data=st.data())
        @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
        def ask(case: Any, data: st.DataObject) -> None:
            for name, values in usual.items():
                for place in (case.query, case.path_parameters):
                    if place and name in place and data.draw(st.booleans(), name):
                        place[name] = data.draw(values, name)
            stored = ledger.counts(live.course.database)
            reply = case.call_and_validate(headers=headers, checks=CHECKS)
            statuses[reply.status_code] += 1
            if reply.status_code >= 400:
                one_sentence(reply.text, reply.headers["content-type"][0])
                assert ledger.counts(live.course.database) == stored

        ask()

    for found in schema.get_all_operations():
        operation = found.ok()
        # A path's name may be any text, so that nothing of a request with nothing else can be wrong.
        if mode is GenerationMode.POSITIVE or operation.query or operation.body:
            asking(operation)
    assert statuses.total() > 40
    assert mode is GenerationMode.NEGATIVE or wanted <= statuses.keys(), statuses
    ledger.still_there(before, ledger.rows(live.course.database))


def one_sentence(text: str, content_type: str | None) -> None:
    """A refusal: one sentence for a person, as plain text."""
    assert content_type == "text/plain; charset=utf-8", text
    assert re.fullmatch(r"[^\n]{10,500}\.", text), text


# -- byte for byte ----------------------------------------------------------------------------------------------------


class Hostile:
    """Asks as ada, and holds that each refusal is one, and leaves the tables as they were."""

    def __init__(self, live: Live, submission: str) -> None:
        self.live = live
        self.submission = submission
        self.key = live.course.keys["ada"]

    def bearer(self, login: str = "ada") -> tuple[str, str]:
        """The header with a key."""
        return "Authorization", f"Bearer {self.live.course.keys[login]}"

    def refused(self, data: bytes, status: int, words: str, method: str = "POST") -> Reply:
        """The bytes are refused with this status and these words."""
        before = ledger.counts(self.live.course.database)
        reply = send(self.live.url, data, method)
        assert reply.status == status, reply.text
        if method != "HEAD":
            one_sentence(reply.text, reply.headers["content-type"])
            assert words in reply.text
        assert ledger.counts(self.live.course.database) == before
        assert self.key not in reply.text
        assert reply.headers["cache-control"] == "no-store"
        return reply

    def case(self, index: str = "1", submission: str = "") -> str:
        """The target of a post of a case; `index` as it stands in the URL."""
        return f"/submit_test?submission_id={submission or self.submission}&test_case_index={index}"

    def value(self, body: bytes, status: int, words: str, *headers: tuple[str, str]) -> Reply:
        """A body is refused as a value."""
        return self.refused(request("POST", self.case(), [self.bearer(), *headers], body), status, words)


@pytest.fixture
def hostile(live: Live, begun: dict[str, str]) -> Hostile:
    """Somebody with a student's key and no good intentions."""
    return Hostile(live, begun["ada"])


def test_too_large_and_says_so(hostile: Hostile) -> None:
    """A body over 8 MiB is refused by its Content-Length."""
    hostile.value(b"[" + b"1," * (LIMIT // 2) + b"1]", 413, "expected at most 8388608 (8 MiB)")


def test_too_large_in_chunks(hostile: Hostile) -> None:
    """A body over 8 MiB is refused that never said how large it is."""
    parts = [b" " * (1 << 20)] * 9
    hostile.value(chunked(*parts), 413, "expected at most 8388608 (8 MiB)", ("Transfer-Encoding", "chunked"))


@pytest.mark.parametrize(
    "target", ["/api/verified", "/publish?assignment=toy&problem=add", "/nothing", "/_/api/submit"]
)
def test_too_large_wherever_it_goes(hostile: Hostile, target: str) -> None:
    """The limit holds for every path, and for those without a key."""
    hostile.refused(request("POST", target, [], b"1" * (LIMIT + 1)), 413, "expected at most 8388608")


def test_the_largest_is_taken(hostile: Hostile, live: Live) -> None:
    """Exactly 8 MiB are within the limit: the value is read, and refused for what it is."""
    hostile.value(b'"' + b"x" * (LIMIT - 3) + b'",', 400, "not JSON")


NOT_FINITE = [b"NaN", b"Infinity", b"-Infinity", b"[1,NaN]", b"1e999", b'{"a":-1e999}']
ARRAY = b'{"_encoded_type":"np.ndarray","data":%s}'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        *((body, "expected finite numbers") for body in NOT_FINITE),
        *((ARRAY % body, "expected finite numbers") for body in NOT_FINITE if b"{" not in body),
        (b"[" * 65 + b"]" * 65, "nested more than 64 deep"),
        (b"[" * 4_000_000, "deep"),
        (b'{"a":' * 1_000_000, "deep"),
        (ARRAY % (b"[" * 100 + b"]" * 100), "more than 32 dimensions"),
        (ARRAY % b"[]".replace(b"[]", b'[],"shape":[' + b"9223372036854775807," * 400_000 + b"1]"), "32 dimensions"),
        (ARRAY % b"[[1],[1,2]]", "ragged"),
        (ARRAY % b'["a"]', "expected numbers alone"),
        (b'{"_encoded_type":"function","data":"os.system"}', "_encoded_type"),
        (b'{"_encoded_type":"np.ndarray"}', "_encoded_type"),
        (b"9" * 100_000, "64 bits"),
        (b"[-9223372036854775809]", "64 bits"),
        (b'{"a":1,"a":2}', "a key twice"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udfff":1}', "surrogate"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"\xff\xfe1\x00", "not UTF-8"),
        (b"", "the body is empty"),
        (b" \n\t", "the body is empty"),
        (b"1 1", "not JSON"),
        (b"'a'", "not JSON"),
        (b"gASVCgAAAAAAAACMBmJlZS4=", "not JSON"),
        (b"\x80\x04\x95.", "not UTF-8"),
    ],
    ids=lambda item: repr(item[:24]) if isinstance(item, bytes) else "",
)
def test_no_value(hostile: Hostile, body: bytes, words: str) -> None:
    """What is no value is refused with the reason; no case, and no attempt, comes of it."""
    hostile.value(body, 400, words)


def test_packed_bodies_stay_packed(hostile: Hostile) -> None:
    """A body is taken as it is: 8 MiB that unpack to 8 GiB are a body of a few bytes that is no value."""
    bomb = gzip.compress(b"[" + b"1," * (1 << 20) + b"1]")
    hostile.value(bomb, 400, "not UTF-8", ("Content-Encoding", "gzip"))


@pytest.mark.parametrize(
    "index", ["-1", "3", "2147483647", "2147483648", "9" * 400, "1.5", "x", "", "%00", "1e0", "0x1", "%D9%A1", "null"]
)
def test_no_index(hostile: Hostile, index: str) -> None:
    """What is no index of a case is refused with what was sent and what was expected."""
    hostile.refused(request("POST", hostile.case(index), [hostile.bearer()], b"1"), 422, "test_case_index has value")


def test_anothers_submission(hostile: Hostile, begun: dict[str, str]) -> None:
    """Nobody posts into another's submission, or reads it; the same sentence for both."""
    data = request("POST", hostile.case("1", begun["bob"]), [hostile.bearer()], b"1")
    hostile.refused(data, 403, "somebody else's; expected one that your key opened.")
    data = request("GET", f"/api/submissions/{begun['bob']}", [hostile.bearer()])
    hostile.refused(data, 403, "somebody else's; expected one that your key opened.", "GET")


@pytest.mark.parametrize("submission", ["0" * 32, "0", "%00", "..%2f..", "%ED%A0%80", "'%20OR%201=1--", "x" * 3000])
def test_no_submission(hostile: Hostile, submission: str) -> None:
    """An id that nobody was given."""
    words = "expected the id that /submit gave."
    hostile.refused(request("POST", hostile.case("1", submission), [hostile.bearer()], b"1"), 404, words)


def test_unpublished(hostile: Hostile) -> None:
    """A problem without answers takes nothing."""
    data = request("POST", "/submit?assignment=toy&problem=fresh", [hostile.bearer()])
    hostile.refused(data, 409, "fresh of toy has no published answers yet")


def test_late(hostile: Hostile) -> None:
    """What is over takes nothing."""
    data = request("POST", "/submit?assignment=second&problem=alpha", [hostile.bearer()])
    hostile.refused(data, 403, "2026-11-01 12:00 UTC")


def test_another_value(hostile: Hostile) -> None:
    """A case that is judged takes no other value."""
    data = request("POST", hostile.case("0"), [hostile.bearer()], b"1")
    hostile.refused(data, 409, "has another value already; expected that one.")


BODY = keys.PREFIX + "x" * 32
UNKNOWN = BODY + keys._check(BODY)


NO_KEYS = {
    UNKNOWN: "not known or was revoked",
    f"{UNKNOWN[:-1]}!": "incomplete or mistyped",
    UNKNOWN[:-1]: "incomplete or mistyped",
    UNKNOWN.upper(): "incomplete or mistyped",
    "' OR '1'='1": "incomplete or mistyped",
    "<script>alert(1)</script>": "incomplete or mistyped",
    "x" * 2000: "incomplete or mistyped",
    "\u0661" * 42: "incomplete or mistyped",
}
IN_A_QUERY_ALONE = {"": "There is no key", " ": "There is no key", "\0": "incomplete", f"{UNKNOWN}\0": "incomplete"}


@pytest.mark.parametrize("key", NO_KEYS, ids=lambda key: repr(key[:20]))
def test_no_key_in_the_header(hostile: Hostile, key: str) -> None:
    """A key that is none, or nobody's, is refused, and is not repeated."""
    header = "Authorization", f"Bearer {key.encode().decode('latin-1')}"
    reply = hostile.refused(request("POST", "/submit?assignment=toy&problem=add", [header]), 401, NO_KEYS[key])
    assert key not in reply.text
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", NO_KEYS | IN_A_QUERY_ALONE, ids=lambda key: repr(key[:20]))
def test_no_key_in_the_query(hostile: Hostile, key: str) -> None:
    """The same where the course's client puts it."""
    target = f"/submit?assignment=toy&problem=add&user_key={quote(key, safe='')}"
    reply = hostile.refused(request("POST", target), 401, (NO_KEYS | IN_A_QUERY_ALONE)[key])
    assert not key.strip() or key not in reply.text


def test_revoked_key(hostile: Hostile) -> None:
    """A key that was revoked is refused as one that nobody ever had."""
    with hostile.live.course.database.write() as session:
        eve = hostile.live.course.user(session, "eve")
        revoked = keys.new_key(session, eve, NOW)
        found = keys.find(session, revoked)
        assert found is not None
        keys.revoke(session, found[1], NOW)
    data = request("POST", "/submit?assignment=toy&problem=add", [("Authorization", f"Bearer {revoked}")])
    hostile.refused(data, 401, "not known or was revoked")


def test_the_header_wins(hostile: Hostile) -> None:
    """With a key in both places the header's speaks; a wrong one there is not helped by a right one in the query."""
    target = f"/submit?assignment=toy&problem=add&user_key={hostile.key}"
    hostile.refused(request("POST", target, [("Authorization", f"Bearer {UNKNOWN}")]), 401, "not known or was revoked")
    data = request("POST", f"/publish?assignment=toy&problem=add&user_key={hostile.live.course.keys['prof']}")
    data = data.replace(b"\r\n\r\n", f"\r\nAuthorization: {hostile.bearer()[1]}\r\n\r\n".encode())
    hostile.refused(data, 403, "has the role student")


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ("&problem=scale", "problem"),
        ("&assignment=toy", "assignment"),
        ("&x=1&x=2", "x"),
        (f"&user_key={UNKNOWN}&user_key={UNKNOWN}", "user_key"),
    ],
)
def test_twice(hostile: Hostile, more: str, name: str) -> None:
    """A parameter that is given twice is refused: nobody can say which one was meant."""
    data = request("POST", f"/submit?assignment=toy&problem=add{more}", [hostile.bearer()])
    hostile.refused(data, 422, f"'{name}' is in the query 2 times; expected it once.")


def test_two_keys(hostile: Hostile) -> None:
    """So are two headers with keys."""
    both = [hostile.bearer(), hostile.bearer("prof")]
    hostile.refused(
        request("POST", "/publish?assignment=toy&problem=add", both, b"[1]"), 422, "two headers Authorization"
    )


NASTY = [
    "'; DROP TABLE submissions; --",
    '" OR ""="',
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}%n%s",
    "\0",
    "a\r\nX-Injected: 1",
    "\u202egnp.exe",
    "\x1b[2J",
    "../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "x" * 1000,
]


@pytest.mark.parametrize("text", NASTY, ids=lambda text: repr(text[:20]))
@pytest.mark.parametrize("name", ["assignment", "problem"])
def test_nasty_names(hostile: Hostile, name: str, text: str) -> None:
    """What would act in SQL, HTML, a header, a terminal or a spreadsheet is a name that there is not."""
    query = {"assignment": "toy", "problem": "add", name: text}
    target = "/submit?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
    reply = hostile.refused(request("POST", target, [hostile.bearer()]), 404, "expected one of: ")
    assert reply.text.isprintable()
    assert "X-Injected" not in reply.headers


@pytest.mark.parametrize("text", NASTY, ids=lambda text: repr(text[:20]))
def test_nasty_paths(hostile: Hostile, text: str) -> None:
    """So they are in a path."""
    target = f"/api/assignments/{quote(text, safe='')}"
    hostile.refused(request("GET", target, [hostile.bearer()]), 404, "There is no", "GET")


@pytest.mark.parametrize(
    "query", ["%", "%zz", "%c3%28", "%ff", "%ed%a0%80", "%u0041", "&&&", "=", "a", ";a=1", "%26assignment%3Dtoy"]
)
def test_garbage_in_a_query(hostile: Hostile, query: str) -> None:
    """Percent signs that lead nowhere, bytes that are no UTF-8, and what is no query at all."""
    hostile.refused(
        request("POST", f"/submit?problem=add&assignment={query}", [hostile.bearer()]), 404, "no assignment"
    )


@pytest.mark.parametrize("name", ["Idempotency-Key", "X-Tree-Hash"])
@pytest.mark.parametrize("text", ["'; --", "\xff" * 9, "x" * 65, "<b>aaaaaaaa</b>", "a b c d e"])
def test_nasty_headers(hostile: Hostile, name: str, text: str) -> None:
    """A header of another form is refused and named."""
    data = request("POST", "/submit?assignment=toy&problem=add", [hostile.bearer(), (name, text)])
    hostile.refused(data, 422, f"The header {name} has value")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "SPAM"])
@pytest.mark.parametrize("target", ["/submit?assignment=toy&problem=add", "/publish?assignment=toy&problem=add"])
def test_other_methods(hostile: Hostile, method: str, target: str) -> None:
    """Nothing is posted with any method but POST."""
    data = request(method, target, [hostile.bearer("prof")])
    reply = hostile.refused(data, 405, f"does not take {method}; expected POST.", method)
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "path", ["/nothing", "/submit/", "/api", "/api/", "/Submit", "/submit%00", "/api/me/x", "/.git"]
)
def test_unknown_paths(hostile: Hostile, path: str) -> None:
    """There is nothing at other paths, and what there is stands at /docs."""
    hostile.refused(request("POST", path, [hostile.bearer()], b"1"), 404, "expected a path of those at /docs.")


@pytest.mark.parametrize("path", ["//submit", "///submit", "/submit"])
def test_doubled_slashes(hostile: Hostile, path: str) -> None:
    """They lead to the same place, and to the same refusals."""
    data = request("POST", f"{path}?assignment=toy&problem=none", [hostile.bearer()])
    hostile.refused(data, 404, "toy has no problem 'none'")


@pytest.mark.parametrize("path", ["/_/api/submit", "//_/api//submit_test", "/_/api/publish"])
@pytest.mark.parametrize("body", [b"gASVCgAAAAAAAACMBmJlZS4=", b"\x80\x04N.", b""])
def test_older_edition(hostile: Hostile, path: str, body: bytes) -> None:
    """Pickles are not read; what to do instead is said."""
    hostile.refused(request("POST", path, [hostile.bearer()], body), 410, "update your client")


def test_long_url(hostile: Hostile) -> None:
    """A URL has a limit, with or without a key."""
    query = "&".join(f"a{i}=1" for i in range(5000))
    hostile.refused(request("POST", f"/submit?{query}"), 414, "expected at most 4096")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"3", 422, "not a list"),
        (b"[]", 422, "0 values"),
        (b"[" + b"1," * 1000 + b"1]", 422, "1001 values; expected 1 to 1000"),
        (b"[NaN]", 400, "finite"),
        (b"[1e999]", 400, "finite"),
        (b"{}", 422, "not a list"),
        (b"", 400, "empty"),
    ],
)
def test_no_answers(hostile: Hostile, body: bytes, status: int, words: str) -> None:
    """What are no answers is not published, not even by an instructor."""
    data = request("POST", "/publish?assignment=toy&problem=add", [hostile.bearer("prof")], body)
    hostile.refused(data, status, words)


@pytest.mark.parametrize("login", ["ada", "robot"])
def test_others_publish_nothing(hostile: Hostile, login: str) -> None:
    """Only an instructor publishes."""
    data = request("POST", "/publish?assignment=toy&problem=add", [hostile.bearer(login)], b"[1]")
    hostile.refused(data, 403, "this needs the role instructor")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{}", 400, "not an object of 'statement' and 'signature'"),
        (b"[]", 400, "not an object"),
        (b'{"statement":1,"signature":"00"}', 400, "both text"),
        (b'{"statement":"","signature":""}', 403, "The signature does not fit"),
        (b'{"statement":"{}","signature":"' + b"0" * 128 + b'"}', 403, "The signature does not fit"),
        (b'{"statement":"{}","signature":"' + b"z" * 128 + b'"}', 403, "The signature does not fit"),
        (b'{"statement":"\\ud800","signature":"00"}', 400, "surrogate"),
        (b'{"statement":"' + b"x" * (1 << 20) + b'","signature":""}', 403, "The signature does not fit"),
    ],
)
def test_no_verified_grade(hostile: Hostile, body: bytes, status: int, words: str) -> None:
    """What nobody signed is no grade."""
    hostile.refused(request("POST", "/api/verified", [hostile.bearer("robot")], body), status, words)


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"POST /submit HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /submit HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n11",
        b"POST /submit HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /submit HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n",
        b"POST /submit?\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /submit HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 300 + b"\r\n\r\n",
    ],
)
def test_no_http(hostile: Hostile, data: bytes) -> None:
    """What is no HTTP gets as far as the parser."""
    before = ledger.counts(hostile.live.course.database)
    reply = send(hostile.live.url, data)
    assert reply.status == 400
    one_sentence(reply.text, reply.headers["content-type"])
    assert ledger.counts(hostile.live.course.database) == before


def test_the_ledger_sees_every_table(live: Live) -> None:
    """The comparison above is of all tables to which rows are only added."""
    assert ledger.counts(live.course.database).keys() == set(APPEND_ONLY) - {"events"}
