"""The stamps of our own last writes: to the millisecond, kept with their record, gone where the next answer has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync_worker.domain.sync.ingest.echoes import OwnWrite
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from sync_worker.store.deals import deals, links
from sync_worker.store.sync import own_stamps
from tests.contract.store.samples import company, deal, link
from tests.servers import MONDAY

STAMP = MONDAY + timedelta(milliseconds=123)


@pytest.mark.parametrize(("object_", "crm_id"), [("company", "001"), ("lead", "00Q1")])
def test_a_stamp_is_kept_to_the_millisecond_until_the_next_answer(store: Store, object_: str, crm_id: str) -> None:
    fill(store)
    held_at = MONDAY if object_ == "company" else None
    with store.transaction("acme") as tx:
        # When a write was answered with a stamp
        own_stamps.keep(tx, object_, {crm_id: STAMP, "other": STAMP})
        # Then it is that of this record, beside the stamp of what the portal holds
        assert own_stamps.of(tx, object_, [crm_id, "other", "002"]) == {crm_id: OwnWrite(STAMP, held_at)}
        # And no other type of record has it
        assert own_stamps.of(tx, "opportunity", [crm_id]) == {}
        # When the next one was answered without
        own_stamps.keep(tx, object_, {crm_id: None})
        assert own_stamps.of(tx, object_, [crm_id]) == {}


def test_what_is_read_later_leaves_the_stamp_as_it_was(store: Store) -> None:
    fill(store)
    with store.transaction("acme") as tx:
        own_stamps.keep(tx, "company", {"001": STAMP})
        own_stamps.keep(tx, "lead", {"00Q1": STAMP})
        later = MONDAY + timedelta(hours=1)
        companies.save(tx, [replace(company(), crm_modified_at=later)])
        links.save(tx, [link(crm_modified_at=later)])
        links.agree(tx, [link(settled_no=4)])
        assert own_stamps.of(tx, "company", ["001"]) == {"001": OwnWrite(STAMP, later)}
        assert own_stamps.of(tx, "lead", ["00Q1"]) == {"00Q1": OwnWrite(STAMP, later)}


def test_a_record_that_is_gone_or_was_left_has_none(store: Store) -> None:
    fill(store)
    with store.transaction("acme") as tx:
        own_stamps.keep(tx, "company", {"001": STAMP})
        own_stamps.keep(tx, "lead", {"00Q1": STAMP, "00Q2": STAMP})
        companies.save(tx, [company(is_deleted=True)])
        links.save(tx, [link(is_current=False), link("00Q2", "d2", deleted_at=MONDAY)])
        assert own_stamps.of(tx, "company", ["001"]) == own_stamps.of(tx, "lead", ["00Q1", "00Q2"]) == {}


def fill(store: Store) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company(), company("c2", crm_id="002")])
        deals.save(tx, [deal(), deal("d2")])
        links.save(tx, [link(), link("00Q2", "d2")])
