"""Grammar + portal + catalogs → plain functions: native record → our values, our values → native record.

Everything that can be decided once is decided here, because `normalize` runs for every record of a 100,000-company first load:
which fields exist, what each value list allows, how each value is spelled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from decimal import Decimal
from typing import Any, NamedTuple, Protocol, TypeVar

import orjson

from sync_worker.domain.core.money import rounded
from sync_worker.domain.core.values import Value, plain
from sync_worker.domain.sync.ingest.resting import may_rest_alone
from sync_worker.errors import InvalidRecord, Place
from sync_worker.mapping.catalog import Catalog, CatalogField, association_field
from sync_worker.mapping.fields import FieldMap, NativeField, Spelling, distinct, field_map, read_column, unknown_members
from sync_worker.mapping.grammar import FieldSpec, RecordSpec, fields_of
from sync_worker.mapping.load import LoadedMapping
from sync_worker.mapping.places import place_of
from sync_worker.mapping.transforms import ValueMistake, WireForm
from sync_worker.mapping.vocabulary import AMOUNT, CURRENCY, PLACEHOLDERS, RecordKind
from sync_worker.nearest import did_you_mean, listed

T = TypeVar("T", "FieldMistake", "Unlisted")
ABSENT: Any = object()
NO_MEANING = {"examples", "account_type_values"}  # parts of a file that no portal reads


class Dialect(Protocol):
    """What a mapping needs to know of a portal; `Portal` is one."""

    @property
    def account_type_values(self) -> Mapping[str, str]:
        """Account type → the CRM's spelling."""

    @property
    def zone(self) -> tzinfo:
        """Which day a moment belongs to."""


@dataclass(frozen=True, slots=True)
class FieldMistake:
    """A native value that could not be read; of a set, those of its members.

    **Shapes** `allowed`: native values, where there is a list; `written`: where the mapping says what can be read, file:line:column.
    """

    field: str
    native: str
    value: Any
    code: str
    what: str
    allowed: tuple[str, ...] = ()
    written: str = ""

    @property
    def hint(self) -> str:
        """What helps: `did you mean 'Active'? allowed: Active, Inactive; see mappings/crm.yaml:23:21`."""
        words = [word.strip() for word in str(self.value or "").split(";")]
        near = next(filter(None, (did_you_mean(word, self.allowed) for word in words)), "")
        choice = f"{near} allowed: {listed(self.allowed)}".lstrip() if self.allowed else ""
        return "; ".join(filter(None, (choice, f"see {self.written}" if self.written else "")))


@dataclass(slots=True)
class Reading:
    """One native record in our words.

    **Shapes** `values`: a field whose native key is absent, or whose value is a mistake, has no key; a set has the members that were read.
    `spellings`: the native values as sent, for fields we write (the base needs them), mistaken ones included. `unlisted`: values that were
    read as they stand, and that the CRM has on no list of its own.
    """

    values: dict[str, Value]
    spellings: dict[str, Any]
    mistakes: tuple[FieldMistake, ...]
    unlisted: tuple[Unlisted, ...] = ()

    def without(self, fields: Collection[str]) -> Reading:
        """The same, as if these fields had not been read; their spellings stay."""
        values = {name: value for name, value in self.values.items() if name not in fields}
        return Reading(values, self.spellings, _but(self.mistakes, fields), _but(self.unlisted, fields)) if fields else self


class Columns(NamedTuple):
    """Many native records in our words, field by field.

    **Shapes** `values`: field → each record's value. `spellings`: as the CRM spells them, of fields that we write. `odd`: the places of
    records of which a value cannot be read, is not there, or is on no list of the CRM: these are to be read one by one.
    """

    values: Mapping[str, list[Value]]
    spellings: Mapping[str, list[Any]]
    odd: set[int]


def _but(found: tuple[T, ...], fields: Collection[str]) -> tuple[T, ...]:
    return tuple(one for one in found if one.field not in fields)


class Unlisted(NamedTuple):
    """Values of one field that the CRM has on no list. **Shapes** `native`: the field's API name; `values`: as the CRM spells them."""

    field: str
    native: str
    values: tuple[str, ...]

    @property
    def what(self) -> str:
        """In words, behind the name of the field."""
        words = ", ".join(repr(value) for value in self.values)
        return f"holds {words}, which {'is' if len(self.values) == 1 else 'are'} not in the CRM's list of values any more"


@dataclass(frozen=True)
class RecordMap:
    """One record type, both ways.

    **Shapes** `native_fields`: API names to ask for, without repeats, the key and associations among them; ids and stamps are the
    adapter's. `missing`: mapped and not optional, but absent from the catalog; empty without a catalog. `resting`: those of the absent
    ones that may rest alone; they are not fields of the record meanwhile. `places`: where the mapping says how each field is read.
    """

    record: str
    kind: RecordKind
    native: str
    key_field: str
    converts_to: str | None
    fields: Mapping[str, FieldMap]
    native_fields: tuple[str, ...]
    missing: tuple[FieldMap, ...]
    resting: tuple[FieldMap, ...]
    is_key_missing: bool
    on_create: Mapping[str, str]
    money_places: int | None
    places: Mapping[str, Place]
    _plan: tuple[tuple[str, str, Callable[[Any], Value], bool], ...] = field(repr=False)
    _open: tuple[tuple[str, str, frozenset[str], bool], ...] = field(repr=False)
    _creates: tuple[tuple[str, FieldMap], ...] = field(repr=False)
    _updates: Mapping[str, tuple[str, FieldMap]] = field(repr=False)

    @property
    def lacks(self) -> list[str]:
        """What it cannot do without and the CRM does not show, in words."""
        fields = [f"{self.native}.{one.native} ({one.field})" for one in self.missing]
        return [*fields, f"{self.native}.{self.key_field} (our key)"] if self.is_key_missing else fields

    @property
    def in_portal(self) -> RecordMap:
        """The same as people in the portal know it: an attribute that rests is still theirs to write."""
        return replace(self, fields={**self.fields, **{one.field: one for one in self.resting}}) if self.resting else self

    def normalize(self, native: Mapping[str, Any]) -> Reading:
        """The record in our words; a value that cannot be read is a mistake of its field alone."""
        values: dict[str, Value] = {}
        spellings: dict[str, Any] = {}
        mistakes: list[FieldMistake] = []
        for name, key, read, is_written in self._plan:
            raw = native.get(key, ABSENT)
            if raw is ABSENT:
                continue
            if is_written:
                spellings[name] = raw
            try:
                values[name] = read(raw)
            except ValueMistake as mistake:
                value = ";".join(mistake.members) if mistake.members else raw
                written = str(self.places.get(name, ""))
                mistakes.append(FieldMistake(name, key, value, mistake.code, mistake.what, mistake.allowed, written))
                if mistake.rest is not None:
                    values[name] = mistake.rest
        if self.money_places is not None and AMOUNT in values:
            values[AMOUNT] = self._in_units(values[AMOUNT], values.get(CURRENCY))
        return Reading(values, spellings, tuple(mistakes), tuple(self.unlisted(native)) if self._open else ())

    def columns(self, natives: Sequence[Mapping[str, Any]]) -> Columns:
        """Many records, read field by field as `normalize` reads them."""
        known = {name: (values, is_set) for name, _, values, is_set in self._open}
        columns: dict[str, list[Value]] = {}
        spellings: dict[str, list[Any]] = {}
        odd: set[int] = set()
        for name, key, read, is_written in self._plan:
            values, is_set = known.get(name, (None, False))
            raws = [native.get(key, ABSENT) for native in natives]
            columns[name], places = read_column(read, raws, absent=ABSENT, known=values, is_set=is_set)
            odd |= places
            if is_written:
                spellings[name] = raws
        if self.money_places is not None and AMOUNT in columns:
            currencies = columns.get(CURRENCY) or [None] * len(natives)
            columns[AMOUNT] = list(map(self._in_units, columns[AMOUNT], currencies))
        return Columns(columns, spellings, odd)

    def _in_units(self, amount: Value, currency: Value) -> Value:
        """An amount in its currency's own units."""
        return rounded(amount, str(currency or ""), otherwise=self.money_places or 0) if isinstance(amount, Decimal) else amount

    def only(self, fields: Collection[str]) -> RecordMap:
        """The same record type as if only these fields were mapped; our key is not asked for either."""
        kept = {name: field_ for name, field_ in self.fields.items() if name in fields}
        return replace(
            self,
            fields=kept,
            native_fields=tuple(dict.fromkeys(one.native for one in kept.values())),
            _plan=tuple(step for step in self._plan if step[0] in fields),
            _open=tuple(one for one in self._open if one[0] in fields),
        )

    def is_news(self, written: Mapping[str, Any]) -> bool:
        """Whether somebody chose a value that an open list does not offer, as described when this was compiled."""
        chosen = ((field, given) for name, given in written.items() if (field := self.fields.get(name)) and field.known is not None)
        return any(not field.offers(value) for field, given in chosen for value in _parsed(field, given))

    def unlisted(self, native: Mapping[str, Any]) -> Iterator[Unlisted]:
        """The values that the CRM holds here and has on no list of its own, as described when this was compiled."""
        for name, key, known, is_set in self._open:
            raw = native.get(key)
            if raw and (found := unknown_members(raw, known, is_set=is_set)):
                yield Unlisted(name, key, found)

    def all_unlisted(self, natives: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """As `unlisted`, of many records: (the field's API name, value); a spelling that repeats is looked at once."""
        for _, key, known, is_set in self._open:
            for raw in distinct(native.get(key) for native in natives):
                for value in unknown_members(raw, known, is_set=is_set) if raw else ():
                    yield key, value

    def create(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """What a create sends: the constants, what must be there, and every field we write that has a key (`None` is written too).

        **Raises** InvalidRecord: a value has no spelling in this CRM.
        """
        native: dict[str, Any] = dict(self.on_create)
        for key, field_ in self._creates:
            value = values.get(field_.field, ABSENT)
            if field_.create_default is not None and (value is ABSENT or value in (None, "", ())):
                value = field_.create_default
            if value is not ABSENT:
                native[key] = _spelled(field_, value)
        return native

    def update(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """What an update sends: exactly the given fields, those among them that may be written after the create.

        **Raises** InvalidRecord: a value has no spelling in this CRM.
        """
        updates = self._updates
        native: dict[str, Any] = {}
        for name, value in values.items():
            if name in updates:
                key, field_ = updates[name]
                native[key] = _spelled(field_, value)
        return native


@dataclass(frozen=True)
class CompiledMapping:
    """One mapping file as one portal speaks it.

    **Shapes** `hash` changes when a value could be read or spelled otherwise: the file, the portal's overrides and values, the lists taken
    from the CRM. Comments and layout do not count.
    """

    crm: str
    records: Mapping[str, RecordMap]
    source_path: str
    hash: str


def compile_mapping(
    grammar: LoadedMapping, portal: Dialect, catalogs: Mapping[str, Catalog] | None = None, *, used_by_rules: Collection[str] = ()
) -> CompiledMapping:
    """The mapping as functions.

    **Shapes** `catalogs`: by native record name (`Account`); a record without one is taken as described. `used_by_rules`: the fields of
    companies that the portal's rules name.
    """
    file = grammar.grammar
    compiler = _Compiler(WireForm(file.wire.null, file.wire.boolean, file.wire.number), portal, used_by_rules)
    records = {name: compiler.record(name, spec, grammar, (catalogs or {}).get(spec.native)) for name, spec in file.records.named().items()}
    return CompiledMapping(file.crm, records, grammar.source_path, _hash(grammar, portal, records))


class _Compiler:
    def __init__(self, wire: WireForm, portal: Dialect, used_by_rules: Collection[str]) -> None:
        self.wire = wire
        self.used_by_rules = used_by_rules
        self.zone = portal.zone
        self.replacements = {mark: portal.account_type_values.get(kind) for mark, kind in PLACEHOLDERS.items()}

    def record(self, name: str, spec: RecordSpec, grammar: LoadedMapping, catalog: Catalog | None) -> RecordMap:
        kind: RecordKind = "company" if name == "company" else "deal"
        part = grammar.grammar.company if kind == "company" else grammar.grammar.deal
        mapped = {one.field: one for one in self._fields(name, kind, fields_of(part), part.attributes, catalog)}
        resting = {one.field: one for one in mapped.values() if _is_absent(one.native, catalog) and self._may_rest(one, kind)}
        fields = {field: one for field, one in mapped.items() if field not in resting}
        keyed = [(one.native, one) for one in fields.values()]
        written = [(key, one) for key, one in keyed if one.direction != "pull"]
        return RecordMap(
            record=name,
            kind=kind,
            native=spec.native,
            key_field=spec.key,
            converts_to=spec.converts_to,
            fields=fields,
            native_fields=tuple(dict.fromkeys([spec.key, *(one.native for one in fields.values())])),
            missing=tuple(one for one in fields.values() if _is_absent(one.native, catalog)),
            resting=tuple(resting.values()),
            is_key_missing=_is_absent(spec.key, catalog),
            on_create=self._constants(spec),
            money_places=next((one.money_places for one in fields.values() if one.money_places is not None), None),
            places={name: _read_at(grammar, kind, name, spec) for name, spec in fields_of(part).items() if name in fields},
            _plan=tuple((one.field, key, one.read, one.direction != "pull") for key, one in keyed),
            _open=tuple((one.field, key, one.known, one.is_set) for key, one in keyed if one.known is not None),
            _creates=tuple((key, one) for key, one in written if one.write in ("always", "create", "once")),
            _updates={one.field: (key, one) for key, one in written if one.write in ("always", "update", "once")},
        )

    def _fields(
        self, record: str, kind: RecordKind, specs: Mapping[str, FieldSpec], attributes: Mapping[str, Any], catalog: Catalog | None
    ) -> Iterator[FieldMap]:
        for name, spec in specs.items():
            native = association_field(spec.association) if spec.association else spec.native_on(record)
            if native is None or (spec.optional and _is_absent(native, catalog)):
                continue
            yield field_map(
                name,
                spec,
                NativeField(native, self._listed(spec), _described(native, catalog)),
                kind=None if name in attributes else kind,
                spelling=Spelling(self.wire, self.zone),
            )

    def _may_rest(self, one: FieldMap, kind: RecordKind) -> bool:
        return may_rest_alone(one.field, is_attribute=one.is_attribute, used_by_rules=self.used_by_rules if kind == "company" else ())

    def _listed(self, spec: FieldSpec) -> tuple[tuple[str, str], ...] | None:
        """The value pairs as this portal spells them; an account type it has no spelling for drops out."""
        if spec.values is None or spec.values.is_from_crm:
            return None
        pairs = ((self.replacements.get(native, native), portal) for native, portal in spec.values.pairs)
        return tuple((native, portal) for native, portal in pairs if native is not None)

    def _constants(self, spec: RecordSpec) -> dict[str, str]:
        pairs = ((native, self.replacements.get(constant, constant)) for native, constant in spec.on_create.items())
        return {native: constant for native, constant in pairs if constant is not None}


def _described(native: str, catalog: Catalog | None) -> CatalogField | None:
    return catalog.fields.get(native) if catalog else None


def _read_at(grammar: LoadedMapping, kind: RecordKind, name: str, spec: FieldSpec) -> Place:
    """Where it is written how a field is read: at its list, else at its transform, else at the field."""
    return place_of(grammar, kind, name, "values" if spec.values else "transform" if spec.transform else "")


def _is_absent(native: str, catalog: Catalog | None) -> bool:
    return catalog is not None and native not in catalog.fields


def _parsed(field: FieldMap, given: Any) -> tuple[Value, ...]:
    """What somebody wrote as a value; nothing where it cannot be read as one."""
    try:
        return (field.parse(given),)
    except ValueMistake:
        return ()


def _spelled(one: FieldMap, value: Value) -> Any:
    try:
        return one.spell(one.fitted(value))
    except ValueMistake as mistake:
        allowed = f"; allowed: {', '.join(mistake.allowed)}" if mistake.allowed else ""
        raise InvalidRecord(f"{one.field} {mistake.what}{allowed}", code=mistake.code, field=one.field) from None


def _hash(grammar: LoadedMapping, portal: Dialect, records: Mapping[str, RecordMap]) -> str:
    lists = {name: {one.field: _list_of(one) for one in record.fields.values()} for name, record in records.items()}
    document = {key: part for key, part in grammar.source.data.items() if key not in NO_MEANING}
    whole = [document, dict(portal.account_type_values), str(portal.zone), lists]
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _list_of(one: FieldMap) -> list[Any] | None:
    """Everything that the field's list lets be read or chosen."""
    if one.allowed is None:
        return None
    return [plain(value) for value in one.allowed] + sorted(one.known or ())
