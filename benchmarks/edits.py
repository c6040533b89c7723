"""Partners at work in the portal: deals registered, edited, and saved without a change, as the portal's forms do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import select

from sync_worker.domain.core.deal import CLOSED, LOCKED, Actor, Deal, Refusal
from sync_worker.domain.core.values import Value, plain
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.registration import REGISTRABLE
from sync_worker.domain.distributors.parenthood import COMPANIES
from sync_worker.steps.core.follow_up import Done, FollowUp
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.store.core.runs import Counts
from sync_worker.store.core.tables import companies
from sync_worker.store.deals import deals
from sync_worker.store.sync import outbox

PARTNER = Actor("Ann Bench", None, "portal")
PAGE_COUNT = 1000
OWED: Mapping[str, Value] = {
    "name": "A deal",
    "prospect_name": "Globex",
    "contact_last_name": "Doe",
    "lifecycle": "submitted",
    "is_registered": True,
}

Form = Callable[[Deal], Mapping[str, Any]]
"""What somebody writes into a deal's form."""


def edit(tenant: Tenant, count: int) -> Done:
    """So many open deals get another amount, closing date and number of licences. An edit of licences asks for both approvals again."""
    return _saved(tenant, count, _grown)


def save(tenant: Tenant, count: int) -> Done:
    """The same deals are saved as they are."""
    return _saved(tenant, count, _same)


def make(tenant: Tenant, count: int) -> Done:
    """So many new deals are registered: open ones once more, of companies that may register."""
    counts, follow_ups = Counts(), set[FollowUp]()
    for deal in list(_open_deals(tenant)):
        if counts.applied == count:
            break
        done = register(tenant, _again(deal), actor=PARTNER)
        if not isinstance(done, Refusal):
            counts.add(Counts(applied=1))
            follow_ups |= done[1]
    return Done("", counts, frozenset(follow_ups))


def owe(tenant: Tenant, count: int) -> Done:
    """So many new deals, each of another company, are owed to the CRM: as if they had been registered just now."""
    with tenant.store.transaction(tenant.name) as tx:
        query = select(companies.c.id).where(companies.c.portal == tx.portal, companies.c.crm_id.is_not(None)).order_by(companies.c.id)
        owners = tx.connection.execute(query.limit(count)).scalars()
        made = [Deal(tenant.services.new_id(), {**OWED, "owner_company": owner}) for owner in owners]
        deals.save(tx, [StoredDeal(deal, 1, tx.now, tx.now) for deal in made])
        outbox.owe(tx, DEAL, [deal.id for deal in made], "benchmark")
    return Done("", Counts(applied=len(made)), frozenset())


def _again(deal: Deal) -> Mapping[str, Any]:
    """A registration's form, filled in like this deal's."""
    known = {name: plain(value) for name, value in deal.values.items() if name in REGISTRABLE | COMPANIES and value is not None}
    return {**known, "name": f"{known['name']} again", "prospect_name": known.get("prospect_name") or known["name"]}


def _saved(tenant: Tenant, count: int, form: Form) -> Done:
    counts, follow_ups = Counts(), set[FollowUp]()
    for deal in list(islice(_open_deals(tenant), count)):
        done = change(tenant, deal.id, form(deal), MoveRequest(PARTNER))
        if isinstance(done, Refusal):
            raise RuntimeError(f"deal {deal.id}: {done}")  # noqa: TRY004  # a refusal is no type mistake
        counts.add(Counts(applied=1) if done[1] else Counts(unchanged=1))
        follow_ups |= done[1]
    return Done("", counts, frozenset(follow_ups))


def _grown(deal: Deal) -> Mapping[str, Any]:
    values = {name: plain(deal.values[name]) for name in ("amount", "expected_close_on", "licence_count")}
    return {
        "amount": str(Decimal(str(values["amount"])) + 1000),
        "expected_close_on": (date.fromisoformat(str(values["expected_close_on"])) + timedelta(days=7)).isoformat(),
        "licence_count": int(str(values["licence_count"])) + 10,
    }


def _same(deal: Deal) -> Mapping[str, Any]:
    return {name: plain(deal.values[name]) for name in ("amount", "expected_close_on", "licence_count", "name")}


def _open_deals(tenant: Tenant) -> Iterator[Deal]:
    """Deals whose terms may be edited, by id."""
    after = ""
    while True:
        with tenant.store.reading(tenant.name) as tx:
            page = deals.page(tx, after=after, limit=PAGE_COUNT)
        if not page:
            return
        yield from (stored.deal for stored in page if stored.deal.lifecycle not in LOCKED | CLOSED)
        after = page[-1].deal.id
