"""Ours: a portal on the sandbox, and the steps as the command line and the actors run them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.floor import Query
from benchmarks.meter import cpu_since_start_s, metered
from sync_worker import bootstrap, logs
from sync_worker.mapping.compile import RecordMap
from sync_worker.sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sync_worker.sandbox.remote import Remote
from sync_worker.services import Services
from sync_worker.settings import Settings
from sync_worker.steps.associate import UNBOUND_CODES
from sync_worker.steps.pull import pull
from sync_worker.steps.push import push
from sync_worker.steps.refresh import refresh
from sync_worker.steps.tenant import Done, Tenant, Wake
from sync_worker.store import associations, companies, deals, failures
from sync_worker.store.engine import Store
from sync_worker.store.migrate import upgrade
from sync_worker.store.runs import Counts

PORTAL = "bench"
MAPPINGS = Path(__file__).parent.parent / "mappings"
SYSTEM_FIELDS = {"Account": ["Id", "SystemModstamp", "IsDeleted", "MasterRecordId"], "Opportunity": ["Id", "SystemModstamp", "IsDeleted"]}
PORTAL_FILE = """\
portal: bench
crm:
  kind: salesforce
  mapping: salesforce.yaml
  base_url: {base_url}
  auth: {{flow: client_credentials, domain: bench.my, client_id: "${{SF_ID}}", client_secret: "${{SF_SECRET}}"}}
vendor: {{account_type_value: Vendor}}
two_tier: true
second_partner: {{account_type_value: Distributor, display_label: Distributor}}
partner: {{account_type_value: Partner, display_label: Partner}}
associations: {{mode: contracts}}
deals: {{record: lead, from_crm: true, approvals: [distributor, vendor]}}
"""


def installed(base_url: str, folder: Path) -> bootstrap.Installation:
    """A portal on this sandbox, its SQLite file in the folder, migrated."""
    portals = folder / "config" / "portals"
    portals.mkdir(parents=True, exist_ok=True)
    (portals / f"{PORTAL}.yaml").write_text(PORTAL_FILE.format(base_url=base_url))
    settings = Settings(database_url=f"sqlite:///{folder}/worker.db", config_dir=folder / "config", mappings_dir=MAPPINGS)
    with closing(Store(settings.database_url, clock=Services().clock)) as store:
        upgrade(store)
    return bootstrap.build(settings, environ={"SF_ID": SANDBOX_CLIENT_ID, "SF_SECRET": SANDBOX_CLIENT_SECRET})


def perform(base_url: str, folder: Path, verbs: Sequence[str]) -> dict[str, Any]:
    """Does these verbs (`pull company`, `push`, `poll`) one after the other.

    Returns their cost together (mapping and describe included), what they did and the calls the sandbox saw.
    """
    logs.set_up(level=30)
    start_s = cpu_since_start_s()
    with closing(installed(base_url, folder)) as installation, Remote(base_url) as remote:
        tenant = installation.tenant(PORTAL)
        start_s = cpu_since_start_s()
        remote.reset_calls()
        total = Counts()
        with metered() as cost:
            for verb in verbs:
                for done in _do(tenant, verb):
                    total.add(done.counts)
        return {
            **vars(cost),
            "start_cpu_s": start_s,
            "verbs": list(verbs),
            "counts": {name: value for name in total.__slots__ if (value := getattr(total, name))},
            "calls": remote.calls()["kinds"],
            "held": _held(tenant),
        }


def queries(base_url: str, folder: Path) -> list[Query]:
    """What a first load asks for, by the shipped mapping held against the sandbox's describe: the floor asks for the same."""
    with closing(installed(base_url, folder)) as installation:
        records = installation.tenant(PORTAL).mapping.records
        return [_query(records["company"], "portal_status"), _query(records["opportunity"], "owner_company")]


def _query(record: RecordMap, only_with: str) -> Query:
    columns = [*SYSTEM_FIELDS[record.native], *record.native_fields]
    return {"native": record.native, "columns": list(dict.fromkeys(columns)), "only_with": record.fields[only_with].native}


def _do(tenant: Tenant, verb: str) -> list[Done]:
    if verb == "poll":
        return [_shown(pull(tenant, name, on_page=_progress)) for name in tenant.readable_records()]
    if verb == "push":
        return _pushed(tenant)
    return [pull(tenant, verb.removeprefix("pull "), on_page=_progress)]


def _pushed(tenant: Tenant) -> list[Done]:
    """A push and what it wakes: the read-backs of what it wrote, until nothing is due."""
    done: list[Done] = []
    wakes = {Wake("push")}
    while wakes:
        wake = wakes.pop()
        done.append(push(tenant, on_batch=_progress) if wake.verb == "push" else refresh(tenant, wake.record))
        wakes |= done[-1].wakes
    return done


def _shown(done: Done) -> Done:
    if done.wakes:
        print(f"a poll made work due: {sorted(wake.verb for wake in done.wakes)}", file=sys.stderr)
    return done


def _progress(so_far: int, total: int | None = None) -> None:
    """One line a page, for the parent's progress bar."""
    print(f"progress {so_far} {total or 0}", file=sys.stderr, flush=True)


def _held(tenant: Tenant) -> dict[str, Any]:
    """What the portal holds afterwards: so that a fast load that stored nothing shows."""
    with tenant.store.reading(tenant.name) as tx:
        return {
            "companies": companies.count_by_type(tx),
            "deals": deals.count_by_lifecycle(tx),
            "failures": failures.counts(tx),
            "unbound_contracts": associations.counts(tx)[1],
            "reported_contracts": sum(row.failure.code in UNBOUND_CODES for row in failures.listed(tx)),
            "unpatched": bool(companies.unpatched(tx, 1)),
        }
