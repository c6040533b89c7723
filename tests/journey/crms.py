"""The CRMs a journey can be made on: for each its sandbox, its controls, its names, and the shipped portal file adapted to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import (
    SANDBOX_CLIENT_ID,
    SANDBOX_CLIENT_SECRET,
    SANDBOX_TOKEN,
    HubspotOptions,
    Options,
    SalesforceOptions,
)
from crm_sandbox.remote import Record, Remote


@dataclass(frozen=True)
class LocalCrm:
    """One of them. **Shapes** `company`, `deal`, `natives`: record types, the deal's as the portal creates it; `key`: ours on a deal.

    `id`: of a record as the controls show it; `id_field`: as the CRM calls it. `secret`: the variable that holds it. `scan`: how calls that
    look for changes begin; `free`: kinds of calls that need no log-in.
    """

    kind: str
    options: Options
    controls: Callable[[str], Remote]
    company: str
    deal: str
    natives: tuple[str, ...]
    id: str
    id_field: str
    name: str
    key: str
    environ: Mapping[str, str]
    secret: str
    scan: str
    free: frozenset[str]
    changes: tuple[tuple[str, str], ...]

    def portal_file(self, example: str, base_url: str) -> str:
        """The shipped example with this CRM at an address."""
        with self.controls(base_url) as remote:
            vendor, arrow = (self.id_named(remote, name) for name in ("Northwind Software", "Arrow Electronics"))
        return adapted(
            example,
            ("# base_url: http://127.0.0.1:8081", f"base_url: {base_url}"),
            ("domain: acme.my ", "# domain: acme.my "),
            ("vendor_company: 0015g00000AAAACAA5", f'vendor_company: "{vendor}"'),
            ("Arrow Inc: 0015g00000AAAAAAA5", f'Arrow Inc: "{arrow}"'),
            ("  company.second_partners.native: ", "  # company.second_partners.native: "),
            ("overrides:  ", "# overrides: "),
            *self.changes,
        )

    def id_named(self, remote: Remote, company: str) -> str:
        """A company's CRM id."""
        return str(remote.named(self.company, company)[self.id])

    def deals_with(self, remote: Remote, key: str) -> list[Record]:
        """The records that carry our key."""
        return [record for record in remote.records(self.deal) if record[self.key] == key]


def adapted(text: str, *changes: tuple[str, str]) -> str:
    """The text with each old part, which must be there, replaced by the new one."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


CRMS: Mapping[str, LocalCrm] = {
    "salesforce": LocalCrm(
        kind="salesforce",
        options=SalesforceOptions(companies=40, leads=5, opportunities=12),
        controls=Remote,
        company="Account",
        deal="Lead",
        natives=("Account", "Lead", "Opportunity"),
        id="Id",
        id_field="Id",
        name="Name",
        key="Portal_Deal_Key__c",
        environ={"ACME_SF_ID": SANDBOX_CLIENT_ID, "ACME_SF_SECRET": SANDBOX_CLIENT_SECRET, "ACME_SF_HOOK": "hook"},
        secret="ACME_SF_SECRET",
        scan="query",
        free=frozenset({"versions"}),
        changes=(),
    ),
    "hubspot": LocalCrm(
        kind="hubspot",
        options=HubspotOptions(companies=40, inquiries=5, deals=12),
        controls=HubspotRemote,
        company="companies",
        deal="deals",
        natives=("companies", "deals"),
        id="id",
        id_field="hs_object_id",
        name="name",
        key="portal_deal_key",
        environ={"ACME_HS_TOKEN": SANDBOX_TOKEN},
        secret="ACME_HS_TOKEN",
        scan="search",
        free=frozenset({"account"}),
        changes=(
            ("kind: salesforce ", "kind: hubspot "),
            ("mapping: salesforce.yaml", "mapping: hubspot.yaml"),
            ("flow: client_credentials  ", "flow: static_token  "),
            ('client_id: "${ACME_SF_ID}"', 'token: "${ACME_HS_TOKEN}"'),
            ('    client_secret: "${ACME_SF_SECRET}"\n', ""),
            ('  webhooks: {organization_id: 00D5g000004XXXX, secret: "${ACME_SF_HOOK}"} ', "# webhooks: "),
            ("vendor: {account_type_value: Vendor}", "vendor: {account_type_value: vendor}"),
            ("{account_type_value: Distributor,", "{account_type_value: second_partner,"),
            ("{account_type_value: Partner,", "{account_type_value: partner,"),
            ("record: lead", "record: deal"),
            ("  run_assignment_rules_on_create: true", "  # run_assignment_rules_on_create: true"),
        ),
    ),
}
