"""What is wrong with the companies' data in the CRM itself: read now, page by page, judged one by one. Nothing is stored.

The same codes as an ingest gives; a company without a portal status is not ours, and is not read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from sync_worker.config.portal import Portal
from sync_worker.crm.port import NativeRecord, Scan
from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.domain.core.names import folded
from sync_worker.domain.core.values import plain
from sync_worker.domain.sync.ingest.own_key import key_of
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.compile import FieldMistake, Reading, RecordMap
from sync_worker.nearest import listed
from sync_worker.steps.core.tenant import Tenant

STATUS, TYPE = "portal_status", "account_type"


@dataclass(frozen=True, slots=True)
class DataProblem:
    """One record whose data a person should correct in the CRM.

    **Shapes** `field`: API name; `id_field`: what the CRM calls a record's id; `value`: as the CRM spells it; `wanted`: what would be
    right, in words, or the one value that would. `allowed`: the values that would be, where there is a list; `written`: where the mapping
    lists them.
    """

    code: str
    native: str
    id_field: str
    crm_id: str
    name: str
    field: str
    value: str
    wanted: str
    allowed: tuple[str, ...] = ()
    written: str = ""


@dataclass(frozen=True, slots=True)
class SecondPartner:
    """A second partner as the CRM has it. **Shapes** `takes_part`: active or pending."""

    crm_id: str
    name: str
    takes_part: bool


@dataclass(frozen=True, slots=True)
class Keyed:
    """A record that carries a key in the field for ours."""

    crm_id: str
    name: str
    key: str


@dataclass(slots=True)
class CompanyData:
    """**Shapes** `contracts`: each value of a partner's second-partner field, as the problem that it is if it names no second partner."""

    read_count: int = 0
    crm_ids: set[str] = field(default_factory=set)
    second_partners: list[SecondPartner] = field(default_factory=list)
    contracts: list[DataProblem] = field(default_factory=list)
    problems: list[DataProblem] = field(default_factory=list)
    keyed: list[Keyed] = field(default_factory=list)

    def wrong_contracts(self, known: Iterable[str], *, offered: Collection[str] | None) -> Iterator[DataProblem]:
        """The contract values that name no second partner: neither by name, by id, nor by one of the known spellings.

        And those that do, but are not an option any more. **Shapes** `offered`: what people can choose; None where they type it.
        """
        names = {*known, *(one.name for one in self.second_partners)}
        named, crm_ids = set(map(folded, names)), {one.crm_id for one in self.second_partners}
        for contract in self.contracts:
            if folded(contract.value) not in named and contract.value not in crm_ids:
                yield replace(contract, allowed=tuple(sorted(names)))
            elif offered is not None and contract.value not in offered:
                yield replace(contract, code="contract_value_retired", wanted="an option of the field's list")


def read_data(tenant: Tenant, record: RecordMap, catalog: Catalog) -> CompanyData:
    """The companies of the CRM that have a portal status; nothing where it has no such field."""
    data = CompanyData()
    status = record.fields[STATUS].native
    if status in catalog.fields:
        judge = _Judge(record, catalog, tenant.portal, tenant.vendor_crm_id)
        for native in _companies(tenant, record, catalog, status):
            judge.look(native, data)
    return data


def _companies(tenant: Tenant, record: RecordMap, catalog: Catalog, status: str) -> Iterator[NativeRecord]:
    fields = tuple(name for name in record.native_fields if name in catalog.fields)
    for page in tenant.crm.changed_since(Scan(record.native, fields, None, tenant.crm.now(), only_with=status)):
        yield from (native for native in page.records if not (native.is_deleted or native.is_gone or native.merged_into))


class _Judge:
    """Looks at one company after the other."""

    def __init__(self, record: RecordMap, catalog: Catalog, portal: Portal, vendor_crm_id: str | None) -> None:
        self._record = record
        self._id_field = catalog.id_field
        self._types = f"one of: {listed(tuple(record.fields[TYPE].listed or ()))}" if TYPE in record.fields else ""
        self._vendor = vendor_crm_id
        self._rule_fields = [name for name in portal.rule_fields if name in record.fields and record.fields[name].native in catalog.fields]
        has_contracts = portal.associations.mode == "contracts" and CONTRACTS in record.fields
        self._contracts = record.fields[CONTRACTS].native if has_contracts else ""

    def look(self, native: NativeRecord, data: CompanyData) -> None:
        reading = self._record.normalize(native.fields)
        data.read_count += 1
        data.crm_ids.add(native.crm_id)
        data.problems += self._problems(native, reading)
        kind, name = reading.values.get(TYPE), str(reading.values.get("name") or "")
        if key := key_of(native.fields.get(self._record.key_field)):
            data.keyed.append(Keyed(native.crm_id, name, key))
        if kind == AccountType.SECOND_PARTNER and native.crm_id != self._vendor:
            takes_part = reading.values.get(STATUS) in (PortalStatus.ACTIVE, PortalStatus.PENDING)
            data.second_partners.append(SecondPartner(native.crm_id, name, takes_part))
        elif self._contracts:
            chosen = reading.values.get(CONTRACTS)
            values = chosen if isinstance(chosen, tuple) else ()
            wanted = "the name of a second partner"
            data.contracts += [self._problem(native, "contract_value_unresolved", self._contracts, value, wanted) for value in values]

    def _problems(self, native: NativeRecord, reading: Reading) -> Iterator[DataProblem]:
        name = str(native.fields.get(self._record.fields["name"].native) or "")
        yield from (of_mistake(native, self._id_field, name, mistake, self._code(mistake)) for mistake in reading.mistakes)
        if not reading.values.get("name"):
            yield self._problem(native, "name_blank", self._record.fields["name"].native, "")
        if reading.values.get(TYPE, "") is None and native.crm_id != self._vendor:
            yield self._problem(native, "account_type_blank", self._record.fields[TYPE].native, "", self._types)
        if self._vendor and reading.values.get(TYPE) == AccountType.VENDOR and native.crm_id != self._vendor:
            field = self._record.fields[TYPE].native
            yield self._problem(native, "vendor_type_elsewhere", field, native.fields.get(field), self._types)
        for name in self._rule_fields:
            if reading.values.get(name, "unread") in (None, "", ()):
                yield self._problem(native, "rule_field_blank", self._record.fields[name].native, "", "a value of the field's list")

    def _code(self, mistake: FieldMistake) -> str:
        if mistake.field == STATUS:
            return "status_unknown"
        if mistake.field == TYPE:
            return "account_type_unknown"
        return "rule_field_unlisted" if mistake.field in self._rule_fields else "value_unreadable"

    def _problem(self, native: NativeRecord, code: str, field: str, value: object, wanted: str = "") -> DataProblem:
        name = str(native.fields.get(self._record.fields["name"].native) or "")
        return DataProblem(code, native.native, self._id_field, native.crm_id, name, field, str(value), wanted)


def of_mistake(native: NativeRecord, id_field: str, name: str, mistake: FieldMistake, code: str) -> DataProblem:
    """A value that the mapping cannot read, with what it could."""
    wanted = f"one of: {', '.join(mistake.allowed)}" if mistake.allowed else f"it {mistake.what}"
    shown = _shown(mistake.value)
    return DataProblem(code, native.native, id_field, native.crm_id, name, mistake.native, shown, wanted, mistake.allowed, mistake.written)


def _shown(value: object) -> str:
    return ";".join(map(str, value)) if isinstance(value, (list, tuple)) else str(plain(value) if value is not None else "")  # type: ignore[arg-type]  # a native value is JSON's
