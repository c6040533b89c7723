"""COMPARE: the nightly net. Every record of ours is held against the CRM's own; what no poll and no notice has told is found here.

    compare   reads both sides and says what differs: a field, or a whole record (deleted, hidden, back); then it asks the CRM for the ids
              of all that would be ours, and says which of them are missing here
    repair    makes each difference a notice, and each differing deal a write to look at again; REFRESH and PUSH mend the rest

Nothing is mended here, so a difference that has gone by the time its record is read again does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TypeAlias

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.link import Link
from sync_worker.domain.core.reconcile import comparable
from sync_worker.domain.core.values import Plain, Value
from sync_worker.domain.sync.ingest.brake import Allowance, excess
from sync_worker.domain.sync.ingest.deals.record import REFERENCES
from sync_worker.errors import HeldForReview, InvalidRecord, Stopped
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.brake import kept
from sync_worker.steps.core.described import about
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, DEAL, Tenant, going_on
from sync_worker.steps.sync.ingest.census import missing, still_missing
from sync_worker.steps.sync.ingest.companies.reader import CompanyReader
from sync_worker.store.core import companies, runs
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import deals, links
from sync_worker.store.sync import notices, outbox

Progress: TypeAlias = Callable[[str, int, int | None], None]

PAGE_COUNT = 2000  # records a look
WHOLE = ""  # the field of a difference that concerns the record as a whole
LIVE = "live"
DELETED = "deleted"

_COMPANY_FIELDS = ("name", "status", "account_type", "account_owner_email", "second_partner_values")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two sides hold otherwise.

    **Shapes** `record`: its type; `id`: ours, "" where we hold nothing of it. `field` WHOLE = the record itself: `portal` and `crm` are
    LIVE or DELETED; `crm` is None where the CRM shows nothing of it, `portal` is None where it is missing here.
    """

    record: str
    id: str
    crm_id: str
    field: str
    portal: Plain
    crm: Plain

    @property
    def is_gone(self) -> bool:
        return self.field == WHOLE and self.crm is None

    @property
    def is_missing(self) -> bool:
        return self.field == WHOLE and self.portal is None


@dataclass(slots=True)
class Comparison:
    """What was looked at and what differs.

    **Shapes** `live_counts`: records of ours by type, without those known as deleted. `census_count`: ids that the CRM gave as ours.
    `left_out`: record types that lack a field they cannot do without.
    """

    run_id: str
    left_out: Sequence[str] = ()
    counts: Counts = field(default_factory=Counts)
    field_count: int = 0
    census_count: int = 0
    live_counts: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Held:
    """One record of ours and the CRM's answer to its id. **Shapes** `fields`: what is compared where both sides are live."""

    record: str
    id: str
    crm_id: str
    is_deleted: bool
    native: NativeRecord | None
    fields: list[Difference]


@going_on
def compare(tenant: Tenant, *, on_page: Progress | None = None) -> Comparison:
    """Looks at every company and deal that has a CRM record, and at what the CRM has besides. Writes only its run.

    **Shapes** `on_page` hears what is looked at (`comparing`, or the record type whose census is taken) and how many so far.

    **Raises** the port's errors, StoreDown; Stopped after the page at hand. The next one begins at the start: both sides move on meanwhile.
    """
    with tenant.run("compare") as run_id:
        comparison = Comparison(run_id, left_out=sorted(tenant.described.unfit.intersection(tenant.readable_records())))
        for page in chain(_companies(tenant), _deals(tenant)):
            counts = Counts()
            for held in page:
                _take(comparison, counts, held)
            _page_done(tenant, comparison, counts)
            if on_page:
                on_page("comparing", comparison.counts.read, None)
        for record_name in tenant.readable_records():
            if record_name not in comparison.left_out:
                with about(record_name):
                    _take_census(tenant, tenant.mapping.records[record_name], comparison, on_page)
    return comparison


def _page_done(tenant: Tenant, comparison: Comparison, counts: Counts) -> None:
    """One page is done. **Raises** Stopped."""
    comparison.counts.add(counts)
    with tenant.store.side_transaction(tenant.name) as tx:
        runs.count(tx, comparison.run_id, counts)
    if tenant.services.is_stopping():
        raise Stopped(f"stopped on request after {comparison.counts.read:,} records; the next comparison starts from the beginning")


def _take_census(tenant: Tenant, record: RecordMap, comparison: Comparison, on_page: Progress | None) -> None:
    """What the CRM holds of ours, and we do not."""
    found: list[str] = []
    so_far, in_all = 0, None
    for roll, lacking in missing(tenant, record):
        found += lacking
        so_far += len(roll.stamps)
        in_all = roll.total if in_all is None else in_all
        _page_done(tenant, comparison, Counts())
        if on_page:
            on_page(f"census: {record.record}", so_far, in_all)
    comparison.census_count += so_far
    counts = Counts()
    for crm_id in still_missing(tenant, record, found):
        comparison.differences.append(Difference(record.record, "", crm_id, WHOLE, None, LIVE))
        counts.read += 1
        counts.skip("missing")
    _page_done(tenant, comparison, counts)


def repair(tenant: Tenant, comparison: Comparison) -> Done:
    """Makes whatever differs due. **Raises** HeldForReview where so much has vanished that it is rather we who are kept out."""
    with kept(tenant, "compare", "compare", comparison.run_id):
        _hold_back(tenant, comparison)
    return mend(tenant, comparison)


def mend(tenant: Tenant, comparison: Comparison) -> Done:
    """The same for a person who has looked at what vanished."""
    differences = comparison.differences
    follow_ups = set[FollowUp]()
    with tenant.store.transaction(tenant.name) as tx:
        for record in sorted({one.record for one in differences}):
            notices.add(tx, record, {one.crm_id for one in differences if one.record == record})
            follow_ups.add(FollowUp(Work.REFRESH, record))
        differing = {one.id for one in differences if one.field != WHOLE and one.record != COMPANY}
        owing = differing - {row.record_id for row in outbox.listed(tx)} if differing else differing  # what waits or is parked stays so
        outbox.owe(tx, DEAL, owing, comparison.run_id)
    if owing:
        follow_ups.add(FollowUp(Work.PUSH))
    return Done(comparison.run_id, comparison.counts, frozenset(follow_ups))


def _left(count: int, _enough: int | None) -> int:
    return count


def _hold_back(tenant: Tenant, comparison: Comparison) -> None:
    """A user who lost a permission sees no companies either: that is not a reason to deactivate them all."""
    for record, live_count in sorted(comparison.live_counts.items()):
        gone_count = sum(one.is_gone for one in comparison.differences if one.record == record)
        percent = tenant.portal.brake_percent
        if excess(record, gone_count, Allowance(percent, tenant.services.clock()), partial(_left, live_count - gone_count)):
            raise HeldForReview(
                f"the CRM no longer shows {gone_count} of {live_count} records of type {record}, which is above the brake of {percent} %: "
                "look whether the worker's user still sees them all"
            )


def _take(comparison: Comparison, counts: Counts, held: _Held) -> None:
    """One record's part in the sums, and what differs on it."""
    counts.read += 1
    if not held.is_deleted:
        comparison.live_counts[held.record] = comparison.live_counts.get(held.record, 0) + 1
    ours, theirs = DELETED if held.is_deleted else LIVE, _standing(held.native)
    if (ours, theirs) == (LIVE, LIVE):
        comparison.field_count += len(held.fields)
        found = [one for one in held.fields if one.portal != one.crm]
    elif ours == theirs or (ours, theirs) == (DELETED, None):
        found = []
    else:
        found = [Difference(held.record, held.id, held.crm_id, WHOLE, ours, theirs)]
    comparison.differences += found
    if found:
        counts.skip("gone" if found[0].is_gone else "differs")
    else:
        counts.unchanged += 1


def _standing(native: NativeRecord | None) -> Plain:
    if native is None:
        return None
    return DELETED if native.is_deleted or native.converted_to else LIVE


def _fetched(tenant: Tenant, record: RecordMap, crm_ids: list[str]) -> Mapping[str, NativeRecord]:
    with about(record.record):
        return {native.crm_id: native for native in tenant.crm.fetch(record.native, crm_ids, fields=record.native_fields)}


# ── companies ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _companies(tenant: Tenant) -> Iterator[list[_Held]]:
    """Pages. A company differs where its record would make another company of it."""
    if COMPANY in tenant.described.unfit:
        return
    record = tenant.mapping.records[COMPANY]
    reader, after = CompanyReader(tenant, record), ("", "")
    while True:
        with tenant.store.reading(tenant.name) as tx:
            page = [stored.company for stored in companies.listed(tx, after=after, limit=PAGE_COUNT)]
        ours = {company.crm_id: company for company in page if company.crm_id}
        natives = _fetched(tenant, record, sorted(ours))
        yield [_company(reader, company, natives.get(crm_id), crm_id) for crm_id, company in ours.items()]
        if len(page) < PAGE_COUNT:
            return
        after = (page[-1].name, page[-1].id)


def _company(reader: CompanyReader, company: Company, native: NativeRecord | None, crm_id: str) -> _Held:
    fields = [] if native is None or native.is_deleted else list(_company_fields(reader, company, native))
    return _Held(COMPANY, company.id, crm_id, company.is_deleted, native, fields)


def _company_fields(reader: CompanyReader, company: Company, native: NativeRecord) -> Iterator[Difference]:
    try:
        theirs = reader.arrival(native, company).company
    except InvalidRecord:  # its failure says so
        return
    if theirs is None:
        return
    for name in _COMPANY_FIELDS:
        sides = [comparable(_plain(getattr(side, name))) for side in (company, theirs)]
        yield Difference(COMPANY, company.id, native.crm_id, name, *sides)
    for name in sorted(company.attributes.keys() | theirs.attributes.keys()):
        yield Difference(COMPANY, company.id, native.crm_id, name, company.attributes.get(name), theirs.attributes.get(name))


def _plain(value: object) -> Value:
    return value if isinstance(value, tuple) else None if value is None else str(value)


# ── deals ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _deals(tenant: Tenant) -> Iterator[list[_Held]]:
    """Pages of one record type. A deal differs where a field that is read, or written more than once, is not the same on both sides."""
    after = ""
    while True:
        with tenant.store.reading(tenant.name) as tx:
            page = [stored.deal for stored in deals.page(tx, after=after, limit=PAGE_COUNT)]
            ours = {deal.id: deal for deal in page}
            current = links.current(tx, ours)
            named = {str(deal.values[name]) for deal in page for name in REFERENCES if deal.values.get(name)}
            crm_ids = companies.crm_ids_by_id(tx, named)
        for record_name in sorted({link.object for link in current.values()} - tenant.described.unfit):
            mine = [link for link in current.values() if link.object == record_name]
            yield list(_deal_records(tenant, tenant.mapping.records[record_name], mine, ours, crm_ids))
        if len(page) < PAGE_COUNT:
            return
        after = page[-1].id


def _deal_records(
    tenant: Tenant, record: RecordMap, mine: list[Link], ours: Mapping[str, Deal], crm_ids: Mapping[str, str]
) -> Iterator[_Held]:
    natives = _fetched(tenant, record, sorted(link.crm_id for link in mine))
    for link in sorted(mine, key=lambda link: link.crm_id):
        native = natives.get(link.crm_id)
        is_writable = native is not None and not native.is_deleted and not native.is_converted
        fields = list(_deal_fields(record, ours[link.deal_id], native, crm_ids)) if native and is_writable else []
        yield _Held(record.record, link.deal_id, link.crm_id, link.deleted_at is not None, native, fields)


def _deal_fields(record: RecordMap, deal: Deal, native: NativeRecord, crm_ids: Mapping[str, str]) -> Iterator[Difference]:
    reading = record.normalize(native.fields)
    for name, spelled in record.fields.items():
        if spelled.direction == "push" and spelled.write not in ("always", "update"):
            continue
        if spelled.direction == "pull" and name not in reading.values:
            continue
        ours: Value = deal.values.get(name)
        if name in REFERENCES and ours:
            ours = crm_ids.get(str(ours), str(ours))
        ours = spelled.fitted(ours)
        yield Difference(record.record, deal.id, native.crm_id, name, comparable(ours), comparable(reading.values.get(name)))
