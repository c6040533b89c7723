"""What every story over HTTP needs: a portal at work on a CRM, requests of its people, and a look at both sides after each step.

The people of a story, and what they do, stand in its own file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests

from crm_sandbox.hubspot.data.portal import PORTAL_ID
from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_SECRET
from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import serve_process
from crm_sandbox.remote import Record, Remote
from tests.integration.feed.inbox import SECRET, Inbox, inbox
from tests.journey.crms import LocalCrm, adapted
from tests.journey.stage import Installation, Process
from tests.patience import HANG_S, until

PUBLIC_URL: Final = "https://sync.example.com"
HUBSPOT_WEBHOOKS: Final = f'  webhooks: {{hub_id: "{PORTAL_ID}", secret: "${{ACME_HS_HOOK}}"}}\n'
ENVIRON: Final = {"ACME_FEED_SECRET": SECRET, "ACME_HS_HOOK": SANDBOX_CLIENT_SECRET, "SYNC_WORKER_PUBLIC_URL": PUBLIC_URL}
STATES: Final = ("lifecycle", "distributor_approval", "vendor_approval", "licence_count", "quote_state")


@dataclass(frozen=True)
class Spelling:
    """How one CRM has a deal's states. **Shapes** `fields`: ours → the CRM's; `won`: what a salesperson sets."""

    fields: Mapping[str, str]
    words: Mapping[str, str]
    won: Record

    def read(self, record: Record) -> dict[str, Any]:
        """The record's states in our words."""
        ours = {theirs: word for word, theirs in self.words.items()}
        found: dict[str, Any] = {name: record[native] or None for name, native in self.fields.items()}
        return {name: int(value) if name == "licence_count" else ours.get(value, value) for name, value in found.items()}


SPELLINGS: Final[Mapping[str, Spelling]] = {
    "salesforce": Spelling(
        {
            "lifecycle": "Portal_Deal_State__c",
            "distributor_approval": "Portal_Distributor_Approval__c",
            "vendor_approval": "Portal_Vendor_Approval__c",
            "licence_count": "Portal_Licences__c",
            "quote_state": "Portal_Quote_State__c",
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
            "quote_state": "portal_quote_state",
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

    def ask(
        self, method: str, path: str, *, user: str = "", tag: str = "", key: str = "", body: Any = None, files: Any = None
    ) -> requests.Response:
        named = {"Acting-User": user, "If-Match": tag, "Idempotency-Key": key}
        headers = {"Authorization": f"Bearer {self.token}", **{name: value for name, value in named.items() if value}}
        return self.session.request(method, f"{self.url}/portals/acme/{path}", headers=headers, json=body, files=files, timeout=HANG_S)

    def said(self, method: str, path: str, status: int = 200, **more: Any) -> requests.Response:
        """The answer, which is of this status."""
        answer = self.ask(method, path, **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer

    def refused(self, method: str, path: str, status: int, **more: Any) -> str:
        """The code of the refusal, which is of this status."""
        return str(self.said(method, path, status, **more).json()["code"])

    def tells_of(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        """Its users, by id."""
        for user, told in people.items():
            self.said("PUT", f"users/{user}", body={"email": f"{user}@example.com", "name": user.title(), **told})

    def states(self, deal_id: str, user: str) -> tuple[dict[str, Any], int]:
        """The deal's states as that user sees them, and the version that the ETag begins with."""
        answer = self.said("GET", f"deals/{deal_id}", user=user)
        return {name: answer.json()[name] for name in STATES}, int(answer.headers["ETag"].strip('"').partition("-")[0])

    def does(self, user: str, method: str, path: str, body: Any) -> None:
        """A person does something with the deal as it is shown; who is told that it has changed meanwhile looks again."""

        def done() -> bool:
            tag = self.said("GET", "/".join(path.split("/")[:2]), user=user).headers["ETag"]
            answer = self.ask(method, path, user=user, tag=tag, body=body)
            assert answer.status_code in (200, 412), answer.text
            return answer.status_code == 200

        until(done, what=f"{method} {path}")

    def events(self, deal_id: str) -> list[dict[str, Any]]:
        """What the receiver was told of the deal, as it came."""
        return [event for event in self.received.seen if event["data"]["record"]["id"] == deal_id]


@dataclass
class Story:
    """One deal between a portal and its CRM. **Shapes** `viewers`: users of both of its companies."""

    portal: Portal
    remote: Remote
    crm: LocalCrm
    spelling: Spelling
    installation: Installation
    process: Process
    native: str
    viewers: Sequence[str]
    deal_id: str = ""
    record_id: str = ""

    def begins(self, deal_id: str) -> None:
        """A deal was registered: the CRM has one record of it."""
        self.deal_id = deal_id
        [record] = until(lambda: self.crm.deals_with(self.remote, deal_id), what=self.process.log)
        self.record_id = str(record[self.crm.id])

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
            shown = [self.portal.states(self.deal_id, user) for user in self.viewers]
            wanted = {**shown[0][0], **expected}
            told = [event["data"]["record"]["version"] for event in self.portal.events(self.deal_id)]
            return (
                all(states == wanted for states, _ in shown)
                and self.spelling.read(self.record()) == wanted
                and bool(told)
                and told[-1] == shown[0][1]
            )

        seen = self.portal.states(self.deal_id, self.viewers[0])
        until(both, what=f"{expected}: {seen}, {self.record()}\n{self.process.log}")

    def is_told_in_order(self) -> list[dict[str, Any]]:
        """What the receiver has heard of the deal: each version once, in order."""
        heard = self.portal.events(self.deal_id)
        _, version = self.portal.states(self.deal_id, self.viewers[0])
        assert [event["data"]["record"]["version"] for event in heard] == list(range(1, version + 1))
        assert [event["type"] for event in heard] == ["deal.registered", *["deal.changed"] * (len(heard) - 1)]
        assert [event["data"]["seq"] for event in heard] == sorted(event["data"]["seq"] for event in heard)
        return heard

    def became(self, field_name: str) -> list[Any]:
        """What the receiver was told that this field of the deal became, one after the other."""
        changes = [event["data"]["changed"] for event in self.portal.events(self.deal_id)]
        return [changed[field_name]["after"] for changed in changes if field_name in changed]

    def nothing_happens(self) -> None:
        """One more reading of everything, and what the portal owes, leave every record, the deal and the receiver as they are."""
        before = self._everything()
        self.changes_nothing_by_reading()
        written = self.installation.command("push", "acme", "--json").json
        assert [row["claimed"] for row in written] == [0]
        assert self._everything() == before

    def changes_nothing_by_reading(self) -> None:
        """Everything in the CRM is read once more, the latest writes too, and nothing is news."""
        self.remote.advance_clock(60)
        read = self.installation.command("pull", "acme", "--full", "--json", code=None).json
        assert {row["object"]: row["applied"] for row in read} == dict.fromkeys((row["object"] for row in read), 0)
        assert sum(row["read"] for row in read if row["verb"] == "pull") == sum(
            len(self.remote.records(native)) for native in self.crm.natives
        )

    def ends(self) -> None:
        """The worker is asked to go, and goes well."""
        assert self.process.stop() == 0, self.process.log
        assert "Traceback" not in self.process.log

    def _everything(self) -> tuple[Any, ...]:
        records = {native: self.remote.records(native) for native in self.crm.natives}
        return records, self.portal.states(self.deal_id, self.viewers[0]), len(self.portal.received.seen)


@contextmanager
def story_on(crm: LocalCrm, folder: Path, database_url: str, viewers: Sequence[str], **more_env: str) -> Iterator[Story]:
    """A portal at work: its token made at a terminal, everything in the CRM read, which tells of changes by itself; nothing is polled."""
    with serve_process(crm.options) as base_url, crm.controls(base_url) as remote, inbox() as received:
        installation = Installation(folder, base_url, database_url, more_env={**ENVIRON, **more_env}, crm=crm)
        _write_portal(installation, received)
        made = installation.command("tokens", "create", "acme", "--scope", "read", "--scope", "write", "--json").json
        with installation.process("run", "--port", "0") as process, requests.Session() as session:
            session.trust_env = False
            url = process.address()
            until(lambda: _loads_told(received) == len(crm.natives), what="the first load is told of")
            _subscribe(remote, url)
            portal = Portal(url, made["token"], received, session)
            yield Story(portal, remote, crm, SPELLINGS[crm.kind], installation, process, crm.deal, viewers)


def _write_portal(installation: Installation, received: Inbox) -> None:
    """The shipped example with webhooks and a feed."""
    path = installation.write_portal(pull="1h")
    written = path.read_text()
    if installation.crm.kind == "hubspot":
        written = adapted(written, ("  mapping: hubspot.yaml", f"{HUBSPOT_WEBHOOKS}  mapping: hubspot.yaml"))
    path.write_text(f'{written}\nfeed: {{url: {received.url}, secret: "${{ACME_FEED_SECRET}}"}}\n')


def _subscribe(remote: Remote, url: str) -> None:
    """An admin has the CRM tell of deals."""
    if isinstance(remote, HubspotRemote):
        wishes = [{"eventType": "deal.propertyChange", "propertyName": name} for name in ("portal_vendor_approval", "dealstage")]
        public_url = f"{PUBLIC_URL}/webhooks/hubspot/acme"
        remote.set_webhooks(f"{url}/webhooks/hubspot/acme", wishes, public_url=public_url, auto=True)
        return
    for native in ("Lead", "Opportunity"):
        remote.subscribe(native, ["Name"], f"{url}/webhooks/salesforce/acme/hook", organization_id="00D5g000004XXXX", auto=True)


def _loads_told(received: Inbox) -> int:
    return len([event for event in received.seen if event["type"] == "records.loaded"])
