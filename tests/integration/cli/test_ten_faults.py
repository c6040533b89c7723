"""Ten faults of a night. An operator types `status`, and at most one command more that it names, and knows what is wrong."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.remote import Remote
from sync_worker.actors import attempt
from sync_worker.bootstrap import build
from sync_worker.crm.faults import Patience
from sync_worker.heartbeat import Heartbeat
from sync_worker.steps.core.follow_up import Work
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Store
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.operate import processes, schema
from sync_worker.store.sync import webhooks
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm, adapted
from tests.patience import until

IMPATIENT = Patience(attempts=1)


@pytest.fixture
def night(terminal: Terminal) -> Terminal:
    """The portal was read and written in the evening; then the operator went home."""
    terminal.types("pull", "acme", code=None)
    terminal.types("push", "acme", code=None)
    return terminal


def at_work(terminal: Terminal, work: Work, record: str = "") -> None:
    """What a worker does, once; a process that lives is heard of."""
    with closing(build(patience=IMPATIENT)) as installation:
        attempt(installation, "acme", work, record)


@contextmanager
def alive(*kinds: str) -> Iterator[Store]:
    """Processes of these kinds that are heard of."""
    with closing(build()) as installation, ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(Heartbeat(installation, kind))
        until(lambda: heard_of(installation.store) >= set(kinds), what="the processes are heard of")
        yield installation.store


def heard_of(store: Store) -> set[str]:
    with store.reading("") as tx:
        return {one.kind for one in processes.listed(tx)}


def looks(terminal: Terminal, *, code: int | None) -> str:
    """The first command, while processes live."""
    with alive("run"):
        return words(terminal.types("status", code=code).out)


def then(terminal: Terminal, said: str, command: str) -> str:
    """The second command, which the first one named."""
    assert f"sync-worker {command}" in said, said
    return words(terminal.types(*command.split(), code=None).out)


def words(text: str) -> str:
    return " ".join(text.split())


@on_both
def test_credentials_ended(night: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(crm.secret, "ended-long-ago")
    at_work(night, Work.PULL, "company")
    said = looks(night, code=1)
    assert "acme: rests, next try in 5 min" in said
    assert "crm.auth" in said
    assert "1 problem auth_failed of company" in said
    assert "correct it; `sync-worker check acme` shows whether the CRM is reached" in said


@on_both
def test_a_field_that_cannot_rest_alone_is_hidden(night: Terminal, remote: Remote, crm: LocalCrm) -> None:
    # Given a field that an admin takes away, and the workers
    native = STATUS[crm.kind]
    hide_status(remote, hidden=True)
    if crm.kind == "hubspot":
        night.types("check", "acme", code=None)  # answers leave it out without a word
    at_work(night, Work.PULL, "company")
    at_work(night, Work.PULL, "deal" if crm.kind == "hubspot" else "lead")
    # when the operator looks, then companies rest alone, with the reason and until when, in every list
    said = looks(night, code=1)
    assert "acme: company rests, next try in 5 min" in said
    assert "acme: company rests alone, next try in 5 min" in said
    assert native in said
    assert "correct it; then `sync-worker check acme` lets it go on at once" in said
    listed = then(night, said, "failures list acme")
    assert "schema_changed" in listed
    assert "Only records of type company rest" in words(night.types("failures", "list", "acme", "--json").out)
    assert night.types("portals", "list", "--json").json[0]["resting"].keys() == {"company"}
    assert "acme: company rests alone and goes on in " in words(night.types("portals", "list").out)
    (row,) = [one for name, one in night.types("portals", "show", "acme", "--json").json.items() if name == "resting (company)"]
    assert native in row
    # and a pull by hand reads the others, and says so
    by_hand = night.types("pull", "acme", code=1)
    assert native in by_hand.err
    # when it is shown again, then `check` lets it go on
    hide_status(remote, hidden=False)
    night.types("check", "acme", code=None)
    assert night.types("portals", "list", "--json").json[0]["resting"] == {}


STATUS = {"salesforce": "Account.Portal_Status__c", "hubspot": "companies.portal_status"}


def hide_status(remote: Remote, *, hidden: bool) -> None:
    if isinstance(remote, HubspotRemote):
        remote.archive_property("companies", "portal_status", archived=hidden)
    else:
        remote.hide_field("Account", "Portal_Status__c", hidden=hidden)


@on_both
def test_a_field_that_may_rest_alone_is_hidden(night: Terminal, remote: Remote, crm: LocalCrm) -> None:
    if isinstance(remote, HubspotRemote):
        remote.archive_property("companies", "portal_region")
        night.types("check", "acme", code=None)  # answers leave it out without a word; the look at the CRM's list once a day notices it too
    else:
        remote.hide_field("Account", "Portal_Region__c")
    at_work(night, Work.PULL, "company")
    said = looks(night, code=1)
    assert "1 problem attribute_rests of company" in said
    listed = then(night, said, "failures list acme")
    assert {"salesforce": "Account.Portal_Region__c", "hubspot": "companies.portal_region"}[crm.kind] in listed
    shown = night.types("portals", "show", "acme", "--json").json["resting attribute region (company)"]
    assert "is not shown; this was noticed" in shown


def test_the_calls_of_the_day_are_used_up(night: Terminal, remote: Remote) -> None:
    remote.set_daily_limit(100, used=100)
    at_work(night, Work.PULL, "company")
    said = looks(night, code=None)
    assert "acme: portal rests, next try in 15 min: Salesforce answered REQUEST_LIMIT_EXCEEDED" in said
    assert "rate_limited of company" in said


@on_both
def test_a_validation_rule_refuses(night: Terminal, remote: Remote, crm: LocalCrm) -> None:
    field = {"salesforce": "Company", "hubspot": "dealname"}[crm.kind]
    remote.add_validation_rule(crm.deal, field, "matches", "Gone", message="No deals with Gone Ltd")
    night.installation.deal_file("gone.yaml", prospect_name="Gone Ltd")
    night.types("deals", "register", "acme", "gone.yaml")
    at_work(night, Work.PUSH)
    said = looks(night, code=1)
    assert "1 failure" in said
    listed = then(night, said, "failures list acme")
    assert "No deals with Gone Ltd" in listed
    assert "change the CRM, or the deal first" in listed


@on_both
def test_a_value_is_not_listed(night: Terminal) -> None:
    said = looks(night, code=1)
    listed = then(night, said, "failures list acme")
    assert "unlisted_value" in listed
    assert "change the CRM or the mapping first" in listed


@on_both
def test_a_storm_of_server_errors(night: Terminal, remote: Remote) -> None:
    remote.fault("*", status=503, times=999)
    at_work(night, Work.PULL, "company")
    said = looks(night, code=None)
    outage = r"\w+ answered HTTP 503( \(\w+\))? while asking for the time \(127\.0\.0\.1:\d+\)"
    assert re.search(rf"acme: portal rests, next try in 1\d s: {outage}", said), said
    assert "transient_error of company" in said
    with closing(build()) as installation, installation.store.reading("acme") as tx:
        [problem] = failures.listed(tx, FailureFilter(code="transient_error"))
    assert re.match(rf"{outage}.*; next try \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", problem.failure.message), problem
    assert problem.count == 1


@on_both
def test_somebody_cleared_a_status_in_bulk(night: Terminal, remote: Remote, crm: LocalCrm) -> None:
    field = {"salesforce": "Portal_Status__c", "hubspot": "portal_status"}[crm.kind]
    for record in remote.records(crm.company):
        remote.edit(crm.company, record[crm.id], {field: None if crm.kind == "salesforce" else ""})
    remote.advance_clock(90)
    at_work(night, Work.PULL, "company")
    said = looks(night, code=1)
    assert "acme: company rests, next try in 5 min: a change is held for review" in said
    listed = then(night, said, "failures list acme --code held_for_review")
    assert "held_for_review" in listed
    assert "companies" in listed


@on_both
def test_webhooks_were_lost_for_a_day(night: Terminal, remote: Remote, crm: LocalCrm) -> None:
    # Given the last webhook a day ago, changes of which none came, and the polls after them
    last_webhook(night, timedelta(hours=25))
    if isinstance(remote, HubspotRemote):
        hooks = 'webhooks: {hub_id: "4711", secret: "${ACME_HS_TOKEN}", signature: v1} #'
        night.portal_file.write_text(adapted(night.portal_file.read_text(), ("# webhooks: ", f"  {hooks} ")))
        remote.lose_webhooks(86_400)
    company = crm.id_named(remote, "Birch Systems")
    for name in ("Birch", "Birch Works"):
        remote.edit(crm.company, company, {crm.name: name})
        remote.advance_clock(43_200)
        at_work(night, Work.PULL, "company")
    # When the operator asks, then nothing is behind, the change is here, and the webhooks are missed
    said = looks(night, code=1)
    assert "acme: last webhooks: company 25 h ago" in said
    assert "acme: the last webhook for company came 25 h ago, and 3 polls have found changes since — look whether the CRM" in said
    assert "was read up to" not in said
    assert "no process" not in said
    assert "Birch Works" in words(night.types("companies", "show", "acme", "Birch Works").out)


def last_webhook(terminal: Terminal, ago: timedelta) -> None:
    at = datetime.now(UTC) - ago
    with closing(Store(terminal.installation.database_url, clock=lambda: at)) as store, store.side_transaction("acme") as tx:
        webhooks.came(tx, {"company"})


def aged(store: Store, kind: str) -> None:
    """A minute passes in which this kind of process is not heard of."""
    with store.side_transaction("") as tx:
        seen_at = tx.shared_now - timedelta(seconds=60)
        row = update(schema.processes).where(schema.processes.c.kind == kind)
        tx.connection.execute(row.values(started_at=seen_at, seen_at=seen_at))


def killed(terminal: Terminal, *command: str) -> int:
    """A real process, heard of once, then killed. Returns its pid."""
    kind = command[0]
    with closing(build()) as installation, terminal.installation.process(*command) as process:
        until(lambda: kind in heard_of(installation.store), what="it was heard of")
        process.send(signal.SIGKILL)
        process.ended()
        aged(installation.store, kind)
        return process.popen.pid


def test_a_worker_was_killed(night: Terminal, redis_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    night.installation.redis_url = redis_db
    monkeypatch.setenv("SYNC_WORKER_REDIS_URL", redis_db)
    pid = killed(night, "worker", "--health-port", "0")
    with alive("web", "schedule"):
        said = words(night.types("status", code=1).out)
    assert "no worker runs: nothing is read, written or mailed — start `sync-worker worker`" in said
    assert re.search(rf"worker on \S+, pid {pid}: last heard of \d+ s ago — it was killed, hangs, or cannot reach the database", said), said


def test_all_processes_are_down(night: Terminal) -> None:
    pid = killed(night, "run")
    said = words(night.types("status", code=1).out)
    assert "no process runs: nothing is read, written or mailed, and webhooks are not answered" in said
    assert "start `sync-worker run`" in said
    assert f"pid {pid}: last heard of" in said
