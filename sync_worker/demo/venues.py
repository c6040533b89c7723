"""The CRMs that the demo can be told on. A venue is all that differs; the story knows of none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import (
    SANDBOX_CLIENT_ID,
    SANDBOX_CLIENT_SECRET,
    SANDBOX_TOKEN,
    HubspotOptions,
    Options,
    SalesforceOptions,
)
from crm_sandbox.remote import Remote
from sync_worker.config.portal import AssociationMode

PORTAL_FILE = """\
portal: {portal}
crm:
  kind: {kind}
  mapping: {kind}.yaml
  base_url: {base_url}
  auth: {auth}
vendor_company: "{vendor_id}"
vendor: {{account_type_value: {vendor}}}
two_tier: true
second_partner: {{account_type_value: {second_partner}, display_label: Distributor}}
partner: {{account_type_value: {partner}, display_label: Partner}}
deals: {{record: {deal}, from_crm: true, approvals: [distributor, vendor]}}
associations:
  mode: {mode}
"""
RULES = """\
  rules:
    - {{name: upper-tiers, partner: {{tier: [{gold}, {platinum}]}}, match: [region]}}
    - {{name: apac-lines, partner: {{region: [{apac}]}}, match: [product_lines]}}
    - {{name: same-country, match: [country]}}
"""


@dataclass(frozen=True, slots=True)
class Venue:
    """One local CRM and a portal on it.

    **Shapes** `companies`: the CRM's name of that record type; `deal`: the mapping's record that a deal of the portal becomes. `auth`: as
    the portal file says it; `environ`: its secrets. `account_types`: how the CRM spells them; `values`: how its mapping spells the
    portal's own values, of which rules speak.
    """

    title: str
    kind: str
    portal: str
    options: Options
    remote: type[Remote]
    companies: str
    deal: str
    auth: str
    environ: Mapping[str, str]
    account_types: Mapping[str, str]
    values: Mapping[str, str]

    def portal_file(self, base_url: str, *, vendor: str, mode: AssociationMode = "contracts") -> str:
        """As an integrator writes it. **Shapes** `vendor`: the name of the vendor's own company."""
        with self.remote(base_url) as remote:
            found = remote.named(self.companies, vendor)
        vendor_id = found.get("Id") or found["id"]
        own = {"portal": self.portal, "kind": self.kind, "auth": self.auth, "deal": self.deal, "mode": mode}
        written = PORTAL_FILE.format(**own, **self.account_types, base_url=base_url, vendor_id=vendor_id)
        return written + RULES.format(**self.values) if mode == "rules" else written


VENUES: Final[Mapping[str, Venue]] = {
    "salesforce": Venue(
        title="Salesforce",
        kind="salesforce",
        portal="acme",
        options=SalesforceOptions(),
        remote=Remote,
        companies="Account",
        deal="lead",
        auth='{flow: client_credentials, client_id: "${ACME_SF_ID}", client_secret: "${ACME_SF_SECRET}"}',
        environ={"ACME_SF_ID": SANDBOX_CLIENT_ID, "ACME_SF_SECRET": SANDBOX_CLIENT_SECRET},
        account_types={"vendor": "Vendor", "second_partner": "Distributor", "partner": "Partner"},
        values={"gold": "Gold", "platinum": "Platinum", "apac": "APAC"},
    ),
    "hubspot": Venue(
        title="HubSpot",
        kind="hubspot",
        portal="globex",
        options=HubspotOptions(),
        remote=HubspotRemote,
        companies="companies",
        deal="deal",
        auth='{flow: static_token, token: "${GLOBEX_HS_TOKEN}"}',
        environ={"GLOBEX_HS_TOKEN": SANDBOX_TOKEN},
        account_types={"vendor": "vendor", "second_partner": "second_partner", "partner": "partner"},
        values={"gold": "gold", "platinum": "platinum", "apac": "apac"},
    ),
}
"""By `crm.kind`, in the order of telling."""
