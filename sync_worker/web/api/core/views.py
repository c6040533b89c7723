"""A deal as it goes out: its shape, and what may be done with it now. Who may see it at all is decided in `sight`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import Actor, Deal
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.stamp import DISTRIBUTOR
from sync_worker.domain.core.values import plain
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.flags import OF_TWO_TIERS, Flag, FlagReader
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.flag import flags_of, reader_of
from sync_worker.steps.deals.move import Moved, open_to
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.rows import COLUMNS
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import deal_shape
from sync_worker.web.api.core.authentication import PersonalVisit
from sync_worker.web.api.core.visibility import deal_seen

JSON: Final = {"Content-Type": "application/json"}


def location_of(portal: str, *steps: str) -> dict[str, str]:
    """The header that says where what was created stands."""
    return {"Location": "/".join(("/portals", portal, *steps))}


def etag_of(version: int) -> str:
    """The version as HTTP spells it."""
    return f'"{version}"'


def show(tx: Tx, tenant: Tenant, stored: StoredDeal, actor: Actor, reader: FlagReader) -> deal_shape.DealView:
    """The whole deal, with what the actor may do."""
    (one,) = list_of(tx, tenant, [stored], reader)
    return one.model_copy(update={"moves": list(open_to(tx, tenant, stored.deal, actor))})


def list_of(tx: Tx, tenant: Tenant, found: Sequence[StoredDeal], reader: FlagReader) -> list[deal_shape.DealView]:
    """Deals with the names of their companies, and what this reader is shown to be wrong with them."""
    flags = flags_of(tx, tenant, [one.deal.id for one in found], reader)
    named = companies.by_ids(tx, {company for one in found for company in (one.deal.owner_company, one.deal.second_partner) if company})
    return [_deal(tenant, stored, named, flags[stored.deal.id]) for stored in found]


def moved_answer(tx: Tx, visit: PersonalVisit, moved: Moved, *, status: int = 200) -> Answer:
    """The deal after a move; an empty answer (204) if the person does not see it any more."""
    stored = deal_seen(tx, visit, moved.deal.id)
    if stored is None:
        return Answer(204, "")
    shown = show(tx, visit.tenant, stored, visit.actor, reader_of(visit.actor)).model_copy(
        update={"warnings": list(_warnings(moved.warnings))}
    )
    place = location_of(visit.portal, "deals", stored.deal.id) if status == 201 else {}
    headers = {**JSON, "ETag": etag_of(stored.version), **place}
    return Answer(status, shown.model_dump_json(exclude_unset=True), headers)


def label_of(tenant: Tenant) -> str:
    """What people call a second partner here."""
    return tenant.portal.second_partner.display_label or "second partner"


def labels_of(tenant: Tenant) -> dict[AccountType, str]:
    """What people call the account types that this portal shows."""
    portal = tenant.portal
    labels = {
        AccountType.VENDOR: portal.vendor.display_label or "Vendor",
        AccountType.PARTNER: portal.partner.display_label or "Partner",
    }
    return labels | ({AccountType.SECOND_PARTNER: label_of(tenant)} if portal.two_tier else {})


def _deal(tenant: Tenant, stored: StoredDeal, named: Mapping[str, Company], flags: Sequence[Flag]) -> deal_shape.DealView:
    deal = stored.deal
    known = {name: deal.values.get(name) for name in COLUMNS if name in deal_shape.DealView.model_fields and name not in OF_TWO_TIERS}
    shown: dict[str, Any] = {
        **known,
        "id": deal.id,
        "version": stored.version,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
        "registered_at": stored.registered_at,
        "owner_company_name": _name(deal.owner_company, named),
        "outcome": deal.outcome,
        "vendor_approval": deal.vendor_approval,
        "lifecycle": deal.lifecycle,
        "flags": [deal_shape.FlagView(**flag._asdict()) for flag in flags],
        "is_registered": bool(deal.values.get("is_registered")),
        "attributes": {name: plain(value) for name, value in sorted(deal.values.items()) if name not in COLUMNS},
    }
    return deal_shape.DealView(**shown, **(_second(tenant, deal, named) if tenant.portal.two_tier else {}))


def _second(tenant: Tenant, deal: Deal, named: Mapping[str, Company]) -> dict[str, Any]:
    return {
        "second_partner": deal.second_partner,
        "second_partner_name": _name(deal.second_partner, named),
        "second_partner_label": label_of(tenant),
        "distributor_approval": deal.distributor_approval,
        **{name: deal.values.get(name) for name in DISTRIBUTOR},
    }


def _name(company_id: str | None, named: Mapping[str, Company]) -> str | None:
    found = named.get(company_id or "")
    return found.name if found else None


def _warnings(problems: Iterable[Problem]) -> Iterable[deal_shape.WarningView]:
    return (deal_shape.WarningView(code=one.code, field=one.field, message=one.message) for one in problems)
