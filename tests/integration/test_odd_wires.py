"""Answers that are broken on the way, to both CRMs: slow, half, in another language. A read goes on later, a write is uncertain."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sync_worker.crm import batches
from sync_worker.crm.hubspot.connection import wire as hubspot_wire
from sync_worker.crm.port import NativeRecord, RecordWrite, WholeCrm, WriteOutcome, Wrote
from sync_worker.crm.salesforce.connection import wire as salesforce_wire
from sync_worker.errors import RateLimited, TransientError
from tests.integration.hubspot import test_strange_answers as of_hubspot
from tests.integration.hubspot.conftest import KEY as HUBSPOT_KEY
from tests.integration.salesforce import test_strange_answers as of_salesforce
from tests.integration.salesforce.conftest import KEY as SALESFORCE_KEY
from tests.stranger import Reply, Stranger, stranger

PIECE_S = 0.05  # the time-out of a piece of an answer, in place of minutes
SECRET = "00D!token"


@dataclass(frozen=True)
class Line:
    """One CRM of a few lines. **Shapes** `reading`, `writing`: method and address; `found`: a good answer to a read; `done`: to a write."""

    told: Stranger
    crm: WholeCrm
    reading: tuple[str, str]
    writing: tuple[str, str]
    found: Any
    done: Any
    native: str
    crm_id: str
    field: str
    key: str

    def read(self, *answers: Reply) -> list[NativeRecord]:
        """What a read makes of these answers, one after the other."""
        self.told.on(*self.reading, *answers)
        return self.crm.fetch(self.native, [self.crm_id], fields=(self.field,))

    def write(self, answer: Reply) -> WriteOutcome:
        self.told.on(*self.writing, answer)
        change = RecordWrite("r1", {self.field: "X"}, crm_id=self.crm_id)
        [outcome] = [one for batch in self.crm.write(self.native, self.key, [change], time_left_s=lambda: 60.0) for one in batch]
        return outcome


def salesforce(told: Stranger) -> Line:
    told.on("POST", "/services/oauth2/token", {"access_token": SECRET, "instance_url": told.base_url})
    told.on("GET", "/queryAll/", of_salesforce.page())
    crm_id = of_salesforce.id_of(1)
    reading, writing = ("POST", "/composite/sobjects/Lead"), ("PATCH", "/composite/sobjects")
    found, done = [of_salesforce.lead(1)], [{"id": crm_id, "success": True}]
    return Line(told, of_salesforce.connect(told), reading, writing, found, done, "Lead", crm_id, "Company", SALESFORCE_KEY)


def hubspot(told: Stranger) -> Line:
    told.on("GET", "/details", {"timeZone": "US/Eastern"})
    told.on("GET", "/labels", of_hubspot.LABELS)
    reading, writing = ("POST", "/batch/read"), ("POST", "/batch/update")
    found, done = {"results": [of_hubspot.row("7")]}, {"results": [{"id": "7", "objectWriteTraceId": "r1"}]}
    return Line(told, of_hubspot.connect(told), reading, writing, found, done, "deals", "7", "dealname", HUBSPOT_KEY)


@pytest.fixture(params=[salesforce, hubspot], ids=lambda make: make.__name__)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    make: Callable[[Stranger], Line] = request.param
    with stranger() as told:
        yield make(told)


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """A whole answer. **Shapes** `length`: what it says of its body, None for the truth."""
    usual = ["Content-Type: application/json", "Connection: close", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, *usual, "", ""]).encode("latin-1") + body


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PAGE = b"<html><body>Maintenance</body></html>"

SLOW = {
    "the status line": Reply(raw=b"HTTP/1.1 200 ", drip=b"x"),
    "the headers": Reply(raw=OK, drip=b"x-a: b\r\n"),
    "the body": Reply(raw=OK + b"Content-Length: 50000\r\n\r\n", drip=b" "),
    "a body in chunks": Reply(raw=OK + b"Transfer-Encoding: chunked\r\n\r\n", drip=b"1\r\n \r\n"),
    "a refusal": Reply(raw=b"HTTP/1.1 500 No\r\nContent-Length: 50000\r\n\r\n", drip=b" "),
}
"""Never stops, and never lets a time-out of one piece pass."""

BROKEN = {
    "a body shorter than it says": Reply(raw=answer(b'{"results": [], "records": []', length=5000)),
    "a body that is cut off": Reply(raw=answer(b'[{"results": [{"id"', length=19)),
    "no body though one is announced": Reply(raw=answer(b"", length=5000)),
    "chunks that break off": Reply(raw=OK + b'Transfer-Encoding: chunked\r\n\r\n10\r\n{"results": ["id'),
    "a chunk without a length": Reply(raw=OK + b"Transfer-Encoding: chunked\r\n\r\nnone\r\n{}\r\n0\r\n\r\n"),
    "packed, and it is not": Reply(raw=answer(b'{"results": []}', "Content-Encoding: gzip")),
    "packed, and cut off": Reply(raw=answer(gzip.compress(b'{"results": []}' * 99)[:20], "Content-Encoding: gzip")),
    "another protocol": Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a head that never ends": Reply(raw=OK + b"".join(b"x-%d: y\r\n" % number for number in range(200)) + b"\r\n{}"),
    "a page": Reply(raw=answer(PAGE, "Content-Type: text/html")),
    "a page that is not available": Reply(raw=answer(PAGE, "Content-Type: text/html", status="503 No")),
    "a page in UTF-16": Reply(raw=answer(PAGE.decode().encode("utf-16"), "Content-Type: text/html; charset=utf-16", status="502 No")),
    "two answers in one": Reply(raw=answer(b"{}{}")),
    "null": Reply(raw=answer(b"null")),
    "null where a list belongs": Reply(raw=answer(b'{"results": null, "records": null}')),
    "an object where a list belongs": Reply(raw=answer(b'{"results": {"id": "7"}, "records": {"Id": "7"}}')),
    "very deep": Reply(raw=answer(b"[" * 100_000)),
    "a number that nothing holds": Reply(raw=answer(b'{"results": 1e999}')),
}


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for wire in (salesforce_wire, hubspot_wire):
        monkeypatch.setattr(wire, "READ_TIMEOUT_S", PIECE_S)
    monkeypatch.setattr(batches, "LONGEST_CALL_S", 10 + PIECE_S)  # of which ten seconds are for the connect


@pytest.mark.usefixtures("_hurried")
@pytest.mark.parametrize("what", SLOW)
def test_an_answer_that_comes_byte_by_byte_has_one_deadline(line: Line, what: str) -> None:
    with pytest.raises(TransientError, match=r"no answer in time|broke") as late:
        line.read(SLOW[what])
    assert SECRET not in str(late.value)


@pytest.mark.usefixtures("_hurried")
def test_a_write_whose_answer_comes_byte_by_byte_is_uncertain(line: Line) -> None:
    assert line.write(SLOW["the body"]).wrote is Wrote.UNCERTAIN


@pytest.mark.parametrize("what", BROKEN)
def test_a_read_that_is_broken_on_the_way_goes_on_later(line: Line, what: str) -> None:
    # Given an answer that stays broken, when something is read, then nothing is taken for deleted
    with pytest.raises(TransientError) as broken:
        line.read(BROKEN[what])
    assert SECRET not in str(broken.value)
    # and when it is whole again, then the record is there
    assert [record.crm_id for record in line.read(BROKEN[what], Reply(line.found))] == [line.crm_id]


@pytest.mark.parametrize("what", BROKEN)
def test_a_write_whose_answer_is_broken_on_the_way_is_uncertain(line: Line, what: str) -> None:
    outcome = line.write(BROKEN[what])
    assert outcome.wrote is Wrote.UNCERTAIN, outcome
    assert SECRET not in str(outcome.error)
    assert line.write(Reply(line.done)).wrote is Wrote.WRITTEN


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Type: application/json; charset=utf-16",),
        ("Content-Type: text/plain; charset=klingon",),
        ("Content-Type: ;;;",),
        ("Content-Type: a/b", "Content-Type: c/d"),
        ("Date: Mon, 01 Jun 2026 12:00:00 GMT", "Date: never"),
        ("Sforce-Limit-Info: api-usage=x/y", "X-HubSpot-RateLimit-Max: -1", "X-HubSpot-RateLimit-Remaining: 1e9"),
        ("X-Odd: \xff\xfe", "Set-Cookie: a=b", "Set-Cookie: a=c; Domain=elsewhere.example"),
    ],
    ids=str,
)
def test_headers_that_say_something_else_change_nothing(line: Line, headers: tuple[str, ...]) -> None:
    found = json.dumps(line.found).encode()
    head = "\r\n".join(["HTTP/1.1 200 OK", *headers, "Connection: close", f"Content-Length: {len(found)}", "", ""]).encode("latin-1")
    assert [record.crm_id for record in line.read(Reply(raw=head + found))] == [line.crm_id]


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [
        (("Retry-After: 40",), 40),
        (("Retry-After: 40", "Retry-After: 70"), 70),
        (("Retry-After: Mon, 01 Jun 2026 12:01:00 GMT", "Date: Mon, 01 Jun 2026 12:00:00 GMT"), 60),
        (("Retry-After: 999999999999",), 86_400),
    ],
    ids=str,
)
def test_a_limit_is_waited_for_as_long_as_it_says_and_a_day_at_most(line: Line, asked: tuple[str, ...], wait_s: float) -> None:
    with pytest.raises(RateLimited) as limited:
        line.read(Reply(raw=answer(b"{}", *asked, status="429 Slow down")))
    assert limited.value.retry_after_s == wait_s


@pytest.mark.parametrize("asked", ["-5", "0", "", "soon", "Mon, 01 Jun 2020 12:00:00 GMT", "1e3", "\u0663"], ids=repr)
def test_a_limit_that_names_no_time_ahead_has_the_usual_one(line: Line, asked: str) -> None:
    [usual, odd] = [limited(line, *headers) for headers in ((), (f"Retry-After: {asked.encode().decode('latin-1')}",))]
    assert odd == usual


def limited(line: Line, *headers: str) -> float:
    """How long a read rests that met a limit."""
    with pytest.raises(RateLimited) as found:
        line.read(Reply(raw=answer(b"{}", *headers, status="429 Slow down")))
    return found.value.retry_after_s
