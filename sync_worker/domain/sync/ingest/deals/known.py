"""A deal that is known meets its CRM record: the two are merged, and the link keeps what both agree on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.link import CONVERSION, CONVERTED, UNTOLD, Link
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, comparable
from sync_worker.domain.core.ruling import APPLIED, UNCHANGED
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.standing import Stands
from sync_worker.domain.sync.ingest.deals.change import DealChange, DealRuling, HeldDeals, ruled
from sync_worker.domain.sync.ingest.deals.key import is_owed, key_problems, with_key
from sync_worker.domain.sync.ingest.deals.merging import meet
from sync_worker.domain.sync.ingest.deals.record import DealRecord, Linked


def met(record: DealRecord, link: Link, found: Linked, held: HeldDeals) -> DealRuling:
    """What becomes of the deal that lives in the record."""
    known, lost = link, tuple[Stands, ...]()
    if found.between:
        known = replace(known, base={**known.base, **found.between})
    if CONVERTED in known.base:
        known, lost = _carried_over(record, known, found, held)
    outcome = meet(record, known, found, held)
    base, is_changed = with_key(outcome.base, record), outcome.edit.is_changed
    is_news = outcome.settled or is_changed or base != link.base or link.deleted_at or record.crm_id not in held.links
    seen = replace(known, deleted_at=None, base=base, crm_modified_at=record.modified_at) if is_news else None
    change = DealChange(
        link.deal_id,
        (outcome.edit,),
        (seen,) if seen else (),
        is_seen=seen is not None,
        conflicts=outcome.conflicts,
        settled=outcome.settled,
        standing=(*lost, *outcome.standing),
        is_owed=record.crm_id in held.failed or (seen is not None and is_owed(seen, outcome.edit.deal, held, outcome.waiting)),
        asks_edits=outcome.asks_edits,
        recognized=outcome.recognized,
        untold={name.removeprefix(UNTOLD): cast("Value", pair.portal) for name, pair in link.base.items() if name.startswith(UNTOLD)},
    )
    problems = (*found.problems, *outcome.merged.problems, *key_problems(record, link.deal_id, held))
    return ruled(record, APPLIED if is_changed or link.deleted_at else UNCHANGED, *problems, change=change)


def _carried_over(record: DealRecord, link: Link, found: Linked, held: HeldDeals) -> tuple[Link, tuple[Stands, ...]]:
    """The first look at what a lead turned, or was merged, into: what is empty there was not copied, not cleared, and is owed."""
    deal, turned = held.deals[link.deal_id].deal, link.base[CONVERTED]
    lost = [
        name
        for name in sorted(link.base.keys() & held.rules.keys())
        if name in found.values and comparable(found.values[name]) is None and comparable(deal.values.get(name)) is not None
    ]
    base = {name: pair for name, pair in link.base.items() if name not in (*lost, CONVERTED) and not name.startswith(UNTOLD)}
    if turned.crm != CONVERSION:
        return replace(link, base=base), ()
    name = comparable(found.values.get("name"))
    is_ours = "name" in held.rules and held.rules["name"].direction != "pull" and bool(deal.values.get("name"))
    if name is not None and name == turned.portal and is_ours:
        base["name"] = Base(name, found.spellings.get("name"))  # the CRM named it by itself: not a person's edit, and ours is owed
    return replace(link, base=base), tuple(_losses(record, lost, deal, held))


def _losses(record: DealRecord, lost: Iterable[str], deal: Deal, held: HeldDeals) -> Iterator[Stands]:
    """The fields that an admin can have the conversion copy from now on; it stands until that is seen to be done."""
    ours = {name: held.handed_on[name] for name in lost if name in held.handed_on}
    if not ours:
        return
    fields = ", ".join(f"{name} ({field} → {target})" for name, (field, target) in ours.items())
    words = f"the conversion into {record.native} {record.crm_id} did not copy {fields}; the worker has carried them over"
    pairs = {f"{held.turned_from}.{field}": f"{record.native}.{target}" for field, target in ours.values()}
    yield Stands(deal, Problem("conversion_mapping_missing", "", words), lost=pairs)
