"""Rules: what each says, and what other rules would do. They stand in the portal file, where an operator puts what was tried here.

A worker tries them, on a copy of every company: a page only asks, and shows the answer when it is there.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.config.portal import Portal
from sync_worker.config.portal_rules import with_rules, written_rules
from sync_worker.domain.associations.rule import spoken
from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.errors import ConfigError
from sync_worker.steps.associations.evaluate import is_due, rules_in
from sync_worker.steps.associations.rule_members import RULE
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.inquire import ask_rules, work_of
from sync_worker.store.associations import evaluations
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.operate import inquiries
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, ConsoleVisit, Managing
from sync_worker.web.console.core.halted import refuse_paused
from sync_worker.web.console.core.named import refuse_without_second_partners
from sync_worker.web.console.core.route import console_router

router = console_router()

OTHERS: Final = TurnedAway(
    409, "Other rules are being tried", "A worker tries one text at a time. Go back, and send yours again when it is done."
)
GONE: Final = TurnedAway(404, "There is no such answer", "Answers are deleted after a week, or the address is mistyped.")


@router.get("/rules")
def show_rules(visit: Managing) -> Response:
    """The rules of the portal, in sentences, with a place to try others."""
    refuse_without_second_partners(visit.tenant)
    return visit.console.pages.show("associations/rules.html", _context(visit, written_rules(visit.tenant.portal)))


@router.post("/rules/preview")
def preview_rules(change: Arranging) -> Response:
    """A worker tries these rules in place of those that count. Nothing is changed, and nothing is saved."""
    visit, tenant, text = change.visit, change.visit.tenant, change.lines("rules")
    refuse_without_second_partners(tenant)
    if tenant.portal.associations.mode != "rules":
        raise TurnedAway(409, "This portal goes by contracts", "Rules join no companies here, so there is nothing to try.")
    refuse_paused(visit)
    try:
        asked = ask_rules(tenant, text, actor=visit.actor)
    except ConfigError as wrong:
        context = _context(visit, text) | {"mistakes": [str(one) for one in wrong.mistakes] or [str(wrong)]}
        return visit.console.pages.show("associations/rules.html", context, status=422)
    if asked is None:
        raise OTHERS
    visit.console.follow_ups(visit.portal, [work_of(InquiryKind.RULES)])
    return RedirectResponse(f"{visit.address}/rules/tried/{asked.id}", 303)


@router.get("/rules/tried/{inquiry_id}")
def show_tried(request: Request, visit: Managing, inquiry_id: str) -> Response:
    """What other rules would do, or how far a worker is with it."""

    def look() -> dict[str, Any]:
        with visit.tenant.store.reading(visit.portal) as tx:
            asked = inquiries.get(tx, inquiry_id)
        if asked is None or asked.kind is not InquiryKind.RULES:
            raise GONE
        return visit.context(here="Rules", asked=asked, answer=asked.result, **_typed(visit.tenant, asked.said))

    return visit.console.pages.show_live(request, "associations/tried", look)


def _typed(tenant: Tenant, text: str) -> dict[str, Any]:
    """The rules of the text, in sentences, and as the portal file may have them."""
    try:
        edited = with_rules(tenant.portal, text)
    except ConfigError:  # the portal file was changed after the rules were tried
        return {"tried": [], "to_save": text}
    return {"tried": _sentences(edited), "to_save": written_rules(edited)}


def _context(visit: ConsoleVisit, text: str) -> dict[str, Any]:
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        standing = evaluations.standing(tx)
        problems = failures.listed(tx, FailureFilter(object=RULE))
        latest = inquiries.latest(tx, InquiryKind.RULES, limit=1)
    return visit.context(
        here="Rules", mode=tenant.portal.associations.mode, sentences=_sentences(tenant.portal), text=text, problems=problems,
        stood_at=standing.stood_at if standing else None, is_due=_is_due(tenant), mistakes=[], latest=latest[0] if latest else None,
    )  # fmt: skip


def _is_due(tenant: Tenant) -> bool:
    return tenant.portal.associations.mode == "rules" and is_due(tenant)


def _sentences(portal: Portal) -> list[tuple[str, str]]:
    """(name, sentence) of each rule."""
    partner = portal.partner.display_label or "partner"
    second = portal.second_partner.display_label or "second partner"
    return [(rule.name, spoken(rule, partner=partner, second=second)) for rule in rules_in(portal)]
