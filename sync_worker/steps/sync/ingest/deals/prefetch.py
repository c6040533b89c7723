"""PREFETCH, deals: what the portal holds of one chunk's records, looked up for all of them at once, as plain values.

Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.deal import Policy
from sync_worker.domain.core.link import Link
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.sync.ingest.deals.change import DealRuling, HeldDeals
from sync_worker.domain.sync.ingest.deals.record import REFERENCES, DealRecord, DealSides
from sync_worker.domain.sync.push.late_write import Shown
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import DEAL, field_rules
from sync_worker.steps.sync.ingest.deals.reader import DealReader
from sync_worker.steps.sync.ingest.deals.sides import NamedCompanies, named_companies, sides_of
from sync_worker.steps.sync.ingest.facts import found_by_key
from sync_worker.steps.sync.ingest.recognize import shown
from sync_worker.steps.sync.ingest.succession import Succession
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.sync import outbox, unlearned


@dataclass(frozen=True, slots=True)
class FetchedDeals:
    """A chunk, ready to be judged. **Shapes** `records`: in the order of `succession`."""

    records: Sequence[DealRecord]
    held: HeldDeals
    succession: Succession


def prefetch_deals(tx: Tx, chunk: Chunk, before: OpenFindings) -> FetchedDeals:
    """Looks up what the portal holds of these records."""
    linked = links.by_crm_ids(tx, chunk.record.record, chunk.crm_ids)
    succession = Succession(tx, chunk, {crm_id: link.deal_id for crm_id, link in linked.items()})
    reader, identity = DealReader(chunk), chunk.tenant.identity
    ends = {native.crm_id: succession.end(native.crm_id) for native in succession.natives if native.merged_into}
    records = [
        reader.read(
            native,
            new_id="" if native.crm_id in linked else identity(chunk.record.record, native.crm_id),
            becomes=ends.get(native.crm_id, ""),
        )
        for native in succession.natives
    ]
    held = held_deals(tx, chunk, linked, records, chunk.tenant.policy(chunk.record), failed=before.failed())
    natives = {native.crm_id: native for native in succession.natives}
    adoptable = _adoptable(chunk, held, records, natives)
    ours = {(crm_id, link.deal_id) for crm_id, link in (*linked.items(), *adoptable.items())}
    ours |= {(end, linked[crm_id].deal_id) for crm_id, end in ends.items() if crm_id in linked}
    held = replace(
        _with_conversions(chunk, held),
        adoptable=adoptable,
        shown=_shown(tx, chunk, held, ours, natives),
        taken=links.by_crm_ids(tx, chunk.record.record, set(ends.values())).keys() if ends else frozenset(),
        twins=_twins(tx, held.turns_into or chunk.record.converts_to, {record.converted_to for record in records} - {""}),
        failed_before=before.failed_as_they_are(succession.natives, chunk.tenant.mapping.hash),
        indexed=chunk.indexed,
    )
    return FetchedDeals(records, held, succession)


def held_deals(
    tx: Tx, chunk: Chunk, linked: Mapping[str, Link], records: Sequence[DealRecord], policy: Policy, *, failed: Set[str]
) -> HeldDeals:
    """What the portal holds of these records, whether they are ingested whole or one field of them. **Shapes** `linked` by CRM id."""
    others = {
        key for record in records if (key := record.stripped_key) and (record.crm_id not in linked or linked[record.crm_id].deal_id != key)
    }
    known = deals.by_ids(tx, {link.deal_id for link in linked.values()} | others)
    homes = links.homes(tx, others & known.keys())
    has_associations = any(field.is_association for field in chunk.record.fields.values())
    written_by_calls = {link.deal_id for link in linked.values()} if has_associations else set()
    disputed = conflicts.open_fields(tx, list(known))
    part = chunk.part
    return HeldDeals(
        chunk.record.record,
        chunk.record.key_field,
        field_rules(chunk.record),
        policy,
        _companies(tx, linked, known, records, policy),
        tx.now,
        chunk.tenant.today(tx),
        chunk.run_id,
        chunk.read_no,
        linked,
        deals=known,
        homes=homes,
        sent=outbox.sent(tx, DEAL, (others & known.keys() - homes.keys()) | written_by_calls),
        disputed={deal_id: set(fields) for deal_id, fields in disputed.items()},
        decided=conflicts.decided(tx, disputed.keys()) if disputed else {},
        failed=failed,
        judges_pair=part is None or not part.fields.isdisjoint(REFERENCES),
    )


def judged(tx: Tx, chunk: Chunk, held: HeldDeals, judge: Callable[[HeldDeals], list[DealRuling]]) -> list[DealRuling]:
    """The page's rulings. When people edited a deal is looked up only where the newest edit counts; then the page is judged again."""
    while True:
        rulings = judge(held)
        asked = {ruling.change.deal_id for ruling in rulings if ruling.change and ruling.change.asks_edits}
        if not asked:
            return rulings
        held = replace(held, edited_at={**held.edited_at, **_edited_at(tx, chunk, asked)})


def _edited_at(tx: Tx, chunk: Chunk, deal_ids: Set[str]) -> dict[str, dict[str, datetime]]:
    """When the portal's people edited which field of these deals, on the CRM's clock."""
    ahead, found = chunk.tenant.crm_clock_ahead or timedelta(0), deals.edited_at(tx, sorted(deal_ids))
    return {deal_id: {name: at + ahead for name, at in found.get(deal_id, {}).items()} for deal_id in deal_ids}


def _adoptable(chunk: Chunk, held: HeldDeals, records: Sequence[DealRecord], natives: Mapping[str, NativeRecord]) -> dict[str, Link]:
    """Records that carry the key of a deal without a record."""
    found = {}
    for record in records:
        key = record.stripped_key
        if record.crm_id not in held.links and key in held.deals and key not in held.homes:
            base = found_by_key(held.sent.get(key, {}), chunk.record, natives[record.crm_id])
            found[record.crm_id] = Link(held.object, record.crm_id, key, base=base)
    return found


def _shown(
    tx: Tx, chunk: Chunk, held: HeldDeals, ours: Set[tuple[str, str]], natives: Mapping[str, NativeRecord]
) -> dict[tuple[str, str], tuple[Shown, ...]]:
    """What the records show of sends whose outcome was never learned. **Shapes** `ours`: (CRM id, deal)."""
    sends = unlearned.of(tx, DEAL, held.deals.keys())
    return {
        (crm_id, deal_id): shown(chunk, sends[deal_id], natives[crm_id])
        for crm_id, deal_id in ours
        if deal_id in sends and crm_id in natives
    }


def _with_conversions(chunk: Chunk, held: HeldDeals) -> HeldDeals:
    """With what records of this type turn into, and which fields a conversion into this type can copy."""
    records, crm, fields = chunk.tenant.mapping.records, chunk.tenant.crm, chunk.record.fields
    into = records[chunk.record.converts_to] if chunk.record.converts_to else None
    source = next((record for record in records.values() if record.converts_to == chunk.record.record), None)
    pairs = {name: (field.native, fields[name].native) for name, field in source.fields.items() if name in fields} if source else {}
    return replace(
        held,
        turns_into=chunk.record.converts_to or "",
        turned_fields=into.fields.keys() if into else frozenset(),
        turned_from=source.native if source else "",
        handed_on={name: pair for name, pair in pairs.items() if crm.hands_on(*pair)},
    )


def _twins(tx: Tx, object_: str | None, crm_ids: Set[str]) -> dict[str, StoredDeal]:
    """The deals that began with records which others have turned into, by CRM id."""
    if not crm_ids or object_ is None:
        return {}
    found = links.by_crm_ids(tx, object_, crm_ids)
    known = deals.by_ids(tx, {link.deal_id for link in found.values()})
    return {crm_id: known[link.deal_id] for crm_id, link in found.items() if link.deal_id in known}


def _companies(
    tx: Tx, linked: Mapping[str, Link], known: Mapping[str, StoredDeal], records: Sequence[DealRecord], policy: Policy
) -> DealSides:
    """The companies that records or deals name."""
    named = named_companies(tx, {str(record.values[name]) for record in records for name in REFERENCES if record.values.get(name)})
    owners = {named.id_of(record.values.get("owner_company")) for record in records}
    owners |= {stored.deal.owner_company for stored in known.values()}
    return sides_of(tx, named, policy, owners=owners, pairs=_pairs(named, linked, known, records), deal_ids=known)


def _pairs(
    named: NamedCompanies, linked: Mapping[str, Link], known: Mapping[str, StoredDeal], records: Sequence[DealRecord]
) -> Iterator[tuple[str | None, str | None]]:
    """(owner, second partner) as each live record names them; where it names none, as its deal does."""
    for record in records:
        link = linked.get(record.crm_id)
        stored = known.get(link.deal_id) if link else None
        if not record.is_deleted:
            owner = named.id_of(record.values.get("owner_company")) or (stored.deal.owner_company if stored else None)
            yield owner, named.id_of(record.values.get("second_partner")) or (stored.deal.second_partner if stored else None)
