"""The end-state rules: what must hold at rest, whatever happened. Each check yields what is wrong, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from sync_worker.domain.core.company import AccountType, StoredCompany
from sync_worker.domain.core.deal import Lifecycle
from sync_worker.domain.core.link import Link
from sync_worker.domain.core.reconcile import comparable
from sync_worker.domain.core.values import Plain, Value
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.mapping.fields import UNLISTED
from sync_worker.steps.associations.associate import associated
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.store.core import companies, failures, feed, runs
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.distributors import subgroups
from sync_worker.store.sync import notices, outbox
from tests.simulation.desk import Native
from tests.simulation.histories import written_once
from tests.simulation.ledger import TRACKED, Edit
from tests.simulation.mailbox import posted
from tests.simulation.receiver import told
from tests.simulation.rest import changed, dump, look
from tests.simulation.standings import below, shown
from tests.simulation.world import World

SIDES = (AccountType.PARTNER, AccountType.SECOND_PARTNER)
REFERENCES = ("owner_company", "second_partner")


@dataclass
class AtRest:
    """Both sides as they stand now."""

    world: World

    def __post_init__(self) -> None:
        with self.world.store.reading(self.world.portal.name) as tx:
            self.deals: dict[str, StoredDeal] = {stored.deal.id: stored for stored in deals.listed(tx)}
            self.companies: list[StoredCompany] = companies.listed(tx)
            self.history = {deal_id: deals.history(tx, deal_id) for deal_id in self.deals}
            self.links: dict[str, Link] = links.current(tx, self.deals)
            self.rows = failures.listed(tx)
            self.outbox = outbox.listed(tx)
            self.runs = runs.listed(tx, limit=100_000)
            self.events = feed.listed(tx, limit=None)
            self.waiting = conflicts.open_fields(tx, list(self.deals))
            self.notices = notices.counts(tx)
            self.survivors = links.survivors(tx, COMPANY, set(self.natives[COMPANY]))

    @cached_property
    def natives(self) -> dict[str, dict[str, Native]]:
        names = (COMPANY, *self.world.desk.deal_records)
        return {name: {native.id: native for native in self.world.records(name)} for name in names}

    @cached_property
    def failed(self) -> set[str]:
        """Records, by CRM id or ours, with an open failure."""
        return {row.failure.record for row in self.rows if row.failure.kind == "failure"}

    @cached_property
    def company_ids(self) -> dict[str, str]:
        known = {stored.company.crm_id: stored.company.id for stored in self.companies if stored.company.crm_id}
        ends = {crm_id: self.survivors.get(crm_id, crm_id) for crm_id in self.natives[COMPANY]}
        return {crm_id: known[end] for crm_id, end in ends.items() if end in known}

    @cached_property
    def twins(self) -> set[str]:
        """Deals that began with a record whose own deal was read only afterwards, and goes on with it: they were withdrawn."""
        both = {twin for twin, deal_id in self.world.ledger.became.items() if {twin, deal_id} <= self.deals.keys()}
        return {twin for twin in both if self.deals[twin].deal.lifecycle is Lifecycle.WITHDRAWN}

    def problems_of(self, crm_id: str) -> set[tuple[str, str]]:
        return {(row.failure.code, row.failure.field) for row in self.rows if row.failure.record == crm_id}

    def native_of(self, link: Link) -> Native | None:
        return self.natives[link.object].get(link.crm_id)

    def values(self, native: Native) -> Mapping[str, Value]:
        """What the CRM says, companies by our id."""
        values = dict(self.world.read(native))
        for name in REFERENCES:
            if crm_id := values.get(name):
                values[name] = self.company_ids.get(str(crm_id), f"unknown {crm_id}")
        return values

    def linked(self) -> Iterator[tuple[StoredDeal, Link, Native]]:
        """Deals whose record is alive, not in failure on either side."""
        for deal_id, link in self.links.items():
            native = self.native_of(link)
            if native and native.is_live and not {deal_id, link.crm_id} & self.failed:
                yield self.deals[deal_id], link, native


def broken(world: World) -> list[str]:
    """Every rule that does not hold now."""
    here = AtRest(world)
    found = [f"rule {number}: {words}" for number, check in RULES for words in check(here)]
    return found or [f"rule 8: {words}" for words in again(world)]


# ── 1: both sides agree ──────────────────────────────────────────────────────────────────────────────────────────────


def agree(here: AtRest) -> Iterator[str]:
    for stored, link, native in here.linked():
        crm = here.values(native)
        for name, field in here.world.mapping.records[link.object].fields.items():
            if field.direction == "pull" or field.write in ("create", "once") or name in here.waiting.get(stored.deal.id, ()):
                continue
            if (UNLISTED, name) in here.problems_of(link.crm_id):  # the CRM's word is refused alone, and that is said
                continue
            ours, theirs = comparable(stored.deal.values.get(name)), comparable(crm.get(name))
            if name == "is_registered":
                ours, theirs = bool(ours), bool(theirs)
            if ours != theirs and not (name == "second_partner" and ("waiting_for_parent", name) in here.problems_of(link.crm_id)):
                yield f"{stored.deal.id} in {link.crm_id}: {name} is {ours!r} here and {theirs!r} there; base {link.base.get(name)}"
    for deal_id in here.deals.keys() - here.links.keys() - here.failed - here.twins:
        yield f"{deal_id} is in no CRM record, and no failure says so"


# ── 2: nothing twice ─────────────────────────────────────────────────────────────────────────────────────────────────


def once(here: AtRest) -> Iterator[str]:
    world = here.world
    unread = {identity for identity, deal_id in world.ledger.became.items() if deal_id not in here.deals}  # a lead we never saw
    expected = {*world.ledger.registered, *world.ledger.begun_in_crm, *unread, *here.twins}
    yield from (f"deal {deal_id} is nobody's: a second one of a record" for deal_id in here.deals.keys() - expected)
    yield from (f"registered deal {deal_id} is gone" for deal_id in set(world.ledger.registered) - here.deals.keys())
    homes = Counter((link.object, link.crm_id) for link in here.links.values())
    yield from (f"{home} is the record of {count} deals" for home, count in homes.items() if count > 1)
    for record in world.desk.deal_records:
        key_field = world.mapping.records[record].key_field
        keys = Counter(key for native in here.natives[record].values() if not native.is_deleted and (key := native.fields[key_field]))
        yield from (f"{count} live {record}s carry key {key}" for key, count in keys.items() if count > 1)
    yield from _created_twice(here)
    crm_ids = Counter(stored.company.crm_id for stored in here.companies if stored.company.crm_id)
    yield from (f"{count} companies have CRM id {crm_id}" for crm_id, count in crm_ids.items() if count > 1)


def _created_twice(here: AtRest) -> Iterator[str]:
    """Records that no person made; one that a person deleted before we knew it may have been made again."""
    made: Counter[str] = Counter()
    for record in here.world.desk.deal_records:
        for native in here.natives[record].values():
            if native.id not in here.world.ledger.by_people and not native.is_deleted:
                made[here.world.deal_of(native)] += 1
    yield from (f"deal {deal_id} was created {count} times" for deal_id, count in made.items() if count > 1)


# ── 3: no older value over a newer one ───────────────────────────────────────────────────────────────────────────────


def newest_wins(here: AtRest) -> Iterator[str]:
    for stored, link, _ in here.linked():
        if here.world.may_have_hidden_an_edit(link.crm_id):
            continue
        for name, rule in TRACKED.items():
            if name not in here.world.mapping.records[link.object].fields or here.world.ledger.is_untold(stored.deal.id, name):
                continue
            heads = here.world.ledger.heads(stored.deal.id, name)
            value = comparable(stored.deal.values.get(name))
            if heads and not any(_stands(head.value, value, name) for head in _admissible(here, link, rule, heads)):
                yield f"{stored.deal.id} in {link.crm_id}: {name} is {value!r} under rule {rule}, but {' and '.join(map(str, heads))}"


def _stands(wanted: Plain, value: Plain, name: str) -> bool:
    return wanted == value or (name == "prospect_name" and wanted is None and value in (None, "Unknown"))


def _admissible(here: AtRest, link: Link, rule: str, heads: list[Edit]) -> list[Edit]:
    """Of two edits that did not see each other, those that the rule may choose."""
    if len(heads) < 2:
        return heads
    by_side = {head.side: head for head in heads}
    if rule in by_side:
        return [by_side[rule]]
    apart_s = abs((by_side["crm"].at - by_side["portal"].at).total_seconds())
    if here.world.is_stamped_late or apart_s < here.world.precision_s:
        return heads
    if by_side["crm"].at > by_side["portal"].at:
        return [by_side["crm"]]
    touched_at = here.world.ledger.touched_at.get(link.crm_id)
    is_clear = touched_at is not None and (by_side["portal"].at - touched_at).total_seconds() > 3
    return [by_side["portal"]] if is_clear else heads


# ── 4: every input has one outcome ───────────────────────────────────────────────────────────────────────────────────


def accounted(here: AtRest) -> Iterator[str]:
    for run in here.runs:
        counts = run.counts
        if run.verb in ("pull", "refresh") and counts.read != counts.applied + counts.unchanged + counts.skipped + counts.failed:
            yield f"run {run.verb} {run.object}: {counts}"
        settled = counts.written + counts.unchanged + counts.deferred + counts.parked + counts.uncertain
        if run.state == "done" and run.verb in ("push", "patch_back") and counts.claimed != settled:
            yield f"run {run.verb} {run.state}: {counts}"
    failed = {row.failure.record for row in here.rows if row.failure.stage == "push" and row.failure.kind == "failure"}
    failed -= {stored.company.id for stored in here.companies}
    parked = {row.record_id for row in here.outbox if row.state == "parked"}
    yield from (f"{deal_id} is parked, and no failure says so" for deal_id in parked - here.failed - _failed_links(here))
    yield from (f"{deal_id} has an open failure, and nothing is parked" for deal_id in failed - parked)
    yield from (f"{row.record_id} is {row.state} at rest" for row in here.outbox if row.state != "parked")


def _failed_links(here: AtRest) -> set[str]:
    return {deal_id for deal_id, link in here.links.items() if link.crm_id in here.failed}


# ── 5: nothing is done past a claim or a lease ─────────────────────────────────────────────────────────────────────────


def in_time(here: AtRest) -> Iterator[str]:
    for worker in here.world.workers:
        yield from worker.gate.late_writes
    yield from here.world.desk.watch.seen


# ── 6: nothing is skipped ────────────────────────────────────────────────────────────────────────────────────────────


def complete(here: AtRest) -> Iterator[str]:
    yield from (f"{count} notices of {name} are left" for name, count in here.notices.items())
    yield from _companies_complete(here)
    homes = {link.crm_id for link in here.links.values()}
    for record in here.world.readable[1:] if here.world.setting.from_crm else ():
        for native in here.natives[record].values():
            is_gone = not native.is_live or native.id in here.failed
            if not is_gone and native.id not in homes and here.world.read(native).get("owner_company"):
                yield f"{record} {native.id} has a partner and is in no deal; {here.problems_of(native.id)}"
    for deal_id, link in here.links.items():
        gone = here.native_of(link)
        if gone and not gone.is_live and not here.problems_of(link.crm_id):
            yield f"{deal_id}: {link.crm_id} is deleted or converted in the CRM, and nothing says so"


def _companies_complete(here: AtRest) -> Iterator[str]:
    stored_by_id = {stored.company.crm_id: stored for stored in here.companies}
    for crm_id, native in here.natives[COMPANY].items():
        stored, values = stored_by_id.get(crm_id), here.values(native)
        if crm_id in here.failed:
            continue
        if native.is_deleted:
            if stored and not stored.company.is_deleted:
                yield f"company {crm_id} is deleted, and its company is not"
            continue
        if stored is None:
            if values.get("portal_status"):
                yield f"company {crm_id} is {values['portal_status']} and unknown here"
            continue
        yield from _company_differs(stored, values)
        yield from _attributes_differ(stored, values, {field for _, field in here.problems_of(crm_id)})
        key = native.fields[here.world.record_map(native).key_field]
        if key != stored.company.id and stored.company.id not in here.failed:
            yield f"company {crm_id} carries {key}, not {stored.company.id}"


def _company_differs(stored: StoredCompany, values: Mapping[str, Value]) -> Iterator[str]:
    company = stored.company
    if company.is_deleted:
        yield f"company {company.crm_id} is deleted here, and not in the CRM"
    held: dict[str, object] = {
        "name": company.name,
        "portal_status": company.status.value,
        "account_type": company.account_type.value,
        "second_partners": sorted(company.second_partner_values),
    }
    for name, ours in held.items():
        theirs = values.get(name)
        if name == "second_partners":
            theirs = tuple(theirs) if isinstance(theirs, tuple) else ()
            if sorted(theirs) != ours:
                yield f"company {company.crm_id}: {name} is {ours} here and {theirs} there"
        elif theirs and theirs != "vendor" and ours not in (theirs, "vendor"):
            yield f"company {company.crm_id}: {name} is {ours} here and {theirs} there"


def _attributes_differ(stored: StoredCompany, values: Mapping[str, Value], wrong: set[str]) -> Iterator[str]:
    for name in ("region", "tier"):
        ours, theirs = stored.company.attributes.get(name), values.get(name)
        if ours != theirs and name not in wrong:
            yield f"company {stored.company.crm_id}: {name} is {ours!r} here and {theirs!r} there"


def matched(here: AtRest) -> Iterator[str]:
    """By rules, who may work with whom follows from what the companies say now, and from who is below whom."""
    if here.world.portal.associations.mode != "rules":
        return
    known = {one.company.id: one.company for one in here.companies if one.company.takes_part}
    partners, seconds = ([id_ for id_, company in known.items() if company.account_type is kind] for kind in SIDES)
    pairs = set(product(partners, seconds))
    with here.world.store.reading(here.world.portal.name) as tx:
        _, allowed = associated(tx, pairs)
        parents = subgroups.lasting(tx, partners)
    for partner, second in sorted(pairs):
        one, other = known[partner].attributes.get("region"), known[second].attributes.get("region")
        is_below = partner in parents and parents[partner].parent_id == second
        if ((partner, second) in allowed) != (is_below or (one is not None and one == other)):
            found = "associated" if (partner, second) in allowed else "not associated"
            yield f"{known[partner].name} of {one} and {known[second].name} of {other} are {found}"


# ── 3, too: a company that nobody took away is there ─────────────────────────────────────────────────────────────────


def kept(here: AtRest) -> Iterator[str]:
    """Where the CRM is said to have cleared a deal's company, a person of the CRM did.

    Who deletes the company that the CRM's record names clears it there, also while the portal already names another one.
    """
    ledger = here.world.ledger
    crm_ids = {stored.company.id: stored.company.crm_id for stored in here.companies}
    for stored, link, _ in here.linked():
        named: dict[str, set[str | None]] = {name: set() for name in REFERENCES}
        for change in here.history[stored.deal.id]:
            name, old = change["field"], change["old"]
            if name in REFERENCES and old:
                named[name].add(crm_ids.get(str(old)))
            is_cleared = name in REFERENCES and change["side"] == "crm" and change["new"] is None and old
            is_theirs = (stored.deal.id, name) in ledger.renamed or ledger.is_untold(stored.deal.id, name)
            if is_cleared and not is_theirs and named[name].isdisjoint(ledger.departed):
                yield f"{stored.deal.id} in {link.crm_id}: {name} {old} ({crm_ids.get(str(old))}) was taken away, by nobody"


# ── 7: no more calls than the budget has ─────────────────────────────────────────────────────────────────────────────


def inside_budget(here: AtRest) -> Iterator[str]:
    daily, made = here.world.setting.daily, here.world.most_calls_in_a_day
    if daily is not None and made > daily:
        yield f"the CRM has counted {made} calls in a day; the portal may make {daily}"
    if here.world.waits_on:
        yield "a day has passed, and no call may be made yet"


# ── 8: again changes nothing ─────────────────────────────────────────────────────────────────────────────────────────


def again(world: World) -> Iterator[str]:
    """The round that changed nothing cost no more than a look; or else the one after it, which reads no echo of anything."""
    if not list(_too_many(world, world.calls_at_rest)):
        return
    look(world)
    before = dump(world)
    world.desk.forget_calls()
    look(world)
    yield from changed(before, dump(world))
    yield from _too_many(world, world.desk.calls())


def _too_many(world: World, kinds: Mapping[str, int]) -> Iterator[str]:
    if writes := sum(kinds.get(kind, 0) for kind in world.desk.writing):
        yield f"{writes} writes"
    reads = sum(kinds.get(kind, 0) for kind in world.desk.reading)
    if reads > world.desk.most_reads:
        yield f"{reads} read calls: {dict(kinds)}"


RULES = (
    (1, agree),
    (2, once),
    (3, newest_wins),
    (4, accounted),
    (3, kept),
    (3, written_once),
    (4, below),
    (1, shown),
    (5, in_time),
    (6, complete),
    (6, matched),
    (7, inside_budget),
    (9, told),
    (9, posted),
)
