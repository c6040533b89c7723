"""How fast webhooks are answered, and how soon what they tell of is applied. Real processes; the sender keeps its pace whatever happens.

    answers   50 requests a second of 100 events, over 2,000 companies: from when each was due to its answer
    applied   50 events a second, one a request, each about an edited company: from the request to the value in our database
    burst     1,000 events on 200 companies: the reads that cost

SQLite is measured as it is run, everything in one process; PostgreSQL with `web`, `schedule`, one worker, and Redis.

    python -m benchmarks.webhooks [--crm salesforce hubspot] [--database sqlite postgresql] [--seconds 30] [--out FILE]
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from benchmarks.changes import first_ids
from benchmarks.crms import CRMS, PORTAL, Crm
from benchmarks.databases import DATABASES, Database
from benchmarks.processes import running
from crm_sandbox.hubspot.data.portal import PORTAL_ID
from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_SECRET
from crm_sandbox.hubspot.push import signing
from crm_sandbox.remote import Remote
from sync_worker.services import Services
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from sync_worker.store.sync import notices

COMPANIES = 2_000
RATE, EVENTS = 50, 100  # requests a second, events in each
BURST_EVENTS, BURST_COMPANIES = 1_000, 200
SENDERS = 24  # at 50 a second, more than can wait within the goal
SLOW_RATE, SLOW_SECONDS = 2, 20  # edits a second while a first load runs, and for how long
SETTLE_S = 60
PUBLIC_URL, HOOK, ORGANIZATION = "https://sync.example.com", "bench-hook", "00D5g000004XXXX"
GOALS: Mapping[str, Mapping[str, float]] = {
    "sqlite": {"answer_p99_ms": 500, "applied_p50_ms": 1_000, "applied_p99_ms": 5_000},
    "postgresql": {"answer_p99_ms": 100, "applied_p50_ms": 1_000, "applied_p99_ms": 5_000},
}
READS = {"salesforce": 2, "hubspot": 4}
_MESSAGE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
    f"<OrganizationId>{ORGANIZATION}</OrganizationId><ActionId>04k7F0000008V3hQAE</ActionId>%s</notifications></soapenv:Body>"
    "</soapenv:Envelope>"
)
_NOTIFICATION = (
    '<Notification><Id>04l7F000008aeAyQAI</Id><sObject xsi:type="sf:Account" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
    "<sf:Id>%s</sf:Id><sf:Name>Some name</sf:Name><sf:Phone>+1 555 0100</sf:Phone><sf:BillingCity>Berlin</sf:BillingCity></sObject>"
    "</Notification>"
)


@dataclass(frozen=True)
class Sender:
    """How a CRM tells. **Shapes** `webhooks`: of the portal file; `native`, `id`, `name`: a company's."""

    webhooks: str
    path: str
    native: str
    id: str
    name: str
    body: Callable[[list[str]], bytes]
    headers: Callable[[bytes], dict[str, str]]


def _events(ids: list[str]) -> bytes:
    told = {"subscriptionId": 1, "portalId": PORTAL_ID, "appId": 2, "occurredAt": 1, "subscriptionType": "company.propertyChange"}
    more = {"propertyName": "name", "propertyValue": "Some name", "changeSource": "CRM_UI", "sourceId": "userId:1", "attemptNumber": 0}
    return orjson.dumps([{"eventId": number, "objectId": int(one), **told, **more} for number, one in enumerate(ids)])


def _signed(body: bytes) -> dict[str, str]:
    url = f"{PUBLIC_URL}/webhooks/hubspot/{PORTAL}"
    return signing.headers(SANDBOX_CLIENT_SECRET, url, body, timestamp_ms=int(time.time() * 1000))


SENDERS_OF = {
    "salesforce": Sender(
        webhooks=f'{{organization_id: {ORGANIZATION}, secret: "${{BENCH_HOOK}}"}}',
        path=f"/webhooks/salesforce/{PORTAL}/{HOOK}",
        native="Account",
        id="Id",
        name="Name",
        body=lambda ids: (_MESSAGE % "".join(_NOTIFICATION % one for one in ids)).encode(),
        headers=lambda _: {"Content-Type": "text/xml"},
    ),
    "hubspot": Sender(
        webhooks=f'{{hub_id: "{PORTAL_ID}", secret: "${{BENCH_HOOK}}"}}',
        path=f"/webhooks/hubspot/{PORTAL}",
        native="companies",
        id="id",
        name="name",
        body=_events,
        headers=_signed,
    ),
}


def main() -> None:
    """Measures, prints one line each, and says what was not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks")
    parser.add_argument("--crm", nargs="+", choices=CRMS, default=list(CRMS))
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = []
    for crm in options.crm:
        for name in options.database:
            with DATABASES[name]() as databases, databases() as database:
                figures = measure(CRMS[crm], database, seconds=options.seconds)
            missed = [key for key, most in goals(crm, name).items() if figures[key] > most]
            found.append({"crm": crm, "database": name, **figures, "missed": missed})
            print(json.dumps(found[-1]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


def goals(crm: str, database: str) -> dict[str, float]:
    """figure → the most it may be."""
    return {**GOALS[database], "burst_reads": READS[crm], "refused": 0, "unapplied": 0}


def measure(crm: Crm, database: Database, *, seconds: int) -> dict[str, float]:
    """All three, on one installation after its first load."""
    sender = SENDERS_OF[crm.name]
    with ExitStack() as stack:
        base_url = stack.enter_context(crm.serve(COMPANIES, 0))
        remote = stack.enter_context(Remote(base_url))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-webhooks-")))
        address = stack.enter_context(_running(crm, base_url, folder, database, ("db upgrade", f"pull {PORTAL}", f"push {PORTAL}")))
        store = stack.enter_context(closing(Store(database.url, clock=Services().clock)))
        ids = [str(record[sender.id]) for record in remote.records(sender.native)][:COMPANIES]
        burst = _burst(sender, address, remote, store, ids, crm)
        applied = _applied(sender, address, remote, store, ids[: RATE * seconds])
        return {**burst, **applied, **_answers(sender, address, ids, seconds)}


def while_loading(crm: Crm, database: Database, count: int, latency_ms: float) -> dict[str, float]:
    """Edits of some companies told one by one, while the first load of so many companies runs and every call takes long.

    **Units** `loaded_percent`: of the companies, when the last edit was told.
    """
    sender = SENDERS_OF[crm.name]
    with ExitStack() as stack:
        base_url = stack.enter_context(crm.serve(count, 0))
        remote = stack.enter_context(Remote(base_url))
        ids = first_ids(crm.name, base_url, crm.client, SLOW_RATE * SLOW_SECONDS)
        if crm.enforce_limits:
            crm.enforce_limits(base_url)
        remote.set_latency(latency_ms)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-webhooks-")))
        address = stack.enter_context(_running(crm, base_url, folder, database, ("db upgrade",)))
        store = stack.enter_context(closing(Store(database.url, clock=Services().clock)))
        _until_loading(store)
        return _applied(sender, address, remote, store, ids, SLOW_RATE, of=count)


def _until_loading(store: Store) -> None:
    end_s = time.monotonic() + SETTLE_S
    while not _loaded(store):
        assert time.monotonic() < end_s, "the first load does not begin"
        time.sleep(0.05)


def _loaded(store: Store) -> int:
    with store.reading(PORTAL) as tx:
        return sum(companies.count_by_type(tx).values())


# ── the three ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _answers(sender: Sender, address: str, ids: list[str], seconds: int) -> dict[str, float]:
    chance = random.Random(7)
    bodies = [sender.body(chance.choices(ids, k=EVENTS)) for _ in range(RATE * seconds)]
    requests = [(body, sender.headers(body)) for body in bodies]  # signed ahead, within the five minutes
    took_ms, refused, lock = list[float](), 0, threading.Lock()
    begin_s = time.monotonic() + 0.2

    def send(nth: int) -> None:
        nonlocal refused
        due_s = begin_s + nth / RATE
        time.sleep(max(0.0, due_s - time.monotonic()))
        status = _posted(address, sender.path, *requests[nth])
        with lock:
            took_ms.append((time.monotonic() - due_s) * 1000)
            refused += status not in (200, 204)

    _at_once(send, len(requests))
    return {"answer_p50_ms": _percentile(took_ms, 50), "answer_p99_ms": _percentile(took_ms, 99), "refused": refused}


def _applied(
    sender: Sender, address: str, remote: Remote, store: Store, ids: list[str], rate: float = RATE, *, of: int = 0
) -> dict[str, float]:
    """Each of these companies edited and told, so many a second; `of`: all companies of a load that runs meanwhile."""
    count = len(ids)
    sent_s: dict[str, float] = {}
    seen_s: dict[str, float] = {}
    begin_s = time.monotonic() + 0.2
    controls = threading.Lock()

    def send(nth: int) -> None:
        time.sleep(max(0.0, begin_s + nth / rate - time.monotonic()))
        name = f"Applied {nth}"
        with controls:
            remote.edit(sender.native, ids[nth], {sender.name: name})
        body = sender.body([ids[nth]])
        sent_s[name] = time.monotonic()
        _posted(address, sender.path, body, sender.headers(body))

    with ThreadPoolExecutor(1) as watcher:
        watching = watcher.submit(_watch, store, seen_s, ids, begin_s + count / rate + SETTLE_S)
        _at_once(send, count)
        loading = {"loaded_percent": round(100 * _loaded(store) / of, 1)} if of else {}
        watching.result()
    took_ms = [(seen_s[name] - sent_s[name]) * 1000 for name in seen_s]
    return {
        "applied_p50_ms": _percentile(took_ms, 50),
        "applied_p99_ms": _percentile(took_ms, 99),
        "unapplied": count - len(seen_s),
        **loading,
    }


def _watch(store: Store, seen_s: dict[str, float], ids: list[str], until_s: float) -> None:
    while len(seen_s) < len(ids) and time.monotonic() < until_s:
        with store.reading(PORTAL) as tx:
            known = companies.by_crm_ids(tx, ids).values()
        names = {stored.company.name for stored in known if stored.company.name.startswith("Applied ")}
        now_s = time.monotonic()
        for name in names - seen_s.keys():
            seen_s[name] = now_s
        time.sleep(0.05)


def _burst(sender: Sender, address: str, remote: Remote, store: Store, ids: list[str], crm: Crm) -> dict[str, float]:
    told = ids[:BURST_COMPANIES] * (BURST_EVENTS // BURST_COMPANIES)
    random.Random(7).shuffle(told)
    _settle(store)
    remote.reset_calls()
    for start in range(0, len(told), EVENTS):
        body = sender.body(told[start : start + EVENTS])
        _posted(address, sender.path, body, sender.headers(body))
    _settle(store)
    kinds = remote.calls()["kinds"]
    return {"burst_reads": sum(calls for kind, calls in kinds.items() if kind not in crm.free_calls)}


def _settle(store: Store) -> None:
    """Until nothing waits to be read, for a second."""
    quiet_since = time.monotonic()
    end_s = quiet_since + SETTLE_S
    while time.monotonic() - quiet_since < 1:
        assert time.monotonic() < end_s, "what was noticed is not read"
        with store.reading(PORTAL) as tx:
            if notices.counts(tx):
                quiet_since = time.monotonic()
        time.sleep(0.02)


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_here = threading.local()


def _posted(address: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status, over a connection that stays; a new one where the server has let go of an idle one."""
    lines: dict[str, http.client.HTTPConnection] = _here.__dict__
    for kept in (lines.get(address), None):
        line = lines[address] = kept or _connected(address)
        try:
            line.request("POST", path, body, headers)
            with line.getresponse() as answer:
                answer.read()
                return int(answer.status)
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            line.close()
    return 0


def _connected(address: str) -> http.client.HTTPConnection:
    line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    line.connect()
    line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _at_once(send: Callable[[int], None], count: int) -> None:
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, range(count)))


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 1) if ordered else float("inf")


def _running(crm: Crm, base_url: str, folder: Path, database: Database, begun: Sequence[str]) -> AbstractContextManager[str]:
    """An installation that the CRM tells of changes; yields where it takes webhooks."""
    written = crm.portal_at(base_url).replace("  mapping:", f"  webhooks: {SENDERS_OF[crm.name].webhooks}\n  mapping:")
    secret = SANDBOX_CLIENT_SECRET if crm.name == "hubspot" else HOOK
    environ = {**crm.environ, "BENCH_HOOK": secret, "SYNC_WORKER_PUBLIC_URL": PUBLIC_URL}
    return running(written + "schedule: {pull: 1h}\n", environ, folder, database, begun)


if __name__ == "__main__":
    main()
