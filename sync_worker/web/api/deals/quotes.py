"""Quotes and licences: made, looked at as numbers, page or sheet, sent, signed. Users learn only of the pricing that they may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Body, Depends, Path, Response

from sync_worker.config.templates import Templates
from sync_worker.documents import page
from sync_worker.documents.page import Paper, as_html
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.completion import Licence, next_step
from sync_worker.domain.deals.quotes.price_list import Wish
from sync_worker.domain.deals.quotes.quote import NO_DISCOUNT
from sync_worker.domain.deals.quotes.quote_numbers import to_numbers
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.quote import Keep as KeepQuoted
from sync_worker.steps.deals.quote import Quoted, QuoteWish, make, paper, send, sign
from sync_worker.steps.deals.sale import facts_of, owed_of
from sync_worker.steps.people.answer import Keep
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import licences
from sync_worker.store.deals.quotes import StoredQuote
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import deal_shape, views, visibility
from sync_worker.web.api.core.authentication import PRINTABLE, Acting, Looking, PersonalVisit, again
from sync_worker.web.api.core.once import Once, OnceOnly, of_refusal_of_deal
from sync_worker.web.api.core.paging import PageOf, Some
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.api.core.references import CompanyRef, company_of
from sync_worker.web.api.core.route import file_of, portal_router, problems
from sync_worker.web.api.deals import deal_shapes, quote_shapes
from sync_worker.web.api.deals.deals import ANY, ETAG, OUT_OF_SIGHT, DealId, IfMatchOrNone, version_of

router = portal_router("quotes")

QuoteId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]


@dataclass(frozen=True, slots=True)
class QuoteAddress:
    """Which quote of which deal."""

    deal_id: DealId
    quote_id: QuoteId


ThisQuote: TypeAlias = Annotated[QuoteAddress, Depends()]
SEALED: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}
"""What is printed for a person runs nothing and fetches nothing."""


@router.post("/deals/{deal_id}/quotes", status_code=201, response_model=quote_shapes.QuoteView, responses=problems(400, 404, 409))
def create_quote(visit: Acting, deal_id: DealId, said: quote_shapes.QuoteBody, once: OnceOnly) -> Response:
    """Creates a version of the deal's quote in this pricing. It is not sent yet. Retail pricing needs no approval."""
    lines = tuple(Wish(line.product, line.count, line.unit_price, line.discount_percent or NO_DISCOUNT) for line in said.lines)
    tenant, wish = visit.tenant, QuoteWish(said.pricing, lines, said.starts_on, said.column)
    _look(visit, deal_id)
    return _quoted(visit, once, lambda finish: make(tenant, deal_id, wish, actor=visit.actor, finish=finish), status=201)


@router.get("/deals/{deal_id}/quotes", responses=problems(400, 404))
def list_quotes(visit: Looking, deal_id: DealId, page: PageOf) -> quote_shapes.QuotesView:
    """Lists the quotes of the deal that the user may see, and the next step of the sale."""
    with visit.tenant.store.reading(visit.portal) as tx:
        deal = visit.tenant.shown(visibility.looked_at(tx, visit, deal_id).deal)
        step = next_step(deal, facts_of(tx, deal), frozenset(licence.id for licence in owed_of(tx, deal)))
        some = page.falling(visibility.quotes_seen(tx, visit, deal), _when_made)
        return quote_shapes.QuotesView(items=[_shown(visit.tenant, one) for one in some.items], next=some.next, next_step=step)


@router.get("/deals/{deal_id}/quotes/{quote_id}", responses=problems(400, 404))
def get_quote(at: ThisQuote, visit: Looking) -> quote_shapes.QuoteView:
    """Returns one quote as numbers."""
    with visit.tenant.store.reading(visit.portal) as tx:
        return _shown(visit.tenant, visibility.quote_seen(tx, visit, at.deal_id, at.quote_id))


@router.get(
    "/deals/{deal_id}/quotes/{quote_id}/page",
    response_class=Response,
    responses={200: {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}, **problems(400, 404)},
)
def get_quote_page(at: ThisQuote, visit: Looking) -> Response:
    """Returns the quote as an HTML page for reading and printing."""
    return Response(as_html(_templates(visit), _paper(visit, at)), media_type="text/html", headers=SEALED)


@router.get(
    "/deals/{deal_id}/quotes/{quote_id}/sheet",
    response_class=Response,
    responses={**file_of("application/pdf"), **problems(400, 404)},
)
def get_quote_sheet(at: ThisQuote, visit: Looking) -> Response:
    """Returns the quote as a PDF file."""
    from sync_worker.documents.sheet import as_pdf  # its library takes a tenth of a start and 17 MB: only where a PDF is made

    printed = _paper(visit, at)
    named = {"Content-Disposition": f'inline; filename="quote-{printed.number}.pdf"'}
    return Response(as_pdf(_templates(visit), printed), media_type="application/pdf", headers={**SEALED, **named})


@router.post("/deals/{deal_id}/quotes/{quote_id}/send", response_model=quote_shapes.QuoteView, responses=problems(400, 404, 409, 412))
def send_quote(at: ThisQuote, visit: Acting, once: OnceOnly, if_match: IfMatchOrNone = None) -> Response:
    """Mails the quote to the members of the company in its column. A quote that was sent before is not sent again.

    A distributor-priced quote that the vendor sends after finalize was requested is always sent, and may be signed.
    """
    _look(visit, at.deal_id)
    asked = MoveRequest(visit.actor, version=version_of(if_match or ANY))
    return _quoted(visit, once, partial(send, visit.tenant, at.deal_id, at.quote_id, asked))


@router.post(
    "/deals/{deal_id}/quotes/{quote_id}/sign",
    response_model=deal_shape.DealView,
    responses={200: ETAG, **OUT_OF_SIGHT, **problems(400, 404, 409, 412)},
)
def sign_quote(
    at: ThisQuote,
    visit: Acting,
    once: OnceOnly,
    said: Annotated[deal_shapes.ReasonBody | None, Body()] = None,
    if_match: IfMatchOrNone = None,
) -> Response:
    """Signs the distributor-priced quote that the vendor sent last after finalize was requested. The first signature counts.

    The vendor records a signature with a reason.
    """
    asked = MoveRequest(visit.actor, said.reason if said else "", version=version_of(if_match or ANY))
    _look(visit, at.deal_id)
    do = partial(sign, visit.tenant, at.deal_id, at.quote_id, asked)
    return once.moved(visit, do, lambda tx, moved: views.moved_answer(tx, visit, moved))


@router.get("/deals/{deal_id}/licences", responses=problems(400, 404))
def list_deal_licences(visit: Looking, deal_id: DealId, page: PageOf) -> quote_shapes.LicencesView:
    """Lists the licences that were issued for this deal."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = licences.of_deal(tx, visibility.looked_at(tx, visit, deal_id).deal.id)
        return _licences(page.rising(found, lambda one: (f"{one.number:09}",)))


@router.get("/companies/{company_id}/licences", responses=problems(400, 404))
def list_company_licences(visit: Looking, company_id: CompanyRef, page: PageOf) -> quote_shapes.LicencesView:
    """Lists the licences of this company, the latest end first, from the deals that the user may see."""
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        found = licences.of_company(tx, company_of(tx, tenant, company_id).id)
        seen = visibility.deals_seen(tx, visit, {one.deal_id for one in found})
        return _licences(page.falling((one for one in found if one.deal_id in seen), lambda one: (one.ends_on.isoformat(), one.id)))


def _licences(some: Some[Licence]) -> quote_shapes.LicencesView:
    names = quote_shapes.LicenceView.model_fields
    items = [quote_shapes.LicenceView(**{name: getattr(one, name) for name in names}) for one in some.items]
    return quote_shapes.LicencesView(items=items, next=some.next)


def _when_made(stored: StoredQuote) -> tuple[str, str, str]:
    return stored.made_at.isoformat(timespec="microseconds"), f"{stored.version:09}", stored.id


def _look(visit: PersonalVisit, deal_id: str) -> None:
    """**Raises** Refused: also for a deal that is not theirs, so that they do not learn of it."""
    with visit.tenant.store.reading(visit.portal) as tx:
        visibility.looked_at(tx, visit, deal_id)


def _paper(visit: PersonalVisit, at: QuoteAddress) -> Paper:
    with visit.tenant.store.reading(visit.portal) as tx:
        visibility.quote_seen(tx, visit, at.deal_id, at.quote_id)
        found = paper(tx, visit.tenant, at.deal_id, at.quote_id, actor=visit.actor)
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def _templates(visit: PersonalVisit) -> Templates:
    return Templates(page.ROOM, visit.api.installation.settings.config_dir, visit.portal)


def _quoted(visit: PersonalVisit, once: Once, do: Callable[[KeepQuoted], Quoted | Refusal], *, status: int = 200) -> Response:
    """What became of a quote: shown, and kept, inside its commit; what it made due is told after that."""

    def work(keep: Keep) -> Answer:
        made: list[Answer] = []

        def finish(tx: Tx, quoted: Quoted) -> None:
            again(tx, visit)
            one = _shown(visit.tenant, quoted.quote)
            place = views.location_of(visit.portal, "deals", one.deal_id, "quotes", one.id) if status == 201 else {}
            made.append(Answer(status, one.model_dump_json(exclude_unset=True), {**views.JSON, **place}))
            keep(tx, made[-1])

        quoted = do(finish)
        if isinstance(quoted, Refusal):
            return of_refusal_of_deal(visit, quoted)
        visit.api.follow_ups(visit.portal, quoted.follow_ups)
        return made[-1]

    return once.answer(visit, work)


def _shown(tenant: Tenant, stored: StoredQuote) -> quote_shapes.QuoteView:
    numbers: dict[str, Any] = to_numbers(stored.quote)
    for line in numbers["lines"]:
        line["product"] = line.pop("name")
    if not tenant.portal.two_tier:
        del numbers["second_partner"]
    kept = [name for name in (*StoredQuote.__slots__, "number") if name != "quote"]
    return quote_shapes.QuoteView.model_validate({**numbers, **{name: getattr(stored, name) for name in kept}})
