"""Two portals behind one public address: `acme` on a local Salesforce, `globex` on a local HubSpot; the doorstep is a real process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.data.portal import PORTAL_ID
from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_SECRET
from crm_sandbox.hubspot.push import signing
from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import serve_thread
from crm_sandbox.remote import Remote
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.services import Services
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.standings import facts
from sync_worker.store.sync import notices
from tests.journey.crms import CRMS, adapted
from tests.journey.stage import Installation, Process
from tests.patience import HANG_S, until
from tests.servers import sqlite_store

PUBLIC_URL = "https://sync.example.com/crm"
HOOK = "k7-a_part.of~the-address"
ORGANIZATION = "00D5g000004XXXX"
HUB_ID = str(PORTAL_ID)
Headers = Mapping[str, str]
NONE: Headers = MappingProxyType({})
Answer = requests.Response
MESSAGE = """<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">\
<OrganizationId>{organization}</OrganizationId><ActionId>04k7F0000008V3hQAE</ActionId><SessionId xsi:nil="true"/>{inside}\
</notifications></soapenv:Body></soapenv:Envelope>"""
NOTIFICATION = """<Notification><Id>04l7F000008aeAyQAI</Id><sObject xsi:type="sf:{type}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">\
{id}<sf:Name>Never believed</sf:Name></sObject></Notification>"""


def message(*ids: str, type_: str = "Account", organization: str = ORGANIZATION) -> bytes:
    """An outbound message as the vendor sends it; "" names a record that is gone."""
    inside = "".join(NOTIFICATION.format(type=type_, id=f"<sf:Id>{one}</sf:Id>" if one else "") for one in ids)
    return MESSAGE.format(organization=organization, inside=inside).encode()


def event(what: str, record_id: object = None, **more: Any) -> dict[str, Any]:
    """A HubSpot event of globex's account."""
    told = {"eventId": 1, "subscriptionId": 2, "portalId": PORTAL_ID, "occurredAt": 1, "subscriptionType": what, "attemptNumber": 0}
    return {**told, **({} if record_id is None else {"objectId": record_id}), **more}


@dataclass
class Doorstep:
    """The web process of an installation, and what it keeps. **Shapes** `records`: the portal's CRM and its controls."""

    url: str
    process: Process
    installation: Installation
    store: Store
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, path: str, body: bytes, **headers: str) -> Answer:
        return self.session.post(f"{self.url}/webhooks/{path}", data=body, headers=headers, timeout=HANG_S)

    def tell_salesforce(self, body: bytes, *, portal: str = "acme", secret: str = HOOK) -> Answer:
        return self.post(f"salesforce/{portal}/{secret}", body, **{"Content-Type": "text/xml"})

    def tell_hubspot(self, body: bytes, *, portal: str = "globex", query: str = "", late_s: float = 0, more: Headers = NONE) -> Answer:
        """Signed as HubSpot would, unless `more` says otherwise."""
        path = f"hubspot/{portal}{query}"
        at_ms = int((Services().clock().timestamp() - late_s) * 1000)
        signed = signing.headers(SANDBOX_CLIENT_SECRET, f"{PUBLIC_URL}/webhooks/{path}", body, timestamp_ms=at_ms)
        return self.post(path, body, **{"Content-Type": "application/json", **signed, **more})

    def noticed(self, portal: str) -> dict[str, set[str]]:
        """record type → ids that wait to be read again."""
        with self.store.reading(portal) as tx:
            return {record: {one.crm_id for one in notices.oldest(tx, record, 10_000)} for record in notices.counts(tx)}

    def heard_of(self, portal: str) -> set[str]:
        """The record types of which a webhook has come."""
        with self.store.reading("") as tx:
            return set(facts(tx, [portal], polls_after=timedelta(days=1))[portal].webhooks)

    def names(self, portal: str) -> set[str]:
        with self.store.reading(portal) as tx:
            return {stored.company.name for stored in companies.listed(tx)}

    def told(self, since: int = 0) -> str:
        """What the process logged after so many lines."""
        return "".join(self.process.lines[since:])

    def awaits(self, words: str, since: int, about: str = "") -> str:
        """The line with these words and `about`, once it is there. Late lines of an earlier call may stand before it."""
        return until(lambda: next((line for line in self.process.lines[since:] if words in line and about in line), ""), what=words)


@pytest.fixture(scope="session")
def urls() -> Iterator[dict[str, str]]:
    """Both sandboxes, in threads."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(serve_thread(crm.options)) for kind, crm in CRMS.items()}


@pytest.fixture
def salesforce(urls: dict[str, str]) -> Iterator[Remote]:
    with Remote(urls["salesforce"]) as controls:
        _begin_anew(controls)
        yield controls
        controls._list("DELETE", "outbound_messages")


@pytest.fixture
def hubspot(urls: dict[str, str]) -> Iterator[HubspotRemote]:
    with HubspotRemote(urls["hubspot"]) as controls:
        _begin_anew(controls)
        yield controls
        controls.clear_webhooks()


def _begin_anew(controls: Remote) -> None:
    controls.clear_faults()
    controls.set_clock(Services().clock())  # it stamps the webhooks
    controls.reset()
    controls.reset_calls()


def installed(folder: Path, urls: dict[str, str], database_url: str, redis_url: str | None = None, **env: str) -> Installation:
    """Both portals' files, with webhooks; pulls by themselves are rare."""
    environ = {"ACME_SF_HOOK": HOOK, "ACME_HS_HOOK": SANDBOX_CLIENT_SECRET, "SYNC_WORKER_PUBLIC_URL": PUBLIC_URL, **env}
    one = Installation(folder, urls["salesforce"], database_url, redis_url, environ)
    one.write_portal(name="acme", pull="1h")
    path = replace(one, base_url=urls["hubspot"], crm=CRMS["hubspot"]).write_portal(name="globex", pull="1h")
    webhooks = f'  webhooks: {{hub_id: "{HUB_ID}", secret: "${{ACME_HS_HOOK}}"}}\n'
    path.write_text(adapted(path.read_text(), ("  mapping: hubspot.yaml", f"{webhooks}  mapping: hubspot.yaml")))
    return one


@contextmanager
def doorstep(installation: Installation, *words: str) -> Iterator[Doorstep]:
    """The process of `words`, which serves webhooks, and a look into its database."""
    store = Store(installation.database_url, clock=Services().clock)
    with installation.process(*words) as process, requests.Session() as session:
        session.trust_env = False
        try:
            yield Doorstep(process.address(), process, installation, store, session)
        finally:
            store.close()


@contextmanager
def own_doorstep(folder: Path, urls: dict[str, str]) -> Iterator[Doorstep]:
    """The process `sync-worker web` with a database of its own, for a whole module. It stops in order."""
    with closing(sqlite_store(folder)) as store:
        url = store.url
    with doorstep(installed(folder, urls, url), "web") as found:
        yield found
        assert found.process.stop() == 0, found.process.log


def loaded(installation: Installation) -> Installation:
    """After the first load of both portals, and what it writes back."""
    for portal in ("acme", "globex"):
        for verb in ("pull", "push"):
            installation.here(verb, portal, code=None)  # some of the sandbox's records are wrong on purpose
    return installation


def subscribe_salesforce(remote: Remote, door: Doorstep, **more: Any) -> None:
    """The org tells acme of every company, lead and opportunity."""
    for native in ("Account", "Lead", "Opportunity"):
        remote.subscribe(native, ["Name"], f"{door.url}/webhooks/salesforce/acme/{HOOK}", organization_id=ORGANIZATION, **more)


@dataclass(frozen=True)
class Side:
    """One portal and its CRM. **Shapes** `native`, `name`, `key`: a company's record type, name and id there."""

    portal: str
    remote: Remote
    native: str
    name: str
    key: str

    def tell(self, door: Doorstep, **more: Any) -> None:
        """From now on the CRM tells us; with `auto` by itself."""
        if isinstance(self.remote, HubspotRemote):
            subscribe_hubspot(self.remote, door, **more)
        else:
            subscribe_salesforce(self.remote, door, **more)

    def deliver(self) -> dict[str, int]:
        """What waits is told, out of order."""
        if isinstance(self.remote, HubspotRemote):
            return self.remote.deliver_webhooks(shuffle=True)
        return self.remote.deliver_messages(shuffle=True)

    def rename(self, company: str, name: str) -> None:
        """A person does."""
        self.remote.edit(self.native, company, {self.name: name})


@pytest.fixture(params=["salesforce", "hubspot"])
def side(request: pytest.FixtureRequest) -> Side:
    """Whoever takes this runs on both CRMs."""
    remote: Remote = request.getfixturevalue(request.param)
    words = ("acme", remote, "Account", "Name", "Id") if request.param == "salesforce" else ("globex", remote, "companies", "name", "id")
    return Side(*words)


def subscribe_hubspot(remote: HubspotRemote, door: Doorstep, **more: Any) -> None:
    """The account tells globex of companies and deals, through a proxy."""
    whats = [f"{kind}.{what}" for kind in ("company", "deal") for what in ("creation", "deletion", "merge", "restore", "associationChange")]
    wishes = [{"eventType": what} for what in whats]
    wishes += [
        {"eventType": "company.propertyChange", "propertyName": "name"},
        {"eventType": "deal.propertyChange", "propertyName": "amount"},
    ]
    public_url = f"{PUBLIC_URL}/webhooks/hubspot/globex"
    remote.set_webhooks(f"{door.url}/webhooks/hubspot/globex", wishes, public_url=public_url, **more)


assert canonical(ORGANIZATION) != ORGANIZATION  # the file says 15 characters, messages say 18 or 15
