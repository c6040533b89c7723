"""Which change makes which event, and what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.tell.event import (
    KINDS,
    By,
    Changed,
    Subject,
    associations_events,
    company_event,
    deal_event,
    difference_event,
    document,
    loaded_event,
)

BY = By("crm", "CRM", "r1")
ACME = Company(
    "c1", "001", "Acme", PortalStatus.ACTIVE, AccountType.PARTNER, attributes={"region": "EMEA"}, second_partner_values=("North",)
)


def test_a_company_nobody_knew_is_added_with_all_its_fields() -> None:
    event = company_event(None, ACME, BY)
    assert event
    assert (event.kind, event.record_id) == ("company.added", "c1")
    assert event.changed["region"] == Changed(None, "EMEA")
    assert event.changed["second_partners"] == Changed(None, ["North"])


def test_a_change_names_the_fields_that_changed_alone() -> None:
    event = company_event(ACME, replace(ACME, name="Acme Ltd", attributes={}), BY)
    assert event
    assert event.kind == "company.changed"
    assert event.changed == {"name": Changed("Acme", "Acme Ltd"), "region": Changed("EMEA", None)}


@pytest.mark.parametrize("ended", [{"status": PortalStatus.INACTIVE}, {"is_deleted": True}])
def test_whoever_takes_part_no_more_is_deactivated_once(ended: dict[str, object]) -> None:
    after = replace(ACME, **ended)  # type: ignore[arg-type]  # two fields of two types
    first, again = company_event(ACME, after, BY), company_event(after, replace(after, name="Other"), BY)
    assert first
    assert again
    assert (first.kind, again.kind) == ("company.deactivated", "company.changed")


def test_nothing_changed_is_nothing_to_tell() -> None:
    assert company_event(ACME, replace(ACME), BY) is None


def test_a_deal_as_it_came_in_is_registered_with_plain_values() -> None:
    event = deal_event("d1", 1, {"": (None, {"amount": Decimal("1200.50"), "expires_on": date(2026, 6, 30)})}, BY)
    assert (event.kind, event.version) == ("deal.registered", 1)
    assert event.changed == {"amount": Changed(None, "1200.50"), "expires_on": Changed(None, "2026-06-30")}


def test_a_deal_that_changed_says_what_it_was() -> None:
    event = deal_event("d1", 3, {"vendor_approval": ("pending", "approved")}, BY)
    assert document(event, portal="acme", seq=7) == {
        "schema": 1,
        "portal": "acme",
        "seq": 7,
        "record": {"type": "deal", "id": "d1", "version": 3},
        "changed": {"vendor_approval": {"before": "pending", "after": "approved"}},
        "side": "crm",
        "actor": "CRM",
        "run": "r1",
    }


def test_associations_are_told_by_company_each_once() -> None:
    assert [event.record_id for event in associations_events(["c2", "c1", "c2"], BY)] == ["c1", "c2"]


def test_a_record_is_named_with_what_it_belongs_to_and_has_what_differs() -> None:
    quote = Subject("quote", "q1", {"deal_id": "d1"})
    event = difference_event("quote.sent", quote, {"total": "9"}, {"total": "9", "sent_at": "2026-03-02T09:00:00Z"}, BY)
    assert event
    said = document(event, portal="acme", seq=7)
    assert said["record"] == {"type": "quote", "id": "q1", "deal_id": "d1"}
    assert said["changed"] == {"sent_at": {"before": None, "after": "2026-03-02T09:00:00Z"}}
    assert difference_event("quote.sent", quote, {"total": "9"}, {"total": "9"}, BY) is None


def test_the_end_of_a_first_load_is_of_no_single_record() -> None:
    assert document(loaded_event("lead", BY), portal="acme", seq=1)["record"] == {"type": "deal", "id": None}


@given(st.sampled_from(list(PortalStatus)), st.booleans(), st.text(max_size=3), st.dictionaries(st.text(max_size=2), st.text(max_size=2)))
def test_every_event_is_in_the_catalogue_and_undoing_the_change_gives_what_was(
    status: PortalStatus, is_deleted: bool, name: str, attributes: dict[str, str]
) -> None:
    after = replace(ACME, status=status, is_deleted=is_deleted, name=name, attributes=attributes)
    there, back = company_event(ACME, after, BY), company_event(after, ACME, BY)
    assert (there is None) == (back is None)
    if there and back:
        assert {there.kind, back.kind} <= KINDS.keys()
        assert {field: Changed(change.after, change.before) for field, change in there.changed.items()} == back.changed
