"""End-state rules of subgroups, terms and agreements: what people did in the portal stands there, and the CRM shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.distributors.company_words import words_of
from sync_worker.store.distributors import agreements, subgroups, terms

if TYPE_CHECKING:
    from tests.simulation.rules import AtRest

SHOWN = ("may_register", "agreement_state")


def below(here: AtRest) -> Iterator[str]:
    """A parent, terms and agreements go by a person of the portal alone. (Of companies that were merged, the survivor has them.)"""
    ledger, world = here.world.ledger, here.world
    merged = {stored.company.id for stored in here.companies if stored.company.crm_id in ledger.departed}
    with world.store.reading(world.portal.name) as tx:
        found = subgroups.lasting(tx, ledger.below)
        agreed = terms.current(tx, ledger.agreed)
        on_file = {pair: len(agreements.versions(tx, pair)) for pair in ledger.agreed}
    for company_id, parent_id in ledger.below.items():
        is_under = found[company_id].parent_id if company_id in found else None
        if is_under != parent_id and not {company_id, parent_id, is_under} & merged:
            yield f"company {company_id} was put under {parent_id}, and is under {is_under}"
    for pair, (wanted, count) in ledger.agreed.items():
        if not {pair.company_id, pair.upper_id} & merged and (agreed.get(pair), on_file[pair]) != (wanted, count):
            yield f"{pair} agreed on {wanted} with {count} versions on file; there are {agreed.get(pair)} and {on_file[pair]}"


def shown(here: AtRest) -> Iterator[str]:
    """Companies that are, or were, below another one: the CRM has one record of each, and it says where they stand."""
    keys: Counter[str] = Counter()
    for native in here.natives[COMPANY].values():
        key = native.fields[here.world.record_map(native).key_field]
        keys.update([key] if key and native.is_live else [])
    known = {stored.company.id: stored.company for stored in here.companies if stored.company.id in here.world.ledger.below}
    yield from (f"{keys[company_id]} live companies carry key {company_id}" for company_id in known if keys[company_id] > 1)
    with here.world.store.reading(here.world.portal.name) as tx:
        words = words_of(tx, list(known.values()))
    for company_id, company in known.items():
        if {company_id, company.crm_id} & here.failed:
            continue
        if company.crm_id is None:
            yield f"company {company_id} ({company.name}) is in no CRM record, and no failure says so"
            continue
        its_record = here.natives[COMPANY].get(company.crm_id)
        if its_record is None or not its_record.is_live:
            continue
        values = here.values(its_record)
        for name in SHOWN:
            ours, theirs = words[company_id][name] or None, values.get(name) or None
            if ours != theirs:
                yield f"company {company.crm_id} ({company_id}): {name} is {ours!r} here and {theirs!r} there"
