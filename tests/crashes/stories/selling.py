"""Stories of a sale and of a distributor's subgroups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import cache

import pytest

from sync_worker.documents import sheet
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Track
from sync_worker.domain.core.user import Role
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.deals.quotes.price_list import Price, Wish
from sync_worker.domain.deals.quotes.quote import Pricing
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.deals.move import MoveRequest, move
from sync_worker.steps.deals.prices import keep
from sync_worker.steps.deals.quote import Quoted, QuoteWish, make, send, sign
from sync_worker.steps.distributors.subgroups import create
from sync_worker.steps.people.users import UserData, actor_of, put
from sync_worker.store.core import companies
from sync_worker.store.deals import quotes
from sync_worker.store.distributors import terms
from tests.crashes.acts import approves, comes, company_id, done, registers, the_deal, works
from tests.crashes.scene import Scene
from tests.crashes.schedule import settle
from tests.crashes.story import Story
from tests.simulation.world import PORTAL

AGREED = Terms(True, {"new": Decimal("12.50")})
SEATS = Wish("Seat", 20)


def agrees(scene: Scene) -> None:
    """The vendor's admin has come; terms and a price are agreed."""
    done(put(scene.tenant, UserData("vera", "vera@example.com", "Vera", Role.MANAGER, None, is_vendor_admin=True)))
    arrow, birch = company_id(scene, "Arrow"), company_id(scene, "Birch")
    with scene.world.store.transaction(PORTAL) as tx:
        vendor = companies.vendor(tx)
        assert vendor
        terms.begin(tx, Pair(arrow, vendor.id), Terms(True, {"new": Decimal("30.00")}), "Vera")
        terms.begin(tx, Pair(birch, arrow), AGREED, "Arlo")
    price = Price("Seat", "EUR", Decimal("99.90"), date(2026, 1, 1))
    assert keep(scene.tenant, (price,), actor=_person(scene, "vera")) is None


def _person(scene: Scene, user_id: str) -> Actor:
    found: Actor = done(actor_of(scene.tenant, user_id))
    return found


def quotes_it(scene: Scene) -> None:
    """The reseller asks to finalize, and the vendor sends the distributor's quote."""
    deal, vera = the_deal(scene, "Sold"), _person(scene, "vera")
    done(move(scene.tenant, deal.id, Verb.FINALIZE, MoveRequest(_person(scene, "bea"))))
    made = done(make(scene.tenant, deal.id, QuoteWish(Pricing.DISTRIBUTOR, (SEATS,), date(2026, 4, 1)), actor=vera))
    assert isinstance(made, Quoted)
    done(send(scene.tenant, deal.id, made.quote.id, MoveRequest(vera)))


def signs(scene: Scene) -> None:
    """The distributor signs."""
    deal = the_deal(scene, "Sold")
    with scene.world.store.reading(PORTAL) as tx:
        (quote,) = quotes.of_deal(tx, deal.id)
    done(sign(scene.tenant, deal.id, quote.id, MoveRequest(_person(scene, "arlo"))))


def makes_subgroup(scene: Scene) -> None:
    """The distributor makes a company of its own, unless it is there already."""
    if _company(scene, "Grove") is None:
        parent = _company(scene, "Arrow")
        assert parent
        done(create(scene.tenant, parent, "Grove", AGREED, actor=_person(scene, "arlo")))


def _company(scene: Scene, name: str) -> Company | None:
    with scene.world.store.reading(PORTAL) as tx:
        return companies.find(tx, name)


@contextmanager
def sheets_once() -> Iterator[None]:
    """The same paper is the same bytes, and is made once."""
    with pytest.MonkeyPatch.context() as one:
        one.setattr(sheet, "as_pdf", cache(sheet.as_pdf))
        yield


PEOPLE = (comes("bea", "Birch"), comes("arlo", "Arrow"))

SELLING = (
    Story(
        "subgroup",
        "a distributor makes a subgroup, and the CRM gets a company of it",
        (settle, *PEOPLE),
        (makes_subgroup, works(Work.PUSH)),
        is_judged=False,
    ),
    Story(
        "sale",
        "a quote is signed, licences are issued, and the CRM and people hear of it",
        (
            settle,
            *PEOPLE,
            agrees,
            registers("Sold", currency="EUR", term_years="1", billing_cycle="annual", licence_count="20"),
            approves("Sold", Track.DISTRIBUTOR, Track.VENDOR),
            settle,
            quotes_it,
        ),
        (signs, works(Work.COMPLETE), works(Work.PUSH)),
        patched=sheets_once,
        is_judged=False,
    ),
)
