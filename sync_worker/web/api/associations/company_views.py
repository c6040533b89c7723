"""A company as it goes out."""

from __future__ import annotations

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.steps.core.tenant import Tenant
from sync_worker.web.api.associations import company_shapes


def company(tenant: Tenant, one: Company) -> company_shapes.CompanyView:
    """A company."""
    return company_shapes.CompanyView(
        id=one.id,
        crm_id=one.crm_id,
        name=one.name,
        status=one.status,
        account_type=_shown_type(tenant, one.account_type),
        attributes=dict(one.attributes),
        is_deleted=one.is_deleted,
    )


def types_shown_as(tenant: Tenant, kind: AccountType | None) -> frozenset[AccountType] | None:
    """The types of the companies that are shown as this type; None = any."""
    if kind is None:
        return None
    return frozenset(one for one in AccountType if _shown_type(tenant, one) is kind)


def by_name(one: Company) -> tuple[str, str]:
    """A company's place in a list by name."""
    return one.name, one.id


def _shown_type(tenant: Tenant, kind: AccountType) -> AccountType:
    """Without second partners there is no such type."""
    return AccountType.PARTNER if kind is AccountType.SECOND_PARTNER and not tenant.portal.two_tier else kind
