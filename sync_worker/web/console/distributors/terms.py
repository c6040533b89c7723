"""Terms and agreements of two companies: those that hold, those before, and every version of the signed agreement.

The vendor's admin sets them between a second partner and the vendor. Those of a partner are set by its second partner, in the portal.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.distributors.terms import DatedTerms, Pair, download_refusal, looking_refusal, read_terms, setting_refusal
from sync_worker.domain.distributors.upload import AGREEMENT
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.distributors import agree
from sync_worker.steps.distributors.agree import IncomingFile
from sync_worker.store.distributors import agreements, terms
from sync_worker.web.api.core.route import file_answer, pieces_of
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, ConsoleChange, ConsoleVisit, Managing
from sync_worker.web.console.core.named import company_of_page, refuse_without_second_partners
from sync_worker.web.console.core.route import UploadingRoute, console_router

router = console_router()
uploads = console_router(route=UploadingRoute)

PERCENT: Final = "percent:"  # a field of the form: percent:new
MORE: Final = ("more_type", "more_percent")


@router.get("/terms/{company_id}/{upper_id}")
def show_terms(visit: Managing, company_id: str, upper_id: str) -> Response:
    """The terms now and before, and the agreements, the latest first."""
    company, upper = _pair(visit, company_id, upper_id)
    _refuse(looking_refusal(company, upper, visit.for_vendor))
    pair = Pair(company.id, upper.id)
    with visit.tenant.store.reading(visit.portal) as tx:
        history, versions = terms.history(tx, pair), agreements.versions(tx, pair)
    context = visit.context(
        here="Distributors", company=company, upper=upper, history=history[::-1], versions=versions,
        fields=_fields(visit, history), is_free=not visit.tenant.portal.deals.types, percent=PERCENT,
        is_theirs=setting_refusal(company, upper, visit.for_vendor) is not None,
    )  # fmt: skip
    return visit.console.pages.show("distributors/terms.html", context)


@router.post("/terms/{company_id}/{upper_id}")
def set_terms(change: Arranging, company_id: str, upper_id: str) -> Response:
    """From now on these terms hold; those before stay as history."""
    visit, tenant = change.visit, change.visit.tenant
    company, upper = _pair(visit, company_id, upper_id)
    agreed = read_terms(bool(change.text("may_register")), _percents(change), deal_types=tenant.portal.deals.types)
    if isinstance(agreed, Refusal):
        raise _away(agreed, 422)
    _refuse(agree.set_terms(tenant, company, upper, agreed, actor=visit.for_vendor))
    visit.console.follow_ups(visit.portal, [FollowUp(Work.PUSH)])
    return _back(visit, company, upper)


@uploads.post("/terms/{company_id}/{upper_id}/agreements")
def upload_agreement(change: Arranging, company_id: str, upper_id: str) -> Response:
    """One more version of the signed agreement."""
    visit, file = change.visit, change.form.get("file")
    company, upper = _pair(visit, company_id, upper_id)
    if not isinstance(file, UploadFile) or not file.filename:
        raise TurnedAway(422, "Nothing was changed", "Choose a file: a PDF, PNG or JPEG of at most 20 MB.")
    incoming = IncomingFile(file.filename, pieces_of(file.file))
    kept = agree.put_on_file(visit.tenant, visit.console.installation.files, company, upper, incoming, actor=visit.for_vendor)
    if isinstance(kept, Refusal):
        raise _away(kept, 409)
    visit.console.follow_ups(visit.portal, [FollowUp(Work.PUSH)])
    return _back(visit, company, upper)


@router.get("/terms/{company_id}/{upper_id}/agreements/{agreement_id}")
def download_agreement(visit: Managing, company_id: str, upper_id: str, agreement_id: str) -> Response:
    """The file of one version."""
    company, upper = _pair(visit, company_id, upper_id)
    _refuse(download_refusal(company, upper, visit.for_vendor))
    with visit.tenant.store.reading(visit.portal) as tx:
        one = agreements.get(tx, agreement_id)
    is_theirs = one is not None and (one.company_id, one.upper_id) == (company.id, upper.id)
    pieces = visit.console.installation.files.read(one.key) if one and is_theirs else None
    if one is None or pieces is None:
        raise TurnedAway(404, "There is no such agreement", f"{company.name} has no such agreement with {upper.name}. See the list.")
    ending = next(kind.endings[0] for kind in AGREEMENT.types if kind.media_type == one.media_type)
    return file_answer(pieces, one.media_type, f"agreement-{one.version}{ending}")


def _pair(visit: ConsoleVisit, company_id: str, upper_id: str) -> tuple[Company, Company]:
    tenant = visit.tenant
    refuse_without_second_partners(tenant)
    with tenant.store.reading(visit.portal) as tx:
        return company_of_page(tx, tenant, company_id), company_of_page(tx, tenant, upper_id)


def _fields(visit: ConsoleVisit, history: list[DatedTerms]) -> list[tuple[str, Any]]:
    """The deal types of the portal, or those that have a percent, with the percent of now."""
    held = history[-1].terms.percents if history else {}
    return [(name, held.get(name, "")) for name in (visit.tenant.portal.deals.types or sorted(held))]


def _percents(change: ConsoleChange) -> dict[str, str]:
    """Deal type → percent as it was written. A type without a percent is left out."""
    named = [(name.removeprefix(PERCENT), change.text(name)) for name in change.form if name.startswith(PERCENT)]
    more_type, more_percent = map(change.text, MORE)
    return {name: percent for name, percent in (*named, (more_type, more_percent)) if name and percent}


def _refuse(refusal: Refusal | None) -> None:
    if refusal:
        raise _away(refusal, 409)


def _away(refusal: Refusal, status: int) -> TurnedAway:
    return TurnedAway(status, "It cannot be done", f"{refusal.why}. Right would be: {refusal.who_may}.")


def _back(visit: ConsoleVisit, company: Company, upper: Company) -> Response:
    return RedirectResponse(f"{visit.address}/terms/{company.id}/{upper.id}", 303)
