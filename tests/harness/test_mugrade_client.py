"""The client: what it sends, when it tries again, and what it says when something goes wrong."""

from __future__ import annotations

import json
import logging
import pickle
import socket
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fake_mugrade
import pytest
import requests
from fake_mugrade import HANG, KEY, LOSE, RESET, FakeMugrade, closed_port, say

from grader.assignment import Assignment
from grader.errors import UsageError
from grader.mugrade import client as module
from grader.mugrade.client import Client, SubmitError, Unreachable
from grader.mugrade.moments import when

EXPECTED = {"add": [[1.0, 2.0], [3.0]]}


@pytest.fixture
def fake(toy: Assignment) -> Iterator[FakeMugrade]:
    """A server that has answers to one problem of the toy's."""
    with fake_mugrade.running(toy, EXPECTED) as found:
        yield found


@dataclass
class Watched:
    """A client whose waits cost no time."""

    client: Client
    waits: list[float] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@pytest.fixture
def watched(fake: FakeMugrade) -> Iterator[Watched]:
    """A client of that server."""
    found = watch(fake.url)
    yield found
    found.client.close()


def watch(url: str, key: str = KEY, **options: Any) -> Watched:
    """A client that notes its waits instead of waiting."""
    found = Watched(Client("http://127.0.0.1:9/", "x"))
    found.client = Client(url, key, sleep=found.waits.append, notice=found.notices.append, **options)
    return found


def submit(client: Client) -> str:
    return client.submit("toy", "add", token="token-of-a-test", tree_hash="ab")


# -- the wire -------------------------------------------------------------------------------------------------------


def test_submission_goes_through(fake: FakeMugrade, watched: Watched) -> None:
    """A submission is opened, its cases are judged, and the server's account of it is read."""
    number = submit(watched.client)
    right = watched.client.submit_test(number, 0, b"[1.0,2.0]")
    wrong = watched.client.submit_test(number, 1, b"[4.0]")
    state = watched.client.submission(number)
    assert (right.correct, right.message) == (True, "")
    assert (wrong.correct, wrong.message) == (False, "some values differ, the first at [0]")
    assert state is not None
    assert (state.correct, state.total, state.points, state.max_points) == (1, 2, 2.0, 4.0)
    assert [case.correct for case in state.cases] == [True, False]


def test_requests_are_those_of_the_protocol(fake: FakeMugrade, watched: Watched) -> None:
    """Paths, queries and bodies are the protocol's; token and hash travel as headers."""
    watched.client.submit_test(submit(watched.client), 1, b"[3.0]")
    first, second = fake.requests
    assert (first.method, first.path, first.query) == ("POST", "/submit", {"assignment": "toy", "problem": "add"})
    assert (first.headers["idempotency-key"], first.headers["x-tree-hash"]) == ("token-of-a-test", "ab")
    assert (second.path, second.query) == ("/submit_test", {"submission_id": "s1", "test_case_index": "1"})
    assert (second.body, second.headers["content-type"]) == (b"[3.0]", "application/json")


def test_key_travels_in_the_header_only(fake: FakeMugrade, watched: Watched) -> None:
    """No path, query or body has it, in whichever spelling."""
    client = watched.client
    number = submit(client)
    client.submit_test(number, 0, b"[1.0,2.0]")
    client.me(), client.assignment("toy"), client.submission(number), client.publish("toy", "add", b"[]")
    client.verified(json.dumps({"student": "ada", "points": {}}), "00")
    assert len(fake.requests) == 7
    for request in fake.requests:
        assert request.headers.pop("authorization") == f"Bearer {KEY}"
        assert KEY not in repr(request)
        assert "s3cret" not in repr(request)


def test_netrc_does_not_take_the_keys_place(
    fake: FakeMugrade, watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that ~/.netrc has for the host is not sent instead."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    assert watched.client.me() is not None


def test_proxy_does_not_see_what_is_for_this_machine(fake: FakeMugrade, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment gets nothing that goes to the loopback."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}/")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert watch(fake.url).client.me() is not None


def test_server_without_the_extension_is_recognised(fake: FakeMugrade, watched: Watched) -> None:
    """The original server has none of our additions."""
    fake.extension = False
    assert watched.client.me() is None
    assert watched.client.assignment("toy") is None
    assert submit(watched.client) == "s1"


def test_ids_that_are_numbers_are_taken(fake: FakeMugrade, watched: Watched) -> None:
    """Some servers count their submissions."""
    fake.faults["/submit"] = [say(200, '{"submission_id": 17}', "application/json")]
    assert submit(watched.client) == "17"


# -- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8600", "ftp://a/", "http://", "https://u:p@a/", "https://a/?q=1", "https://a/#x", "https://a:x/",
     "https://[::1/", "https://a b/", "https://a\\b/"],
)  # fmt: skip
def test_address_that_is_none_is_refused(url: str) -> None:
    """An address must be http or https, with a host, and nothing that does not belong."""
    with pytest.raises(UsageError, match="--server has value") as refusal:
        Client(url, KEY)
    assert refusal.value.exit_status == 2


@pytest.mark.parametrize(
    "url", ["http://grades.example.edu/", "http://192.168.1.5:8600", "http://127.0.0.1.example.edu/"]
)
def test_key_does_not_travel_in_the_clear(url: str) -> None:
    """Plain http to another machine is refused, unless it is asked for."""
    with pytest.raises(UsageError, match="everybody on the way could read your key"):
        Client(url, KEY)
    assert Client(url, KEY, insecure_http=True).server == url.rstrip("/") + "/"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8600", "http://localhost/x/", "http://[::1]:80/", "https://a.edu"])
def test_address_ends_in_one_slash(url: str) -> None:
    """With or without a path and a slash, requests go below it."""
    assert Client(url, KEY).server == url.rstrip("/") + "/"


@pytest.mark.parametrize("key", [None, "", "  "])
def test_missing_key_is_one_sentence(key: str | None) -> None:
    """Without a key, it says how to give one."""
    with pytest.raises(UsageError, match="no key was given: use --key KEY or the environment variable MUGRADE_KEY"):
        module.checked_key(key)


@pytest.mark.parametrize("key", ["two words", "two\nlines", "kéy", "x" * 513, "a\rb: c"])
def test_key_that_is_none_is_refused_unseen(key: str) -> None:
    """A key that cannot be one is refused before it could break a header, and is not repeated."""
    with pytest.raises(UsageError) as refusal:
        Client("http://127.0.0.1/", key)
    assert key not in str(refusal.value)


def test_blanks_around_a_key_are_forgiven(fake: FakeMugrade) -> None:
    """A key is often copied with the line break behind it."""
    assert watch(fake.url, f" {KEY}\n").client.me() is not None


# -- trying again ---------------------------------------------------------------------------------------------------


def test_lost_reply_of_submit_opens_nothing_twice(fake: FakeMugrade, watched: Watched) -> None:
    """The same token finds what it has opened."""
    fake.faults["/submit"] = [LOSE, LOSE]
    assert submit(watched.client) == "s1"
    assert len(fake.opened) == 1


def test_lost_reply_of_a_case_is_not_judged_twice(fake: FakeMugrade, watched: Watched) -> None:
    """The same value gets the verdict that it had."""
    number = submit(watched.client)
    fake.faults["/submit_test"] = [LOSE, RESET, LOSE]
    assert watched.client.submit_test(number, 0, b"[1.0,2.0]").correct
    assert fake.judgements == [("s1", 0)]


@pytest.mark.parametrize("status", [502, 503, 504, 429])
def test_pause_of_the_server_is_waited_out(fake: FakeMugrade, watched: Watched, status: int) -> None:
    """A server that is restarted, or that has too much to do, is asked again, later each time."""
    fake.faults["/api/me"] = [say(status, "busy")] * 4
    assert watched.client.me() is not None
    assert len(watched.waits) == 4
    for i, wait in enumerate(watched.waits):
        assert 0.5 * 2**i <= wait <= 0.75 * 2**i
    assert watched.notices[0] == f"{fake.url} is busy (HTTP {status}); trying again"
    assert watched.notices[3] == f"{fake.url} is busy (HTTP {status}); waiting {watched.waits[3]:.0f} s"


def test_server_says_how_long_to_wait(fake: FakeMugrade, watched: Watched) -> None:
    """Retry-After is kept to, and the wait is announced."""
    fake.faults["/api/me"] = [say(429, "slower", Retry_After="8")]
    assert watched.client.me() is not None
    assert watched.waits == [8.0]
    assert watched.notices == [f"{fake.url} is busy (HTTP 429); waiting 8 s"]


def test_long_wait_is_left_to_the_person(fake: FakeMugrade, watched: Watched) -> None:
    """An attempt limit is not waited out; it says when the next attempt is free."""
    fake.faults["/submit"] = [say(429, "You have used your 5 attempts.", Retry_After="2400")]
    sentence = r"^You have used your 5 attempts\. You can submit again at \d\d:\d\d \S+.* \(in 40 minutes\)\.$"
    with pytest.raises(SubmitError, match=sentence) as caught:
        submit(watched.client)
    assert (caught.value.status, caught.value.retry_after, watched.waits) == (429, 2400.0, [])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3600, "at 13:51 UTC (in 60 minutes)"),
        (3601, "at 13:52 UTC (in 61 minutes)"),
        (1, "at 12:52 UTC (in 1 minute)"),
        (12 * 3600, "at 00:51 UTC on Wed 4 Mar (in 12 hours)"),
    ],
)
def test_moment_of_a_server_is_told_by_the_own_clock(
    monkeypatch: pytest.MonkeyPatch, seconds: float, words: str
) -> None:
    """Rounded up: nobody comes back a moment too early; another day is named."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert when(seconds, datetime(2026, 3, 3, 12, 51, tzinfo=timezone.utc)) == words
    finally:
        monkeypatch.undo()
        time.tzset()


def test_date_as_retry_after_is_passed_over(fake: FakeMugrade, watched: Watched) -> None:
    """A wait that is not in seconds is ours to choose."""
    fake.faults["/api/me"] = [say(503, Retry_After="Wed, 21 Oct 2099 07:28:00 GMT")]
    assert watched.client.me() is not None
    assert len(watched.waits) == 1


def test_patience_has_an_end(fake: FakeMugrade, watched: Watched) -> None:
    """A server that stays away is given up, with its own reason."""
    fake.faults["/api/me"] = [say(503, "The database is away.")] * 20
    with pytest.raises(Unreachable, match=r"cannot answer now \(HTTP 503\): The database is away. Try again later."):
        watched.client.me()
    assert len(fake.requests) == module.ATTEMPTS


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 413, 422, 500])
def test_refusal_is_not_tried_again(fake: FakeMugrade, watched: Watched, status: int) -> None:
    """What is refused once would be refused again; the server's own sentence is what is said."""
    fake.faults["/submit"] = [say(status, "It is closed since Sunday.")]
    with pytest.raises(SubmitError, match=r"It is closed since Sunday.") as refusal:
        submit(watched.client)
    assert refusal.value.status == status
    assert refusal.value.exit_status == 4
    assert len(fake.requests) == 1


# -- sentences ------------------------------------------------------------------------------------------------------


def test_nothing_listens() -> None:
    """A server that is not there is given up soon, and it says how to start one."""
    found = watch(f"http://127.0.0.1:{closed_port()}/")
    with pytest.raises(Unreachable) as refusal:
        found.client.me()
    words = (
        "Connection refused. Name your course's server by --server or MUGRADE_SERVER; who runs it starts it by "
        "`python -m grader serve`."
    )
    assert str(refusal.value) == f"No server answers at {found.client.server}: {words}"
    assert len(found.waits) == module.FIRST_ATTEMPTS - 1


def test_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not exist is a network's or a typist's fault."""

    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(
        Unreachable, match=r"https://no-such-host.invalid/: Name or service not known. Check the address"
    ):
        watch("https://no-such-host.invalid/").client.me()


def test_key_that_is_refused(fake: FakeMugrade) -> None:
    """An unknown key is one sentence, which does not repeat it."""
    found = watch(fake.url, "another-key")
    with pytest.raises(
        SubmitError, match=r"^The key was refused by .*: it is mistyped, .* can give you a new key.$"
    ) as it:
        found.client.me()
    assert "another-key" not in str(it.value)


def test_unknown_problem(fake: FakeMugrade, watched: Watched) -> None:
    """The server's own sentence."""
    with pytest.raises(SubmitError, match=r"^There is no problem 'nothing'.$"):
        watched.client.submit("toy", "nothing", token="t" * 8, tree_hash="")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (say(200, "<!doctype html><p>Welcome", "text/html"), "a web page where a mugrade server"),
        (say(200, "<html>", "text/plain"), "something else where a mugrade server"),
        (say(200, "[]", "application/json"), "something else"),
        (say(200, '{"submission_id": null}', "application/json"), "something else"),
        (say(200, '{"submission_id": true}', "application/json"), "something else"),
        (say(200, ""), "something else"),
        (say(200, "[" * 100_000), "something else"),
        (say(404, "<h1>nginx</h1>", "text/html"), "HTTP 404 and no reason: there is no mugrade server at this address"),
        (say(405, ""), "HTTP 405 and no reason"),
        (say(500, "Traceback"), r"failed \(HTTP 500\): Traceback"),
        (say(422, '{"detail": "index: not a number"}', "application/json"), "^index: not a number$"),
        (say(422, '{"detail": [{}]}', "application/json"), "HTTP 422 and no reason"),
        (say(403, "two\nlines\x1b[31m"), r"^two lines\\x1b\[31m$"),
        (say(307, "", Location="https://elsewhere.example/submit"), "sends us on to https://elsewhere.example/submit"),
        (say(301), "sends us on to elsewhere"),
    ],
    ids=lambda value: "" if isinstance(value, str) else f"{value.status} {value.body[:20]!r}",
)
def test_strange_reply_is_one_sentence(
    fake: FakeMugrade, watched: Watched, reply: fake_mugrade.Fault, words: str
) -> None:
    """Whatever comes back, it is told in words, and fit for a terminal."""
    fake.faults["/submit"] = [reply]
    with pytest.raises(SubmitError, match=words) as refusal:
        submit(watched.client)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 700


def test_redirect_is_not_followed(fake: FakeMugrade, watched: Watched, toy: Assignment) -> None:
    """Another host never sees the key."""
    with fake_mugrade.running(toy, EXPECTED) as other:
        fake.faults["/submit"] = [say(307, "", Location=f"{other.url}submit")]
        with pytest.raises(SubmitError, match="a key is not sent there unasked"):
            submit(watched.client)
        assert other.requests == []


def test_certificate_of_nobody_is_refused(toy: Assignment, tmp_path: Path) -> None:
    """TLS is verified: nothing is sent to a server that nobody vouches for, and it is not tried again."""
    with fake_mugrade.running(toy, EXPECTED, fake_mugrade.self_signed(tmp_path)) as fake:
        found = watch(fake.url)
        with pytest.raises(SubmitError, match=r"is not safe: .*self.signed certificate.* Nothing was sent"):
            found.client.me()
        assert (fake.requests, found.waits) == ([], [])


def test_authority_of_a_course_is_trusted(toy: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUESTS_CA_BUNDLE may name a further authority; on the loopback too, where no proxy is used."""
    certificate = fake_mugrade.self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    with fake_mugrade.running(toy, EXPECTED, certificate) as fake:
        assert watch(fake.url).client.me() is not None


def test_server_that_hangs_is_left(fake: FakeMugrade, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that does not come is waited for so long and no longer, then asked for again."""
    monkeypatch.setattr(module, "READ_SECONDS", 0.3)
    number = submit(watched.client)
    fake.faults["/submit_test"] = [HANG]
    assert watched.client.submit_test(number, 0, b"[1.0,2.0]").correct
    fake.faults["/api/me"] = [HANG] * 20
    with pytest.raises(Unreachable, match=f"^No reply from {fake.url}: it took longer than 0 s"):
        watched.client.me()


def test_endless_reply_is_left(fake: FakeMugrade, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not more is read than a reply can have."""
    monkeypatch.setattr(module, "MAX_REPLY", 1000)
    fake.faults["/submit"] = [say(200, "x" * 100_000)] * 20
    with pytest.raises(Unreachable):
        submit(watched.client)


# -- the key is never seen ------------------------------------------------------------------------------------------


def echoes() -> list[fake_mugrade.Fault]:
    """Replies of a server that repeats what it was sent."""
    spelled = requests.utils.quote(KEY, safe="")
    return [
        say(403, f"Bearer {KEY} may not."),
        say(404, f'{{"detail": "no {KEY}"}}', "application/json"),
        say(422, f"user_key={spelled} and {requests.compat.quote_plus(KEY)}"),
        say(307, "", Location=f"https://elsewhere/?user_key={spelled}"),
        say(503, KEY, Retry_After="900"),
        say(500, KEY * 3),
        say(200, KEY, "text/html"),
        RESET,
    ]


@pytest.mark.parametrize("fault", echoes(), ids=lambda fault: f"{fault.kind} {fault.status}")
def test_key_is_in_no_error_no_log_and_no_traceback(
    fake: FakeMugrade, watched: Watched, fault: fake_mugrade.Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the server sends it back, and with every library at its most talkative."""
    caplog.set_level(logging.DEBUG)
    fake.faults["/submit"] = [fault] * 20
    with pytest.raises(SubmitError) as refusal:
        submit(watched.client)
    seen = "".join(traceback.format_exception(refusal.value)) + caplog.text + "".join(watched.notices)
    seen += repr(refusal.value) + repr(watched.client) + repr(vars(watched.client)) + str(refusal.value.__cause__)
    assert "s3cret" not in seen
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def test_placeholder_is_no_secret(fake: FakeMugrade) -> None:
    """Who copies `--key KEY` reads whole sentences."""
    with pytest.raises(SubmitError, match="Check --key or MUGRADE_KEY"):
        watch(fake.url, "KEY").client.me()


def test_client_cannot_be_written_down(watched: Watched) -> None:
    """Its parts show no key, and it is not pickled by mistake."""
    assert "s3cret" not in repr(watched.client._auth)
    with pytest.raises(TypeError, match="a key is not written down"):
        pickle.dumps(watched.client)
