"""What the CRM has and lacks, held against portal file and mapping: read once, told by `check`, worked off by `provision`.

Nothing is changed but the describe cache; losses in conversions that are seen to be mended are closed. Data are read from the CRM itself,
page by page: only companies with a portal status, and deals that are the portal's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

from sync_worker.crm.port import NativeRecord, Scan, Schema
from sync_worker.domain.core.names import folded
from sync_worker.domain.deals.standing import still_lost
from sync_worker.errors import Place, SchemaChanged
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.compile import RecordMap, compile_mapping
from sync_worker.mapping.places import place_of, place_of_key
from sync_worker.mapping.required_schema import FieldWish, Lack, lack_of, slips, wishes
from sync_worker.nearest import slip_of
from sync_worker.steps.core.described import keep
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.deals.standing import close_mapped, lost_fields
from sync_worker.steps.operate.setup.company_data import CompanyData, DataProblem, read_data
from sync_worker.steps.operate.setup.deal_data import DealData, read_deals
from sync_worker.steps.operate.setup.key_data import KeyData, judge_keys
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, portals

PROBED_COUNT = 200  # converted records, the latest: what they lost tells how the conversion is set up now


@dataclass(frozen=True, slots=True)
class FieldNeed:
    """One field that must be, and what it has not.

    **Shapes** an optional field that is not there lacks nothing; `slips`: what is missing → what is there and looks like it; `listed`: the
    values of its list; `written`: where the field is named, None for a constant of a create.
    """

    wish: FieldWish
    is_there: bool
    lack: Lack | None
    slips: Mapping[str, str] = dataclass_field(default_factory=dict)
    listed: tuple[str, ...] = ()
    written: Place | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """The second partners' options against the second partners there are.

    **Shapes** `missing`: names to add; `unfit`: names that no list can hold; `extra`: options that name no second partner;
    `shared`: names that several second partners have; `slips`: missing name → extra option that looks like it; `count`: those there are;
    `most`: as many as the list can hold.
    """

    wish: FieldWish
    missing: tuple[str, ...]
    unfit: tuple[str, ...]
    extra: tuple[str, ...]
    shared: tuple[str, ...]
    slips: Mapping[str, str] = dataclass_field(default_factory=dict)
    count: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a converted record hands on.

    **Shapes** `lost`: field → field that it does not; `is_told`: the API said so, else `probed_count` converted records showed it, or
    the worker did when it carried those over that are `reported`.
    """

    native: str
    into: str
    lost: Mapping[str, str]
    is_told: bool
    probed_count: int = 0
    reported: Mapping[str, str] = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Survey:
    """**Shapes** `hidden`: record type → why the CRM does not show it; `deals`: by record that deals live in;
    `options` None where there are no contracts.
    """

    needs: tuple[FieldNeed, ...]
    hidden: Mapping[str, str]
    companies: CompanyData
    deals: Mapping[str, DealData]
    wrong_contracts: tuple[DataProblem, ...]
    options: Options | None
    conversions: tuple[Conversion, ...]
    keys: KeyData


def survey(tenant: Tenant, schema: Schema) -> Survey:
    """Everything at once. **Raises** what every call of `Crm` raises: then nothing else can be known."""
    described, hidden = _described(tenant)
    records = compile_mapping(tenant.grammar, tenant.portal, described).records
    plain = tenant.plain_mapping.records
    needs = [
        need
        for record in plain.values()
        if record.native in described
        for need in _needs(tenant, record, described[record.native], company=plain[COMPANY])
    ]
    company = records[COMPANY]
    data = read_data(tenant, company, described[company.native]) if company.native in described else CompanyData()
    ours = {(need.wish.native, need.wish.name) for need in needs if need.is_there and not schema.by_hand(need.wish)}
    conversions = [_conversion(tenant, schema, record, records, ours) for record in records.values() if record.converts_to]
    deals = {
        name: read_deals(tenant, record, described[record.native], data.crm_ids)
        for name, record in records.items()
        if name != COMPANY and record.native in described
    }
    keyed = {**({COMPANY: data.keyed} if company.native in described else {}), **{name: found.keyed for name, found in deals.items()}}
    bound = _bound(tenant)
    options = _options(tenant, schema, needs, data, described, bound)
    return Survey(
        tuple(needs),
        hidden,
        data,
        deals,
        tuple(data.wrong_contracts(bound, offered=_offered(needs, described))),
        options,
        tuple(found for found in conversions if found),
        judge_keys(tenant, records, described, keyed),
    )


def _needs(tenant: Tenant, record: RecordMap, catalog: Catalog, *, company: RecordMap) -> Iterator[FieldNeed]:
    """Each field of one record type, against the CRM's own."""
    wanted = wishes(record, company=company)
    claimed = {wish.name for wish in wanted}
    for wish in wanted:
        found = catalog.fields.get(wish.name)
        lack = lack_of(wish, found)
        yield FieldNeed(
            wish,
            is_there=found is not None,
            lack=lack,
            slips=slips(wish, lack, catalog, claimed=claimed),
            listed=(found.values if found else None) or (),
            written=_written(tenant, record, wish),
        )


def _written(tenant: Tenant, record: RecordMap, wish: FieldWish) -> Place | None:
    if wish.kind == "key":
        return place_of_key(tenant.grammar, record.record)
    return place_of(tenant.grammar, record.kind, wish.fields[0], "native") if wish.fields else None


def remember(tenant: Tenant, natives: Iterable[str]) -> dict[str, Catalog]:
    """What the CRM says of these record types now, in the describe cache too. **Raises** SchemaChanged."""
    found = {native: tenant.crm.describe(native) for native in natives}
    with tenant.store.side_transaction(tenant.name) as tx:
        portals.enter(tx, tenant.portal.associations.mode)
        for catalog in found.values():
            keep(tx, tenant.plain_mapping, catalog)
    return found


def _described(tenant: Tenant) -> tuple[dict[str, Catalog], dict[str, str]]:
    described: dict[str, Catalog] = {}
    hidden: dict[str, str] = {}
    for native in dict.fromkeys(record.native for record in tenant.plain_mapping.records.values()):
        try:
            described |= remember(tenant, (native,))
        except SchemaChanged as error:
            hidden[native] = str(error)
    return described, hidden


# ── the second partners' options ──────────────────────────────────────────────────────────────────────────────────────────────


def _options(
    tenant: Tenant, schema: Schema, needs: list[FieldNeed], data: CompanyData, described: Mapping[str, Catalog], bound: Mapping[str, str]
) -> Options | None:
    """Contracts only: in rules mode people do not choose a second partner on a record."""
    need = _chosen(needs)
    if need is None or tenant.portal.associations.mode != "contracts":
        return None
    field = described[need.wish.native].fields.get(need.wish.name)
    found = options_of(need.wish, field.offered if field else (), data, bound)
    return replace(found, count=len((field and field.values) or ()), most=schema.most_options)


def _chosen(needs: Iterable[FieldNeed]) -> FieldNeed | None:
    """The field in which second partners are chosen."""
    return next((need for need in needs if "second_partners" in need.wish.fields), None)


def _offered(needs: Iterable[FieldNeed], described: Mapping[str, Catalog]) -> tuple[str, ...] | None:
    """What people can choose in it; None where it is not a list."""
    need = _chosen(needs)
    field = described[need.wish.native].fields.get(need.wish.name) if need else None
    return field.offered if field and field.values is not None else None


def options_of(wish: FieldWish, listed: tuple[str, ...], data: CompanyData, bound: Mapping[str, str]) -> Options:
    """One option per active or pending second partner, by its name or by a value that is bound to it.

    **Shapes** `bound`: value → the CRM id that the portal file or a person bound it to.
    """
    served = {bound[value] for value in listed if value in bound}
    wanted = [one.name for one in data.second_partners if one.takes_part and one.crm_id not in served and one.crm_id not in listed]
    names = [one.name for one in data.second_partners]
    looks, offered = [folded(name) for name in names], set(map(folded, listed))
    known = {*looks, *map(folded, bound), *(one.crm_id for one in data.second_partners)}
    missing = tuple(dict.fromkeys(name for name in wanted if folded(name) not in offered and ";" not in name))
    extra = tuple(value for value in listed if folded(value) not in known)
    return Options(
        wish,
        missing=missing,
        unfit=tuple(dict.fromkeys(name for name in wanted if ";" in name)),
        extra=extra,
        slips={name: near for name in missing if (near := slip_of(name, extra))},
        shared=tuple(sorted({name for name, look in zip(names, looks, strict=True) if looks.count(look) > 1})),
    )


def _bound(tenant: Tenant) -> dict[str, str]:
    """The values that stand for a company whatever its name: those of the portal file, and those that were resolved once."""
    written = {value: tenant.crm.canonical_id(crm_id) for value, crm_id in tenant.portal.associations.contract_values.items()}
    with tenant.store.reading(tenant.name) as tx:
        resolved = {row.binding.value: row.binding.company_id for row in associations.listed(tx) if row.binding.company_id}
        crm_ids = companies.crm_ids_by_id(tx, resolved.values())
    return {value: crm_ids[company] for value, company in resolved.items() if company in crm_ids} | written


# ── what a conversion hands on ────────────────────────────────────────────────────────────────────────────────────────────────


def _conversion(
    tenant: Tenant, schema: Schema, record: RecordMap, records: Mapping[str, RecordMap], ours: Collection[tuple[str, str]]
) -> Conversion | None:
    into = records.get(record.converts_to or "")
    pairs = dict(_pairs(record, into, ours)) if into else {}
    if into is None or not pairs:
        return None
    told = schema.conversion(record.native, into.native)
    if told is not None:
        with tenant.store.side_transaction(tenant.name) as tx:
            close_mapped(tx, record.native, into.native, told)
        return Conversion(record.native, into.native, still_lost(pairs, told), is_told=True)
    with tenant.store.reading(tenant.name) as tx:
        reported = lost_fields(tx, record.native, into.native)
    probed = _probed(tenant, record, into, pairs)
    return replace(probed, lost={**reported, **probed.lost}, reported=reported)


def _pairs(record: RecordMap, into: RecordMap, ours: Collection[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The fields of our making that live on both records: what becomes of standard fields is the vendor's, and people do not map them."""
    for name, field in record.fields.items():
        target = into.fields.get(name)
        if target and (record.native, field.native) in ours and (into.native, target.native) in ours:
            yield field.native, target.native


def _probed(tenant: Tenant, record: RecordMap, into: RecordMap, pairs: Mapping[str, str]) -> Conversion:
    """What the latest converted records of ours held, and what they became does not."""
    found = deque(_converted(tenant, record, tuple(pairs)), maxlen=PROBED_COUNT)
    after = {
        one.crm_id: one for one in tenant.crm.fetch(into.native, [str(one.converted_to) for one in found], fields=list(pairs.values()))
    }
    lost = {
        field: target
        for field, target in pairs.items()
        for one in found
        if (now := after.get(str(one.converted_to))) and _holds(one, field) and not _holds(now, target)
    }
    return Conversion(record.native, into.native, lost, is_told=False, probed_count=len(found))


def _converted(tenant: Tenant, record: RecordMap, fields: tuple[str, ...]) -> Iterator[NativeRecord]:
    """The converted records that carry our key, in the order of the scan."""
    if not record.is_key_missing:
        for page in tenant.crm.changed_since(Scan(record.native, fields, None, tenant.crm.now(), only_with=record.key_field)):
            yield from (one for one in page.records if one.converted_to and not one.is_deleted)


def _holds(record: NativeRecord, field: str) -> bool:
    return record.fields.get(field) not in (None, "", False)
