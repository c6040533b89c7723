"""The grammar of `mappings/<crm>.yaml` as a pydantic model; the JSON Schema that editors complete from is made from the same model.

Scalars come as their text (`sync_worker.config.source`). Where two shapes may be written (`native: X` or `native: {lead: X}`), a
validator decides which it is before pydantic looks, so that one mistake gives one message. What one field alone cannot say stands in
`lint.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from sync_worker.config.portal import CrmKind
from sync_worker.config.scalars import Flag
from sync_worker.config.source import LIST_FOR_MAP, MAP_LINES
from sync_worker.config.validation import shown, wrong
from sync_worker.mapping.transforms import MAX_PLACES, NAMES, kind_of
from sync_worker.nearest import did_you_mean

EVERY_RECORD = "*"
DECIMALS = re.compile(r"decimal\(-?[0-9]+\)")
FROM_CRM = "from_crm"
RecordName: TypeAlias = Literal["company", "lead", "opportunity", "deal"]
Direction: TypeAlias = Literal["pull", "push", "both"]
WriteMode: TypeAlias = Literal["always", "create", "update", "once"]
ConflictRule: TypeAlias = Literal["crm", "portal", "newest", "ask"]


@dataclass(frozen=True, slots=True)
class Values:
    """A value map.

    **Shapes** `pairs`: (native, portal) as written, in order; a list is pairs of equals; empty and `is_from_crm` for `from_crm`.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    is_from_crm: bool = False
    is_list: bool = False


# ── shapes decided by hand ────────────────────────────────────────────────────────────────────────────────────────────────────


def _natives(value: Any) -> dict[str, str]:
    """Record → native name; `*` where one name serves every record."""
    if isinstance(value, str):
        return {EVERY_RECORD: _word(value)}
    if isinstance(value, dict) and value:
        return {record: _word(native) for record, native in value.items()}
    if isinstance(value, list):
        raise wrong("a list stands where a name or a map belongs", "native: Name, or native: {lead: Name, opportunity: Other}")
    raise wrong(f"must be a native name or a mapping {{record: name}}, not {shown(value)}", "native: Name")


def _values(value: Any) -> Values:
    if value == FROM_CRM:
        return Values(is_from_crm=True)
    if isinstance(value, dict) and value:
        return Values(pairs=tuple((native.strip(), _word(portal)) for native, portal in value.items()))
    if isinstance(value, list) and value:
        words = [_word(item) for item in value]
        twice = next((word for word in words if words.count(word) > 1), None)
        if twice:
            raise wrong(f"{twice!r} stands twice", "keep one")
        return Values(pairs=tuple((word, word) for word in words), is_list=True)
    near = did_you_mean(value, [FROM_CRM]) if isinstance(value, str) else ""
    raise wrong(f"must be a mapping, a list or from_crm, not {shown(value)}", near or "values: {Active: active}, [A, B] or from_crm")


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise wrong(f"must be text, not {shown(value)}", "write it in quotes if YAML reads the word as no value (null, ~)")
    return value.strip()


def _constants(value: Any) -> dict[str, str]:
    if isinstance(value, list):
        raise wrong(LIST_FOR_MAP, MAP_LINES)
    if not isinstance(value, dict):
        raise wrong(f"must be a mapping {{native: constant}}, not {shown(value)}")
    return {native: _word(constant) for native, constant in value.items()}


def _null(value: Any) -> str | None:
    if value not in (None, ""):
        raise wrong(f'must be null or "", not {shown(value)}')
    return None if value is None else ""


def _transform(value: str) -> str:
    if DECIMALS.fullmatch(value) and kind_of(value) is None:
        raise wrong(f"{value!r} is out of range", f"decimal(n) takes n from 0 to {MAX_PLACES}, the digits after the point")
    if value == "text" or kind_of(value) is None:
        near = did_you_mean(value, ["decimal(2)", *(name for name in NAMES if not name.startswith("decimal"))])
        raise wrong(f"{value!r} is not a transform", f"{near + ' ' if near else ''}allowed: {_TRANSFORMS}; text needs none")
    return value


def _written(value: Any) -> Any:
    if value is None:
        raise wrong("has no value", "give a field at least `native:`, or leave it out")
    return value


_TRANSFORMS = ", ".join(["decimal(n)", *(name for name in NAMES if not name.startswith("decimal"))])
_TEXT = {"type": "string", "minLength": 1}
_TEXT_BY_TEXT = {"type": "object", "additionalProperties": _TEXT, "minProperties": 1}
_SCALAR = {"type": ["string", "number", "boolean"]}  # editors read YAML's types; we read the text

Natives: TypeAlias = Annotated[dict[str, str], PlainValidator(_natives), WithJsonSchema({"anyOf": [_TEXT, _TEXT_BY_TEXT]})]
ValueMap: TypeAlias = Annotated[
    Values,
    PlainValidator(_values),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": FROM_CRM},
                {"type": "array", "items": _SCALAR, "minItems": 1},
                {"type": "object", "additionalProperties": _SCALAR, "minProperties": 1},
            ]
        }
    ),
]
Constants: TypeAlias = Annotated[
    dict[str, str], PlainValidator(_constants), WithJsonSchema({"type": "object", "additionalProperties": _SCALAR})
]
Null: TypeAlias = Annotated[str | None, PlainValidator(_null), WithJsonSchema({"enum": [None, ""]})]
Word: TypeAlias = Annotated[str, BeforeValidator(_word), WithJsonSchema(_SCALAR)]
TransformName: TypeAlias = Annotated[
    str,
    AfterValidator(_transform),
    WithJsonSchema({"type": "string", "pattern": "^(" + "|".join(NAMES).replace("(", r"\(").replace(")", r"\)") + ")$"}),
]


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class MappingPart(BaseModel):
    """One mapping of the file: frozen, and no key but the named ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class WireSpec(MappingPart):
    """How this CRM spells emptiness, truth and numbers in a write."""

    null: Null = Field(default=None, description='What clears a field: null or "".')
    boolean: Literal["json", "text"] = Field(default="json", description='json: true; text: "true".')
    number: Literal["json", "text"] = Field(default="json", description='json: 1.5; text: "1.5".')


class RecordSpec(MappingPart):
    """One record type of the CRM."""

    native: Word = Field(description="API name of the record type: Account, companies.")
    key: Word = Field(description="API name of the unique field that holds our own id.")
    converts_to: RecordName | None = Field(default=None, description="The record this one turns into (a Lead: opportunity).")
    on_create: Constants = Field(default_factory=dict, description="Constants that every create carries: {Status: Open}.")


class Records(MappingPart):
    """The record types by our names: one company, and what stands behind a deal."""

    company: RecordSpec | None = Field(default=None, description="Account, Company.")
    lead: RecordSpec | None = Field(default=None, description="A deal as a Lead.")
    opportunity: RecordSpec | None = Field(default=None, description="A deal as an Opportunity.")
    deal: RecordSpec | None = Field(default=None, description="A deal as a Deal.")

    def named(self) -> dict[str, RecordSpec]:
        """The records that are given, in the order company, lead, opportunity, deal."""
        return {name: spec for name in type(self).model_fields if (spec := getattr(self, name)) is not None}


class FieldSpec(MappingPart):
    """One field: where it lies in the CRM, how its values are read and spelled, and which way it travels."""

    native: Natives | None = Field(default=None, description="API name of the CRM's field; {lead: X, opportunity: Y} where they differ.")
    association: Word | None = Field(default=None, description="Instead of native: the association to a company that holds the value.")
    transform: TransformName | None = Field(default=None, description=f"How the value is read: {_TRANSFORMS}. Text needs none.")
    values: ValueMap | None = Field(
        default=None, description="A map native: portal (the first wins on the way back), a list of allowed values, or from_crm."
    )
    default: Word | None = Field(default=None, description="The portal value for a blank or unlisted native value. Never written.")
    create_default: Word | None = Field(default=None, description="The portal value a create carries where we have none.")
    direction: Direction = Field(default="pull", description="pull: CRM to portal (default); push: portal to CRM; both.")
    write: WriteMode = Field(default="always", description="When a pushed value is written: always (default), create, update, once.")
    conflict: ConflictRule = Field(default="crm", description="Who wins when both sides changed: crm (default), portal, newest, ask.")
    rule_field: Flag = Field(default=False, description="true: association rules may use it.")
    optional: Flag = Field(default=False, description="true: left out where the CRM has no such field.")

    def native_on(self, record: str) -> str | None:
        """The native name on this record; `None` where the field has none there."""
        names: Mapping[str, str] = self.native or {}
        return names.get(record, names.get(EVERY_RECORD))


OneField: TypeAlias = Annotated[FieldSpec | None, BeforeValidator(_written)]


class CompanyFields(MappingPart):
    """The company's own fields, and the portal's under `attributes`."""

    name: OneField = Field(default=None, description="The company's name.")
    portal_status: OneField = Field(default=None, description="active, inactive or pending; blank: not a company of the portal.")
    account_type: OneField = Field(default=None, description="vendor, partner or second_partner.")
    account_owner_email: OneField = Field(default=None, description="Who owns the account on the vendor's side.")
    second_partners: OneField = Field(default=None, description="multi_select: the partner's second partners (contracts).")
    portal_id: OneField = Field(default=None, description="The portal's own id, written back once.")
    may_register: OneField = Field(default=None, description="boolean: may this company register deals.")
    agreement_state: OneField = Field(default=None, description="Where the signed agreement stands.")
    attributes: dict[str, Annotated[FieldSpec, BeforeValidator(_written)]] = Field(
        default_factory=dict, description="The portal's own fields; names are free."
    )


class DealFields(MappingPart):
    """The deal's own fields, and the portal's under `attributes`."""

    owner_company: OneField = Field(default=None, description="company_ref: the company that registered the deal.")
    second_partner: OneField = Field(default=None, description="company_ref: the second company on the deal.")
    name: OneField = Field(default=None, description="The deal's name.")
    prospect_name: OneField = Field(default=None, description="The prospect's company.")
    contact_first_name: OneField = Field(default=None, description="The prospect's contact.")
    contact_last_name: OneField = Field(default=None, description="The prospect's contact.")
    contact_email: OneField = Field(default=None, description="The prospect's contact.")
    amount: OneField = Field(default=None, description="decimal(n).")
    currency: OneField = Field(default=None, description="ISO code; multi-currency orgs only.")
    expected_close_on: OneField = Field(default=None, description="date, or datetime_to_date.")
    deal_type: OneField = Field(default=None, description="The portal's deal types: new, renewal, …")
    licence_count: OneField = Field(default=None, description="integer.")
    term_years: OneField = Field(default=None, description="integer: 1 to 3.")
    billing_cycle: OneField = Field(default=None, description="annual, monthly or up_front.")
    stage: OneField = Field(default=None, description="The sales stage, as the CRM has it.")
    outcome: OneField = Field(default=None, description="open, won or lost.")
    vendor_approval: OneField = Field(default=None, description="pending, approved, rejected, returned or renewal_pending.")
    distributor_approval: OneField = Field(default=None, description="not_required, pending, approved, rejected or renewal_pending.")
    vendor_decided_by: OneField = Field(default=None, description="Who decided on the vendor's track last.")
    vendor_decided_on: OneField = Field(default=None, description="date, or datetime_to_date: the day of that decision.")
    vendor_reason: OneField = Field(default=None, description="Why the vendor decided so; a text of several lines.")
    distributor_decided_by: OneField = Field(default=None, description="Who decided on the second partner's track last.")
    distributor_decided_on: OneField = Field(default=None, description="date, or datetime_to_date: the day of that decision.")
    distributor_reason: OneField = Field(default=None, description="Why the second partner decided so; a text of several lines.")
    lifecycle: OneField = Field(default=None, description="draft, submitted, … won, lost.")
    is_registered: OneField = Field(default=None, description="boolean: registered and neither rejected, withdrawn nor expired.")
    quote_state: OneField = Field(default=None, description="Where the quote stands.")
    expires_on: OneField = Field(default=None, description="date, or datetime_to_date.")
    crm_owner: OneField = Field(default=None, description="The CRM user who owns the record.")
    attributes: dict[str, Annotated[FieldSpec, BeforeValidator(_written)]] = Field(
        default_factory=dict, description="The portal's own fields; names are free."
    )


AccountTypeValues: TypeAlias = dict[Literal["vendor", "partner", "second_partner"], Word]


class Example(MappingPart):
    """A golden pair: native + portal is a read, portal + create is a write. Only the fields named are compared."""

    record: RecordName = Field(description="The record the example is about.")
    native: dict[str, Any] | None = Field(default=None, description="A record as the CRM sends it.")
    portal: dict[str, Any] = Field(description="The same record in the portal; attributes stand flat.")
    create: dict[str, Any] | None = Field(default=None, description="What a create of it sends.")
    account_type_values: AccountTypeValues = Field(
        default_factory=dict, description="The portal's spellings of the account types, where they matter."
    )
    overrides: dict[str, Any] = Field(default_factory=dict, description="As in a portal file: {company.name.native: X}.")


class MappingFile(MappingPart):
    """How one CRM spells what the portal means."""

    version: Annotated[Literal["1"], WithJsonSchema({"const": 1})] = Field(description="1.")
    crm: CrmKind = Field(description="The CRM that the file speaks of, as `crm.kind` of a portal file names it.")
    wire: WireSpec = Field(default_factory=WireSpec, description="How empty, true and 1.5 are spelled in a write.")
    records: Records = Field(description="The CRM's record types by our names.")
    company: CompanyFields = Field(description="The fields of a company.")
    deal: DealFields = Field(default_factory=DealFields, description="The fields of a deal.")
    account_type_values: AccountTypeValues = Field(
        default_factory=dict, description="What $vendor, $partner and $second_partner stand for where no portal is asked: in examples."
    )
    examples: tuple[Example, ...] = Field(default=(), description="Checked by `sync-worker mappings test`.")


def fields_of(part: CompanyFields | DealFields) -> dict[str, FieldSpec]:
    """The mapped fields by name, attributes flat behind the domain's own."""
    own = {name: spec for name in type(part).model_fields if isinstance(spec := getattr(part, name), FieldSpec)}
    return own | part.attributes


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a mapping file, for editors."""
    schema = MappingFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "sync-worker mapping"}
