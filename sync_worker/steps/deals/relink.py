"""RELINK: a person links a deal to another CRM record: after a conversion that made none, a record deleted for good, a wrong merge.

The record is read at once by the ordinary way and merged as at first sight: an empty side takes the other's value, two different ones go by
the field's rule. A record is the home of one deal and a deal has one record, so another deal's is refused, and so is a second one.
"""

from __future__ import annotations

from dataclasses import replace

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.company import AccountType
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.core.link import Home, Link
from sync_worker.domain.deals.deal_edit import FieldChange, StoredDeal
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.deals.move import Moved
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, links
from sync_worker.store.sync import notices, outbox

FIELD = "crm_record"  # as history calls it


def relink(tenant: Tenant, deal_id: str, crm_id: str, *, actor: Actor) -> Moved | Refusal:
    """The deal lives in that record from now on. **Raises** the port's errors."""
    with tenant.run("relink", DEAL) as run_id:
        shown, present = _shown(tenant, tenant.crm.canonical_id(crm_id.strip())), _present(tenant, deal_id)
        with tenant.store.transaction(tenant.name) as tx:
            stored = deals.get(tx, deal_id)
            if stored is None:
                return Refusal("deal_unknown", f"portal {tenant.name} has no deal {deal_id}", "nobody")
            if not _may(tx, actor):
                return Refusal("not_a_party", f"{actor.name} may not link a deal to a CRM record", "an operator, or the vendor")
            if shown is None:
                return Refusal(
                    "record_unknown",
                    f"the CRM does not show a record {crm_id} that can be a deal's, or it is deleted",
                    "a person who knows the id",
                    (),
                    FIELD,
                )
            record, native = shown
            if taker := _taker(tx, record, native, deal_id):
                return Refusal("record_taken", f"{record.record} {native.crm_id} is the record of deal {taker}", "nobody", (), FIELD)
            if present and present.native == native.native and present.crm_id != native.crm_id:
                why = f"the deal's own record, {record.record} {present.crm_id}, is still in the CRM and has the deal's key"
                return Refusal("record_alive", why, "a person who first deletes that record in the CRM, or merges the two", (), FIELD)
            return _link(tx, stored, Home(record.record, native.crm_id), actor, run_id)


def _shown(tenant: Tenant, crm_id: str) -> tuple[RecordMap, NativeRecord] | None:
    """The live record of that id, of whatever type deals live in."""
    for name in tenant.deal_records():
        record = tenant.mapping.records[name]
        for native in tenant.crm.fetch(record.native, [crm_id], fields=record.native_fields):
            if not native.is_deleted:
                return record, native
    return None


def _present(tenant: Tenant, deal_id: str) -> NativeRecord | None:
    """The record the deal lives in, if it is alive there."""
    with tenant.store.reading(tenant.name) as tx:
        link = links.current(tx, [deal_id]).get(deal_id)
    if link is None:
        return None
    record = tenant.mapping.records[link.object]
    natives = tenant.crm.fetch(record.native, [link.crm_id], fields=record.native_fields)
    return next((native for native in natives if not native.is_deleted and not native.is_converted), None)


def _may(tx: Tx, actor: Actor) -> bool:
    if actor.user:
        return actor.user.is_vendor_admin and actor.user.is_active
    company = companies.by_ids(tx, [actor.company_id]).get(actor.company_id) if actor.company_id else None
    return actor.is_operator or (company is not None and company.account_type is AccountType.VENDOR)


def _taker(tx: Tx, record: RecordMap, native: NativeRecord, deal_id: str) -> str | None:
    """The other deal whose record this is: it lives there, or its key stands there and it lives nowhere else."""
    link = links.by_crm_ids(tx, record.record, [native.crm_id]).get(native.crm_id)
    if link and link.is_current:
        return link.deal_id if link.deal_id != deal_id else None
    key = str(native.fields.get(record.key_field) or "")
    is_anothers = key != deal_id and bool(deals.by_ids(tx, [key])) and key not in links.homes(tx, [key])
    return key if is_anothers else None


def _link(tx: Tx, stored: StoredDeal, home: Home, actor: Actor, run_id: str) -> Moved:
    deal = stored.deal
    before = links.current(tx, [deal.id]).get(deal.id)
    follow_ups = frozenset({FollowUp(Work.REFRESH, home.object), FollowUp(Work.PUSH)})
    notices.add(tx, home.object, [home.crm_id])
    if before and (before.object, before.crm_id) == home:
        return Moved(deal, follow_ups, stored.version)
    links.save(tx, [*([replace(before, is_current=False)] if before else []), Link(home.object, home.crm_id, deal.id, base={})])
    if before:
        rows = failures.open_rows(tx, before.object, [before.crm_id], "ingest")
        failures.close(tx, [row.id for row in rows], f"its deal lives in {home.object} {home.crm_id} now")
    version = stored.version + 1
    old, new = (f"{before.object} {before.crm_id}" if before else None), f"{home.object} {home.crm_id}"
    deals.save(tx, [replace(stored, version=version)])
    deals.record_changes(tx, [FieldChange(deal.id, version, FIELD, actor.side, actor.name, run_id, old, new, "linked by hand")])
    outbox.owe(tx, DEAL, [deal.id], run_id)
    return Moved(deal, follow_ups, version)
