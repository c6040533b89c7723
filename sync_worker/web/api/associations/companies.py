"""Companies, and whom each may work with: the Associated Partners view, the options of the deal form, and why or why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from fastapi import Depends, Query

from sync_worker.domain.associations import association
from sync_worker.domain.associations.association import Association, Exclusion
from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.steps.associations.associate import options, whom, why
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import groups
from sync_worker.web.api.associations import company_shapes, company_views
from sync_worker.web.api.core import shapes, views
from sync_worker.web.api.core.authentication import Reading, Word
from sync_worker.web.api.core.paging import Moment, PageOf, cursor_of
from sync_worker.web.api.core.references import CompanyRef, company_of, group_of, of_two_tiers, refuse_of_two_tiers
from sync_worker.web.api.core.route import portal_router, problems

router = portal_router("companies")

At: TypeAlias = Annotated[
    Moment | None,
    Query(description="Answers for this moment in the past. Without it, the answer is for now.", examples=["2026-03-02T09:00:00Z"]),
]


@dataclass(frozen=True, slots=True)
class CompaniesAsked:
    """Which companies are asked for."""

    account_type: AccountType | None = None
    status: PortalStatus | None = None
    text: Annotated[Word, Query(description="Only companies with this text in their name. Upper and lower case are the same.")] = None
    group: Annotated[Word, Query(description="Only companies that are in this group, by its key.")] = None


@router.get("/companies")
def list_companies(
    asked: Annotated[CompaniesAsked, Depends()], visit: Reading, page: PageOf
) -> shapes.PageView[company_shapes.CompanyView]:
    """Lists the companies of the portal by name."""
    tenant = visit.tenant
    name, company_id = page.place(2) or ("", "")
    refuse_of_two_tiers(tenant, {"account_type": asked.account_type is AccountType.SECOND_PARTNER})
    wanted = companies.CompanyFilter(company_views.types_shown_as(tenant, asked.account_type), asked.status, asked.text)
    with tenant.store.reading(visit.portal) as tx:
        after, limit = (name, company_id), page.looked_for
        if asked.group:
            found = groups.companies_in(tx, group_of(tx, asked.group), wanted, after=after, limit=limit)
        else:
            found = companies.listed(tx, wanted, after=after, limit=limit)
    some = page.cut([stored.company for stored in found], lambda one: (one.name, one.id))
    return shapes.PageView(items=[company_views.company(tenant, one) for one in some.items], next=some.next)


@router.get("/companies/{company_id}", responses=problems(404))
def get_company(visit: Reading, company_id: CompanyRef) -> company_shapes.CompanyView:
    """Returns one company."""
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        return company_views.company(tenant, company_of(tx, tenant, company_id))


@router.get("/companies/{company_id}/associated-partners", responses=problems(404))
def list_associated_partners(visit: Reading, company_id: CompanyRef, page: PageOf, at: At = None) -> company_shapes.AssociatedPartnersView:
    """Lists the companies that may work with this one, with every reason, and beside them what was excluded, and why.

    A page holds these companies by id. What was excluded stands on the page where its company belongs.
    """
    (after,) = page.place(1) or ("",)
    tenant = of_two_tiers(visit.tenant)
    with tenant.store.reading(visit.portal) as tx:
        one = company_of(tx, tenant, company_id)
        found, excluded = whom(tx, one, at=at, after=after, limit=page.limit)
        others = {_other(pair, one) for pair in found}
        known = companies.by_ids(tx, others)
        seen = sorted(others | {out.company_id for out in excluded if out.company_id})
        following = seen[-1] if len(seen) >= page.limit and _goes_on(tx, one, at, seen[-1]) else None
    return company_shapes.AssociatedPartnersView(
        items=[_pair(tenant, pair, known[_other(pair, one)]) for pair in sorted(found, key=lambda pair: _other(pair, one))],
        excluded=[_excluded(out) for out in excluded],
        second_partner_label=views.label_of(tenant),
        next=cursor_of(following) if following else None,
    )


@router.get("/companies/{company_id}/associated-partners/{other_id}", responses=problems(404))
def get_associated_partner(visit: Reading, company_id: CompanyRef, other_id: CompanyRef, at: At = None) -> company_shapes.PairView:
    """Explains why two companies may work together, or what is missing. `at` asks how it was at an earlier time."""
    tenant = of_two_tiers(visit.tenant)
    with tenant.store.reading(visit.portal) as tx:
        told = why(tx, company_of(tx, tenant, company_id), company_of(tx, tenant, other_id, place="other_id"), at=at)
    return company_shapes.PairView(
        is_associated=told.is_associated, words=told.words, code=told.code, since=told.since, reasons=list(_reasons(told.reasons))
    )


@router.get("/companies/{company_id}/options", responses=problems(404))
def list_second_partner_options(visit: Reading, company_id: CompanyRef, page: PageOf) -> company_shapes.OptionsView:
    """Lists the second partners that a deal of this company may name. The server checks the choice again when the deal is registered."""
    tenant = of_two_tiers(visit.tenant)
    with tenant.store.reading(visit.portal) as tx:
        found = options(tx, company_of(tx, tenant, company_id))
    some = page.rising(found, company_views.by_name)
    items = [company_shapes.CompanyNameView(id=one.id, name=one.name) for one in some.items]
    return company_shapes.OptionsView(second_partner_label=views.label_of(tenant), is_offered=bool(found), items=items, next=some.next)


def _goes_on(tx: Tx, one: Company, at: datetime | None, after: str) -> bool:
    found, excluded = whom(tx, one, at=at, after=after, limit=1)
    return bool(found or any(out.company_id for out in excluded))


def _other(pair: Association, one: Company) -> str:
    return pair.second_partner_id if pair.partner_id == one.id else pair.partner_id


def _pair(tenant: Tenant, pair: Association, other: Company) -> company_shapes.AssociatedPartnerView:
    return company_shapes.AssociatedPartnerView(
        company=company_views.company(tenant, other), since=pair.since, reasons=list(_reasons(pair.reasons))
    )


def _reasons(reasons: Iterable[association.Reason]) -> Iterable[company_shapes.ReasonView]:
    for reason in reasons:
        words, partner, second = reason.tell()
        yield company_shapes.ReasonView(
            source=reason.source,
            name=reason.name,
            words=words,
            since=reason.since,
            run_id=reason.run_id,
            partner_values={name: list(values) for name, values in partner.items()},
            second_partner_values={name: list(values) for name, values in second.items()},
        )


def _excluded(out: Exclusion) -> company_shapes.NotAssociatedView:
    return company_shapes.NotAssociatedView(company_id=out.company_id, value=out.value, code=out.code, why=out.why)
