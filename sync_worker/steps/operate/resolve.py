"""RESOLVE: a person says which side of a conflict counts. The decision is kept, the record is read, and the ordinary merge applies it.

A decision counts for the two values that stood there when it was made. If one of them has changed since, the conflict is another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.link import Link
from sync_worker.domain.core.reconcile import Take, comparable
from sync_worker.domain.core.values import Plain, plain
from sync_worker.steps.core.follow_up import FollowUp
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.operate.halts import Halt
from sync_worker.store.sync import notices

WHO_MAY = "a person who knows which value is right"
_ENDS = {
    "rule": "its rule decided and took the {taken}'s value",
    "person": "{decided_by} decided and took the {taken}'s value",
    "agreed": "both sides hold the same by now",
    "moved": "a side has changed since",
}


@dataclass(frozen=True, slots=True)
class Dispute:
    """One field that both sides changed, as people see it.

    **Shapes** `is_open`: waits for a person, or for its record to be read. `taken`, `decision`: crm | portal | "". `crm_record`: where the
    deal lives, "" where nowhere. **Units** aware UTC.
    """

    id: str
    deal_id: str
    deal_name: str
    crm_record: str
    field: str
    rule: str
    code: str
    base: Plain
    crm: Plain
    portal: Plain
    taken: str
    decision: str
    decided_by: str
    reason: str
    run_id: str
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    resolution: str

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    @property
    def ending(self) -> str:
        """How it ended, in words; "" while it is open."""
        return _ENDS.get(self.resolution, "").format(taken=self.taken, decided_by=self.decided_by)

    @property
    def state(self) -> str:
        """In one line, where it stands."""
        if not self.is_open:
            return self.ending
        return f"decided by {self.decided_by}, not read since" if self.decision else "waits for a person"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A decision that was kept.

    **Shapes** `is_applied` False: the record could not be read now, or a person has paused the portal (`halt`). It is applied when the
    record is read.
    """

    dispute: Dispute
    is_applied: bool
    follow_ups: frozenset[FollowUp]
    halt: Halt | None = None


def disputes(
    tenant: Tenant,
    *,
    deal_id: str | None = None,
    include_resolved: bool = False,
    before: tuple[datetime, str] | None = None,
    limit: int | None = None,
) -> list[Dispute]:
    """The portal's conflicts, the latest first. **Shapes** as `conflicts.listed`."""
    with tenant.store.reading(tenant.name) as tx:
        return _disputes(tx, conflicts.listed(tx, deal_id=deal_id, include_resolved=include_resolved, before=before, limit=limit))


def dispute(tenant: Tenant, id_prefix: str) -> Dispute | None:
    """One conflict by its id, or by the beginning of it where that is unambiguous."""
    with tenant.store.reading(tenant.name) as tx:
        found = conflicts.find(tx, id_prefix)
        return _disputes(tx, [found])[0] if found else None


def resolve(tenant: Tenant, id_prefix: str, *, take: Take, actor: str, reason: str = "") -> Resolved | Refusal:
    """Takes one side's value, if both still hold what the person has seen; in a paused portal that waits until it is resumed.

    **Raises** the port's errors, StaleRead, StoreDown.
    """
    kept = _keep(tenant, id_prefix, take=take, actor=actor, reason=reason)
    if isinstance(kept, Refusal):
        return kept
    conflict_id, link = kept
    halt = tenant.halted()
    follow_ups = frozenset[FollowUp]() if halt else refresh(tenant, link.object).follow_ups
    with tenant.store.reading(tenant.name) as tx:
        (found,) = _disputes(tx, list(conflicts.by_ids(tx, [conflict_id]).values()))
        if found.resolution in ("moved", "agreed"):
            return _refusal(tx, found)
    return Resolved(found, is_applied=not found.is_open, follow_ups=follow_ups, halt=halt)


def _keep(tenant: Tenant, id_prefix: str, *, take: Take, actor: str, reason: str) -> tuple[str, Link] | Refusal:
    """The decision with its conflict, and the record to be read; or why not."""
    with tenant.run("resolve", DEAL), tenant.store.transaction(tenant.name) as tx:
        row = conflicts.find(tx, id_prefix)
        if row is None:
            return Refusal(
                "conflict_unknown", f"portal {tenant.name} has no conflict whose id begins with {id_prefix!r}, or several", WHO_MAY
            )
        (found,) = _disputes(tx, [row])
        if not found.is_open:
            return _refusal(tx, found)
        stored, link = deals.get(tx, found.deal_id), links.current(tx, [found.deal_id]).get(found.deal_id)
        if stored is None or link is None or link.deleted_at:
            words = f"deal {found.deal_id} has no live record in the CRM, so there is nothing to choose between; link it again first"
            return Refusal("conflict_without_record", words, WHO_MAY, field=found.field)
        notices.add(tx, link.object, [link.crm_id])
        held = comparable(stored.deal.values.get(found.field))
        if held != found.portal:
            words = f"{found.field} has changed in the portal from {found.portal!r} to {held!r}; list the conflicts again in a minute"
            return Refusal("conflict_moved", words, WHO_MAY, field=found.field)
        conflicts.decide(tx, found.id, take=take, by=actor, reason=reason)
        return found.id, link


def _refusal(tx: Tx, found: Dispute) -> Refusal:
    """Why nothing is left to decide; and what the conflict is called now, where there is another."""
    rows = [row for row in conflicts.of(tx, found.deal_id) if row["field"] == found.field and row["resolved_at"] is None]
    if found.resolution != "moved" or not rows:
        when = f"{found.resolved_at:%Y-%m-%d %H:%M} UTC" if found.resolved_at else "an earlier time"
        return Refusal("conflict_resolved", f"{found.field} was resolved at {when}: {found.ending}", "nobody", field=found.field)
    (now,) = _disputes(tx, rows)
    words = (
        f"{found.field} has changed since: the CRM holds {now.crm!r} now, the portal {now.portal!r}; decide on conflict {now.id} instead"
    )
    return Refusal("conflict_moved", words, WHO_MAY, field=found.field)


def _disputes(tx: Tx, rows: list[Mapping[str, Any]]) -> list[Dispute]:
    ids = {row["deal_id"] for row in rows}
    named, homes = deals.by_ids(tx, ids), links.homes(tx, ids)
    return [_dispute(row, named, homes) for row in rows]


def _dispute(row: Mapping[str, Any], named: Mapping[str, Any], homes: Mapping[str, Any]) -> Dispute:
    stored, home = named.get(row["deal_id"]), homes.get(row["deal_id"])
    values = {name.removesuffix("_value"): value for name, value in row.items() if name != "portal"}
    return Dispute(
        deal_name=str(plain(stored.deal.values.get("name")) or "") if stored else "",
        crm_record=f"{home.object} {home.crm_id}" if home else "",
        **values,
    )
