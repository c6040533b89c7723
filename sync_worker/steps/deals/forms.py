"""FORMS: which fields a portal's forms have, as the mapping names them and as the CRM described them last. No call is made here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from sync_worker.domain.core.conditions.condition import ConditionField, ConditionKind
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.deals.quotes.quote import CYCLES
from sync_worker.domain.deals.registration import REGISTRABLE
from sync_worker.domain.deals.travel import after_record
from sync_worker.domain.distributors.parenthood import COMPANIES
from sync_worker.mapping.catalog import CatalogField
from sync_worker.mapping.compile import RecordMap
from sync_worker.mapping.condition_fields import company_fields, condition_fields
from sync_worker.mapping.fields import FieldMap
from sync_worker.mapping.grammar import Direction
from sync_worker.mapping.transforms import decimal_places, kind_of
from sync_worker.mapping.vocabulary import AMOUNT, KIND_BY_FIELD, domain_values
from sync_worker.steps.core.tenant import COMPANY, Tenant, field_rules
from sync_worker.steps.people.wording import MOST

FormKind: TypeAlias = Literal["text", "number", "money", "date", "list", "set", "boolean", "company"]
Travels: TypeAlias = Direction | Literal["none"]
Shape: TypeAlias = Literal["deal", "company"]

TERM: Final = "term_years"
REQUIRED: Final[Mapping[Shape, frozenset[str]]] = {"deal": frozenset({"owner_company"}), "company": frozenset({"name"})}
NAMES: Final = ("name", "prospect_name")
"""A registration must give one of them."""
OF_TWO_TIERS: Final = frozenset({"second_partner", "second_partners", "may_register", "agreement_state"})
_KINDS: Final[Mapping[ConditionKind, FormKind]] = {
    "text": "text",
    "list": "list",
    "set": "set",
    "integer": "number",
    "decimal": "number",
    "boolean": "boolean",
    "date": "date",
    "reference": "company",
}


@dataclass(frozen=True, slots=True)
class FormValue:
    """One value of a list, as the portal writes it, and what people of the CRM read."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form.

    **Shapes** `label`: as the CRM calls the field; "" where it was not described. `max_length`: of a text; `decimals`: of a number, None
    where nothing limits them. `values`: where there is a list. `direction` "none": the field stays in the portal.
    """

    name: str
    kind: FormKind
    label: str
    is_attribute: bool
    max_length: int | None
    decimals: int | None
    values: tuple[FormValue, ...] | None
    is_registrable: bool
    is_required: bool
    is_editable: bool
    direction: Travels


@dataclass(frozen=True, slots=True)
class RecordForm:
    """The fields of one record type. **Shapes** `described_at`: when the CRM described it; None where it has to be asked (again)."""

    record: str
    described_at: datetime | None
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Forms:
    """The form of companies, and one for each record type in which a deal can live, that of the registration first."""

    company: RecordForm
    deals: tuple[RecordForm, ...]


def forms(tenant: Tenant) -> Forms:
    """What the portal's forms need."""
    records = tenant.described.last().mapping.records
    deals = [records[name] for name in tenant.deal_records()]
    registered_as = records[tenant.portal.deals.record]
    return Forms(
        _form(tenant, records[COMPANY], dict(_of_companies(tenant, records[COMPANY]))),
        tuple(_form(tenant, record, dict(_of_deals(tenant, record, registered_as))) for record in deals),
    )


def listed_values(tenant: Tenant, field: str) -> tuple[FormValue, ...] | None:
    """The values of this field of a registration; None where any value passes."""
    of_deals, *_ = forms(tenant).deals
    return next((one.values for one in of_deals.fields if one.name == field), None)


def _form(tenant: Tenant, record: RecordMap, fields: Mapping[str, FormField]) -> RecordForm:
    shown = (fields[name] for name in sorted(fields) if tenant.portal.two_tier or name not in OF_TWO_TIERS)
    return RecordForm(record.record, tenant.described.last().at.get(record.native), tuple(shown))


def _of_companies(tenant: Tenant, record: RecordMap) -> Iterator[tuple[str, FormField]]:
    """A company begins in the CRM. Only a subgroup begins in the portal, with a name that its parent gives."""
    kinds = company_fields(record, two_tier=tenant.portal.two_tier)
    for name, field in record.in_portal.fields.items():
        if name in kinds:
            is_named = name == "name" and tenant.portal.two_tier and field.direction != "pull"
            is_renamed = is_named and field.write in ("always", "update")
            yield name, _mapped(tenant, record, field, kinds[name], is_registrable=is_named, is_editable=is_renamed)


def _of_deals(tenant: Tenant, record: RecordMap, registered_as: RecordMap) -> Iterator[tuple[str, FormField]]:
    mapped, begun = record.in_portal, registered_as.in_portal
    own = REGISTRABLE | COMPANIES | {name for name, field in mapped.fields.items() if field.is_attribute}
    kinds, rules = condition_fields(record), field_rules(mapped)
    stuck = after_record(rules, registered_with=begun.fields.keys(), base=dict.fromkeys(rules, Base(None, None)))
    for name in own:
        if name in mapped.fields:
            is_registrable = name in begun.fields and begun.fields[name].direction != "pull"
            is_editable = name not in stuck
            yield name, _mapped(tenant, record, mapped.fields[name], kinds[name], is_registrable=is_registrable, is_editable=is_editable)
        elif name not in begun.fields:
            yield name, _unmapped(name)


def _mapped(
    tenant: Tenant, record: RecordMap, field: FieldMap, kind: ConditionField, *, is_registrable: bool, is_editable: bool
) -> FormField:
    described = _described(tenant, record, field)
    shown = _kind(field.field, kind.kind, record.kind)
    return FormField(
        name=field.field,
        kind=shown,
        label=described.label if described else "",
        is_attribute=field.is_attribute,
        max_length=min(field.longest or MOST, MOST) if shown == "text" else None,
        decimals=_decimals(field) if shown in ("number", "money") else None,
        values=_values(field, kind, described.labels if described else {}),
        is_registrable=is_registrable,
        is_required=is_registrable and field.field in REQUIRED[record.kind],
        is_editable=is_editable,
        direction=field.direction,
    )


def _unmapped(name: str) -> FormField:
    """A field that no record of the CRM has a place for: the portal is the only one that knows it."""
    listed = _terms() if name == TERM else domain_values("deal", name)
    kind = _kind(name, "list" if listed and name != TERM else KIND_BY_FIELD["deal"].get(name, "text"), "deal")
    return FormField(
        name=name,
        kind=kind,
        label="",
        is_attribute=False,
        max_length=MOST if kind == "text" else None,
        decimals=0 if kind == "number" else None,
        values=None if listed is None else tuple(FormValue(value, value) for value in listed),
        is_registrable=True,
        is_required=name in REQUIRED["deal"],
        is_editable=True,
        direction="none",
    )


def _described(tenant: Tenant, record: RecordMap, field: FieldMap) -> CatalogField | None:
    catalog = tenant.described.last().catalogs.get(record.native)
    return catalog.fields.get(field.native) if catalog else None


def _kind(name: str, kind: ConditionKind, shape: Shape) -> FormKind:
    return "money" if shape == "deal" and name == AMOUNT else _KINDS[kind]


def _decimals(field: FieldMap) -> int | None:
    """**Shapes** None: the currency of the deal says them."""
    if field.money_places is not None:
        return None
    return decimal_places(field.transform) if kind_of(field.transform) == "decimal" else 0


def _values(field: FieldMap, kind: ConditionField, labels: Mapping[str, str]) -> tuple[FormValue, ...] | None:
    if field.field == TERM:
        return tuple(FormValue(years, years) for years in _terms())
    if kind.values is None:
        return None
    spelled = {str(value): native for native, value in reversed(list((field.listed or {}).items()))}
    return tuple(FormValue(value, labels.get(spelled.get(value, value), spelled.get(value, value))) for value in kind.values)


def _terms() -> tuple[str, ...]:
    return tuple(map(str, sorted(CYCLES)))
