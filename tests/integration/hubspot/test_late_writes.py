"""HubSpot does not say who changed a record: a late write of ours is recognized by what it carried, all of it, and the rest are edits."""

from __future__ import annotations

from decimal import Decimal

from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import Moved, MoveRequest
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter
from tests.integration.hubspot.test_halves import Office, database_url, office
from tests.integration.hubspot.test_identity import ANN
from tests.integration.hubspot.test_portal import settled

__all__ = ["database_url", "office"]

LATE_S = 100
OLD, NEWER = Decimal(100), Decimal(200)


def forward(office: Office, seconds: int) -> None:
    """Time passes here and in HubSpot."""
    office.clock.forward(seconds=seconds)
    office.remote.advance_clock(seconds)


def changes(office: Office, deal_id: str, **written: str) -> None:
    """A person writes these values in the portal, and they are pushed; so is what a lost answer leaves to do."""
    assert isinstance(change(office.tenant, deal_id, written, MoveRequest(ANN)), Moved)
    office.pushes()
    office.pushes()


def overtaken(office: Office, **written: str) -> str:
    """A deal whose write of these values is not answered and commits late, after the newer amount 200 was written. Returns its id."""
    deal_id = office.registered()
    office.remote.fault("batch_update", object_name="deals", when="late", late_s=LATE_S, drop_connection=True)
    changes(office, deal_id, **written)
    changes(office, deal_id, amount="200")
    forward(office, 50)
    settled(office.tenant)
    assert amounts(office, deal_id) == (NEWER, NEWER)
    forward(office, LATE_S)
    assert Decimal(office.remote.record("deals", office.record_id(deal_id))["amount"]) == OLD
    return deal_id


def amounts(office: Office, deal_id: str) -> tuple[Decimal, Decimal]:
    """HubSpot's and the portal's."""
    there, here = office.remote.record("deals", office.record_id(deal_id)), office.deal(deal_id)
    return Decimal(there["amount"]), Decimal(str(here.values["amount"]))


def undone(office: Office, deal_id: str) -> dict[str, str]:
    """Field → what a person reads of a late write that was undone."""
    with office.tenant.store.reading("acme") as tx:
        rows = failures.listed(tx, FailureFilter(record=deal_id))
    return {row.failure.field: row.failure.message for row in rows if row.failure.code == "late_write_undone"}


def test_a_late_write_of_an_amount_is_no_edit_and_the_newer_one_stands_again(office: Office) -> None:
    # Given an amount of 100 whose write commits late, after the newer 200 was written
    deal_id = overtaken(office, amount="100")
    # When HubSpot is read, and what that leaves to do is written
    office.work()
    # Then both sides hold the newer value, nothing waits, and a person reads of both
    assert amounts(office, deal_id) == (NEWER, NEWER)
    assert office.is_at_rest()
    told = undone(office, deal_id)
    assert told.keys() == {"amount"}
    assert "put amount back to '100.00'; the portal's newer '200.00' is written again" in told["amount"]


def test_a_late_write_of_which_a_person_has_corrected_a_part_is_an_edit(office: Office) -> None:
    # Given a late write of an amount and a name, and a person who corrects the name before it is read
    deal_id = overtaken(office, amount="100", name="Late name")
    office.remote.edit("deals", office.record_id(deal_id), {"dealname": "Corrected"})
    # When HubSpot is read
    office.work()
    # Then the record is heard as it stands, and nothing is undone
    assert amounts(office, deal_id) == (OLD, OLD)
    assert office.deal(deal_id).values["name"] == "Corrected"
    assert undone(office, deal_id) == {}
