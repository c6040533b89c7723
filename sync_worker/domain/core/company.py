"""A company as the portal knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from sync_worker.domain.core.values import Plain

NOT_LISTED: Final = "value_not_listed"  # read as it stands


class AccountType(StrEnum):
    """The type of a company in the portal."""

    VENDOR = "vendor"
    PARTNER = "partner"
    SECOND_PARTNER = "second_partner"


class PortalStatus(StrEnum):
    """Whether a company takes part. The vendor sets it in the CRM."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Company:
    """One company of one portal.

    **Shapes** `id` is ours; `crm_id` is `None` only where no CRM record exists yet. `attributes` hold set values only.
    `second_partner_values` are the contract values as the CRM spells them (contracts mode).
    """

    id: str
    crm_id: str | None
    name: str
    status: PortalStatus
    account_type: AccountType
    account_owner_email: str | None = None
    attributes: Mapping[str, Plain] = field(default_factory=dict)
    second_partner_values: tuple[str, ...] = ()
    is_deleted: bool = False

    @property
    def cited(self) -> str:
        """As sentences name it."""
        return f"{self.name} ({self.crm_id or 'not in the CRM yet'})"

    @property
    def takes_part(self) -> bool:
        """Whether it may be associated, and have new deals: active, and still in the CRM."""
        return self.status is PortalStatus.ACTIVE and not self.is_deleted

    @property
    def is_inactive(self) -> bool:
        """Whether it is out of business here: inactive, or deleted in the CRM. One that is pending is neither."""
        return self.is_deleted or self.status is PortalStatus.INACTIVE


@dataclass(slots=True)  # not frozen: made for every company of a first load
class StoredCompany:
    """A company and its place in the order of reads.

    **Shapes** `is_patched`: its portal id stands in the CRM, or another key that is not written over. `digest`: of the CRM's record that
    made it so, None where something was wrong.
    """

    company: Company
    crm_modified_at: datetime | None
    settled_no: int = 0
    is_patched: bool = False
    digest: int | None = None


class Mark(NamedTuple):
    """What tells whether a company's record is as it was, without the company."""

    company_id: str
    settled_no: int
    is_patched: bool
    digest: int | None


def company_values(company: Company) -> dict[str, Plain]:
    """The fields that people know of a company, by their names in a mapping, attributes flat."""
    return {
        **company.attributes,
        "name": company.name,
        "portal_status": company.status.value,
        "account_type": company.account_type.value,
        "account_owner_email": company.account_owner_email,
        "second_partners": list(company.second_partner_values) or None,
    }


def depart(known: Company) -> Company:
    """The company after its CRM record was deleted: inactive, never gone. The vendor's own company stays as it is, except the mark."""
    status = known.status if known.account_type is AccountType.VENDOR else PortalStatus.INACTIVE
    return replace(known, status=status, is_deleted=True)
