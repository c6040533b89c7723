"""What distributors do in the portal: they make, promote, rename and let go subgroups, set terms, and put agreements on file."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias, cast

from obstore.store import LocalStore, MemoryStore

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.files import Files
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.distributors import agree
from sync_worker.steps.distributors import subgroups as steps
from sync_worker.store.core import companies
from sync_worker.store.distributors import agreements, subgroups, terms
from tests.simulation.actions import accident, attempt, idle
from tests.simulation.world import PORTAL, World

NO_MORE, MORE = Terms(may_register=False), Terms(may_register=True)
SIGNED = agree.IncomingFile("signed.pdf", (b"%PDF-1.7 signed",))

Deed: TypeAlias = Callable[[Tenant, Company, Company, Actor], object]
"""(in which portal, the company above, the company below, who)"""


def makes_subgroup(world: World) -> None:
    """A distributor makes a company below it; the CRM has no record of it yet."""
    parent, name = _any_of(world, AccountType.SECOND_PARTNER), f"Grove {world.number()}"
    if parent:
        _done(
            world,
            f"{name} under {parent.name}",
            parent,
            parent,
            lambda tenant, above, _, who: steps.create(tenant, above, name, MORE, actor=who),
        )


def promotes_company(world: World) -> None:
    """A partner that is there already comes under a distributor."""
    parent, company = _any_of(world, AccountType.SECOND_PARTNER), _any_of(world, AccountType.PARTNER)
    if parent and company:
        _done(
            world,
            f"{company.name} comes under {parent.name}",
            parent,
            company,
            lambda tenant, above, below, who: steps.promote(tenant, above, below, MORE, actor=who),
        )


def renames_subgroup(world: World) -> None:
    """The portal's name goes to the CRM, where somebody may be renaming it, too."""
    name = f"Thicket {world.number()}"
    _to_a_child(world, f"a subgroup is {name} now", lambda tenant, above, below, who: steps.rename(tenant, above, below, name, actor=who))


def lets_go_subgroup(world: World) -> None:
    """The subgroup has no parent any more."""
    _to_a_child(world, "a subgroup is let go", lambda tenant, above, below, who: steps.disassociate(tenant, above, below, actor=who))


def sets_terms(world: World) -> None:
    """Whether the one below may register; the CRM shows it."""
    agreed = world.dice.choice((MORE, NO_MORE))
    _to_a_child(world, f"{agreed}", lambda tenant, above, below, who: agree.set_terms(tenant, below, above, agreed, actor=who))


def files_agreement(world: World) -> None:
    """One more version of what the two have signed."""
    _to_a_child(
        world, "an agreement", lambda tenant, above, below, who: agree.put_on_file(tenant, _files(), below, above, SIGNED, actor=who)
    )


@cache
def _files() -> Files:
    """One place for all seeds of the process: no seed makes an id that another one has made."""
    return Files(cast("LocalStore", MemoryStore()))


def _to_a_child(world: World, words: str, deed: Deed) -> None:
    with world.store.reading(PORTAL) as tx:
        known = {stored.company.id: stored.company for stored in companies.listed(tx)}
        found = [one for _, one in sorted(subgroups.lasting(tx, known).items()) if one.parent_id in known]
    if found:
        one = world.dice.choice(found)
        _done(world, words, known[one.parent_id], known[one.company_id], deed)


def _any_of(world: World, kind: AccountType) -> Company | None:
    with world.store.reading(PORTAL) as tx:
        found = [stored.company for stored in companies.listed(tx) if stored.company.account_type is kind and stored.company.takes_part]
    return world.dice.choice(found) if found else None


def _done(world: World, words: str, above: Company, below: Company, deed: Deed) -> None:
    """By a member of both, in a process that may die; and the ledger's entry."""
    worker = idle(world)
    user = User("dora", "dora@example.com", "Dora", Role.MANAGER, above.id, frozenset({below.id} - {above.id}))
    actor = Actor(user.name, above.id, "portal", user)

    def acts() -> None:
        done = deed(worker.tenant, above, below, actor)
        world.say(f"portal: {words}: {done.code if isinstance(done, Refusal) else 'done'}")

    before = _standing(world)
    attempt(world, worker, words, acts, accident(world))
    after = _standing(world)
    world.ledger.below |= {company_id: one.parent_id for company_id, one in after[0].items() if before[0].get(company_id) != one}
    world.ledger.below |= dict.fromkeys(before[0].keys() - after[0].keys())
    world.ledger.agreed |= {pair: one for pair, one in after[1].items() if before[1].get(pair) != one}


def _standing(world: World) -> tuple[dict[str, Subgroup], dict[Pair, tuple[Terms | None, int]]]:
    """Who is below whom now; and of these pairs their terms, and how many versions of an agreement are on file."""
    with world.store.reading(PORTAL) as tx:
        found = subgroups.lasting(tx, [stored.company.id for stored in companies.listed(tx)])
        pairs = [Pair(one.company_id, one.parent_id) for one in found.values()]
        agreed = terms.current(tx, pairs)
        return found, {pair: (agreed.get(pair), len(agreements.versions(tx, pair))) for pair in pairs}
