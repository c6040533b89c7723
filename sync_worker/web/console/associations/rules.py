"""Rules: what each says, and what other rules would do. They stand in the portal file, where an operator puts what was tried here."""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

from fastapi import Response

from sync_worker.config.portal import Portal
from sync_worker.config.portal_rules import written_rules
from sync_worker.domain.associations.rule import spoken
from sync_worker.errors import ConfigError
from sync_worker.steps.associations.evaluate import is_due, rules_in
from sync_worker.steps.associations.rule_members import RULE
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.plan import plan_rules
from sync_worker.store.associations import evaluations
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, ConsoleVisit, Managing
from sync_worker.web.console.core.named import refuse_without_second_partners
from sync_worker.web.console.core.route import console_router

router = console_router()

SHOWN_COUNT: Final = 25
_TRYING: Final = Lock()  # a preview works on a copy of every company: one of them in a process at a time


@router.get("/rules")
def show_rules(visit: Managing) -> Response:
    """The rules of the portal, in sentences, with a place to try others."""
    refuse_without_second_partners(visit.tenant)
    return visit.console.pages.show("associations/rules.html", _context(visit, written_rules(visit.tenant.portal)))


@router.post("/rules/preview")
def preview_rules(change: Arranging) -> Response:
    """What these rules would do in place of those that count. Nothing is changed, and nothing is saved."""
    visit, tenant, text = change.visit, change.visit.tenant, change.lines("rules")
    refuse_without_second_partners(tenant)
    if tenant.portal.associations.mode != "rules":
        raise TurnedAway(409, "This portal goes by contracts", "Rules join no companies here, so there is nothing to try.")
    if not _TRYING.acquire(blocking=False):
        raise TurnedAway(409, "Other rules are being tried", "One preview runs at a time. Go back, and send yours again in a minute.")
    try:
        edited, found = plan_rules(tenant, text, visit.console.installation.settings.mappings_dir, limit=SHOWN_COUNT)
    except ConfigError as wrong:
        context = _context(visit, text) | {"mistakes": [str(one) for one in wrong.mistakes] or [str(wrong)]}
        return visit.console.pages.show("associations/rules.html", context, status=422)
    finally:
        _TRYING.release()
    kinds = [(kind, found.listings[kind]) for kind in ("associations_added", "associations_removed")]
    context = _context(visit, text) | {"tried": _sentences(edited), "found": found, "kinds": kinds, "to_save": written_rules(edited)}
    return visit.console.pages.show("associations/rules.html", context)


def _context(visit: ConsoleVisit, text: str) -> dict[str, Any]:
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        standing = evaluations.standing(tx)
        problems = failures.listed(tx, FailureFilter(object=RULE))
    return visit.context(
        here="Rules", mode=tenant.portal.associations.mode, sentences=_sentences(tenant.portal), text=text, problems=problems,
        stood_at=standing.stood_at if standing else None, is_due=_is_due(tenant), mistakes=[], tried=[], found=None,
    )  # fmt: skip


def _is_due(tenant: Tenant) -> bool:
    return tenant.portal.associations.mode == "rules" and is_due(tenant)


def _sentences(portal: Portal) -> list[tuple[str, str]]:
    """(name, sentence) of each rule."""
    partner = portal.partner.display_label or "partner"
    second = portal.second_partner.display_label or "second partner"
    return [(rule.name, spoken(rule, partner=partner, second=second)) for rule in rules_in(portal)]
