"""Ours: a portal on the sandbox, and the steps as the command line and the actors run them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from benchmarks import edits
from benchmarks.crms import PORTAL, Crm
from benchmarks.meter import ServerCpu, metered, own_cpu_s
from benchmarks.profile import Rooms
from benchmarks.readers import Query
from crm_sandbox.remote import Remote
from sync_worker import bootstrap, garbage
from sync_worker.config.settings import Settings
from sync_worker.errors import RateLimited
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.compile import RecordMap
from sync_worker.services import Services
from sync_worker.steps.associations.contract_values import UNBOUND_CODES
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.associations import associations
from sync_worker.store.core import catalogs, companies, failures
from sync_worker.store.core.engine import Store
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import deals
from sync_worker.store.operate.migrate import upgrade
from sync_worker.store.sync import patch_backs
from sync_worker.telemetry import logs

MAPPINGS = Path(__file__).parent.parent / "mappings"


def installed(crm: Crm, base_url: str, folder: Path, database_url: str) -> bootstrap.Installation:
    """A portal on this sandbox, its files in the folder, its database migrated."""
    garbage.set_up()
    portals = folder / "config" / "portals"
    portals.mkdir(parents=True, exist_ok=True)
    (portals / f"{PORTAL}.yaml").write_text(crm.portal_at(base_url))
    settings = Settings(database_url=database_url, config_dir=folder / "config", mappings_dir=MAPPINGS)
    with closing(Store(settings.database_url, clock=Services().clock)) as store:
        upgrade(store)
    return bootstrap.build(settings, environ=crm.environ)


def perform(
    installation: bootstrap.Installation,
    base_url: str,
    verbs: Sequence[str],
    *,
    server: ServerCpu,
    watch: Callable[[], AbstractContextManager[Rooms]],
) -> dict[str, Any]:
    """Does these verbs (those of `VERBS`, `edit 1000`, `save 1000`, `make 1000`, `owe 1000`) one after the other.

    Returns their cost together (mapping and describe included), what they did and the calls the sandbox saw.
    """
    logs.set_up(level=30)
    with Remote(base_url) as remote:
        tenant = installation.tenant(PORTAL)
        start_s = own_cpu_s()
        remote.reset_calls()
        total, follow_ups = Counts(), set[str]()
        with metered(server) as cost, watch() as rooms:
            for verb in verbs:
                for done in _do(tenant, verb):
                    total.add(done.counts)
                    follow_ups |= {follow_up.work for follow_up in done.follow_ups}
        calls = remote.calls()
        return {
            **vars(cost),
            "start_cpu_s": start_s,
            "verbs": list(verbs),
            "counts": {name: value for name in total.__slots__ if (value := getattr(total, name))},
            "wakes": sorted(follow_ups),
            "calls": calls["kinds"],
            "seconds": calls["seconds"],
            "refused": calls["statuses"].get("429", 0),
            "refused_again": calls["refused_again"],
            "in_flight": calls["in_flight"],
            "rooms": dict(rooms),
            "held": _held(tenant),
        }


def queries(crm: Crm, installation: bootstrap.Installation) -> list[Query]:
    """What a first load asks for, by the shipped mapping held against the sandbox's describe: the floor asks for the same."""
    tenant = installation.tenant(PORTAL)
    records = [tenant.mapping.records[name] for name in tenant.readable_records()]
    with tenant.store.reading(tenant.name) as tx:
        described = {record.native: catalogs.get(tx, record.native) for record in records}
    return [_query(crm, record, described[record.native]) for record in records]


def _query(crm: Crm, record: RecordMap, catalog: Catalog | None) -> Query:
    assert catalog is not None, f"{record.native} was described when its mapping was compiled"
    names = dict.fromkeys([*crm.system_fields[""], *crm.system_fields.get(record.native, ()), *record.native_fields])
    only_with = record.fields["portal_status" if record.record == COMPANY else "owner_company"].native
    columns = {name: crm.kinds.get(catalog.fields[name].type, "text") for name in names}
    return {"native": record.native, "columns": columns, "only_with": only_with}


def _do(tenant: Tenant, verb: str) -> list[Done]:
    if verb in VERBS:
        return VERBS[verb](tenant)
    name, count = verb.split()
    return [{"edit": edits.edit, "save": edits.save, "make": edits.make, "owe": edits.owe}[name](tenant, int(count))]


def _pulled(tenant: Tenant, records: Sequence[str]) -> list[Done]:
    return [pull(tenant, name, on_page=_progress) for name in records]


def _pushed(tenant: Tenant) -> list[Done]:
    """A push and what follows from it: the read-backs of what it wrote, until nothing is due. A refused call waits, as in the queue."""
    done: list[Done] = []
    follow_ups = {FollowUp(Work.PUSH)}
    while follow_ups:
        follow_up = follow_ups.pop()
        try:
            done.append(push(tenant, on_batch=_progress) if follow_up.work == Work.PUSH else refresh(tenant, follow_up.record))
        except RateLimited as refused:
            time.sleep(refused.retry_after_s)
            follow_ups.add(follow_up)
        else:
            follow_ups |= done[-1].follow_ups
    return done


VERBS: dict[str, Callable[[Tenant], list[Done]]] = {
    "pull companies": lambda tenant: _pulled(tenant, [COMPANY]),
    "pull deals": lambda tenant: _pulled(tenant, tenant.deal_records()),
    "poll": lambda tenant: _pulled(tenant, tenant.readable_records()),
    "push": _pushed,
}


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
            "unpatched": patch_backs.is_due(tx),
        }
