"""Which fields conditions may name, and of what kind each is: as the portal's mapping reads it, with the values of its list."""

from __future__ import annotations

from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.domain.core.conditions.condition import ConditionField, ConditionKind
from sync_worker.domain.core.values import plain, values_of
from sync_worker.mapping.compile import RecordMap
from sync_worker.mapping.fields import FieldMap
from sync_worker.mapping.transforms import kind_of


def company_fields(record: RecordMap, *, two_tier: bool) -> dict[str, ConditionField]:
    """Those of a company: its name, type and status, and every field that the mapping reads from the CRM.

    **Shapes** `record`: the mapping's record type of companies. The values of a company under these names are `company_values`.
    """
    mapped = record.in_portal.fields
    read = {name: field for name, field in condition_fields(record).items() if mapped[name].direction != "push"}
    types = tuple(str(kind) for kind in AccountType if two_tier or kind is not AccountType.SECOND_PARTNER)
    if not two_tier:
        read.pop("second_partners", None)
    return {
        **read,
        "name": ConditionField("name", "text"),
        "account_type": ConditionField("account_type", "list", types),
        "portal_status": ConditionField("portal_status", "list", tuple(map(str, PortalStatus))),
    }


def condition_fields(*records: RecordMap) -> dict[str, ConditionField]:
    """Every field that one of these record types maps, those that rest included. Where several map it, the first one says its kind."""
    return {name: _field(field) for record in reversed(records) for name, field in record.in_portal.fields.items()}


def _field(field: FieldMap) -> ConditionField:
    allowed = None if field.allowed is None else tuple(text for value in field.allowed for text in values_of(plain(value)))
    return ConditionField(field.field, _kind(field), allowed)


def _kind(field: FieldMap) -> ConditionKind:
    if field.is_set:
        return "set"
    if field.money_places is not None:
        return "decimal"
    kind = kind_of(field.transform) or "text"
    return "list" if kind == "text" and (field.has_list or field.allowed is not None) else kind
