"""What people do: the vendor's staff in the CRM, partners and distributors in the portal. Each edit is entered in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from crm_sandbox.remote import Record
from sync_worker.domain.core.deal import Actor, Deal, Decision, Refusal, Track
from sync_worker.domain.core.reconcile import comparable
from sync_worker.domain.core.values import Value, plain
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import approve, change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.store.core import companies
from sync_worker.store.deals import deals
from tests.simulation.desk import Native
from tests.simulation.ledger import TRACKED
from tests.simulation.world import PORTAL, World

DAY = date(2026, 6, 1)
ANN = Actor("Ann", None, "portal")
APPROVALS = ("pending", "approved", "rejected", "returned", "renewal_pending", None)
ODD = "odd"  # stands for a word of the CRM that nobody mapped


# ── in the CRM ───────────────────────────────────────────────────────────────────────────────────────────────────────


def edits_deal(world: World) -> None:
    """A person changes one to three fields of a deal's record."""
    record = world.dice.choice(world.desk.deal_records)
    native = _chosen_deal(world, record)
    if native is None:
        return
    fields: Record = {}
    for _ in range(world.dice.choice((1, 1, 2, 3))):
        fields |= _typed(world, record, *_deal_value(world, record))
    write_deal(world, native, fields)


def write_deal(world: World, native: Native, fields: Record) -> None:
    """The edit, and its entry in the ledger."""
    before = world.read(native)
    shown = ", ".join(f"{name}={value}" for name, value in fields.items())
    if world.by_a_person(f"CRM: {native.id} {shown}", lambda: world.desk.edit(native, fields)):
        after = world.read(world.desk.record(native.record, native.id))
        _enter(world, world.deal_of(native), before, after)
        named = {name: world.mapping.records[native.record].fields[name].native for name in ("owner_company", "second_partner")}
        world.ledger.renamed |= {(world.deal_of(native), name) for name, field in named.items() if field in fields}
        world.ledger.touched_at[native.id] = world.time.crm_now
        world.warm(world.deal_of(native))


def _enter(world: World, deal_id: str, before: Mapping[str, Value], after: Mapping[str, Value], *, given_name: str = "") -> None:
    for name in TRACKED:
        if name in after and comparable(after[name]) != comparable(before.get(name)):
            old, new = comparable(before.get(name)), comparable(after[name])
            is_given = name == "name" and new == given_name
            world.ledger.wrote("crm", deal_id, name, new, before=old, at=world.time.crm_now, is_given=is_given)


def is_of_ours(world: World, native: Native) -> bool:
    """Whether the record has a partner, or carries our key."""
    return bool(world.read(native).get("owner_company") or native.fields[world.record_map(native).key_field])


def _chosen(world: World, found: list[Native]) -> Native | None:
    return world.dice.choice(found) if found else None


def _chosen_deal(world: World, record: str) -> Native | None:
    """A record of ours, mostly one that somebody was at a moment ago: where people meet, things go wrong."""
    found = [one for one in world.live(record) if is_of_ours(world, one)]
    hot = [one for one in found if world.deal_of(one) in world.hot]
    return _chosen(world, hot if hot and world.dice.random() < 0.7 else found)


def _day(world: World) -> date:
    return DAY + timedelta(days=world.number())


def _typed(world: World, record: str, name: str, value: Value) -> Record:
    """One field as a person enters it, odd words too."""
    if value == ODD:
        return {world.mapping.records[record].fields[name].native: world.desk.odd[name]}
    return world.typed(record, {name: value})


def _deal_value(world: World, record: str) -> tuple[str, Value]:
    number = world.number()
    accounts = [one.id for one in world.live("company")]
    choices: dict[str, Callable[[], Value]] = {
        "amount": lambda: Decimal(number) + Decimal("0.5"),
        "expected_close_on": lambda: _day(world),
        "name": lambda: f"Deal {number}",
        "prospect_name": lambda: f"Prospect {number}",
        "licence_count": lambda: number,
        "expires_on": lambda: _day(world),
        "deal_type": lambda: world.dice.choice(("new", "renewal", "upsell", "upsell", None, ODD)),
        "billing_cycle": lambda: world.dice.choice(("annual", "monthly", "up_front", None, ODD)),
        "term_years": lambda: world.dice.choice((1, 2, 3, None)),
        "vendor_approval": lambda: world.dice.choice(APPROVALS),
        "distributor_approval": lambda: world.dice.choice(("approved", "rejected", None)),
        "is_registered": lambda: world.dice.random() < 0.5,
        "owner_company": lambda: world.dice.choice(accounts),
        "second_partner": lambda: world.dice.choice([*accounts, None, None, None]),
        "stage": lambda: world.dice.choice(world.desk.stages[record]),
    }
    name = world.dice.choice(list(choices))
    return name, choices[name]()


def clears_field(world: World) -> None:
    """A person empties a field; once a field and deal, so that the ledger can tell.

    Not on a record that another one turned into: there, empty may also mean that the conversion did not copy it, and nobody can tell.
    """
    record = world.dice.choice(world.desk.deal_records)
    native = _chosen_deal(world, record)
    if native is None or native.id in world.ledger.deal_by_record:
        return
    name = world.dice.choice(("amount", "licence_count", "expires_on"))
    edits = world.ledger.edits.get((world.deal_of(native), name), [])
    if all(edit.value is not None for edit in edits):
        write_deal(world, native, world.typed(record, {name: None}))


def edits_company(world: World) -> None:
    """A person renames, retypes, switches off or on, or rewrites the contracts of a company."""
    native = _chosen(world, world.live("company"))
    if native is None:
        return
    listed = list(world.read(native).get("second_partners") or ())
    everybody = [world.read(one) for one in world.live("company")]
    names = [values["name"] for values in everybody if values.get("account_type") == "second_partner"]
    change: tuple[str, Value] = world.dice.choice(
        (
            ("name", world.dice.choice((f"Company {world.number()}", world.dice.choice(names or ["Alone"])))),
            ("portal_status", world.dice.choice(("active", "active", "inactive", "pending", None))),
            ("account_type", world.dice.choice(("partner", "second_partner", "vendor", None, ODD))),
            ("second_partners", tuple(dict.fromkeys([*listed[1:], world.dice.choice([*names, "Nobody Ltd"])]))),
            ("second_partners", tuple(listed[1:])),
            ("region", world.dice.choice((*world.desk.regions, None, ODD))),
        )
    )
    fields = _typed(world, "company", *change)
    world.by_a_person(f"CRM: {native.id} {fields}", lambda: world.desk.edit(native, fields))


def creates_unseen(world: World) -> None:
    """A new company or deal that the worker's user cannot see until it is shared."""
    creates = world.dice.choice((creates_company, creates_deal))
    if created := creates(world):
        world.desk.hide([created])
        world.was_hidden = True
        world.unseen.append(created)
        world.say(f"     {created} is hidden")


def shares(world: World) -> None:
    """What was hidden is seen, with the stamps of long ago."""
    if world.unseen:
        world.desk.show(world.unseen)
        world.say(f"CRM: {', '.join(world.unseen)} are shared")
        world.unseen.clear()


def creates_company(world: World) -> str:
    """A new company, of ours or not. Its CRM id, "" where the CRM would not."""
    values: dict[str, Value] = {
        "name": f"Company {world.number()}",
        "portal_status": world.dice.choice(("active", "active", None)),
        "account_type": world.dice.choice(("partner", "second_partner")),
    }
    fields = world.typed("company", values)
    return world.by_a_person(f"CRM: new company {values['name']}", lambda: world.desk.create("company", fields)) or ""


def creates_deal(world: World) -> str:
    """A deal that begins in the CRM, with a partner, maybe one the portal does not know. Its CRM id, "" where the CRM would not."""
    record = world.dice.choice(world.desk.deal_records)
    number = world.number()
    values: dict[str, Value] = {
        "owner_company": world.dice.choice(world.live("company")).id,
        "licence_count": number,
        "name": f"Deal {number}",
    }
    if record == world.desk.converts:
        values |= {"contact_last_name": f"Doe {number}", "prospect_name": f"Prospect {number}"}
    else:
        values |= {"expected_close_on": _day(world), "amount": Decimal(number) + Decimal("0.5")}
    fields = {**world.mapping.records[record].on_create, **world.typed(record, values)}
    created = world.by_a_person(f"CRM: new {record} {number}", lambda: world.desk.create(record, fields))
    if created:
        world.say(f"     it is {created}")
        enter_beginning(world, world.desk.record(record, created))
    return created or ""


def enter_beginning(world: World, native: Native) -> None:
    """The ledger's first page for a record that a person made."""
    deal_id = world.deal_of(native)
    world.ledger.begun_in_crm.add(deal_id)
    world.ledger.by_people.add(native.id)
    values = world.read(native)
    for name in TRACKED:
        world.ledger.wrote("crm", deal_id, name, comparable(values.get(name)), before=None, at=world.time.crm_now)


def _any_record(world: World) -> str:
    return world.dice.choice((world.desk.deal_records[0], world.desk.deal_records[-1], world.desk.deal_records[-1], "company"))


def deletes(world: World) -> None:
    """A record goes to the bin."""
    native = _chosen(world, world.live(_any_record(world)))
    if native:
        world.by_a_person(f"CRM: delete {native.id}", lambda: world.desk.delete(native))
        world.ledger.departed.add(native.id)


def undeletes(world: World) -> None:
    """A record comes back out of the bin."""
    native = _chosen(world, [one for one in world.records(_any_record(world)) if one.is_deleted and not one.is_merged])
    if native:
        world.by_a_person(f"CRM: undelete {native.id}", lambda: world.desk.undelete(native))


def merges_companies(world: World) -> None:
    """Two companies become one; what named the loser names the survivor."""
    found = world.live("company")
    if len(found) > world.desk.least_companies:
        _merged(world, *world.dice.sample(found, 2))


def merges_deals(world: World) -> None:
    """Two records of deals become one; the ledger does not follow their fields."""
    found = world.live(world.desk.deal_records[0])
    if len(found) < 2:
        return
    winner, loser = world.dice.sample(found, 2)
    survivor = _merged(world, winner, loser)
    if not survivor:
        return
    for native in (winner, loser):
        world.ledger.untold.add((world.deal_of(native), ""))
    if survivor != winner.id:
        _lives_on(world, winner, survivor, winner.record)


def _merged(world: World, winner: Native, loser: Native) -> str:
    """The id that both live on under, "" where the CRM would not."""
    words = f"CRM: merge {winner.record} {loser.id} into {winner.id}"
    world.ledger.departed |= {winner.id, loser.id}
    return str(world.by_a_person(words, lambda: world.desk.merge(winner, loser)) or "")


def _lives_on(world: World, native: Native, crm_id: str, record: str) -> str:
    """The deal of a record is another record's from now on."""
    world.say(f"     it is {crm_id}")
    deal_id = world.deal_of(native)
    world.ledger.deal_by_record[crm_id] = deal_id
    world.ledger.by_people.add(crm_id)
    begun_anew = world.identity(record, crm_id)  # where nobody read the first one before it turned, and then without its history
    world.ledger.became[begun_anew] = deal_id
    world.ledger.untold.add((begun_anew, ""))
    return deal_id


def converts_lead(world: World) -> None:
    """A lead becomes an opportunity; what the admin mapped goes along."""
    native = _chosen_deal(world, world.desk.converts) if world.desk.converts else None
    if native is None:
        return
    is_mapped, omit = world.dice.random() < 0.7, world.dice.choice(((), (), ("second_partner",)))
    company = world.dice.choice(world.live("company"))
    left_out = tuple(world.record_map(native).fields[name].native for name in omit)
    crm_id = world.by_a_person(
        f"CRM: convert {native.id} mapped={is_mapped} without={omit}",
        lambda: world.desk.convert(native, is_mapped=is_mapped, omit=left_out, company=company) or True,
    )
    if isinstance(crm_id, str):
        _enter_conversion(world, native, crm_id)


def _enter_conversion(world: World, before: Native, crm_id: str) -> None:
    """What the new record holds otherwise was written by the conversion; what it lost was not, nor the name that the CRM gave by itself."""
    record = world.record_map(before).converts_to or ""
    deal_id = _lives_on(world, before, crm_id, record)
    after = world.read(world.desk.record(record, crm_id))
    kept = {name: value for name, value in after.items() if comparable(value) is not None}
    _enter(world, deal_id, world.read(before), kept, given_name=world.desk.given_name(before))


# ── in the portal ────────────────────────────────────────────────────────────────────────────────────────────────────


def registers(world: World, tenant: Tenant) -> None:
    """A partner registers a deal: with a distributor of its own, with any, or with none."""
    with world.store.reading(PORTAL) as tx:
        known = [stored.company for stored in companies.listed(tx)]
    if not known:
        return
    number = world.number()
    owner, second = world.dice.choice(known), world.dice.choice(known)
    values: dict[str, Value] = {
        "owner_company": owner.id,
        "name": f"Deal {number}",
        "prospect_name": f"Prospect {number}",
        "amount": Decimal(number) + Decimal("0.25"),
        "licence_count": number,
        "contact_last_name": "Roe",
        "expected_close_on": _day(world),
    }
    if world.dice.random() < 0.5:
        values["second_partner"] = second.id
    values |= {"deal_type": "new"} if world.dice.random() < 0.7 else {"deal_type": "bogus"} if world.dice.random() < 0.2 else {}
    before = _deals(world)
    try:
        done = register(tenant, {name: plain(value) for name, value in values.items()}, actor=ANN)
        world.say(f"portal: register: {done.code if isinstance(done, Refusal) else 'done'}")
    finally:  # the process may have died right after its commit
        for deal_id in sorted(_deals(world).keys() - before.keys()):
            _enter_registration(world, _deals(world)[deal_id])


def _enter_registration(world: World, deal: Deal) -> None:
    world.say(f"portal: registered {deal.id}")
    world.ledger.registered.append(deal.id)
    world.warm(deal.id)
    for name in TRACKED:
        world.ledger.wrote("portal", deal.id, name, comparable(deal.values.get(name)), before=None, at=world.time.crm_now)


def _deals(world: World) -> dict[str, Deal]:
    with world.store.reading(PORTAL) as tx:
        return {stored.deal.id: stored.deal for stored in deals.listed(tx)}


def _a_deal(world: World) -> Deal | None:
    found = _deals(world)
    hot = [deal_id for deal_id in world.hot if deal_id in found]
    return found[world.dice.choice(hot if hot and world.dice.random() < 0.7 else sorted(found))] if found else None


def changes(world: World, tenant: Tenant) -> None:
    """Somebody edits a deal in the portal."""
    deal = _a_deal(world)
    if deal is None:
        return
    with world.store.reading(PORTAL) as tx:
        known = [stored.company.id for stored in companies.listed(tx)]
    number = world.number()
    choices: dict[str, Value] = {
        "name": f"Deal {number}",
        "prospect_name": f"Prospect {number}",
        "amount": Decimal(number) + Decimal("0.25"),
        "expected_close_on": _day(world),
        "licence_count": number,
        "deal_type": world.dice.choice(("new", "renewal", "upsell")),
        "billing_cycle": world.dice.choice(("annual", "monthly", "up_front", None)),
        "term_years": world.dice.choice((1, 2, 3)),
        "second_partner": world.dice.choice([*known, None, None]),
        "owner_company": world.dice.choice(known),
    }
    names = world.dice.sample(list(choices), world.dice.choice((1, 1, 2)))
    change_deal(world, tenant, deal, {name: choices[name] for name in names})


def change_deal(world: World, tenant: Tenant, deal: Deal, wanted: Mapping[str, Value]) -> None:
    """These fields of a deal, by somebody in the portal; and the ledger's entry."""
    shown, ended = ", ".join(f"{name}={value}" for name, value in wanted.items()), "died"
    try:
        done = change(tenant, deal.id, {name: plain(value) for name, value in wanted.items()}, MoveRequest(ANN))
        ended = done.code if isinstance(done, Refusal) else "done"
    finally:  # the process may have died right after its commit
        world.say(f"portal: {deal.id} {shown}: {ended}")
        after = _deals(world)[deal.id]
        for name in wanted:
            old, new = comparable(deal.values.get(name)), comparable(after.values.get(name))
            if old != new:
                world.ledger.wrote("portal", deal.id, name, new, before=old, at=world.time.crm_now)
                world.warm(deal.id)


def decides(world: World, tenant: Tenant) -> None:
    """A distributor, or the vendor in the portal, says yes or no."""
    deal = _a_deal(world)
    if deal is None:
        return
    track = world.dice.choice((Track.DISTRIBUTOR, Track.VENDOR))
    with world.store.reading(PORTAL) as tx:
        vendor = companies.vendor(tx)
    company = deal.second_partner if track is Track.DISTRIBUTOR else vendor.id if vendor else None
    decision = world.dice.choice((Decision.APPROVE, Decision.APPROVE, Decision.REJECT))
    done = approve(tenant, deal.id, track, decision, MoveRequest(Actor("Dora", None, "portal"), reason="because"), company=company or "")
    world.say(f"portal: {decision} {deal.id} on {track}: {done.code if isinstance(done, Refusal) else 'done'}")
