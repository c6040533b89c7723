"""The wire itself: time-outs, addresses and their length, what the machine's own settings may and may not do."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_worker.crm.faults import Patience
from sync_worker.crm.port import RecordWrite, Scan
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection import wire
from sync_worker.crm.salesforce.connection.login import Credentials
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.errors import AuthFailed, CallRefused, ConnectionDown, RateLimited, TransientError
from sync_worker.services import Services
from tests.integration.salesforce.conftest import KEY, NOW, Lab, ids, written
from tests.patience import HANG_S

TOKEN_URL = "https://acme.my.salesforce.com/services/oauth2/token"
OLD, NEW = "https://acme.my.salesforce.com", "https://acme-2.my.salesforce.com"
SCAN = Scan("Account", ("Name",), NOW, NOW)


def token_answer(token: str, instance_url: str = OLD) -> dict[str, str]:
    return {"access_token": token, "instance_url": instance_url, "token_type": "Bearer"}


def page_of(*names: str) -> dict[str, Any]:
    rows = [
        {"Id": f"001Sb000000000{number}AAA", "SystemModstamp": "2026-06-01T12:00:00.000+0000", "Name": name}
        for number, name in enumerate(names)
    ]
    return {"totalSize": len(rows), "done": True, "records": rows}


class World:
    """Salesforce as `responses` plays it, at its true addresses."""

    def __init__(self, domain: str = "acme.my") -> None:
        self.slept: list[float] = []
        services = Services(random=Random(7), sleep=self.slept.append, monotonic=lambda: 0.0)
        credentials = Credentials("key", "pass phrase ü…", domain=domain)
        tokens = Tokens(credentials, services, Patience())
        self.crm = SalesforceCrm(
            SalesforceConnection(login=credentials, tokens=tokens, services=services, patience=Patience()), assigns_on_create=False
        )


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def queries_of(net: responses.RequestsMock, host: str, **answer: Any) -> None:
    net.get(f"{host}/services/data/v62.0/queryAll/", **answer)


# ── log-in at the true addresses ─────────────────────────────────────────────────────────────────────────────────────


def test_the_log_in_goes_to_the_domain_with_the_secret_in_a_header(net: responses.RequestsMock) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    queries_of(net, OLD, json=page_of("Meridian"))
    [page] = World().crm.changed_since(SCAN)
    assert page.records[0].fields["Name"] == "Meridian"
    log_in, query = (call.request for call in net.calls)
    assert log_in.body == "grant_type=client_credentials"
    assert log_in.headers["Authorization"].startswith("Basic ")
    assert query.headers["Authorization"] == "Bearer t1"


def test_an_instance_that_moved_is_followed_after_the_renewal(net: responses.RequestsMock) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    net.post(TOKEN_URL, json=token_answer("t2", NEW))
    queries_of(net, OLD, status=401, json=[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
    queries_of(net, NEW, json=page_of("Moved"))
    world = World()
    [page] = world.crm.changed_since(SCAN)
    assert page.records[0].fields["Name"] == "Moved"
    assert net.calls[-1].request.headers["Authorization"] == "Bearer t2"
    net.get(f"{NEW}/services/data", headers={"Date": "Mon, 01 Jun 2026 12:00:00 GMT"})
    assert world.crm.now() == NOW


def test_a_redirected_log_in_gives_the_secret_to_nobody(net: responses.RequestsMock) -> None:
    net.post(TOKEN_URL, status=302, headers={"Location": "https://elsewhere.example/token"})
    with pytest.raises(AuthFailed, match=r"redirects to https://elsewhere\.example/token, .*crm\.auth\.domain"):
        list(World().crm.changed_since(SCAN))
    assert [call.request.url for call in net.calls] == [TOKEN_URL]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_call_gives_its_body_and_its_token_to_nobody(net: responses.RequestsMock, status: int) -> None:
    # Given an org, or something before it, that redirects everything but the log-in to another host
    net.post(TOKEN_URL, json=token_answer("t1"))
    for method in ("GET", "POST", "PATCH"):
        net.add(method, re.compile(f"{OLD}/services/data/.*"), status=status, headers={"Location": "https://elsewhere.example/x"})
    crm = World().crm
    # When something is read, and something is written
    with pytest.raises(ConnectionDown, match=f"HTTP {status} while .*: it redirects to https://elsewhere.example/x"):
        list(crm.changed_since(SCAN))
    with pytest.raises(ConnectionDown, match=f"HTTP {status} while .*: it redirects to https://elsewhere.example/x"):
        written(crm, RecordWrite("d1", {"Name": "Ann's secret deal"}, None))
    # Then nothing went there, and the log-in was asked where the org is now
    assert {urlsplit(call.request.url or "").hostname for call in net.calls} == {"acme.my.salesforce.com"}
    assert [call.request.url for call in net.calls].count(TOKEN_URL) > 1


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "json": {"error": "invalid_client", "error_description": "invalid client credentials"}},
        {"status": 400, "json": {"error": "invalid_grant", "error_description": "authentication failure"}},
        {"status": 401, "json": {"error": "invalid_client_id", "error_description": "client identifier invalid"}},
        {"status": 400, "json": {"error": "no_client_credentials_user_enabled", "error_description": "new to us"}},
        {"status": 403, "body": "<html>no</html>"},
        {"status": 404, "body": "<html>URL No Longer Exists</html>"},
    ],
    ids=lambda answer: str(answer["status"]),
)
def test_a_refused_log_in_is_one_request(net: responses.RequestsMock, answer: dict[str, Any]) -> None:
    net.post(TOKEN_URL, **answer)
    world = World()
    for _ in range(3):
        with pytest.raises(AuthFailed):
            list(world.crm.changed_since(SCAN))
    assert (len(net.calls), world.slept) == (1, [])


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error"])
def test_a_log_in_that_asks_for_patience_gets_it(net: responses.RequestsMock, error: str) -> None:
    net.post(TOKEN_URL, status=400, json={"error": error})
    net.post(TOKEN_URL, json=token_answer("t1"))
    queries_of(net, OLD, json=page_of())
    assert len(list(World().crm.changed_since(SCAN))) == 1


@pytest.mark.parametrize("domain", ["acme..my", "a b", "[::1"])
def test_an_address_that_is_none_is_for_a_person_to_mend(domain: str) -> None:
    world = World(domain)
    with pytest.raises((ConnectionDown, TransientError)) as down:
        list(world.crm.changed_since(SCAN))
    assert "…" not in str(down.value)


# ── Retry-After ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [({"Retry-After": "7"}, 7.0), ({"Retry-After": "Mon, 01 Jun 2026 12:00:05 GMT", "Date": "Mon, 01 Jun 2026 12:00:00 GMT"}, 5.0)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_short_retry_after_is_waited_for(net: responses.RequestsMock, status: int, headers: dict[str, str], wait_s: float) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    queries_of(net, OLD, status=status, body="<html/>", headers=headers)
    queries_of(net, OLD, json=page_of("Meridian"))
    world = World()
    assert len(ids(list(world.crm.changed_since(SCAN)))) == 1
    assert world.slept == [wait_s]


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_is_the_queues(net: responses.RequestsMock, status: int) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    queries_of(net, OLD, status=status, headers={"Retry-After": "120"})
    world = World()
    with pytest.raises(RateLimited) as limited:
        list(world.crm.changed_since(SCAN))
    assert (limited.value.retry_after_s, limited.value.scope, world.slept) == (120.0, "burst", [])


def test_a_retry_after_that_says_nothing_is_no_retry_after(net: responses.RequestsMock) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    queries_of(net, OLD, status=503, headers={"Retry-After": "soon"})
    queries_of(net, OLD, json=page_of())
    world = World()
    list(world.crm.changed_since(SCAN))
    assert len(world.slept) == 1
    assert world.slept[0] < 1


# ── the machine's own settings ───────────────────────────────────────────────────────────────────────────────────────


def test_a_netrc_of_the_machine_does_not_replace_the_token(
    net: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    net.post(TOKEN_URL, json=token_answer("t1"))
    queries_of(net, OLD, json=page_of())
    list(World().crm.changed_since(SCAN))
    assert net.calls[-1].request.headers["Authorization"] == "Bearer t1"


def test_a_proxy_of_the_machine_is_not_asked_for_loopback(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    created = lab.leads(3)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert ids(list(lab.connect().changed_since(lab.scan()))) == created
    assert lab.connect().now() == NOW


def test_a_proxy_of_the_machine_is_asked_for_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(CallRefused, match=r"while logging in \(acme\.my\.salesforce\.com\): the proxy failed: connection refused"):
        written(World().crm, RecordWrite("a", {"Company": "X"}, key="k"))


# ── time-outs ────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def silence() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def unable_to_keep(answers: list[bytes]) -> Iterator[str]:
    """A server that promises to keep each connection, and closes it after one answer."""

    def serve(listener: socket.socket) -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n"
                connection.sendall(head % len(answer) + answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(HANG_S)


@pytest.mark.parametrize("is_logged_in", [False, True])
def test_a_silent_server_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch, is_logged_in: bool) -> None:
    monkeypatch.setattr(wire, "READ_TIMEOUT_S", 0.02)
    with silence() as url:
        if is_logged_in:
            lab.connect().fetch("Lead", ["00QSb0000000001"], fields=())
        lab.base_url = url
        crm = (
            lab.connect()
            if is_logged_in
            else SalesforceCrm(
                SalesforceConnection(login=lab.credentials, tokens=lab.new_tokens(), services=lab.services, patience=lab.patience),
                assigns_on_create=False,
            )
        )
        silent = rf"\({urlsplit(url).netloc}\): no answer in time \({lab.patience.attempts} tries\)"
        with pytest.raises(TransientError, match=silent):
            list(crm.changed_since(lab.scan()))
        with pytest.raises(TransientError, match=silent):
            crm.now()
    assert len(lab.slept) == 2 * (lab.patience.attempts - 1)


def test_every_request_has_a_time_out(lab: Lab, crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []
    send = requests.adapters.HTTPAdapter.send

    def watched(self: Any, request: Any, stream: Any, timeout: Any, *rest: Any) -> requests.Response:
        if "__sandbox__" not in request.url:
            seen.append(timeout)
        return send(self, request, stream, timeout, *rest)

    created = lab.leads(6)
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", watched)
    list(crm.changed_since(lab.scan()))
    crm.fetch("Lead", created, fields=())
    crm.find_by_key("Lead", KEY, ["k"], fields=())
    crm.describe("Lead")
    crm.now()
    written(crm, RecordWrite("a", {"Company": "X"}, crm_id=created[0]))
    assert len(seen) >= 8
    assert all(0 < connect_s <= 10 and 0 < read_s <= 120 for connect_s, read_s in seen)


def test_a_keep_alive_that_was_not_kept_is_met_with_another_connection(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server closes idle connections; whether we notice before or after sending, a read goes on."""
    pages = [json.dumps(page_of("Meridian")).encode()] * 2
    with unable_to_keep([json.dumps(token_answer("t1")).encode(), *pages]) as url:
        lab.base_url = url
        lab.tokens = lab.new_tokens()
        crm = lab.connect()
        for _ in pages:
            assert len(ids(list(crm.changed_since(SCAN)))) == 1


# ── length of addresses ──────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field_count=st.integers(0, 250),
    id_count=st.integers(1, 700),
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
)
def test_no_query_is_longer_than_an_address_may_be(net: responses.RequestsMock, field_count: int, id_count: int, key: str) -> None:
    """16,384 bytes for address and headers, with an access token of 2,000."""
    net.reset()
    token = "00D" + "x" * 12 + "!" + "y" * 1984
    net.post(TOKEN_URL, json=token_answer(token))
    queries_of(net, OLD, json=page_of())
    net.post(f"{OLD}/services/data/v62.0/composite/sobjects/Lead", json=[])
    fields = [f"Portal_Some_Attribute_{number:03}__c" for number in range(field_count)]
    crm = World().crm
    wanted = [f"00QSb{number:010}" for number in range(id_count)]
    crm.fetch("Lead", wanted, fields=fields)
    crm.find_by_key("Lead", KEY, [f"{key}{number}" for number in range(id_count)], fields=fields)
    for call in net.calls:
        request = call.request
        headers = sum(len(name) + len(value) + 4 for name, value in request.headers.items())
        assert len(request.url or "") + headers < 16_384
    addresses = [call.request.url or "" for call in net.calls if call.request.method == "GET"]
    assert sum(address.count("%2700QSb") for address in addresses) == id_count


def test_a_long_list_of_fields_and_ids_passes_the_door(lab: Lab, crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox measures as the vendor does."""
    fields = list(crm.describe("Lead").fields)
    created = lab.leads(3)
    for lead in created:
        lab.remote.delete("Lead", lead)
    missing = [f"00QSb{number:010}" for number in range(10**9, 10**9 + 1200)]
    found = crm.fetch("Lead", [*missing, *created], fields=fields)
    assert [(record.crm_id, record.is_deleted) for record in found] == [(lead, True) for lead in created]
    assert lab.counted("query_all") >= 4


def test_the_time_is_that_of_the_date_header(net: responses.RequestsMock) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    net.get(f"{OLD}/services/data", json=[], headers={"Date": "Tue, 02 Jun 2026 08:30:00 GMT"})
    assert World().crm.now() == datetime(2026, 6, 2, 8, 30, tzinfo=UTC)


def test_an_org_that_is_away_does_not_tell_the_time(net: responses.RequestsMock) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    net.get(f"{OLD}/services/data", status=503, headers={"Date": "Tue, 02 Jun 2026 08:30:00 GMT"})
    with pytest.raises(TransientError, match=r"HTTP 503 while asking for the time \(acme\.my\.salesforce\.com\).* \(4 tries\)$"):
        World().crm.now()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_time_of_whoever_redirects_is_not_the_orgs(net: responses.RequestsMock, status: int) -> None:
    # Given an address that redirects, whatever time it says
    net.post(TOKEN_URL, json=token_answer("t1"))
    elsewhere = {"Location": "https://elsewhere.example/x?token=secret", "Date": "Tue, 02 Jun 2026 08:30:00 GMT"}
    net.get(f"{OLD}/services/data", status=status, headers=elsewhere)
    # When the org is asked for the time, then a person hears where the redirect leads, and the log-in was asked where the org is now
    with pytest.raises(ConnectionDown, match=r"asking for the time \(.*\): it redirects to https://elsewhere.example/x, and redirects"):
        World().crm.now()
    assert [call.request.url for call in net.calls].count(TOKEN_URL) == 2


def test_an_org_that_moved_tells_the_time_from_its_new_address(net: responses.RequestsMock) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    net.post(TOKEN_URL, json=token_answer("t2", NEW))
    net.get(f"{OLD}/services/data", status=302, headers={"Location": f"{NEW}/services/data"})
    net.get(f"{NEW}/services/data", json=[], headers={"Date": "Tue, 02 Jun 2026 08:30:00 GMT"})
    assert World().crm.now() == datetime(2026, 6, 2, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [({"status": 503}, TransientError), ({"status": 302, "headers": {"Location": "https://elsewhere.example/"}}, ConnectionDown)],
)
def test_how_leads_convert_is_not_taken_from_whoever_stands_before_the_org(
    net: responses.RequestsMock, answer: dict[str, Any], kind: type[Exception]
) -> None:
    net.post(TOKEN_URL, json=token_answer("t1"))
    net.post(re.compile(f"{OLD}/services/Soap/m/.*"), **answer)
    with pytest.raises(kind, match=r"while asking how leads convert \(acme\.my\.salesforce\.com\)"):
        World().crm.schema.conversion("Lead", "Opportunity")


def test_a_log_in_that_is_away_names_its_host(net: responses.RequestsMock) -> None:
    net.post(TOKEN_URL, status=502, body="<html>Bad gateway</html>")
    with pytest.raises(TransientError, match=r"^Salesforce's log-in \(acme\.my\.salesforce\.com\) answered HTTP 502 \(4 tries\)$"):
        World().crm.now()
