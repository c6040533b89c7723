"""One deal's whole story over HTTP, on each CRM: registered, approved, edited, approved again, won.

The portal's people speak through the API, the vendor's people change records in the CRM, and each step is seen on both sides. In the
end the portal's receiver has heard every change, signed and in order. Bob works for the partner, Birch Systems. Dora works for the
second partner, Arrow Electronics. It assumes the words of the README. The process is real (`sync-worker run`), the CRM is a local one
(`crm_sandbox`). `Story` in story.py holds both sides: `portal` asks the API, `edits` and `vendor_approves` change the CRM's record,
`stands` waits until both sides show these values, `became` lists the values of a field that the receiver was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.journey.crms import CRMS
from tests.journey.story import Story, story_on

PEOPLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "bob": {"role": "manager", "primary_company": "Birch Systems"},
    "dora": {"role": "manager", "primary_company": "Arrow Electronics"},
}
DEAL: Final = {
    "owner_company": "Birch Systems",
    "second_partner": "Arrow Electronics",
    "name": "Harbor expansion",
    "prospect_name": "Harbor Freight Lines",
    "contact_last_name": "Berg",
    "amount": "48000.00",
    "licence_count": 25,
    "deal_type": "new",
    "billing_cycle": "annual",
}


@pytest.fixture(params=CRMS)
def story(request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str) -> Iterator[Story]:
    with story_on(CRMS[request.param], tmp_path, sqlite_url, tuple(PEOPLE)) as found:
        yield found


def test_a_deal_is_registered_approved_edited_approved_again_and_won_alike_on_both_sides(story: Story) -> None:
    portal = story.portal
    # Given the portal's people, told of over the API, and a partner whose form offers the second partner
    portal.tells_of(PEOPLE)
    birch = portal.said("GET", "users/bob").json()["primary_company"]
    offered = portal.said("GET", f"companies/{birch}/options").json()["items"]
    assert "Arrow Electronics" in {company["name"] for company in offered}

    # When the partner registers the deal twice with one idempotency key, then there is one deal, in the CRM too
    first = portal.said("POST", "deals", 201, user="bob", key="harbor", body=DEAL)
    again = portal.said("POST", "deals", 201, user="bob", key="harbor", body=DEAL)
    assert again.json() == first.json()
    story.begins(first.json()["id"])
    story.stands(lifecycle="submitted", distributor_approval="pending", vendor_approval="pending", licence_count=25)

    # the second partner (the distributor track) approves in the portal, the vendor in the CRM
    story.decides("dora", "approve")
    story.stands(distributor_approval="approved", vendor_approval="pending")
    story.vendor_approves()
    story.stands(distributor_approval="approved", vendor_approval="approved")

    # the partner edits the approved deal: an edit of an older version is refused, an edit of the current one resets both approvals
    stale = portal.said("PATCH", f"deals/{story.deal_id}", 412, user="bob", tag=first.headers["ETag"], body={"licence_count": 40})
    assert stale.json()["current"]["vendor_approval"] == "approved"
    portal.does("bob", "PATCH", f"deals/{story.deal_id}", {"licence_count": 40})
    story.stands(distributor_approval="pending", vendor_approval="pending", licence_count=40)

    # and both approve again, the other way round
    story.vendor_approves()
    story.stands(distributor_approval="pending", vendor_approval="approved")
    story.decides("dora", "approve")
    story.stands(distributor_approval="approved", vendor_approval="approved", licence_count=40)

    # a salesperson converts the lead into an opportunity (HubSpot has no leads here), and it is still the same deal
    convert(story)
    story.stands(lifecycle="submitted", distributor_approval="approved", vendor_approval="approved")
    story.edits(**story.spelling.won)
    story.stands(lifecycle="won", distributor_approval="approved", vendor_approval="approved")
    assert portal.said("GET", f"deals/{story.deal_id}/changes", user="dora").json()["crm_record"].endswith(story.record_id)
    assert [deal["id"] for deal in portal.said("GET", "deals?text=Harbor expansion", user="dora").json()["items"]] == [story.deal_id]

    # Then the receiver has heard the whole story, each version once, in order
    story.is_told_in_order()
    assert story.became("vendor_approval") == ["pending", "approved", "pending", "approved"]
    # and reading everything once more writes nothing on either side
    story.nothing_happens()
    story.ends()


def convert(story: Story) -> None:
    """A salesperson goes on with it: in Salesforce the lead becomes an opportunity, in HubSpot the deal gets another stage."""
    if isinstance(story.remote, HubspotRemote):
        story.edits(dealstage="contractsent")
        return
    story.record_id = str(story.remote.convert_lead(story.record_id)["ConvertedOpportunityId"])
    story.native = "Opportunity"
