"""What a CRM record makes of a company.

The CRM decides about companies, but a wrong value does little harm: a blank or renamed value never turns a distributor into a partner,
and nothing in the CRM deletes a company. What is odd is applied as far as it makes sense, and reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from sync_worker.domain.associations.association import unfit_name
from sync_worker.domain.core.company import NOT_LISTED, AccountType, Company, PortalStatus
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import Plain, Value, plain
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord, CompanyRules
from sync_worker.errors import InvalidRecord


class Arrival(NamedTuple):  # made 100,000 times in a first load, and a tuple is made in half the time of a frozen dataclass
    """What a CRM record makes of a company. **Shapes** `company` is `None` exactly when `skipped` says why."""

    company: Company | None
    problems: tuple[Problem, ...] = ()
    skipped: str = ""


NOT_OURS: Final = Arrival(None, (), "not_ours")

_UNSET: Final = object()
_STATUSES: Final[Mapping[object, PortalStatus]] = {status.value: status for status in PortalStatus}
_TYPES: Final[Mapping[object, AccountType]] = {kind.value: kind for kind in AccountType}


def arrive(record: CompanyRecord, known: Company | None, rules: CompanyRules) -> Arrival:
    """What the record makes of the company, and what is wrong with it.

    **Raises** `InvalidRecord` (`name_blank`) for a company of ours without a name.
    """
    is_vendor = record.crm_id == rules.vendor_crm_id
    status, wrong_status = _status(record, known, is_vendor=is_vendor)
    if status is None:
        return Arrival(None, tuple(_hinted(record, wrong_status)), wrong_status[0].code) if wrong_status else NOT_OURS
    account_type, wrong_type = _account_type(record, known, is_vendor=is_vendor)
    values, attributes = record.values, _attributes(record.values, known, rules.attribute_names)
    rule_fields = frozenset[str]() if is_vendor else rules.rule_fields
    wrong = (*wrong_status, *wrong_type)
    if record.unreadable or not rule_fields <= attributes.keys():
        wrong += (*_wrong_rule_fields(record, attributes, rule_fields), *_unreadable(record, rule_fields))
    if record.unlisted:
        wrong += tuple(Problem(NOT_LISTED, name, f"{name} {words}") for name, words in sorted(record.unlisted.items()))
    name = values.get("name", known.name if known else None)
    if not isinstance(name, str) or not name.strip():
        raise InvalidRecord("a company needs a name", code="name_blank", field="name")
    owner_email = values.get("account_owner_email", known.account_owner_email if known else None)
    contract_values = values.get("second_partners", known.second_partner_values if known else ())
    company = Company(
        known.id if known else record.new_id,
        record.crm_id,
        name,
        status,
        account_type,
        owner_email or None,  # type: ignore[arg-type]  # the mapping yields text here
        attributes,
        contract_values or (),  # type: ignore[arg-type]  # the mapping yields a set of text here
    )
    unfit = unfit_name(company, is_mapped=record.crm_id in rules.mapped) if rules.has_contracts else None
    if not (wrong or unfit or record.text):
        return Arrival(company)
    return Arrival(company, (*_hinted(record, wrong), *filter(None, (unfit, record.text))))


def _hinted(record: CompanyRecord, problems: tuple[Problem, ...]) -> Iterator[Problem]:
    """What the mapping could not read is told with what it can read, and where that is written."""
    for problem in problems:
        hint = record.hints.get(problem.field)
        yield replace(problem, message=f"{problem.message} — {hint}") if hint else problem


def _status(record: CompanyRecord, known: Company | None, *, is_vendor: bool) -> tuple[PortalStatus | None, tuple[Problem, ...]]:
    """The portal status, or `None` when the record is not ours; and what is wrong with it."""
    given = record.values.get("portal_status")
    status = _STATUSES.get(given)
    if status is not None:
        return status, ()
    last = known.status if known else PortalStatus.ACTIVE if is_vendor else None
    if given is not None or "portal_status" in record.unreadable:
        spelling = record.unreadable.get("portal_status", plain(given))
        return last, (Problem("status_unknown", "portal_status", f"portal status {spelling!r} is not a status of the mapping", spelling),)
    if "portal_status" in record.values and known and not is_vendor:
        return PortalStatus.INACTIVE, ()
    return last, ()


def _account_type(record: CompanyRecord, known: Company | None, *, is_vendor: bool) -> tuple[AccountType, tuple[Problem, ...]]:
    """The account type, and what is wrong with it: never guessed from nonsense, the vendor's only for the vendor."""
    values, unreadable = record.values, record.unreadable
    given = _TYPES.get(values.get("account_type"))
    if is_vendor:
        return AccountType.VENDOR, tuple(_vendor_type(given, unreadable))
    if given is AccountType.PARTNER or given is AccountType.SECOND_PARTNER:
        return given, ()
    last = known.account_type if known and known.account_type is not AccountType.VENDOR else AccountType.PARTNER
    if given is not None:
        return last, (
            Problem(
                "vendor_type_elsewhere",
                "account_type",
                f"the record has the vendor's type, and it is not the vendor; it stays {last}",
                given.value,
            ),
        )
    if "account_type" in unreadable or values.get("account_type") is not None:
        spelling = unreadable.get("account_type", plain(values.get("account_type")))
        return last, (
            Problem(
                "account_type_unknown",
                "account_type",
                f"{spelling!r} is not an account type of the mapping; the company stays {last}",
                spelling,
            ),
        )
    if known is None or "account_type" in values:
        return last, (Problem("account_type_blank", "account_type", f"the account type is not set; the company stays {last}"),)
    return last, ()


def _vendor_type(given: AccountType | None, unreadable: Mapping[str, str]) -> Iterator[Problem]:
    """A CRM that calls the vendor something else is ignored, not silently."""
    spelling = unreadable.get("account_type", given.value if given else None)
    if spelling is not None and spelling != AccountType.VENDOR.value:
        yield Problem("vendor_type_ignored", "account_type", f"the vendor's own company is not {spelling!r}", spelling)


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


def _wrong_rule_fields(record: CompanyRecord, attributes: Mapping[str, Plain], rule_fields: frozenset[str]) -> Iterator[Problem]:
    """Blank and unlisted values in fields that rules use, for every company whatever its status."""
    for name in sorted(rule_fields):
        if name in record.unreadable:
            message = f"{name} holds {record.unreadable[name]!r}, which is not listed"
            yield Problem("rule_field_unlisted", name, message, record.unreadable[name])
        elif not attributes.get(name) and attributes.get(name) is not False and not record.values.get(name):
            yield Problem("rule_field_blank", name, f"{name} is blank, and a blank never matches")


def _unreadable(record: CompanyRecord, told: frozenset[str]) -> Iterator[Problem]:
    """Whatever else the mapping could not read is never silence. **Shapes** `told`: fields of which it is said already."""
    for name in sorted(record.unreadable.keys() - told - {"portal_status", "account_type"}):
        message = f"{name} holds {record.unreadable[name]!r}, which the mapping cannot read"
        yield Problem("value_unreadable", name, message, record.unreadable[name])
