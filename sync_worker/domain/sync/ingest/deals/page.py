"""A page of deals' records, judged: a record finds its deal, or one begins with it; what the CRM ends stays here and says so.

Records come in the order in which they are to be taken: what lost a merge moves before its survivor arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.deal import Lifecycle
from sync_worker.domain.core.link import CONVERSION, CONVERTED, KEY, Home, Link
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, comparable, owed
from sync_worker.domain.core.ruling import APPLIED, FAILED, SKIPPED, UNCHANGED, Ended, Ruling
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import DealEdit, StoredDeal, begun, edited
from sync_worker.domain.deals.last_day import granted
from sync_worker.domain.deals.standing import Stands, came_back
from sync_worker.domain.distributors.parenthood import second_partner_in_crm
from sync_worker.domain.sync.ingest.deals.arrival import arrive_from_crm, return_from_crm
from sync_worker.domain.sync.ingest.deals.association_gap import association_gaps
from sync_worker.domain.sync.ingest.deals.change import DealChange, DealRuling, HeldDeals, SoFar
from sync_worker.domain.sync.ingest.deals.merge import writes
from sync_worker.domain.sync.ingest.deals.merging import meet, with_key
from sync_worker.domain.sync.ingest.deals.record import REFERENCES, DealRecord, Linked, linked
from sync_worker.domain.sync.ingest.own_key import foreign_key, has_our_form, key_of, key_taken


def judge_deals(records: Iterable[DealRecord], held: HeldDeals) -> list[DealRuling]:
    """One ruling for each record, in their order."""
    rulings, so_far = list[DealRuling](), SoFar(held)
    for record in records:
        ruling = _judge(record, held, so_far)
        if ruling.change:
            so_far.add(ruling.change)
        rulings.append(ruling)
    return rulings


def _judge(record: DealRecord, held: HeldDeals, so_far: SoFar) -> DealRuling:
    crm_id, link = record.crm_id, so_far.link(record.crm_id) or _adopted(record, held, so_far)
    if link and link.settled_no > held.read_no:
        return Ruling(crm_id, SKIPPED, "late", read_again=((held.object, crm_id),))
    if link and not link.is_current:
        return Ruling(crm_id, SKIPPED, "superseded")
    if record.is_deleted:
        return _gone(record, link, held, so_far)
    if crm_id in held.failed_before:
        return Ruling(crm_id, SKIPPED, "failed_before")
    if link:
        return _converted(record, link, held, so_far) if record.is_converted else _met(record, link, held, so_far)
    if home := so_far.home(record.stripped_key):
        return _copied(record, home, held)
    if not record.is_converted and (record.names_owner or _lost_id(record, held)):
        return _began(record, held)
    return Ruling(crm_id, SKIPPED, "not_ours", is_judged=True, change=_stranger(record))


def _ruled(record: DealRecord, outcome: Ended, *problems: Problem, change: DealChange | None = None) -> DealRuling:
    return Ruling(record.crm_id, outcome, "", record.name, is_judged=True, problems=problems, change=change)


def _stranger(record: DealRecord) -> DealChange | None:
    return DealChange(stranger_at=record.modified_at) if record.is_marked else None


# ── whose record it is ───────────────────────────────────────────────────────────────────────────────────────────────


def _adopted(record: DealRecord, held: HeldDeals, so_far: SoFar) -> Link | None:
    """A record that carries a deal's key and is not linked yet: our own create, whose answer was lost."""
    link = held.adoptable.get(record.crm_id)
    return link if link and so_far.home(link.deal_id) is None else None


def _copied(record: DealRecord, home: Home, held: HeldDeals) -> DealRuling:
    """The deal whose key this record carries has another record: it turned into this one, and that news is still to be read; or this one
    is a copy.
    """
    ruling: DealRuling = Ruling(record.crm_id, SKIPPED, "lives_elsewhere", record.name, is_judged=True)
    if home.object != held.object:
        return ruling._replace(read_again=((home.object, home.crm_id),))
    return ruling._replace(problems=(key_taken(held.key_field, record.stripped_key, home.crm_id),))


def _lost_id(record: DealRecord, held: HeldDeals) -> str:
    """The id of the deal that the database lost: one of our keys that it does not know; "" where there is none."""
    key = record.stripped_key
    return key if has_our_form(key) and key not in held.deals else ""


def _key_problems(record: DealRecord, deal_id: str, held: HeldDeals) -> Iterator[Problem]:
    """A key on a deal's record that is not ours, and stays where it is."""
    key = record.stripped_key
    if key and key != deal_id and key not in held.deals:
        yield foreign_key(held.key_field, key, deal_id)


def _is_owed(link: Link, edit: DealEdit, held: HeldDeals, waiting: frozenset[str] = frozenset()) -> bool:
    """Whether the CRM is owed what the portal holds otherwise, except fields that wait for a person; or our key, where there is none or
    that of another deal of ours was left over.
    """
    key = key_of(link.base[KEY].crm)
    is_key_owed = key != link.deal_id and (not key or key in held.deals)
    return is_key_owed or bool(owed(held.rules, base=link.base, portal=edit.deal.values, is_create=False, waiting=waiting))


# ── a deal that begins in the CRM ────────────────────────────────────────────────────────────────────────────────────


def _began(record: DealRecord, held: HeldDeals) -> DealRuling:
    found = linked(record, held.companies)
    if found.failure:
        return _ruled(record, FAILED, *found.problems)._replace(failure=found.failure)
    lost_id = _lost_id(record, held)
    edit, problems = _returned(found.values, lost_id, held) if lost_id else _arrived(found.values, record.new_id, held)
    link = Link(held.object, record.crm_id, edit.deal.id, base=_first_base(record, found, held), crm_modified_at=record.modified_at)
    change = DealChange(
        edit.deal.id,
        (edit,),
        (link,),
        is_seen=True,
        standing=tuple(Stands(edit.deal, problem) for problem in came_back(edit.deal)) if lost_id else (),
        is_owed=_is_owed(link, edit, held),
    )
    return _ruled(record, APPLIED, *found.problems, *problems, *_key_problems(record, edit.deal.id, held), change=change)


def _arrived(found: Mapping[str, Value], deal_id: str, held: HeldDeals) -> tuple[DealEdit, tuple[Problem, ...]]:
    """A deal that begins in the CRM. A subgroup's names its distributor at first sight, whatever the CRM names."""
    values, kept = dict(found), None
    if parent := held.companies.parent(deal_id, values.get("owner_company")):
        named, is_written = values.get("second_partner"), writes(held.rules.get("second_partner"))
        values["second_partner"], kept = second_partner_in_crm(named, parent, held=None, is_new_owner=True, is_written=is_written)
    verdict = held.companies.verdict(values.get("owner_company"), values.get("second_partner"))
    if not verdict.is_accepted:
        values.pop("second_partner", None)
    deal = granted(arrive_from_crm(values, deal_id=deal_id, policy=held.policy), held.policy, held.today)
    return begun(deal, held.now, held.run_id, "began in the CRM"), tuple(filter(None, (kept, verdict.problem)))


def _returned(values: Mapping[str, Value], deal_id: str, held: HeldDeals) -> tuple[DealEdit, tuple[Problem, ...]]:
    """A deal that the database lost: its companies are as we left them in the CRM, too. Its people were told when it was registered."""
    problem = held.companies.verdict(values.get("owner_company"), values.get("second_partner")).problem
    deal = return_from_crm(values, deal_id=deal_id, policy=held.policy)
    note = "came back from the CRM, where its record carries our key"
    return begun(deal, held.now, held.run_id, note, is_known=True), (problem,) if problem else ()


def _first_base(record: DealRecord, found: Linked, held: HeldDeals) -> dict[str, Base]:
    """What the CRM says is what both agree on, until the portal says otherwise. A company we do not know yet was not agreed on."""
    values, spellings = found.values, found.spellings
    base = {name: Base(comparable(values[name]), spellings[name]) for name in held.written if name in spellings and name in values}
    return {**base, KEY: Base(None, record.key)}


# ── a deal we know ───────────────────────────────────────────────────────────────────────────────────────────────────


def _met(record: DealRecord, link: Link, held: HeldDeals, so_far: SoFar) -> DealRuling:
    found = linked(record, held.companies, association_gaps(link.base, held.sent.get(link.deal_id, {}), record.associations))
    if found.failure:
        return _ruled(record, FAILED, *found.problems)._replace(failure=found.failure)
    stored, kept, lost = so_far.latest(held.deals[link.deal_id]), link.base, tuple[Stands, ...]()
    link = replace(link, base={**link.base, **found.between})
    if CONVERTED in link.base:
        link, lost = _carried_over(record, link, found, stored, held)
    met = meet(record, link, found, stored, held, Clocks(link.crm_modified_at, record.modified_at))
    base, is_changed = with_key(met.base, record), met.edit.deal is not stored.deal
    is_news = met.settled or is_changed or base != kept or link.deleted_at or so_far.link(record.crm_id) is None
    seen = replace(link, deleted_at=None, base=base, crm_modified_at=record.modified_at) if is_news else None
    change = DealChange(
        stored.deal.id,
        (met.edit,),
        (seen,) if seen else (),
        is_seen=seen is not None,
        conflicts=met.conflicts,
        settled=met.settled,
        standing=(*lost, *met.standing),
        is_owed=record.crm_id in held.failed or (seen is not None and _is_owed(seen, met.edit, held, met.waiting)),
        asks_edits=met.asks_edits,
        recognized=met.recognized,
    )
    problems = (*found.problems, *met.merged.problems, *_key_problems(record, stored.deal.id, held))
    return _ruled(record, APPLIED if is_changed or link.deleted_at else UNCHANGED, *problems, change=change)


def _carried_over(record: DealRecord, link: Link, found: Linked, stored: StoredDeal, held: HeldDeals) -> tuple[Link, tuple[Stands, ...]]:
    """The first look at what a lead turned, or was merged, into: what is empty there was not copied, not cleared, and is owed."""
    turned, ours = link.base[CONVERTED], stored.deal.values
    lost = [
        name
        for name in sorted(link.base.keys() & held.rules.keys())
        if name in found.values and comparable(found.values[name]) is None and comparable(ours.get(name)) is not None
    ]
    base = {name: pair for name, pair in link.base.items() if name not in (*lost, CONVERTED)}
    if turned.crm != CONVERSION:
        return replace(link, base=base), ()
    name = comparable(found.values.get("name"))
    if name is not None and name == turned.portal and "name" in held.written and ours.get("name"):
        base["name"] = Base(name, found.spellings.get("name"))  # the CRM named it by itself: not a person's edit, and ours is owed
    return replace(link, base=base), tuple(_losses(record, lost, stored, held))


def _losses(record: DealRecord, lost: Iterable[str], stored: StoredDeal, held: HeldDeals) -> Iterator[Stands]:
    """The fields that an admin can have the conversion copy from now on; it stands until that is seen to be done."""
    ours = {name: held.handed_on[name] for name in lost if name in held.handed_on}
    if not ours:
        return
    fields = ", ".join(f"{name} ({field} → {target})" for name, (field, target) in ours.items())
    words = f"the conversion into {record.native} {record.crm_id} did not copy {fields}; the worker has carried them over"
    pairs = {f"{held.turned_from}.{field}": f"{record.native}.{target}" for field, target in ours.values()}
    yield Stands(stored.deal, Problem("conversion_mapping_missing", "", words), lost=pairs)


# ── records that go ──────────────────────────────────────────────────────────────────────────────────────────────────


def _converted(record: DealRecord, link: Link, held: HeldDeals, so_far: SoFar) -> DealRuling:
    """The record's last words are taken, and the link moves to what it turned into, once; that one is merged when it is read."""
    is_owed = record.crm_id in held.failed
    if not record.converted_to:
        words = "converted without becoming a deal record: the deal is disconnected; link it again or withdraw it"
        change = DealChange(link.deal_id, is_owed=True) if is_owed else None
        return _ruled(record, UNCHANGED, Problem("disconnected", "", words), change=change)
    stored = so_far.latest(held.deals[link.deal_id])
    met = meet(record, link, _last_words(record, held), stored, held, Clocks(link.crm_modified_at, record.modified_at))
    base = {**with_key(met.base, record), CONVERTED: Base(record.converted_name, CONVERSION)}
    moved = replace(link, object=held.turns_into, crm_id=record.converted_to, crm_modified_at=None, base=base)
    change = DealChange(
        link.deal_id,
        (*_ended_twin(record, link, held, so_far), met.edit),
        (replace(link, is_current=False), moved),
        conflicts=met.conflicts,
        standing=met.standing,
        is_owed=is_owed,
        asks_edits=met.asks_edits,
        recognized=met.recognized,
    )
    return _ruled(record, APPLIED, change=change)._replace(read_again=((held.turns_into, record.converted_to),))


def _last_words(record: DealRecord, held: HeldDeals) -> Linked:
    """What was written on the record before it turned, and not read yet: it is not lost where the conversion does not copy it.

    What only the CRM says, its stage first, is taken from the new record: people are told of the conversion once.
    """
    values = record.values
    ours = {name: held.companies.ids.get(str(values[name])) for name in REFERENCES if values.get(name)}
    known = {
        name: value
        for name, value in {**values, **ours}.items()
        if (value is not None or name not in ours) and not (held.rules[name].direction == "pull" and name in held.turned_fields)
    }
    return Linked(known, record.spellings)


def _ended_twin(record: DealRecord, link: Link, held: HeldDeals, so_far: SoFar) -> Iterator[DealEdit]:
    """A deal that began with that record, because it was read before the lead it came from, is this very deal and ends."""
    twin = held.twins.get(record.converted_to)
    if twin is None or twin.deal.id == link.deal_id:
        return
    ended: dict[str, Value] = {"lifecycle": Lifecycle.WITHDRAWN.value, "is_registered": False}
    note = f"the record came from the lead of deal {link.deal_id}, which goes on with it"
    yield edited(so_far.latest(twin), ended, held.run_id, from_crm=frozenset(), notes=dict.fromkeys(ended, note))


def _gone(record: DealRecord, link: Link | None, held: HeldDeals, so_far: SoFar) -> DealRuling:
    """The record is in the CRM's bin: the deal stays and says so; after a merge it goes on with the survivor."""
    if link is None:
        return Ruling(record.crm_id, SKIPPED, "not_ours", is_judged=True)
    is_owed = record.crm_id in held.failed
    if record.becomes and not so_far.is_taken(record.becomes):
        base = {**link.base, CONVERTED: Base(None, "merge")}
        moved = replace(link, crm_id=record.becomes, crm_modified_at=None, base=base)  # that record may stand on this very page
        change = DealChange(link.deal_id, links=(replace(link, is_current=False), moved), is_owed=is_owed)
        return _ruled(record, APPLIED, change=change)._replace(read_again=((held.object, record.becomes),))
    problem = _why_gone(record)
    if link.deleted_at:
        return _ruled(record, UNCHANGED, problem, change=DealChange(link.deal_id, is_owed=True) if is_owed else None)
    change = DealChange(link.deal_id, links=(replace(link, deleted_at=held.now),), is_owed=is_owed, unparks=True)
    return _ruled(record, APPLIED, problem, change=change)


def _why_gone(record: DealRecord) -> Problem:
    words = "deleted in the CRM; the deal stays here. Undelete it there, or withdraw the deal"
    if record.is_gone:
        words = "the CRM shows this record no more: deleted for good, or hidden from the worker's user. The deal stays here"
    if record.becomes:
        words = f"merged into {record.becomes}, which is the record of another deal; this deal stays here. Withdraw one of the two"
    return Problem("gone_from_crm", "", words) if record.is_gone else Problem("deleted_in_crm", "", words)
