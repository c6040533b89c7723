"""FORGET: the data of a person is erased on request: a user of the portal, or the contact on a deal. Who asked, when and why is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sync_worker.domain.core.deal import Deal, Refusal
from sync_worker.domain.core.user import User
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import FieldChange, StoredDeal
from sync_worker.domain.operate.erasure import CONTACT, ERASED, contact_names, contact_words
from sync_worker.domain.sync.ingest.deals.merge import writes
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import DEAL, Tenant, field_rules
from sync_worker.steps.people.users import unknown_user
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.operate import erasure, interventions
from sync_worker.store.operate.interventions import Intervention
from sync_worker.store.people import people
from sync_worker.store.sync import outbox


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A deal without its contact. **Shapes** `kept_by_crm`: the record that still has it, because these fields are written only once."""

    deal: Deal
    follow_ups: frozenset[FollowUp]
    kept_by_crm: str


def erase(tenant: Tenant, user_id: str, *, actor: str = "the portal", reason: str = "") -> User | Refusal:
    """Forgets a person: name and e-mail, the place on deals and in their past, notes and files, mail, and the name wherever it was written.

    Returns the user as it was. Deals that name the user as who decided are owed to the CRM without the name. Who asked, when and why is
    kept, with nothing of the person but the portal's own id, or its fingerprint.
    """
    with tenant.run("erase", DEAL) as run_id, tenant.store.transaction(tenant.name) as tx:
        user = people.get(tx, user_id)
        if user is None:
            return unknown_user(tenant, user_id)
        erasure.erase(tx, user_id)
        forget_decisions(tx, tenant, user, actor=actor, run_id=run_id)
        erasure.forget_person(tx, user)
        keep_erasure(tx, tenant, f"user {kept_as(user_id)}", actor, reason)
        return user


def forget_contact(tenant: Tenant, deal_id: str, *, actor: str, reason: str) -> Forgotten | Refusal:
    """The deal's contact is empty from now on, whatever its lifecycle, and erased wherever its past tells of it.

    The CRM hears of it as of any change, where the mapping writes these fields after a create.
    """
    with tenant.run("erase", DEAL) as run_id, tenant.store.transaction(tenant.name) as tx:
        stored = deals.get(tx, deal_id)
        if stored is None:
            return Refusal("deal_unknown", f"portal {tenant.name} has no deal {deal_id}", "nobody")
        link = links.current(tx, [deal_id]).get(deal_id)
        record = tenant.mapping.records[link.object if link else tenant.portal.deals.record]
        cleared = {name: None for name in CONTACT if stored.deal.values.get(name) is not None}
        after = _clear(tx, stored, cleared, actor, run_id) if cleared else stored.deal
        untold = _untold(record)
        natives = [record.fields[name].native for name in CONTACT if name in record.fields]
        erasure.forget_contact(tx, deal_id, CONTACT, natives=natives, untold=untold)
        erasure.leave_out_of_attached(tx, deal_id, contact_words(stored.deal.values))
        erasure.leave_out_of_told(tx, deal_id, contact_words(stored.deal.values), contact_names(stored.deal.values))
        conflicts.settle(tx, deal_id, CONTACT)
        keep_erasure(tx, tenant, f"contact of deal {deal_id}", actor, reason)
    tenant.log.info("contact erased", deal=deal_id, actor=actor)
    kept = f"{link.object} {link.crm_id}" if link and untold else ""
    return Forgotten(after, frozenset({FollowUp(Work.PUSH)}) if cleared else frozenset(), kept)


def forget_decisions(tx: Tx, tenant: Tenant, user: User, *, actor: str, run_id: str) -> None:
    """No deal names the user any more as who decided, nor in a reason; and the CRM, which was told of it, is told so."""
    named = erasure.named_in_decisions(tx, user)
    current = links.current(tx, named)
    for deal_id, stored in deals.by_ids(tx, named).items():
        _rewrite(tx, stored, named[deal_id], actor, run_id)
        link = current.get(deal_id)
        record = tenant.mapping.records[link.object if link else tenant.portal.deals.record]
        untold = [name for name in named[deal_id] if name not in record.fields or not writes(field_rules(record)[name])]
        erasure.forget_bases(tx, deal_id, named[deal_id], untold)


def erasures(tenant: Tenant) -> list[Intervention]:
    """Who asked that somebody's data be erased, when and why, the oldest first."""
    with tenant.store.reading(tenant.name) as tx:
        return interventions.listed(tx, "erase")


def keep_erasure(tx: Tx, tenant: Tenant, what: str, actor: str, reason: str) -> None:
    """Writes down that it was done. **Shapes** `what`: ids alone."""
    asked = Intervention(tenant.services.new_id(), "erase", what, actor, reason)
    interventions.begin(tx, asked, [])
    interventions.finish(tx, asked.id)


def kept_as(user_id: str) -> str:
    """What is kept of a person who is erased: the portal's own id; where that is an address, a fingerprint the portal can make, too."""
    return f"sha256:{hashlib.sha256(user_id.encode()).hexdigest()[:16]}" if "@" in user_id else user_id


def _clear(tx: Tx, stored: StoredDeal, cleared: Mapping[str, Value], actor: str, run_id: str) -> Deal:
    return _rewrite(tx, stored, cleared, actor, run_id)


def _rewrite(tx: Tx, stored: StoredDeal, written: Mapping[str, Value], actor: str, run_id: str) -> Deal:
    """The deal with other values, which it owes the CRM; its history does not say what stood there."""
    after, version = stored.deal.changed(written), stored.version + 1
    deals.save(tx, [replace(stored, deal=after, version=version)])
    changes = [FieldChange(after.id, version, name, "portal", actor, run_id, ERASED, value, "erased") for name, value in written.items()]
    deals.record_changes(tx, changes)
    outbox.owe(tx, DEAL, [after.id], run_id)
    return after


def _untold(record: RecordMap) -> list[str]:
    """Fields that are written with the create alone."""
    fields = [record.fields[name] for name in CONTACT if name in record.fields]
    return [field.field for field in fields if field.write in ("create", "once")]
