"""A watch sees what is done without a lease or a claim, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.domain.core.ruling import UNCHANGED, Ruling
from sync_worker.domain.sync.ingest.companies.key import CompanyKeys
from sync_worker.domain.sync.ingest.companies.page import CompanyChange, HeldCompanies
from sync_worker.domain.sync.ingest.companies.record import CompanyRules
from sync_worker.errors import StaleRead
from sync_worker.steps.sync.ingest.companies import ingest
from sync_worker.store.core import cursors
from sync_worker.store.core.cursors import LEASE_S, Cursor
from sync_worker.store.core.engine import Store
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow
from tests.servers import Clock
from tests.simulation import watches
from tests.simulation.database import OpenStore, emptied
from tests.simulation.watches import Watch

DEAL = "0d5f3a56-31b1-4c1c-8f0e-6f4b7a4f2a11"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return OpenStore(emptied(), clock=clock)


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def overtaken(store: Store, clock: Clock) -> Cursor:
    """The lease of a reader that another one has taken over."""
    with store.side_transaction("acme") as tx:
        first = cursors.acquire(tx, "company", "one")
    clock.forward(seconds=LEASE_S + 1)
    with store.side_transaction("acme") as tx:
        cursors.acquire(tx, "company", "two")
    assert first
    return first


def claimed(store: Store, token: str) -> OutboxRow:
    with store.side_transaction("acme") as tx:
        outbox.owe(tx, "deal", [DEAL], "a run")
        [row] = outbox.claim(tx, state="ready", limit=1, token=token, until_at=tx.shared_now + timedelta(seconds=30))
    return row


def test_a_page_that_is_refused_for_its_fence_is_not_noted(store: Store, clock: Clock, patch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    watch.keep(patch)
    first = overtaken(store, clock)

    with suppress(StaleRead), store.transaction("acme") as tx:
        cursors.move(tx, first, "late")

    assert watch.seen == []


def test_a_page_that_is_stored_without_its_lease_is_noted(store: Store, clock: Clock, patch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    patch.setattr(cursors, "_fenced", lambda tx, cursor, **values: cursors._moved(tx, cursor, **values))  # the planted bug
    watch.keep(patch)
    first = overtaken(store, clock)

    with store.transaction("acme") as tx:
        cursors.move(tx, first, "late")

    assert watch.seen == ["a page of company was stored after its lease was lost"]


def test_a_record_is_noted_if_it_is_sent_after_its_claim_was_lost(store: Store, patch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    watch.keep(patch)
    claimed(store, "mine")

    with store.side_transaction("acme") as tx:
        outbox.begin(tx, "deal", [DEAL], "another's")
    watch.sent([DEAL])
    with store.side_transaction("acme") as tx:
        outbox.begin(tx, "deal", [DEAL], "mine")
    watch.sent([DEAL])

    assert watch.seen == [f"{DEAL} was sent after its claim was lost"]


def test_a_row_is_noted_if_it_is_settled_without_its_claim(store: Store, patch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    patch.setattr(outbox, "done", lambda _tx, rows, _token: {row.record_id: False for row in rows})  # the planted bug
    watch.keep(patch)
    row = claimed(store, "mine")

    with store.transaction("acme") as tx:
        outbox.done(tx, [row], "mine")
        outbox.done(tx, [row], "another's")

    assert watch.seen == [f"{DEAL} was settled after its claim was lost"]


def test_a_row_is_noted_if_it_goes_although_its_record_was_edited_after_the_claim(store: Store, patch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    patch.setattr(outbox, "done", lambda _tx, rows, _token: {row.record_id: False for row in rows})  # the planted bug
    watch.keep(patch)
    row = claimed(store, "mine")

    with store.transaction("acme") as tx:
        outbox.done(tx, [row], "mine")
        outbox.owe(tx, "deal", [DEAL], "an edit")
        outbox.done(tx, [row], "mine")

    assert watch.seen == [f"{DEAL} was edited during its write, and is not owed"]


def test_a_company_is_noted_if_it_is_taken_as_it_was_read_before_our_own_write(patch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    ruling = Ruling[CompanyChange]("001A", UNCHANGED)
    patch.setattr(watches, "judge_companies", lambda _records, _held: [ruling])  # the planted bug
    watch.keep(patch)
    known = {"001A": StoredCompany(Company("arrow", "001A", "Arrow", PortalStatus.ACTIVE, AccountType.PARTNER), None, settled_no=3)}

    for read_no in (3, 2):
        ingest.judge_companies([], HeldCompanies(CompanyRules(None), CompanyKeys("", {}), read_no, known=known))  # type: ignore[attr-defined]

    assert watch.seen == ["001A was taken as it was read before our own write"]
