"""The CRMs that the demo can be told on. A venue is all that differs; the story knows of none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sync_worker.sandbox.hubspot.remote import HubspotRemote
from sync_worker.sandbox.process import (
    SANDBOX_CLIENT_ID,
    SANDBOX_CLIENT_SECRET,
    SANDBOX_TOKEN,
    HubspotOptions,
    Options,
    SalesforceOptions,
)
from sync_worker.sandbox.remote import Remote


@dataclass(frozen=True, slots=True)
class Venue:
    """One local CRM and a portal on it.

    **Shapes** `environ`: the portal's secrets; `companies`: the CRM's name of that record type; `portal_file`: as an integrator writes it,
    `{base_url}` and `{vendor}` (the vendor's own company) to be filled in.
    """

    title: str
    portal: str
    options: Options
    remote: type[Remote]
    companies: str
    environ: Mapping[str, str]
    portal_file: str


VENUES: Final[Mapping[str, Venue]] = {
    "salesforce": Venue(
        title="Salesforce",
        portal="acme",
        options=SalesforceOptions(),
        remote=Remote,
        companies="Account",
        environ={"ACME_SF_ID": SANDBOX_CLIENT_ID, "ACME_SF_SECRET": SANDBOX_CLIENT_SECRET},
        portal_file="""\
portal: acme
crm:
  kind: salesforce
  mapping: salesforce.yaml
  base_url: {base_url}
  auth: {{flow: client_credentials, client_id: "${{ACME_SF_ID}}", client_secret: "${{ACME_SF_SECRET}}"}}
vendor_company: {vendor}
vendor: {{account_type_value: Vendor}}
two_tier: true
second_partner: {{account_type_value: Distributor, display_label: Distributor}}
partner: {{account_type_value: Partner, display_label: Partner}}
associations: {{mode: contracts}}
deals: {{record: lead, from_crm: true, approvals: [distributor, vendor]}}
""",
    ),
    "hubspot": Venue(
        title="HubSpot",
        portal="globex",
        options=HubspotOptions(),
        remote=HubspotRemote,
        companies="companies",
        environ={"GLOBEX_HS_TOKEN": SANDBOX_TOKEN},
        portal_file="""\
portal: globex
crm:
  kind: hubspot
  mapping: hubspot.yaml
  base_url: {base_url}
  auth: {{flow: static_token, token: "${{GLOBEX_HS_TOKEN}}"}}
vendor_company: "{vendor}"
vendor: {{account_type_value: vendor}}
two_tier: true
second_partner: {{account_type_value: second_partner, display_label: Distributor}}
partner: {{account_type_value: partner, display_label: Partner}}
associations: {{mode: contracts}}
deals: {{record: deal, from_crm: true, approvals: [distributor, vendor]}}
""",
    ),
}
"""By `crm.kind`, in the order of telling."""
