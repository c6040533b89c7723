"""The CRMs that can be measured. A new one is one entry here, its reading in readers.py, and its changes in changes.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sync_worker.sandbox.salesforce.login.credentials import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET

PORTAL = "bench"


@dataclass(frozen=True)
class Goals:
    """What is to be reached. **Units** `…_calls`: data calls; `spare_calls`: beyond the pages or batches that cannot be saved."""

    cpu_ratio: float = 3
    memory_mb: float = 200
    spare_calls: int = 5
    idle_calls: int = 3
    read_changed_calls: int = 3
    write_changed_calls: int = 7
    no_op_calls: int = 0


@dataclass(frozen=True)
class Crm:
    """One CRM and the portal on it.

    **Shapes** `serve`: a sandbox of so many companies and deals as a process of its own, yielding its address; `system_fields`: asked for
    beside the mapping's, by native record type ("" = of every type); `free_calls`: kinds of calls, as the sandbox names them, that carry no
    data; `write_calls`: those that write records. **Units** `write_count`: records one call can write.
    """

    name: str
    portal_file: str
    client: tuple[str, str]
    serve: Callable[[int, int], AbstractContextManager[str]]
    system_fields: Mapping[str, tuple[str, ...]]
    free_calls: tuple[str, ...]
    write_calls: tuple[str, ...]
    write_count: int
    goals: Goals = field(default_factory=Goals)

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
    from sync_worker.sandbox.process import SalesforceOptions, serve_process  # a whole web server, which only the parent process needs

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
)

CRMS: Mapping[str, Crm] = {crm.name: crm for crm in (SALESFORCE,)}
