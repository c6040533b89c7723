"""The CRMs that can be measured. A new one is one entry here, its reading in readers.py, and its changes in changes.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from crm_sandbox.hubspot.login.credentials import SANDBOX_TOKEN
from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.salesforce.login.credentials import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET

PORTAL = "bench"


@dataclass(frozen=True)
class Goals:
    """What is to be reached.

    **Units** `…_calls`: data calls; `spare_calls`: beyond the pages or batches that cannot be saved; `idle_calls` of one poll: 1,000 a day
    at one in five minutes; `unused_percent`: of what the vendor's limits allow.
    """

    cpu_ratio: float = 3
    memory_mb: float = 200
    spare_calls: int = 5
    idle_calls: int = 3
    read_changed_calls: int = 3
    write_changed_calls: int = 7
    no_op_calls: int = 0
    unused_percent: float = 10


@dataclass(frozen=True)
class Limit:
    """What a vendor allows of calls in a rolling window. **Shapes** `kinds`: those it counts, as the sandbox names them."""

    name: str
    count: int
    seconds: int
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Crm:
    """One CRM and the portal on it.

    **Shapes** `client`: id and secret of the floor's log-in; `serve`: a sandbox of so many companies and deals as a process of its own,
    yielding its address; `system_fields`: asked for beside the mapping's, by native record type ("" = of every type); `kinds`: what a
    column comes as, by the type of its field, else text; `free_calls`: kinds of calls, as the sandbox names them, that carry no data;
    `write_calls`: those that write records; `limits`: what the vendor allows, which the sandbox at an address enforces after
    `enforce_limits`; `has_vendor_client`: the vendor has a client in Python (vendor_client.py). **Units** `write_count`: records one call
    can write; `associations_count`: records whose associations are one call, 0 where they come with the records. `settings`: more lines of
    the portal file's `crm`.
    """

    name: str
    portal_file: str
    client: tuple[str, str]
    serve: Callable[[int, int], AbstractContextManager[str]]
    system_fields: Mapping[str, tuple[str, ...]]
    free_calls: tuple[str, ...]
    write_calls: tuple[str, ...]
    write_count: int
    associations_count: int = 0
    kinds: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    enforce_limits: Callable[[str], None] | None = None
    has_vendor_client: bool = False
    goals: Goals = field(default_factory=Goals)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def set(self, settings: Mapping[str, Any]) -> Crm:
        """The same with these settings in the portal file's `crm`."""
        return replace(self, settings=settings)

    def portal_at(self, base_url: str) -> str:
        """The portal file of a sandbox at this address."""
        more = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in self.settings.items())
        return self.portal_file.format(base_url=base_url).replace("  mapping:", f"{more}  mapping:")

    @property
    def environ(self) -> dict[str, str]:
        """What the portal file takes from the environment."""
        return {"BENCH_ID": self.client[0], "BENCH_SECRET": self.client[1]}


_SALESFORCE_PORTAL = """\
portal: bench
crm:
  kind: salesforce
  mapping: salesforce.yaml
  base_url: {base_url}
  auth: {{flow: client_credentials, domain: bench.my, client_id: "${{BENCH_ID}}", client_secret: "${{BENCH_SECRET}}"}}
vendor: {{account_type_value: Vendor}}
two_tier: true
second_partner: {{account_type_value: Distributor, display_label: Distributor}}
partner: {{account_type_value: Partner, display_label: Partner}}
associations: {{mode: contracts}}
deals: {{record: lead, from_crm: true, approvals: [distributor, vendor]}}
"""


def _serve_salesforce(companies: int, deals: int) -> AbstractContextManager[str]:
    from crm_sandbox.process import SalesforceOptions, serve_process  # a whole web server, which only the parent process needs

    options = SalesforceOptions(
        companies=companies, opportunities=deals, leads=0, every_company_active=True, every_opportunity_has_partner=True
    )
    return serve_process(options)


SALESFORCE = Crm(
    name="salesforce",
    portal_file=_SALESFORCE_PORTAL,
    client=(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET),
    serve=_serve_salesforce,
    system_fields={
        "": ("Id", "SystemModstamp", "IsDeleted"),
        "Account": ("MasterRecordId",),
        "Lead": ("MasterRecordId", "IsConverted", "ConvertedOpportunityId"),
    },
    free_calls=("token", "describe", "versions"),
    write_calls=("collections_write",),
    write_count=200,
    kinds={"number": "float8", "boolean": "bool"},
)

_HUBSPOT_PORTAL = """\
portal: bench
crm:
  kind: hubspot
  mapping: hubspot.yaml
  base_url: {base_url}
  auth: {{flow: static_token, token: "${{BENCH_SECRET}}"}}
vendor: {{account_type_value: vendor}}
two_tier: true
second_partner: {{account_type_value: second_partner, display_label: Distributor}}
partner: {{account_type_value: partner, display_label: Partner}}
associations: {{mode: contracts}}
deals: {{record: deal, from_crm: true, approvals: [distributor, vendor]}}
"""


def _serve_hubspot(companies: int, deals: int) -> AbstractContextManager[str]:
    from crm_sandbox.process import HubspotOptions, serve_process

    options = HubspotOptions(companies=companies, deals=deals, inquiries=0, every_company_active=True, every_deal_has_partner=True)
    return serve_process(options)


def _enforce_hubspot(base_url: str) -> None:
    with HubspotRemote(base_url) as remote:
        remote.enforce_limits()


_COUNTED_BY_HUBSPOT = (
    *("list", "batch_read", "batch_update", "batch_upsert"),
    *("associations_read", "associations_write", "labels", "properties"),
)

HUBSPOT = Crm(
    name="hubspot",
    portal_file=_HUBSPOT_PORTAL,
    client=("", SANDBOX_TOKEN),
    serve=_serve_hubspot,
    system_fields={"": ("hs_object_id", "hs_lastmodifieddate", "hs_merged_object_ids")},
    free_calls=("account", "properties", "labels"),
    write_calls=("batch_update", "batch_upsert", "associations_write"),
    write_count=100,
    associations_count=1000,
    limits=(
        Limit("calls", 190, 10, _COUNTED_BY_HUBSPOT),
        Limit("searches", 5, 1, ("search",)),
    ),
    enforce_limits=_enforce_hubspot,
    has_vendor_client=True,
    goals=Goals(cpu_ratio=3.5, read_changed_calls=18, write_changed_calls=13),
)

CRMS: Mapping[str, Crm] = {crm.name: crm for crm in (SALESFORCE, HUBSPOT)}
