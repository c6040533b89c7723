"""What people do: the vendor's staff in the CRM, partners and distributors in the portal. Each edit is entered in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sync_worker.domain.deal import Actor, Deal, Decision, Refusal, Track
from sync_worker.domain.reconcile import comparable
from sync_worker.domain.values import Value, plain
from sync_worker.sandbox.remote import Record
from sync_worker.steps.decide import approve, change
from sync_worker.steps.register import register
from sync_worker.steps.tenant import Tenant
from sync_worker.store import companies, deals
from tests.simulation.ledger import TRACKED
from tests.simulation.world import NATIVES, PORTAL, World

DAY = date(2026, 6, 1)
ANN = Actor("Ann", None, "portal")
STAGES = {"lead": ("Open - Not Contacted", "Working - Contacted"), "opportunity": ("Qualification", "Closed Won", "Closed Lost")}
APPROVALS = ("Pending", "Approved", "Rejected", "Returned", "Renewal pending", None)


# ── in the CRM ───────────────────────────────────────────────────────────────────────────────────────────────────────


def edits_deal(world: World) -> None:
    """A person changes one to three fields of a lead or opportunity."""
    record = world.dice.choice(("lead", "opportunity"))
    native = _chosen_deal(world, record)
    if native is None:
        return
    fields: Record = {}
    for _ in range(world.dice.choice((1, 1, 2, 3))):
        name, value = _crm_value(world, record)
        fields[name] = value
    write_deal(world, record, native, fields)


def write_deal(world: World, record: str, native: Record, fields: Record) -> None:
    """The edit, and its entry in the ledger."""
    before = world.read(record, native)
    shown = ", ".join(f"{name}={value}" for name, value in fields.items())
    if world.by_a_person(f"CRM: {native['Id']} {shown}", lambda: world.remote.edit(NATIVES[record], native["Id"], fields)):
        after = world.read(record, world.remote.record(NATIVES[record], native["Id"]))
        _enter(world, world.deal_of(record, native), before, after)
        world.ledger.touched_at[native["Id"]] = world.time.crm_now
        world.warm(world.deal_of(record, native))


def _enter(world: World, deal_id: str, before: Mapping[str, Value], after: Mapping[str, Value]) -> None:
    for name in TRACKED:
        if name in after and comparable(after[name]) != comparable(before.get(name)):
            old, new = comparable(before.get(name)), comparable(after[name])
            world.ledger.wrote("crm", deal_id, name, new, before=old, at=world.time.crm_now)


def _is_of_ours(native: Record) -> bool:
    return bool(native["Portal_Partner__c"] or native["Portal_Deal_Key__c"])


def _chosen(world: World, found: list[Record]) -> Record | None:
    return world.dice.choice(found) if found else None


def _chosen_deal(world: World, record: str) -> Record | None:
    """A record of ours, mostly one that somebody was at a moment ago: where people meet, things go wrong."""
    found = [one for one in world.live(record) if _is_of_ours(one)]
    hot = [one for one in found if world.deal_of(record, one) in world.hot]
    return _chosen(world, hot if hot and world.dice.random() < 0.7 else found)


def _day(world: World) -> date:
    return DAY + timedelta(days=world.number())


def _crm_value(world: World, record: str) -> tuple[str, Any]:
    is_lead = record == "lead"
    number = world.number()
    accounts = world.live("company")
    choices: dict[str, Callable[[], Any]] = {
        "Portal_Amount__c" if is_lead else "Amount": lambda: number + 0.5,
        "Portal_Close_Date__c" if is_lead else "CloseDate": lambda: _day(world).isoformat(),
        "Portal_Deal_Name__c" if is_lead else "Name": lambda: f"Deal {number}",
        "Company" if is_lead else "Portal_Prospect__c": lambda: f"Prospect {number}",
        "Portal_Licences__c": lambda: number,
        "Portal_Expires__c": lambda: _day(world).isoformat(),
        "Portal_Deal_Type__c": lambda: world.dice.choice(("New", "Renewal", "Upsell", "Upsell", None, "Sidegrade")),
        "Portal_Billing__c": lambda: world.dice.choice(("Annual", "Monthly", "Up front", None, "Quarterly")),
        "Portal_Term_Years__c": lambda: world.dice.choice((1, 2, 3, None)),
        "Portal_Vendor_Approval__c": lambda: world.dice.choice(APPROVALS),
        "Portal_Distributor_Approval__c": lambda: world.dice.choice(("Approved", "Rejected", None)),
        "Portal_Registered__c": lambda: world.dice.random() < 0.5,
        "Portal_Partner__c": lambda: world.dice.choice(accounts)["Id"],
        "Portal_Second_Partner__c": lambda: world.dice.choice([*accounts, {"Id": None}, {"Id": None}, {"Id": None}])["Id"],
        "Status" if is_lead else "StageName": lambda: world.dice.choice(STAGES[record]),
    }
    name = world.dice.choice(list(choices))
    return name, choices[name]()


def clears_field(world: World) -> None:
    """A person empties a field; once a field and deal, so that the ledger can tell."""
    record = world.dice.choice(("lead", "opportunity"))
    native = _chosen_deal(world, record)
    if native is None:
        return
    name = world.dice.choice(("amount", "licence_count", "expires_on"))
    key = world.mapping.records[record].fields[name].native
    edits = world.ledger.edits.get((world.deal_of(record, native), name), [])
    if all(edit.value is not None for edit in edits):
        write_deal(world, record, native, {key: None})


def edits_company(world: World) -> None:
    """A person renames, retypes, switches off or on, or rewrites the contracts of an account."""
    native = _chosen(world, world.live("company"))
    if native is None:
        return
    listed = [value for value in (native["Associated_Second_Partner__c"] or "").split(";") if value]
    names = [one["Name"] for one in world.live("company") if one["Portal_Account_Type__c"] == "Distributor"]
    fields: Record = world.dice.choice(
        (
            {"Name": world.dice.choice((f"Company {world.number()}", world.dice.choice(names or ["Alone"])))},
            {"Portal_Status__c": world.dice.choice(("Active", "Active", "Inactive", "Pending", None))},
            {"Portal_Account_Type__c": world.dice.choice(("Partner", "Distributor", "Vendor", None, "Reseller Plus"))},
            {"Associated_Second_Partner__c": ";".join([*listed[1:], world.dice.choice([*names, "Nobody Ltd"])]) or None},
            {"Associated_Second_Partner__c": ";".join(listed[1:]) or None},
            {"Portal_Region__c": world.dice.choice(("EMEA", "APAC", None, "Moon"))},
        )
    )
    world.by_a_person(f"CRM: {native['Id']} {fields}", lambda: world.remote.edit("Account", native["Id"], fields))


def creates_company(world: World) -> None:
    """A new account, of ours or not."""
    fields = {
        "Name": f"Company {world.number()}",
        "Portal_Status__c": world.dice.choice(("Active", "Active", None)),
        "Portal_Account_Type__c": world.dice.choice(("Partner", "Distributor")),
    }
    world.by_a_person(f"CRM: new account {fields['Name']}", lambda: world.remote.create("Account", fields))


def creates_deal(world: World) -> None:
    """A deal that begins in the CRM, with a partner, maybe one the portal does not know."""
    record = world.dice.choice(("lead", "opportunity"))
    number = world.number()
    fields: Record = {"Portal_Partner__c": world.dice.choice(world.live("company"))["Id"], "Portal_Licences__c": number}
    if record == "lead":
        fields |= {"LastName": f"Doe {number}", "Company": f"Prospect {number}", "Portal_Deal_Name__c": f"Deal {number}"}
    else:
        fields |= {"Name": f"Deal {number}", "StageName": "Prospecting", "CloseDate": _day(world).isoformat(), "Amount": number + 0.5}
    created = world.by_a_person(f"CRM: new {record} {number}", lambda: world.remote.create(NATIVES[record], fields))
    if created:
        world.say(f"     it is {created}")
        enter_beginning(world, record, world.remote.record(NATIVES[record], created))


def enter_beginning(world: World, record: str, native: Record) -> None:
    """The ledger's first page for a record that a person made."""
    deal_id = world.deal_of(record, native)
    world.ledger.begun_in_crm.add(deal_id)
    values = world.read(record, native)
    for name in TRACKED:
        world.ledger.wrote("crm", deal_id, name, comparable(values.get(name)), before=None, at=world.time.crm_now)


def deletes(world: World) -> None:
    """A record goes to the bin."""
    record = world.dice.choice(("lead", "opportunity", "opportunity", "company"))
    native = _chosen(world, world.live(record))
    if native:
        world.by_a_person(f"CRM: delete {native['Id']}", lambda: world.remote.delete(NATIVES[record], native["Id"]))


def undeletes(world: World) -> None:
    """A record comes back out of the bin."""
    record = world.dice.choice(("lead", "opportunity", "opportunity", "company"))
    native = _chosen(world, [one for one in world.records(record) if one["IsDeleted"] and not one.get("MasterRecordId")])
    if native:
        world.by_a_person(f"CRM: undelete {native['Id']}", lambda: world.remote.undelete([native["Id"]]))


def merges_companies(world: World) -> None:
    """Two accounts become one; what named the loser names the survivor."""
    found = world.live("company")
    if len(found) > 12:
        master, loser = world.dice.sample(found, 2)
        words = f"CRM: merge account {loser['Id']} into {master['Id']}"
        world.by_a_person(words, lambda: world.remote.merge(master["Id"], [loser["Id"]]))


def merges_leads(world: World) -> None:
    """Two leads become one; the ledger does not follow their fields."""
    found = world.live("lead")
    if len(found) < 2:
        return
    master, loser = world.dice.sample(found, 2)
    if world.by_a_person(f"CRM: merge lead {loser['Id']} into {master['Id']}", lambda: world.remote.merge(master["Id"], [loser["Id"]])):
        for native in (master, loser):
            world.ledger.untold.add((world.deal_of("lead", native), ""))


def converts_lead(world: World) -> None:
    """A lead becomes an opportunity; what the admin mapped goes along."""
    native = _chosen_deal(world, "lead")
    if native is None:
        return
    is_mapped, omit = world.dice.random() < 0.7, world.dice.choice(((), (), ("Portal_Second_Partner__c",)))
    account = world.dice.choice(world.live("company"))["Id"]
    done = world.by_a_person(
        f"CRM: convert {native['Id']} mapped={is_mapped} without={omit}",
        lambda: world.remote.convert_lead(native["Id"], copy_mapping=is_mapped, omit=omit, account_id=account),
    )
    if done and (crm_id := done["ConvertedOpportunityId"]):
        _enter_conversion(world, native, crm_id)


def _enter_conversion(world: World, lead: Record, crm_id: str) -> None:
    """The deal lives on in the opportunity; what it holds otherwise was written by the conversion, what it lost was not."""
    world.say(f"     it is {crm_id}")
    deal_id = world.deal_of("lead", lead)
    world.ledger.deal_by_record[crm_id] = deal_id
    begun_anew = world.identity("opportunity", crm_id)  # where nobody read the lead before it turned, and then without its history
    world.ledger.became[begun_anew] = deal_id
    world.ledger.untold.add((begun_anew, ""))
    after = world.read("opportunity", world.remote.record("Opportunity", crm_id))
    kept = {name: value for name, value in after.items() if comparable(value) is not None}
    _enter(world, deal_id, world.read("lead", lead), kept)


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
    wanted = {name: choices[name] for name in names}
    shown, ended = ", ".join(f"{name}={value}" for name, value in wanted.items()), "died"
    try:
        done = change(tenant, deal.id, {name: plain(value) for name, value in wanted.items()}, actor=ANN)
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
    done = approve(tenant, deal.id, track=track, decision=decision, actor_name="Dora", company=company or "", reason="because")
    world.say(f"portal: {decision} {deal.id} on {track}: {done.code if isinstance(done, Refusal) else 'done'}")
