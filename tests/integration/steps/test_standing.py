"""Problems that no read mends: they stay open until the vendor has decided, or the CRM is seen to copy what a conversion lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sync_worker.domain.core.deal import Deal, Decision, Track
from sync_worker.domain.core.user import Role
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.steps.deals.decide import decide
from sync_worker.steps.deals.move import MoveRequest, move
from sync_worker.steps.operate.intervene import discard
from sync_worker.steps.operate.resolve import disputes
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.deals import deals
from tests.integration.steps.test_check import checked
from tests.integration.steps.test_moves import done, told
from tests.integration.steps.test_news import everything_written, forgotten
from tests.integration.steps.world import ANN, World
from tests.mailbox import Mailbox

TRACK = "vendor_approval"
SUBJECT = "Lead → Opportunity: field mapping"


def history(world: World, deal_id: str, field: str) -> list[Mapping[str, Any]]:
    """The changes of one field, oldest first."""
    with world.store.reading("acme") as tx:
        return [row for row in deals.history(tx, deal_id) if row["field"] == field]


def approved_otherwise(world: World) -> Deal:
    """A deal whose old terms the vendor approved in the CRM while new ones were on their way; both sides are at rest again."""
    deal = world.registered()
    world.change(deal.id, licence_count="500")
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    world.push()
    return deal


# ── what the vendor decided, and was not taken over ──────────────────────────────────────────────────────────────────


def test_an_approval_of_other_terms_is_said_for_as_long_as_nobody_decides(world: World) -> None:
    # Given an approval of other terms, which was put back
    deal = approved_otherwise(world)
    assert world.record_of(deal.id)["Portal_Vendor_Approval__c"] == "Pending"
    # When the deal is read, changed and written again
    world.pull(is_full=True)
    world.change(deal.id, amount="7")
    world.push()
    world.pull()
    # Then the problem is open still, and says what differs
    (row,) = world.failures("approved_other_terms")
    assert (row.failure.object, row.failure.record, row.failure.field, row.count) == ("deal", deal.id, TRACK, 1)
    assert "licence_count: 25 in the CRM, 500 in the portal" in row.failure.message
    # and it stands in the deal's history: what the CRM said, and what stays
    (kept,) = history(world, deal.id, TRACK)
    assert (kept["old"], kept["new"], kept["note"]) == ("approved", "pending", row.failure.message)


@pytest.mark.parametrize("end", ["rejected in the portal", "rejected in the CRM", "approved in the CRM", "withdrawn"])
def test_it_ends_when_the_vendor_decides_or_the_deal_is_over(world: World, end: str) -> None:
    deal = approved_otherwise(world)
    if end == "rejected in the portal":
        vera = told(world, "vera", "acme (vendor)", is_vendor_admin=True)
        done(decide(world.tenant, deal.id, Track.VENDOR, Decision.REJECT, MoveRequest(vera, reason="too small")))
    elif end == "withdrawn":
        done(move(world.tenant, deal.id, Verb.WITHDRAW, MoveRequest(ANN)))
    else:
        world.edit(deal.id, Portal_Vendor_Approval__c="Rejected" if "rejected" in end else "Approved")
        world.pull()
    assert world.codes(deal.id) == set()


def test_an_approval_that_the_portal_only_reads_is_one_problem_at_however_many_looks(world: World) -> None:
    # Given a portal that cannot put the vendor's approval back
    world.configure(overrides={"deal.vendor_approval.direction": "pull"})
    deal = world.registered()
    world.change(deal.id, licence_count="500")
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    # When the record is read several times before the new terms are written
    for _ in range(3):
        world.forward()
        pull(world.tenant, "lead", is_full=True)
    # Then it was counted once
    (row,) = world.failures("approved_other_terms")
    assert (row.failure.record, row.count) == (deal.id, 1)


@pytest.mark.parametrize(
    ("written", "code"),
    [("Renewal pending", "not_a_vendor_move"), ("Approved", "approved_other_terms")],
)
def test_the_vendors_people_are_told_of_what_was_not_taken_over(world: World, mailbox: Mailbox, written: str, code: str) -> None:
    # Given people of both companies, and of the vendor
    world.connect_mail(mailbox.url)
    told(world, "mona", "Birch Systems", Role.MANAGER)
    told(world, "dora", "Arrow Electronics", Role.MANAGER)
    told(world, "vera", "acme (vendor)", is_vendor_admin=True)
    deal = world.registered()
    forgotten(world)
    # When the vendor decides in the CRM, and that cannot be taken over
    world.change(deal.id, licence_count="500")
    world.edit(deal.id, Portal_Vendor_Approval__c=written)
    world.pull()
    world.pull(is_full=True)
    # Then the vendor's people are told once, with the reason
    assert world.codes(deal.id) == {code}
    assert everything_written(world) == [("decision_untaken", "vera")]
    forgotten(world)
    assert "did not take it over" in mailbox.letters[-1].as_string().replace("=\n", "").replace("\n", " ")


# ── what a conversion lost ───────────────────────────────────────────────────────────────────────────────────────────


def converted(world: World, **wish: Any) -> Deal:
    """A registered deal whose lead was converted; both sides are at rest again."""
    deal = world.registered()
    world.pull()
    world.remote.convert_lead(world.link(deal.id).crm_id, **wish)
    world.pull()
    world.pull()
    return deal


def conversion_finding(world: World) -> tuple[bool, str, str]:
    (found,) = [finding for finding in checked(world).findings if finding.subject == SUBJECT]
    return found.is_ok, found.words, found.remedy


def test_what_a_conversion_lost_is_said_until_the_mapping_is_seen(world: World) -> None:
    # Given a conversion that lost two fields, which the worker has carried over
    lost = ["Portal_Second_Partner__c", "Portal_Licences__c"]
    deal = converted(world, omit=lost)
    record = world.record_of(deal.id)
    assert (record["Portal_Second_Partner__c"], record["Portal_Licences__c"]) == (world.id_of("Arrow Electronics"), 25)
    # Then they are named, whatever is read
    (row,) = world.failures("conversion_mapping_missing")
    assert row.failure.record == deal.id
    assert "licence_count (Portal_Licences__c → Portal_Licences__c), second_partner (Portal_Second_Partner__c" in row.failure.message
    assert row.failure.payload == {f"Lead.{name}": f"Opportunity.{name}" for name in lost}
    # and by `check`, although the record holds them by now
    is_ok, words, remedy = conversion_finding(world)
    assert not is_ok
    assert all(f"{name} → {name}" in words for name in lost)
    assert "discard" in remedy
    # When the CRM tells that one of them is mapped, then it is still open; when it tells of both, then it is closed
    world.remote.tell_lead_mapping({"Portal_Licences__c": "Portal_Licences__c"})
    checked(world)
    assert world.codes(deal.id) == {"conversion_mapping_missing"}
    world.remote.tell_lead_mapping({name: name for name in lost})
    checked(world)
    assert world.codes(deal.id) == set()


def test_where_the_mapping_cannot_be_read_a_person_closes_it(world: World) -> None:
    deal = converted(world, omit=["Portal_Second_Partner__c"])
    assert not conversion_finding(world)[0]
    # When a person discards it
    discard(world.tenant, world.failures(record=deal.id), selection="it", actor="Ann", reason="mapped by hand")
    # Then check has nothing to say, and nothing opens it again
    assert conversion_finding(world)[0]
    world.pull(is_full=True)
    assert world.codes(deal.id) == set()


def test_a_conversion_that_copies_what_an_admin_can_map_has_lost_nothing(world: World) -> None:
    # Given standard fields, which no admin can map
    deal = converted(world, omit=["Portal_Amount__c", "Portal_Close_Date__c", "Company"])
    assert world.codes(deal.id) == set()
    assert world.record_of(deal.id)["Amount"] == 1200.5


@pytest.mark.parametrize(
    ("named", "stays"),
    [("", "Acme expansion"), ("Acme Inc", "Acme Inc"), ("Acme Inc -", "Acme Inc -"), ("Acme expansion 2", "Acme expansion 2")],
)
def test_only_the_name_that_the_crm_gives_by_itself_is_undone(world: World, named: str, stays: str) -> None:
    # Given a lead converted without the name's mapping, whose opportunity the CRM or a person named
    deal = world.registered()
    world.pull()
    became = world.remote.convert_lead(world.link(deal.id).crm_id, omit=["Portal_Deal_Name__c"])["ConvertedOpportunityId"]
    assert world.remote.record("Opportunity", str(became))["Name"] == "Acme Inc-"
    if named:
        world.remote.edit("Opportunity", str(became), {"Name": named})
    # When it is read, and written
    world.pull()
    world.pull()
    # Then both sides call it so
    assert (world.deal(deal.id).values["name"], world.record_of(deal.id)["Name"]) == (stays, stays)


@pytest.mark.parametrize("wish", [{}, {"copy_mapping": False}])
@pytest.mark.parametrize("order", [("lead", "opportunity"), ("opportunity", "lead")])
def test_people_get_one_mail_for_a_conversion(world: World, mailbox: Mailbox, wish: dict[str, Any], order: tuple[str, str]) -> None:
    # Given a deal that people were told of
    world.connect_mail(mailbox.url)
    told(world, "mona", "Birch Systems", Role.MANAGER)
    deal = world.registered()
    world.pull()
    forgotten(world)
    # When its lead is converted
    world.remote.convert_lead(world.link(deal.id).crm_id, **wish)
    for record in (*order, *order):
        world.pull(record)
    # Then one letter says so
    assert world.deal(deal.id).values["stage"] == "Prospecting"
    assert [name for template, name in everything_written(world) if name == "mona"] == ["mona"]


def test_a_second_partner_that_was_put_back_leaves_a_trace(world: World) -> None:
    # Given a portal that takes no second partner without a contract
    world.configure(deals={"unassociated_second_partner": "revert"})
    deal = world.registered()
    # When the CRM names one, and the deal is read often
    world.edit(deal.id, Portal_Second_Partner__c=world.id_of("Granite Group"))
    world.pull()
    world.pull(is_full=True)
    # Then the history and a decided conflict say once what the CRM said, and what stays
    there, here = world.company("Granite Group").id, world.company("Arrow Electronics").id
    (kept,) = history(world, deal.id, "second_partner")
    assert (kept["old"], kept["new"], "is not associated" in kept["note"]) == (there, here, True)
    (conflict,) = [one for one in disputes(world.tenant, include_resolved=True) if one.deal_id == deal.id]
    assert (conflict.code, conflict.crm, conflict.portal, conflict.taken, conflict.is_open) == ("put_back", there, here, "portal", False)
