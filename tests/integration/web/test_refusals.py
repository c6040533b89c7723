"""What is not taken: a status without words for whoever sent it, a reason with the source for our log, and nothing stored."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_SECRET
from crm_sandbox.hubspot.push import signing
from sync_worker.services import Services
from sync_worker.web.webhooks.routes import MOST_BYTES, MOST_HELD_BYTES
from tests.integration.web.conftest import (
    HOOK,
    HUB_ID,
    ORGANIZATION,
    PUBLIC_URL,
    Doorstep,
    doorstep,
    event,
    installed,
    message,
    own_doorstep,
)
from tests.patience import HANG_S

ACCOUNT = "0015g00000AAAAACA5"
BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<lolz>&lol2;</lolz>"""
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, urls: dict[str, str]) -> Iterator[Doorstep]:
    """A web process for the whole module: nothing here leaves anything behind."""
    with own_doorstep(tmp_path_factory.mktemp("door"), urls) as found:
        yield found
    assert "Traceback" not in found.process.log
    for secret in (HOOK, SANDBOX_CLIENT_SECRET):
        assert secret not in found.process.log


def refused(door: Doorstep, since: int, reason: str, portal: str) -> None:
    line = door.awaits(reason, since, about=portal)
    assert "webhook refused" in line
    assert "127.0.0.1" in line
    assert not door.noticed("acme")
    assert not door.noticed("globex")


# ── salesforce ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("portal", ["acme", "nobody", "globex", "acme%0Aforged", "ac%2Fme"])
def test_a_wrong_secret_and_an_unknown_portal_get_the_same_answer(door: Doorstep, portal: str) -> None:
    since = len(door.process.lines)
    answers = [door.tell_salesforce(message(ACCOUNT), portal=portal, secret=secret) for secret in (HOOK + "x", "x", HOOK.upper())]
    if portal == "ac%2Fme":  # no such address
        assert {answer.status_code for answer in answers} == {404}
        return
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, b"")}
    refused(door, since, "the secret is wrong" if portal == "acme" else "no such portal", portal.split("%")[0])
    assert not [line for line in door.process.lines if line.startswith("forged")]


@pytest.mark.parametrize("organization", ["00D7F00000107XsUAI", "00D7F00000107Xs", "00d5g000004xxxx", "", "x" * 4000])
def test_another_organization_is_refused(door: Doorstep, organization: str) -> None:
    since = len(door.process.lines)
    answer = door.tell_salesforce(message(ACCOUNT, organization=organization))
    assert (answer.status_code, answer.content) == (401, b"")
    refused(door, since, "another organization", "acme")
    assert len(door.told(since)) < 500


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not XML"),
        (b"[]", "the body is not XML"),
        (b"<a>", "the body is not XML"),
        (b'<?xml version="1.0" encoding="x-none"?><a/>', "the body is not XML"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "the body is not XML"),
        (b"\xff\xfe\x00", "the body is not XML"),
        (BOMB, "DTDForbidden"),
        (OUTSIDE, "DTDForbidden"),
        (b"<a/>", "not an outbound message"),
        (message(ACCOUNT).replace(b"/2005/09/outbound", b"/2005/09/inbound"), "not an outbound message"),
    ],
)
def test_what_is_no_outbound_message_is_a_fault(door: Doorstep, body: bytes, reason: str) -> None:
    since = len(door.process.lines)
    answer = door.tell_salesforce(body)
    assert answer.status_code == 400
    assert "<soapenv:Fault><faultcode>soapenv:Client</faultcode>" in answer.text
    assert "Ack" not in answer.text
    refused(door, since, reason, "acme")


# ── hubspot ──────────────────────────────────────────────────────────────────────────────────────────────────────────

BODY = orjson.dumps([event("company.creation", 7)])


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-HubSpot-Signature-v3": "x"}, "the signature is wrong"),
        ({"X-HubSpot-Signature-v3": ""}, "no v3 signature"),
        ({"X-HubSpot-Request-Timestamp": ""}, "no v3 signature"),
        ({"X-HubSpot-Request-Timestamp": "1790000000000"}, "five minutes"),
    ],
)
def test_a_request_that_proves_nothing(door: Doorstep, headers: dict[str, str], reason: str) -> None:
    since = len(door.process.lines)
    answer = door.tell_hubspot(BODY, more=headers)
    assert (answer.status_code, answer.content) == (401, b"")
    refused(door, since, reason, "globex")


@pytest.mark.parametrize("late_s", [301, -301, 86_400])
def test_old_and_future_requests(door: Doorstep, late_s: float) -> None:
    since = len(door.process.lines)
    assert door.tell_hubspot(BODY, late_s=late_s).status_code == 401
    refused(door, since, "signed more than five minutes from now", "globex")


@pytest.mark.parametrize("portal", ["nobody", "acme"])
def test_an_unknown_portal_is_answered_like_a_wrong_signature(door: Doorstep, portal: str) -> None:
    since = len(door.process.lines)
    answer = door.tell_hubspot(BODY, portal=portal)
    assert (answer.status_code, answer.content) == (401, b"")
    refused(door, since, "no such portal", portal)


def test_v1_alone_is_not_enough_where_the_file_does_not_say_so(door: Doorstep) -> None:
    since = len(door.process.lines)
    v1 = {"X-HubSpot-Signature": signing.v1(SANDBOX_CLIENT_SECRET, BODY), "X-HubSpot-Signature-Version": "v1"}
    assert door.post("hubspot/globex", BODY, **v1).status_code == 401
    refused(door, since, "no v3 signature", "globex")


def test_the_host_that_a_request_claims_counts_for_nothing(door: Doorstep) -> None:
    since = len(door.process.lines)
    at_ms = int(Services().clock().timestamp() * 1000)
    signed = signing.headers(SANDBOX_CLIENT_SECRET, "https://evil.example/webhooks/hubspot/globex", BODY, timestamp_ms=at_ms)
    assert door.post("hubspot/globex", BODY, Host="evil.example", **{"X-Forwarded-Host": "evil.example", **signed}).status_code == 401
    refused(door, since, "the signature is wrong", "globex")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "the body is not JSON"),
        (b"events", 400, "the body is not JSON"),
        (b"\xff", 400, "the body is not JSON"),
        (b"{}", 400, "not a list of events"),
        (b"null", 400, "not a list of events"),
        (orjson.dumps([event("company.creation", 7, portalId=33)]), 401, f"no event is from Hub ID {HUB_ID}"),
        (b"[1, null, []]", 401, f"no event is from Hub ID {HUB_ID}"),
    ],
)
def test_what_is_signed_and_still_not_for_us(door: Doorstep, body: bytes, status: int, reason: str) -> None:
    since = len(door.process.lines)
    assert door.tell_hubspot(body).status_code == status
    refused(door, since, reason, "globex")


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_too_large_is_not_even_read(door: Doorstep) -> None:
    host, port = urlsplit(door.url).hostname, urlsplit(door.url).port
    for path in (f"salesforce/acme/{HOOK}", "hubspot/globex"):
        since = len(door.process.lines)
        with socket.create_connection((host, port), timeout=HANG_S) as line:
            head = f"POST /webhooks/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
            line.sendall(head.encode())
            assert line.recv(100).startswith(b"HTTP/1.1 413")
        refused(door, since, f"more than {MOST_BYTES} bytes", path.split("/")[1])


def test_what_does_not_say_how_large_it_is_is_counted(door: Doorstep) -> None:
    since = len(door.process.lines)
    answer = door.session.post(
        f"{door.url}/webhooks/salesforce/acme/{HOOK}", data=iter([b" " * (1 << 20)] * 6), headers={"Connection": "close"}, timeout=HANG_S
    )
    assert answer.status_code == 413
    refused(door, since, f"more than {MOST_BYTES} bytes", "acme")


@pytest.mark.parametrize("path", [f"salesforce/acme/{HOOK}", "hubspot/globex"])
def test_only_posts_are_heard(door: Doorstep, path: str) -> None:
    assert door.session.get(f"{door.url}/webhooks/{path}", timeout=HANG_S).status_code == 405


def test_an_outsider_who_hangs_up_leaves_no_trace_but_a_line(door: Doorstep) -> None:
    since = len(door.process.lines)
    with socket.create_connection((urlsplit(door.url).hostname, urlsplit(door.url).port), timeout=HANG_S) as line:
        line.sendall(f"POST /webhooks/salesforce/acme/{HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<a".encode())
    refused(door, since, "the sender hung up", "acme")


def test_behind_a_proxy_of_this_machine_the_log_names_who_really_called(door: Doorstep) -> None:
    since = len(door.process.lines)
    assert door.post("hubspot/globex", b"[]", **{"X-Forwarded-For": "203.0.113.9"}).status_code == 401
    assert "203.0.113.9" in door.awaits("webhook refused", since)


# ── what cannot be proven is not begun ───────────────────────────────────────────────────────────────────────────────


def test_hubspot_without_the_public_address_closes_its_webhooks_and_no_others(
    tmp_path: Path, urls: dict[str, str], sqlite_url: str
) -> None:
    installation = installed(tmp_path, urls, sqlite_url)
    del installation.more_env["SYNC_WORKER_PUBLIC_URL"]
    with doorstep(installation, "web") as door:
        said = door.awaits("the webhooks of this portal are closed", 0) + door.told()
        assert re.search(r"globex\.yaml:\d+:\d+: crm\.webhooks: a v3 signature is of the public address", said), said
        assert "SYNC_WORKER_PUBLIC_URL" in said
        assert door.tell_hubspot(b"[]").status_code == 503
        assert door.tell_salesforce(message(ACCOUNT)).status_code == 200


def test_an_empty_secret_is_no_secret(tmp_path: Path, urls: dict[str, str], sqlite_url: str) -> None:
    answer = installed(tmp_path, urls, sqlite_url, ACME_SF_HOOK="", ACME_HS_HOOK="").command("web", code=2)
    assert "ACME_SF_HOOK is not set" in answer.err
    assert "ACME_HS_HOOK is not set" in answer.err


@pytest.mark.parametrize("organization", ["00D5g000004XXXX555", "0015g000004XXXX"])
def test_an_organization_id_that_is_none(tmp_path: Path, urls: dict[str, str], sqlite_url: str, organization: str) -> None:
    installation = installed(tmp_path, urls, sqlite_url)
    path = tmp_path / "config" / "portals" / "acme.yaml"
    path.write_text(path.read_text().replace(ORGANIZATION, organization))
    with doorstep(installation, "web") as door:
        said = door.awaits("this portal is disabled", 0) + door.told()
        assert "acme.yaml:" in said
        assert "organization_id" in said
        assert door.tell_salesforce(message(ACCOUNT)).status_code == 503


def test_a_public_url_is_an_address_without_a_slash_at_its_end(tmp_path: Path, urls: dict[str, str], sqlite_url: str) -> None:
    answer = installed(tmp_path, urls, sqlite_url, SYNC_WORKER_PUBLIC_URL=f"{PUBLIC_URL}/").command("web", code=2)
    assert "SYNC_WORKER_PUBLIC_URL" in answer.err


@pytest.mark.parametrize("path", ["hubspot/globex", "hubspot/nobody", "salesforce/acme/wrong", "salesforce/nobody/wrong"])
@pytest.mark.parametrize("length", ["Content-Length: 3000000", "Transfer-Encoding: chunked"])
def test_of_whoever_cannot_prove_anything_no_body_is_awaited(door: Doorstep, path: str, length: str) -> None:
    with socket.create_connection((urlsplit(door.url).hostname, urlsplit(door.url).port), timeout=HANG_S) as line:
        line.sendall(f"POST /webhooks/{path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 401")


def test_bodies_that_nothing_has_proven_are_bounded_together(door: Doorstep) -> None:
    # Given so many large bodies under way that no more fits, from somebody who made the headers up
    since, now_ms = len(door.process.lines), int(Services().clock().timestamp() * 1000)
    proof = f"X-HubSpot-Signature-v3: {'x' * 44}\r\nX-HubSpot-Request-Timestamp: {now_ms}"
    head = f"POST /webhooks/hubspot/globex HTTP/1.1\r\nHost: x\r\n{proof}\r\nContent-Length: {MOST_BYTES}\r\n\r\n".encode()
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection((urlsplit(door.url).hostname, urlsplit(door.url).port), timeout=HANG_S))
            for _ in range(MOST_HELD_BYTES // MOST_BYTES + 1)
        ]
        # When each has sent all but the last byte
        for line in lines:
            line.sendall(head + b" " * (MOST_BYTES - 1))
        # Then one of them has been told to come again, and the others are refused once they are whole
        door.awaits("too many large requests at once", since)
        for line in lines:
            line.sendall(b" ")
        answers = [line.recv(100)[:12] for line in lines]
    assert sorted(set(answers)) == [b"HTTP/1.1 401", b"HTTP/1.1 503"]
    # And afterwards there is room again
    assert door.tell_hubspot(orjson.dumps([event("contact.creation", 7)])).status_code == 204
