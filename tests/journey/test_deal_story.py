"""One deal's whole story over HTTP, on each CRM: the portal's people speak through the API, the vendor's in the CRM, and every step is
seen on both sides and told to the portal's receiver, signed and in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from sync_worker.sandbox.hubspot.login.credentials import SANDBOX_CLIENT_SECRET
from sync_worker.sandbox.hubspot.portal import PORTAL_ID
from sync_worker.sandbox.hubspot.remote import HubspotRemote
from sync_worker.sandbox.process import serve_process
from sync_worker.sandbox.remote import Record, Remote
from tests.integration.feed.inbox import SECRET, Inbox, inbox
from tests.journey.crms import CRMS, LocalCrm, adapted
from tests.journey.stage import Installation, Process, until

WITHIN_S = 60  # a limit for a machine under load; an idle one needs two seconds
PUBLIC_URL: Final = "https://sync.example.com"
HUBSPOT_WEBHOOKS: Final = f'  webhooks: {{hub_id: "{PORTAL_ID}", secret: "${{ACME_HS_HOOK}}"}}\n'
ENVIRON: Final = {"ACME_FEED_SECRET": SECRET, "ACME_HS_HOOK": SANDBOX_CLIENT_SECRET, "SYNC_WORKER_PUBLIC_URL": PUBLIC_URL}
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
STATES: Final = ("lifecycle", "distributor_approval", "vendor_approval", "licence_count")


@dataclass(frozen=True)
class Spelling:
    """How one CRM has a deal's states. **Shapes** `fields`: ours → the CRM's; `won`: what a salesperson sets."""

    fields: Mapping[str, str]
    words: Mapping[str, str]
    won: Record

    def read(self, record: Record) -> dict[str, Any]:
        """The record's states in our words."""
        ours = {theirs: word for word, theirs in self.words.items()}
        found = {name: record[native] for name, native in self.fields.items()}
        return {name: int(value) if name == "licence_count" else ours.get(value, value) for name, value in found.items()}


SPELLINGS: Final[Mapping[str, Spelling]] = {
    "salesforce": Spelling(
        {
            "lifecycle": "Portal_Deal_State__c",
            "distributor_approval": "Portal_Distributor_Approval__c",
            "vendor_approval": "Portal_Vendor_Approval__c",
            "licence_count": "Portal_Licences__c",
        },
        {"pending": "Pending", "approved": "Approved"},
        {"StageName": "Closed Won"},
    ),
    "hubspot": Spelling(
        {
            "lifecycle": "portal_deal_state",
            "distributor_approval": "portal_distributor_approval",
            "vendor_approval": "portal_vendor_approval",
            "licence_count": "portal_licences",
        },
        {},
        {"dealstage": "closedwon"},
    ),
}


@dataclass
class Portal:
    """The partner portal as its developers would write it: a token, users, and what came to its receiver."""

    url: str
    token: str
    received: Inbox
    session: requests.Session = field(default_factory=requests.Session)

    def ask(self, method: str, path: str, *, user: str = "", tag: str = "", key: str = "", body: Any = None) -> requests.Response:
        named = {"Acting-User": user, "If-Match": tag, "Idempotency-Key": key}
        headers = {"Authorization": f"Bearer {self.token}", **{name: value for name, value in named.items() if value}}
        return self.session.request(method, f"{self.url}/portals/acme/{path}", headers=headers, json=body, timeout=20)

    def said(self, method: str, path: str, status: int = 200, **more: Any) -> requests.Response:
        """The answer, which is of this status."""
        answer = self.ask(method, path, **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer

    def states(self, deal_id: str, user: str) -> tuple[dict[str, Any], str]:
        """The deal's states as that user sees them, and the ETag."""
        answer = self.said("GET", f"deals/{deal_id}", user=user)
        return {name: answer.json()[name] for name in STATES}, answer.headers["ETag"]

    def does(self, user: str, method: str, path: str, body: Any) -> None:
        """A person does something with the deal as it is shown; who is told that it has changed meanwhile looks again."""

        def done() -> bool:
            tag = self.said("GET", "/".join(path.split("/")[:2]), user=user).headers["ETag"]
            answer = self.ask(method, path, user=user, tag=tag, body=body)
            assert answer.status_code in (200, 412), answer.text
            return answer.status_code == 200

        until(done, WITHIN_S, what=f"{method} {path}")

    def events(self, deal_id: str) -> list[dict[str, Any]]:
        """What the receiver was told of the deal, as it came."""
        return [event for event in self.received.seen if event["data"]["record"]["id"] == deal_id]


@dataclass
class Story:
    """One deal between a portal and its CRM."""

    portal: Portal
    remote: Remote
    crm: LocalCrm
    spelling: Spelling
    installation: Installation
    process: Process
    native: str
    deal_id: str = ""
    record_id: str = ""

    def record(self) -> Record:
        return self.remote.record(self.native, self.record_id)

    def edits(self, **fields: Any) -> None:
        """The vendor's people edit the record in the CRM."""
        self.remote.edit(self.native, self.record_id, fields)

    def vendor_approves(self) -> None:
        self.edits(**{self.spelling.fields["vendor_approval"]: self.spelling.words.get("approved", "approved")})

    def decides(self, user: str, decision: str) -> None:
        """A member of the distributor decides in the portal, on what is shown there."""
        self.portal.does(user, "POST", f"deals/{self.deal_id}/approvals", {"track": "distributor", "decision": decision})

    def stands(self, **expected: Any) -> None:
        """Both of the deal's companies see these states, the CRM's record has them, and the portal's receiver was told of the version."""

        def both() -> bool:
            shown = [self.portal.states(self.deal_id, user) for user in PEOPLE]
            wanted = {**shown[0][0], **expected}
            told = [event["data"]["record"]["version"] for event in self.portal.events(self.deal_id)]
            return (
                all(states == wanted for states, _ in shown)
                and self.spelling.read(self.record()) == wanted
                and bool(told)
                and f'"{told[-1]}"' == shown[0][1]
            )

        until(both, WITHIN_S, what=f"{expected}: {self.portal.states(self.deal_id, 'bob')}, {self.record()}\n{self.process.log}")


@pytest.fixture(params=CRMS)
def crm(request: pytest.FixtureRequest) -> LocalCrm:
    return CRMS[request.param]


@pytest.fixture
def story(crm: LocalCrm, tmp_path: Path, sqlite_url: str) -> Iterator[Story]:
    """A portal at work: its token made at a terminal, everything in the CRM read, which tells of changes by itself; nothing is polled."""
    with serve_process(crm.options) as base_url, crm.controls(base_url) as remote, inbox() as received:
        installation = Installation(tmp_path, base_url, sqlite_url, more_env=ENVIRON, crm=crm)
        write_portal(installation, received)
        made = installation.command("tokens", "create", "acme", "--scope", "read", "--scope", "write", "--json").json
        with installation.process("run", "--port", "0") as process, requests.Session() as session:
            session.trust_env = False
            url = process.address()
            until(lambda: loads_told(received) == len(crm.natives), WITHIN_S, what="the first load is told of")
            subscribe(remote, url)
            yield Story(Portal(url, made["token"], received, session), remote, crm, SPELLINGS[crm.kind], installation, process, crm.deal)


def write_portal(installation: Installation, received: Inbox) -> None:
    """The shipped example with webhooks and a feed."""
    path = installation.write_portal(pull="1h")
    written = path.read_text()
    if installation.crm.kind == "hubspot":
        written = adapted(written, ("  mapping: hubspot.yaml", f"{HUBSPOT_WEBHOOKS}  mapping: hubspot.yaml"))
    path.write_text(f'{written}\nfeed: {{url: {received.url}, secret: "${{ACME_FEED_SECRET}}"}}\n')


def subscribe(remote: Remote, url: str) -> None:
    """An admin has the CRM tell of deals."""
    if isinstance(remote, HubspotRemote):
        wishes = [{"eventType": "deal.propertyChange", "propertyName": name} for name in ("portal_vendor_approval", "dealstage")]
        public_url = f"{PUBLIC_URL}/webhooks/hubspot/acme"
        remote.set_webhooks(f"{url}/webhooks/hubspot/acme", wishes, public_url=public_url, auto=True)
        return
    for native in ("Lead", "Opportunity"):
        remote.subscribe(native, ["Name"], f"{url}/webhooks/salesforce/acme/hook", organization_id="00D5g000004XXXX", auto=True)


def loads_told(received: Inbox) -> int:
    return len([event for event in received.seen if event["type"] == "records.loaded"])


def test_a_deal_is_registered_approved_edited_approved_again_and_won_alike_on_both_sides(story: Story) -> None:
    portal = story.portal
    # Given the portal's people, told of over the API, and a reseller whose form offers the distributor
    for user, told in PEOPLE.items():
        portal.said("PUT", f"users/{user}", body={"email": f"{user}@example.com", "name": user.title(), **told})
    birch = portal.said("GET", "users/bob").json()["primary_company"]
    offered = portal.said("GET", f"companies/{birch}/options").json()["items"]
    assert "Arrow Electronics" in {company["name"] for company in offered}

    # When the reseller registers with the distributor, twice with one key, then there is one deal, in the CRM too
    first = portal.said("POST", "deals", 201, user="bob", key="harbor", body=DEAL)
    again = portal.said("POST", "deals", 201, user="bob", key="harbor", body=DEAL)
    assert again.json() == first.json()
    story.deal_id = first.json()["id"]
    [record] = until(lambda: story.crm.deals_with(story.remote, story.deal_id), WITHIN_S, what=story.process.log)
    story.record_id = str(record[story.crm.id])
    story.stands(lifecycle="submitted", distributor_approval="pending", vendor_approval="pending", licence_count=25)

    # the distributor approves in the portal, the vendor in the CRM
    story.decides("dora", "approve")
    story.stands(distributor_approval="approved", vendor_approval="pending")
    story.vendor_approves()
    story.stands(distributor_approval="approved", vendor_approval="approved")

    # the reseller edits what was approved: not what it was, but what it is
    stale = portal.said("PATCH", f"deals/{story.deal_id}", 412, user="bob", tag=first.headers["ETag"], body={"licence_count": 40})
    assert stale.json()["current"]["vendor_approval"] == "approved"
    portal.does("bob", "PATCH", f"deals/{story.deal_id}", {"licence_count": 40})
    story.stands(distributor_approval="pending", vendor_approval="pending", licence_count=40)

    # and both approve again, the other way round
    story.vendor_approves()
    story.stands(distributor_approval="pending", vendor_approval="approved")
    story.decides("dora", "approve")
    story.stands(distributor_approval="approved", vendor_approval="approved", licence_count=40)

    # a salesperson makes an opportunity of it, where the CRM knows leads, and it is still the one deal
    convert(story)
    story.stands(lifecycle="submitted", distributor_approval="approved", vendor_approval="approved")
    story.edits(**story.spelling.won)
    story.stands(lifecycle="won", distributor_approval="approved", vendor_approval="approved")
    assert portal.said("GET", f"deals/{story.deal_id}/changes", user="dora").json()["crm_record"].endswith(story.record_id)
    assert [deal["id"] for deal in portal.said("GET", "deals?text=Harbor expansion", user="dora").json()["items"]] == [story.deal_id]

    # Then the receiver has heard the whole story, each version once, in order
    heard = portal.events(story.deal_id)
    _, tag = portal.states(story.deal_id, "bob")
    assert [event["data"]["record"]["version"] for event in heard] == list(range(1, int(tag.strip('"')) + 1))
    assert [event["type"] for event in heard] == ["deal.registered", *["deal.changed"] * (len(heard) - 1)]
    assert [event["data"]["seq"] for event in heard] == sorted(event["data"]["seq"] for event in heard)
    approvals = [event["data"]["changed"]["vendor_approval"]["after"] for event in heard if "vendor_approval" in event["data"]["changed"]]
    assert approvals == ["pending", "approved", "pending", "approved"]
    # and reading everything once more writes nothing on either side
    nothing_happens(story)
    assert story.process.stop() == 0, story.process.log
    assert "Traceback" not in story.process.log


def convert(story: Story) -> None:
    """A salesperson goes on with it: in an opportunity, where the CRM has leads."""
    if isinstance(story.remote, HubspotRemote):
        story.edits(dealstage="contractsent")
        return
    story.record_id = str(story.remote.convert_lead(story.record_id)["ConvertedOpportunityId"])
    story.native = "Opportunity"


def nothing_happens(story: Story) -> None:
    """One more reading of everything, and what the portal owes, leave every record, the deal and the receiver as they are."""
    story.remote.advance_clock(2000)
    before = everything(story)
    read = story.installation.command("pull", "acme", "--full", "--json", code=None).json
    written = story.installation.command("push", "acme", "--json").json
    assert [(row["object"], row["applied"]) for row in read if row["applied"]] == []
    assert [row["claimed"] for row in written] == [0]
    assert everything(story) == before


def everything(story: Story) -> tuple[Any, ...]:
    records = {native: story.remote.records(native) for native in story.crm.natives}
    return records, story.portal.states(story.deal_id, "bob"), len(story.portal.received.seen)
