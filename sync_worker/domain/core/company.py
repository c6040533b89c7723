"""A company as the portal knows it, and what becomes of one when the CRM's record arrives.

The CRM is the source of truth for companies, but not for nonsense: a blank or relabelled value never turns a distributor into a partner
and nothing in the CRM deletes a company. Whatever is odd is applied as far as it makes sense, and reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import Plain, Value, plain
from sync_worker.errors import InvalidRecord

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


class Arrival(NamedTuple):  # made 100,000 times in a first load, and a tuple is made in half the time of a frozen dataclass
    """What a CRM record makes of a company. **Shapes** `company` is `None` exactly when `skipped` says why."""

    company: Company | None
    problems: tuple[Problem, ...] = ()
    skipped: str = ""


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


_UNSET: Final = object()
_NOTHING: Final[Mapping[str, str]] = {}
NOT_OURS: Final = Arrival(None, (), "not_ours")

_STATUSES: Final[Mapping[object, PortalStatus]] = {status.value: status for status in PortalStatus}
_TYPES: Final[Mapping[object, AccountType]] = {kind.value: kind for kind in AccountType}


def arrive(
    values: Mapping[str, Value],
    *,
    unreadable: Mapping[str, str],
    unlisted: Mapping[str, str] = _NOTHING,
    crm_id: str,
    company_id: str,
    known: Company | None,
    is_vendor: bool,
    attribute_names: frozenset[str],
    rule_fields: frozenset[str],
) -> Arrival:
    """Say what a normalized CRM record makes of this company, and what is wrong with it.

    **Shapes** A key absent from `values` is unset (what we know stays), `None` is cleared. `unreadable`: field → the CRM's spelling,
    for values the mapping could not read; those are absent from `values`, or from the set there. `unlisted`: field → in words, for values
    that were read as they stand and are on no list of the CRM. `company_id` counts for a new company only.

    **Raises** `InvalidRecord` (`name_blank`) for a company of ours without a name.
    """
    problems: list[Problem] = []
    status = _status(values, unreadable, known, is_vendor, problems)
    if status is None:
        return Arrival(None, tuple(problems), problems[0].code) if problems else NOT_OURS
    account_type = _account_type(values, unreadable, known, is_vendor, problems)
    attributes = _attributes(values, known, attribute_names)
    if rule_fields and not is_vendor:
        _check_rule_fields(values, unreadable, attributes, rule_fields, problems)
    if unreadable:
        _report_unreadable(unreadable, rule_fields if not is_vendor else frozenset(), problems)
    problems.extend(Problem(NOT_LISTED, name, f"{name} {words}") for name, words in sorted(unlisted.items()))
    name = values.get("name", known.name if known else None)
    if not isinstance(name, str) or not name.strip():
        raise InvalidRecord("a company needs a name", code="name_blank", field="name")
    owner_email = values.get("account_owner_email", known.account_owner_email if known else None)
    contract_values = values.get("second_partners", known.second_partner_values if known else ())
    company = Company(
        known.id if known else company_id,
        crm_id,
        name,
        status,
        account_type,
        owner_email or None,  # type: ignore[arg-type]  # the mapping yields text here
        attributes,
        contract_values or (),  # type: ignore[arg-type]  # the mapping yields a set of text here
    )
    return Arrival(company, tuple(problems) if problems else ())


def depart(known: Company) -> Company:
    """The company after its CRM record was deleted: inactive, never gone. The vendor's own company stays as it is, except the mark."""
    status = known.status if known.account_type is AccountType.VENDOR else PortalStatus.INACTIVE
    return replace(known, status=status, is_deleted=True)


def _status(
    values: Mapping[str, Value],
    unreadable: Mapping[str, str],
    known: Company | None,
    is_vendor: bool,
    problems: list[Problem],
) -> PortalStatus | None:
    """The portal status, or `None` when the record is not ours."""
    given = values.get("portal_status")
    status = _STATUSES.get(given)
    if status is not None:
        return status
    last = known.status if known else PortalStatus.ACTIVE if is_vendor else None
    if given is not None or "portal_status" in unreadable:
        spelling = unreadable.get("portal_status", plain(given))
        problems.append(Problem("status_unknown", "portal_status", f"portal status {spelling!r} is not one of ours", spelling))
        return last
    if "portal_status" in values and known and not is_vendor:
        return PortalStatus.INACTIVE
    return last


def _account_type(
    values: Mapping[str, Value],
    unreadable: Mapping[str, str],
    known: Company | None,
    is_vendor: bool,
    problems: list[Problem],
) -> AccountType:
    """The account type: never guessed from nonsense, the vendor's only for the vendor."""
    given = _TYPES.get(values.get("account_type"))
    if not is_vendor and (given is AccountType.PARTNER or given is AccountType.SECOND_PARTNER):
        return given
    if is_vendor:
        _report_vendor_type(given, unreadable, problems)
        return AccountType.VENDOR
    last = known.account_type if known and known.account_type is not AccountType.VENDOR else AccountType.PARTNER
    if given is not None:
        problems.append(Problem("vendor_type_elsewhere", "account_type", f"not the vendor; kept as {last}", given.value))
    elif "account_type" in unreadable or values.get("account_type") is not None:
        spelling = unreadable.get("account_type", plain(values.get("account_type")))
        problems.append(Problem("account_type_unknown", "account_type", f"{spelling!r} is not an account type; kept as {last}", spelling))
    elif known is None or "account_type" in values:
        problems.append(Problem("account_type_blank", "account_type", f"account type is not set; kept as {last}"))
    return last


def _report_vendor_type(given: AccountType | None, unreadable: Mapping[str, str], problems: list[Problem]) -> None:
    """A CRM that calls the vendor something else is ignored, not silently."""
    spelling = unreadable.get("account_type", given.value if given else None)
    if spelling is not None and spelling != AccountType.VENDOR.value:
        problems.append(Problem("vendor_type_ignored", "account_type", f"the vendor's own company is not {spelling!r}", spelling))


def _attributes(values: Mapping[str, Value], known: Company | None, names: frozenset[str]) -> Mapping[str, Plain]:
    """Own fields: absent keeps, cleared removes, a value sets."""
    attributes: dict[str, Plain] = dict(known.attributes) if known else {}
    for name in names:
        value = values.get(name, _UNSET)
        if type(value) is str and value:
            attributes[name] = value
        elif value is None or value in ("", ()):
            attributes.pop(name, None)
        elif value is not _UNSET:
            attributes[name] = plain(value)  # type: ignore[arg-type]  # _UNSET is gone by here
    return attributes


def _check_rule_fields(
    values: Mapping[str, Value],
    unreadable: Mapping[str, str],
    attributes: Mapping[str, Plain],
    rule_fields: frozenset[str],
    problems: list[Problem],
) -> None:
    """Blank and unlisted values in fields that rules use, for every company whatever its status."""
    if not unreadable and rule_fields <= attributes.keys():
        return
    for name in sorted(rule_fields):
        if name in unreadable:
            message = f"{name} holds {unreadable[name]!r}, which is not listed"
            problems.append(Problem("rule_field_unlisted", name, message, unreadable[name]))
        elif not attributes.get(name) and attributes.get(name) is not False and not values.get(name):
            problems.append(Problem("rule_field_blank", name, f"{name} is blank, and a blank never matches"))


def _report_unreadable(unreadable: Mapping[str, str], reported: frozenset[str], problems: list[Problem]) -> None:
    """Whatever else the mapping could not read is never silence."""
    for name in sorted(unreadable.keys() - reported - {"portal_status", "account_type"}):
        message = f"{name} holds {unreadable[name]!r}, which the mapping cannot read"
        problems.append(Problem("value_unreadable", name, message, unreadable[name]))
