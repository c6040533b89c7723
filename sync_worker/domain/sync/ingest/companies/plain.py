"""The plain records of a page, judged column by column: most records of a load are read without a fault, and ask for no decision.

`arrival.py` says what one record makes of a company, and what is wrong with it. This file says the same of many records at once, as long
as nothing is wrong; every other record is left to `arrival.py`. A property holds both against each other
(tests/integration/steps/test_columns.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sync_worker.domain.core.company import AccountType, Company, Mark, PortalStatus
from sync_worker.domain.core.values import Plain, Value, plain
from sync_worker.domain.sync.ingest.companies.record import CompanyRules
from sync_worker.domain.sync.ingest.own_key import key_of

_STATUSES: Final[Mapping[Value, PortalStatus]] = {status.value: status for status in PortalStatus}
_TYPES: Final[Mapping[Value, AccountType]] = {kind.value: kind for kind in (AccountType.PARTNER, AccountType.SECOND_PARTNER)}


class CompanyColumns(NamedTuple):
    """Live records, column by column.

    **Shapes** `ids`: of their companies, whether the portal knows them or not. `values`: field → each record's value. `odd`: the places
    of records to be left out, of which a value is absent or says more than itself.
    """

    crm_ids: Sequence[str]
    ids: Sequence[str]
    values: Mapping[str, Sequence[Value]]
    odd: set[int]


def plain_companies(records: CompanyColumns, rules: CompanyRules) -> list[Company | None]:
    """What each record makes of a company, whether it is known or not; None for a record to be judged by itself."""
    nothing = [None] * len(records.ids)
    names = records.values.get("name", nothing)
    statuses = [_STATUSES.get(value) for value in records.values.get("portal_status", nothing)]
    types = [_TYPES.get(value) for value in records.values.get("account_type", nothing)]
    owners = records.values.get("account_owner_email", nothing)
    contracts = records.values.get("second_partners", nothing)
    rows = zip(records.ids, records.crm_ids, names, statuses, types, owners, _attributes(records, rules), contracts, strict=True)
    left = records.odd | _without_rule_fields(records, rules)
    return [
        Company(id_, crm_id, name, status, kind, owner or None, attributes, values or ())
        if status and kind and place not in left and crm_id != rules.vendor_crm_id and _is_fit(name, kind)
        else None
        for place, (id_, crm_id, name, status, kind, owner, attributes, values) in enumerate(rows)
    ]


def is_as_it_was(mark: Mark, key: object, digest: int) -> bool:
    """Whether the record makes the company what it is: it says what it said then, and our id stands there, or does not, as it is known to.

    **Shapes** `key`: what stands in our key field; `digest`: of all else that was read.
    """
    return mark.digest == digest and (key == mark.company_id if mark.is_patched else not key_of(key))


def _is_fit(name: Value, kind: AccountType) -> bool:
    """A name of which nothing is to be said: a second partner's with a semicolon no contract value can spell."""
    return type(name) is str and not name.isspace() and name != "" and (kind is AccountType.PARTNER or ";" not in name)


def _without_rule_fields(records: CompanyColumns, rules: CompanyRules) -> set[int]:
    """The places of records on which a field is blank that rules use."""
    columns = [records.values[name] for name in rules.rule_fields]
    return {place for column in columns for place, value in enumerate(column) if not value and value is not False}


def _attributes(records: CompanyColumns, rules: CompanyRules) -> list[dict[str, Plain]]:
    """Own fields of each record, those that are blank left out."""
    names = tuple(rules.attribute_names)
    if not names:
        return [{} for _ in records.ids]
    columns = [_set_values(records.values[name]) for name in names]
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in zip(*columns, strict=True)]


def _set_values(column: Sequence[Value]) -> list[Plain]:
    """The JSON form of each value, None where it is blank."""
    return [value or None if type(value) is str else None if value is None or value == () else plain(value) for value in column]
