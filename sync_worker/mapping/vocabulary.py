"""The words a mapping may use on the portal's side: the kind of value each canonical field holds, and the closed lists of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.domain.core.deal import DistributorApproval, Lifecycle, Outcome, VendorApproval
from sync_worker.domain.core.stamp import REASONS, TEXTS
from sync_worker.domain.deals.quotes.quote import BillingCycle
from sync_worker.mapping.transforms import Kind

RecordKind: TypeAlias = Literal["company", "deal"]
AMOUNT, CURRENCY = "amount", "currency"
TEXT_AREAS = REASONS
CUT_TO_FIT = frozenset(TEXTS)
"""Texts of which the CRM gets as much as its field holds: the deal and its history keep them whole."""

PLACEHOLDERS = {f"${kind}": str(kind) for kind in AccountType}
# Canonical fields that are not plain text.
KIND_BY_FIELD: Mapping[RecordKind, Mapping[str, Kind]] = {
    "company": {"second_partners": "set", "may_register": "boolean"},
    "deal": {
        "owner_company": "reference",
        "second_partner": "reference",
        "amount": "decimal",
        "expected_close_on": "date",
        "expires_on": "date",
        "vendor_decided_on": "date",
        "distributor_decided_on": "date",
        "licence_count": "integer",
        "term_years": "integer",
        "is_registered": "boolean",
    },
}
TRANSFORM_BY_KIND: Mapping[Kind, str] = {
    "text": "none",
    "decimal": "decimal(2)",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date or datetime_to_date",
    "set": "multi_select",
    "reference": "company_ref",
}


_LISTS: Mapping[RecordKind, Mapping[str, type[StrEnum]]] = {
    "company": {"portal_status": PortalStatus, "account_type": AccountType},
    "deal": {
        "vendor_approval": VendorApproval,
        "distributor_approval": DistributorApproval,
        "lifecycle": Lifecycle,
        "outcome": Outcome,
        "billing_cycle": BillingCycle,
    },
}


def domain_values(kind: RecordKind, field: str) -> tuple[str, ...] | None:
    """The closed list of a canonical field; `None` where its values are free."""
    words = _LISTS[kind].get(field)
    return None if words is None else tuple(str(word) for word in words)
