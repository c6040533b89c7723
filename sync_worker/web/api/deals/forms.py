"""What a portal's forms need: the portal's words and choices, and the fields of deals and companies. The CRM is not asked for it."""

from __future__ import annotations

from typing import Any, Final

from sync_worker.domain.core.company import AccountType
from sync_worker.domain.deals.quotes.quote import CYCLES
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.forms import NAMES, RecordForm, forms, listed_values
from sync_worker.web.api.core import views
from sync_worker.web.api.core.authentication import Reading
from sync_worker.web.api.core.route import portal_router
from sync_worker.web.api.deals import form_shapes

router = portal_router("portal")

LANGUAGES: Final = ["en"]  # of the templates in mail/ and of notifications


@router.get("", response_model_exclude_unset=True)
def get_portal(visit: Reading) -> form_shapes.PortalView:
    """Returns what the portal's forms need to know of the portal: labels, types, approvals, terms, currencies, and what is switched on."""
    tenant = visit.tenant
    portal = tenant.portal
    types = portal.deals.types or [one.value for one in listed_values(tenant, "deal_type") or ()]
    currencies = listed_values(tenant, "currency")
    return form_shapes.PortalView(
        portal=portal.name,
        time_zone=portal.time_zone,
        two_tier=portal.two_tier,
        account_types=[form_shapes.AccountTypeLabelView(account_type=kind, label=label) for kind, label in _labels(tenant).items()],
        tracks=sorted(tenant.tracks),
        deal_types=list(types),
        terms=[form_shapes.TermView(years=years, billing_cycles=sorted(cycles)) for years, cycles in sorted(CYCLES.items())],
        currencies=None if currencies is None else [one.value for one in currencies],
        languages=LANGUAGES,
        **(_of_two_tiers(tenant) if portal.two_tier else {}),
    )


@router.get("/fields")
def get_fields(visit: Reading) -> form_shapes.FieldsView:
    """Lists the fields of deals and companies as the CRM described them last: kind, length, values, and when each can be set."""
    found = forms(visit.tenant)
    return form_shapes.FieldsView(company=_form(found.company), deals=[_form(one) for one in found.deals], one_of_required=[list(NAMES)])


def _labels(tenant: Tenant) -> dict[AccountType, str]:
    portal = tenant.portal
    labels = {AccountType.VENDOR: portal.vendor.display_label or "Vendor", AccountType.PARTNER: portal.partner.display_label or "Partner"}
    return {**labels, AccountType.SECOND_PARTNER: views.label_of(tenant)} if portal.two_tier else labels


def _of_two_tiers(tenant: Tenant) -> dict[str, Any]:
    return {
        "second_partner_label": views.label_of(tenant),
        "association_mode": tenant.portal.associations.mode,
        "has_subgroups": True,
        "on_behalf": tenant.portal.deals.on_behalf,
    }


def _form(form: RecordForm) -> form_shapes.RecordFormView:
    return form_shapes.RecordFormView.model_validate(form, from_attributes=True)
