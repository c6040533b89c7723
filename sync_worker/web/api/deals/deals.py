"""Deals: registered, looked at, listed, edited, explained. A caller sees what the acting user sees."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, TypeAlias

from fastapi import Header, Path, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.flags import OF_TWO_TIERS
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.explain import DealStory, FieldStory, explain
from sync_worker.steps.deals.move import Finish, Moved, MoveRequest
from sync_worker.steps.deals.register import draft, register
from sync_worker.store.deals import pipeline
from sync_worker.web.api.core import deal_shape, views, visibility
from sync_worker.web.api.core.authentication import PRINTABLE, Acting, Looking
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.deals import deal_shapes
from sync_worker.web.api.deals.wishes import FiltersOf, SortOf, last_seen, narrowing_of, order_wanted, place_of, sight_of

router = portal_router("deals")

DealId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]
IfMatch: TypeAlias = Annotated[
    str, Header(alias="If-Match", max_length=200, description="The ETag of the deal as the user has seen it.", examples=['"3"'])
]
IfMatchOrNone: TypeAlias = Annotated[
    str | None,
    Header(
        alias="If-Match", max_length=200, description="The version of the deal that is meant. By default any version.", examples=['"3"']
    ),
]
ANY = "*"
ETAG: dict[str, Any] = {
    "headers": {"ETag": {"description": "The version of the deal, for `If-Match`.", "required": True, "schema": {"type": "string"}}}
}
OUT_OF_SIGHT: dict[int | str, dict[str, Any]] = {204: {"description": "The request was done, and this user may not see the deal any more."}}
STALE = 0  # a version that no deal has


@router.post("/deals", status_code=201, response_model=deal_shape.DealView, responses={201: ETAG, **OUT_OF_SIGHT, **problems(400, 409)})
def register_deal(visit: Acting, said: deal_shapes.RegistrationBody, once: OnceOnly) -> Response:
    """Registers a deal of one company or of two, also on behalf of a partner or for a colleague. It may be a draft."""
    begin = draft if said.draft else register
    tenant = visit.tenant

    def do(finish: Finish) -> Moved | Refusal:
        return begin(tenant, said.written(), actor=visit.actor, owner_user=said.owner_user, finish=finish)

    return once.moved(
        visit,
        do,
        lambda tx, moved: views.moved_answer(tx, visit, moved, status=201),
    )


@router.get("/deals", responses=problems(400), response_model_exclude_unset=True)
def list_deals(visit: Looking, page: PageOf, wanted: FiltersOf, sort: SortOf) -> deal_shapes.DealsView:
    """Lists the deals that the user may see, the latest change first unless `sort` says otherwise. With `visible_to`, lists the deals
    that both users may see.
    """
    tenant = visit.tenant
    by = order_wanted(tenant, sort)
    after = last_seen(by, page)
    with tenant.store.reading(visit.portal) as tx:
        narrowing = narrowing_of(tx, visit, wanted)
        found = pipeline.seen(tx, sight_of(tx, visit), narrowing, order=by.order, after=after, limit=page.looked_for)
        some = page.cut(found, lambda one: place_of(by, one))
        items = views.list_of(tx, tenant, [one.stored for one in some.items], visibility.reader(visit))
    label = {"second_partner_label": views.label_of(tenant)} if tenant.portal.two_tier else {}
    return deal_shapes.DealsView(items=items, next=some.next, **label)


@router.get(
    "/deals/{deal_id}", response_model=deal_shape.DealView, responses={200: ETAG, **problems(400, 404)}, response_model_exclude_unset=True
)
def get_deal(visit: Looking, deal_id: DealId, response: Response) -> deal_shape.DealView:
    """Returns one deal, with the moves that the user may make now."""
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        stored = visibility.looked_at(tx, visit, deal_id)
        response.headers["ETag"] = views.etag_of(stored.version)
        return views.show(tx, tenant, stored, visit.actor, visibility.reader(visit))


@router.patch(
    "/deals/{deal_id}", response_model=deal_shape.DealView, responses={200: ETAG, **OUT_OF_SIGHT, **problems(400, 404, 409, 412, 428)}
)
def edit_deal(visit: Acting, deal_id: DealId, said: deal_shapes.EditBody, if_match: IfMatch, once: OnceOnly) -> Response:
    """Changes fields of a deal. A change of its terms sets the approvals back to pending."""
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        visibility.looked_at(tx, visit, deal_id)
    asked = MoveRequest(visit.actor, said.reason or "", version=version_of(if_match))
    do = partial(change, tenant, deal_id, said.written(), asked)
    return once.moved(visit, do, lambda tx, moved: views.moved_answer(tx, visit, moved))


@router.get("/deals/{deal_id}/changes", responses=problems(400, 404))
def get_deal_changes(visit: Looking, deal_id: DealId) -> deal_shapes.DealStoryView:
    """Explains each field of a deal: who set its value, on which side, when and why, how the CRM has it, and which values were replaced."""
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        visibility.looked_at(tx, visit, deal_id)
    story = explain(tenant, deal_id)
    if story is None:
        raise Refused(Refusal("deal_unknown", f"there is no deal {deal_id}", "a person who sees the deal"))
    return _story(tenant, story)


def version_of(if_match: str) -> int | None:
    """The version that is meant, the latest of several; None = any version. A tag that we did not give is stale, as HTTP has it."""
    tags = [tag.strip().removeprefix("W/").strip('"').partition("-")[0] for tag in if_match.split(",")]
    if "*" in tags:
        return None
    return max((int(tag) for tag in tags if tag.isascii() and tag.isdecimal() and len(tag) < 10), default=STALE)


def _story(tenant: Tenant, story: DealStory) -> deal_shapes.DealStoryView:
    writing = story.writing
    return deal_shapes.DealStoryView(
        id=story.id,
        version=story.version,
        crm_record=story.crm_record,
        writing=deal_shapes.WritingView(
            run_id=writing.run_id,
            at=writing.at,
            attempt=writing.attempt,
            state=writing.state,
            due_at=writing.due_at,
            attempts=writing.refused + writing.unanswered,
            refused=writing.refused,
            unanswered=writing.unanswered,
            errors=[deal_shape.WarningView(code=code, field="", message=message) for code, message in writing.errors],
        ),
        fields=[_field(one) for one in story.fields if tenant.portal.two_tier or one.field not in OF_TWO_TIERS],
    )


def _field(one: FieldStory) -> deal_shapes.FieldStoryView:
    return deal_shapes.FieldStoryView.model_validate(
        {
            "field": one.field,
            "value": one.value,
            "set_by": one.set_by,
            "in_crm": one.crm.state,
            "crm_spelling": one.crm.spelling,
            "replaced": [{"value": value, "set_by": setting} for value, setting in one.replaced],
            "lost": one.lost,
        },
        from_attributes=True,
    )
