"""One deal: both approvals, its way, its history, why each field is what it is, and the moves that an admin of the vendor may make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.values import plain
from sync_worker.domain.deals.flags import OF_TWO_TIERS, FlagReader
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.explain import DealStory, explain
from sync_worker.steps.deals.move import move
from sync_worker.steps.deals.sale import to_sign
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals
from sync_worker.store.people import people
from sync_worker.web.api.core import views
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, Managing
from sync_worker.web.console.core.pictures.chart import Strip
from sync_worker.web.console.core.route import console_router
from sync_worker.web.console.deals.amounts import amount_shown
from sync_worker.web.console.deals.correct import asked_by
from sync_worker.web.console.deals.filters import day_of, refusal_words
from sync_worker.web.console.deals.way import way_of

router = console_router()

OFFERED: Final = {
    Verb.APPROVE_VENDOR: "Approve it for the vendor",
    Verb.REJECT_VENDOR: "Reject it for the vendor",
    Verb.RETURN_VENDOR: "Return it to the partner, for the vendor",
    Verb.APPROVE_DISTRIBUTOR: "Approve it in the place of the {label}",
    Verb.REJECT_DISTRIBUTOR: "Reject it in the place of the {label}",
    Verb.DISABLE: "Disable it",
    Verb.ENABLE: "Enable it again",
    Verb.SET_LAST_DAY: "Set another last day of its registration",
}
"""The moves that need no more than a reason or a day."""
IN_CRM: Final = {
    "agreed": "the same",
    "owed": "is owed",
    "waits": "waits for a person",
    "read only": "read from it",
    "nowhere": "the CRM does not have it",
}
TRACKS: Final = (("lifecycle", "State"), ("distributor_approval", "{label}'s approval"), ("vendor_approval", "Vendor's approval"))


@router.get("/deals/{deal_id}")
def show_deal(visit: Managing, deal_id: str) -> Response:
    """The deal as it is now, and how it came to be so."""
    tenant, actor = visit.tenant, visit.for_vendor
    story = explain(tenant, deal_id)
    with tenant.store.reading(visit.portal) as tx:
        stored = deals.get(tx, deal_id)
        if stored is None or story is None:
            raise TurnedAway(404, "There is no such deal", "The address is mistyped, or the deal is of another portal.")
        deal, history = views.show(tx, tenant, stored, actor, FlagReader.VENDOR), deals.history(tx, deal_id)
        names = _company_names(tx, story, history)
        members = people.of_companies(tx, [deal.owner_company]) if deal.owner_company and Verb.REASSIGN in deal.moves else []
        quote = to_sign(tx, tenant.shown(stored.deal)) if Verb.SIGN in deal.moves else None
    label = views.label_of(tenant)
    fields = [(name, title.format(label=label)) for name, title in TRACKS if tenant.portal.two_tier or name not in OF_TWO_TIERS]
    now = tenant.services.clock()
    ways: list[Strip] = [way_of(name, title, history, str(getattr(deal, name)), now) for name, title in fields if history]
    context = visit.context(
        here="Deals", deal=deal, amount=amount_shown(deal.amount, deal.currency), story=story, names=names, ways=ways,
        past=[_change(change, names) for change in reversed(history)], label=label, is_two_tier=tenant.portal.two_tier, in_crm=IN_CRM,
        fields=_fields(tenant, story), moves=[(verb, words.format(label=label)) for verb, words in OFFERED.items() if verb in deal.moves],
        quote=quote, may_correct=Verb.EDIT in deal.moves,
        colleagues=[one for one in members if one.is_active and one.id != deal.owner_user],
    )  # fmt: skip
    return visit.console.pages.show("deals/deal.html", context)


@router.post("/deals/{deal_id}/move")
def move_deal(change: Arranging, deal_id: str) -> Response:
    """Makes one move in the name of the vendor, if the deal is still as the person has seen it."""
    visit, said = change.visit, change.text("verb")
    verb = next((one for one in OFFERED if one == said), None)
    if verb is None:
        raise TurnedAway(422, "Nothing was changed", "Choose what is to be done with the deal.")
    last_day = change.text("until")
    asked = replace(asked_by(change), until=day_of(last_day, "last day") if last_day else None)
    done = move(visit.tenant, deal_id, verb, asked)
    if isinstance(done, Refusal):
        raise TurnedAway(409, "Nothing was changed", refusal_words(done))
    visit.console.follow_ups(visit.portal, done.follow_ups)
    return RedirectResponse(f"{visit.address}/deals/{deal_id}", 303)


def _fields(tenant: Tenant, story: DealStory) -> list[Any]:
    """Fields that hold something or once did."""
    told = [one for one in story.fields if one.value is not None or one.set_by]
    return [one for one in told if tenant.portal.two_tier or one.field not in OF_TWO_TIERS]


def _company_names(tx: Tx, story: DealStory, history: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Names of all companies that the deal named at some time, by id."""
    sides = ("owner_company", "second_partner")
    said = [value for one in story.fields if one.field in sides for value in (one.value, *(value for value, _ in one.replaced))]
    said += [change[part] for change in history if change["field"] in sides for part in ("old", "new")]
    return {company.id: company.name for company in companies.by_ids(tx, {str(one) for one in said if one}).values()}


def _change(change: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A line of the history. **Shapes** `field` "": the deal's beginning, which sets many."""
    old, new = plain(change["old"]), None if change["field"] == "" else plain(change["new"])
    return {**change, "old": names.get(str(old), old), "new": names.get(str(new), new)}
