"""PLAIN, companies: the plain records of a chunk are set apart, so that they are judged and written field by field, all at once.

    new         nothing is known of the record: no company, key, merge or open problem; and nothing about it is odd. A company is added
    unchanged   the record says what it said when the company was made so, and our id stands where it stood. Nothing is written. A record
                that was asked for, and not only polled, is held against the company besides: what somebody did to the database is mended

All others take the way of prefetch.py, page.py and write.py, which tells what is wrong. Both ways end in the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.company import Mark
from sync_worker.domain.sync.ingest.companies.plain import is_as_it_was, plain_companies
from sync_worker.domain.sync.ingest.own_key import key_of
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.alone import alone
from sync_worker.steps.sync.ingest.companies.reader import CompanyReader
from sync_worker.store.core import companies, feed
from sync_worker.store.core.companies import NewCompanies
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import company_links


@dataclass(frozen=True, slots=True)
class Parted:
    """A chunk in two.

    **Shapes** `unchanged_count`: how many records change nothing. `rest`: what is to be judged record by record; of it, by CRM id, `known`:
    those in which a company lives, and `same`: the marks of those that are as they were.
    """

    new: NewCompanies
    unchanged_count: int
    rest: Chunk
    known: Collection[str]
    same: Mapping[str, Mark]


def part(tx: Tx, chunk: Chunk, before: OpenFindings) -> Parted:
    """Sets the plain records apart. Nothing is written."""
    reader, marks = CompanyReader(chunk.tenant, chunk.record), companies.marks(tx, chunk.crm_ids)
    single = alone(tx, chunk, before)
    same = {native.crm_id: marks[native.crm_id] for native in chunk.natives if _is_same(native, marks.get(native.crm_id), reader)}
    still = _still(tx, chunk, [native for native in single if native.crm_id in same], same, reader)
    new = _new(tx, chunk, [native for native in single if native.crm_id not in marks and not native.is_indexed], reader)
    plain = still.union(company.crm_id for company in new.companies)
    rest = replace(chunk, natives=[native for native in chunk.natives if native.crm_id not in plain])
    return Parted(new, len(still), rest, marks.keys() - still, {crm_id: mark for crm_id, mark in same.items() if crm_id not in still})


def _is_same(native: NativeRecord, mark: Mark | None, reader: CompanyReader) -> bool:
    if mark is None or mark.digest is None or native.is_deleted:
        return False
    return is_as_it_was(mark, reader.key_on(native), reader.digest(native))


def _still(tx: Tx, chunk: Chunk, natives: Sequence[NativeRecord], same: Mapping[str, Mark], reader: CompanyReader) -> set[str]:
    """Which of these change nothing: they are not late, and the portal does not write them too."""
    written = company_links.agreed(tx, [same[native.crm_id].company_id for native in natives])
    marks = [(native, same[native.crm_id]) for native in natives]
    found = [(native, mark.company_id) for native, mark in marks if mark.settled_no <= chunk.read_no and mark.company_id not in written]
    if chunk.is_poll or not found:
        return {native.crm_id for native, _ in found}
    known, read = companies.by_ids(tx, [company_id for _, company_id in found]), plain_companies(reader.columns(found), reader.rules)
    return {native.crm_id for (native, company_id), company in zip(found, read, strict=True) if company == known[company_id]}


def _new(tx: Tx, chunk: Chunk, natives: Sequence[NativeRecord], reader: CompanyReader) -> NewCompanies:
    """The companies that these add. None where the portal is told of each: it hears of them in the order of the records."""
    if not natives or (tx.events and not feed.is_loading(tx, COMPANY)):
        return NewCompanies((), (), ())
    free = list(_free(chunk, natives, reader))
    found = plain_companies(reader.columns(free), reader.rules)
    taken = [(company, native) for company, (native, _) in zip(found, free, strict=True) if company]
    return NewCompanies(
        [company for company, _ in taken],
        [native.modified_at for _, native in taken],
        [reader.digest(native) for _, native in taken],
    )


def _free(chunk: Chunk, natives: Sequence[NativeRecord], reader: CompanyReader) -> Iterator[tuple[NativeRecord, str]]:
    """Records without a key, each with the id that its company will have, if no other record of the chunk carries that as its key."""
    identity = chunk.tenant.identity
    keys = {native.crm_id: key for native in chunk.natives if (key := key_of(reader.key_on(native)))}
    taken = set(keys.values())
    for native in natives:
        if native.crm_id not in keys and (new_id := identity(COMPANY, native.crm_id)) not in taken:
            yield native, new_id
