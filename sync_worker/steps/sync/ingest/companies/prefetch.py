"""PREFETCH, companies: what the portal holds of one chunk's records, looked up for all of them at once, as plain values.

Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from sync_worker.domain.sync.ingest.companies.key import Claims, CompanyKeys, claims
from sync_worker.domain.sync.ingest.companies.page import HeldCompanies
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord
from sync_worker.domain.sync.ingest.own_key import KEY_CODES, key_of
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.companies.plain import Parted
from sync_worker.steps.sync.ingest.companies.reader import CompanyReader
from sync_worker.steps.sync.ingest.companies.written import merged_fields, written_companies
from sync_worker.steps.sync.ingest.succession import Succession
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx


@dataclass(frozen=True, slots=True)
class FetchedCompanies:
    """A chunk, ready to be judged. **Shapes** `records`: in the order of `succession`, each read when it is asked for; `taken_back`: ids of
    companies that the database had lost.
    """

    records: Iterator[CompanyRecord]
    held: HeldCompanies
    succession: Succession
    taken_back: Set[str]


def prefetch_companies(tx: Tx, parted: Parted, before: OpenFindings) -> FetchedCompanies:
    """Looks up what the portal holds of the records that are judged one by one."""
    chunk = parted.rest
    reader = CompanyReader(chunk.tenant, chunk.record)
    same = parted.same if chunk.is_poll else {}
    ids = [crm_id for crm_id in parted.known if crm_id not in same]
    known = companies.by_crm_ids(tx, ids) if ids else {}
    claimed = _claims(tx, chunk, known.keys() | same.keys())
    known |= claimed.made_here
    succession = Succession(tx, chunk, {crm_id: stored.company.id for crm_id, stored in known.items()})
    ends = {succession.end(native.crm_id) for native in succession.natives if native.merged_into and native.crm_id in known}
    portal = chunk.tenant.portal
    held = HeldCompanies(
        reader.rules,
        CompanyKeys(chunk.record.key_field, claimed.homes),
        read_no=chunk.read_no,
        is_poll=chunk.is_poll,
        same=same,
        known=known,
        survivors=companies.by_crm_ids(tx, ends) if ends else {},
        left={end: chunk.record.normalize(native.fields).values for end in ends if (native := succession.living(end))},
        news=succession.news,
        failed_before=before.failed_as_they_are(succession.natives, chunk.tenant.mapping.hash),
        with_key_problem=before.said(KEY_CODES),
        reports_lost_contracts=portal.two_tier and portal.associations.mode == "contracts",
        indexed=chunk.indexed,
        written=written_companies(tx, chunk, known, succession),
        merged_fields=merged_fields(chunk.record),
    )
    records = _records(chunk, reader, held, claimed, succession)
    return FetchedCompanies(records, held, succession, set(claimed.lost.values()))


def _claims(tx: Tx, chunk: Chunk, known: Set[str]) -> Claims:
    """Which records that no company lives in carry the key of one."""
    keys = {native.crm_id: key for native in chunk.natives if (key := key_of(native.fields.get(chunk.record.key_field)))}
    gone = {native.crm_id for native in chunk.natives if native.is_deleted}
    strangers = {crm_id: key for crm_id, key in keys.items() if crm_id not in known and crm_id not in gone}
    homes, homeless = companies.places(tx, set(keys.values())), companies.homeless(tx, set(strangers.values()))
    return claims(strangers, homes, homeless, lambda crm_id: chunk.tenant.identity(COMPANY, crm_id))


def _records(chunk: Chunk, reader: CompanyReader, held: HeldCompanies, claimed: Claims, succession: Succession) -> Iterator[CompanyRecord]:
    """The records in our words, each when it is asked for: a first load's need not all be held at once."""
    identity = chunk.tenant.identity
    for native in succession.natives:
        crm_id = native.crm_id
        if native.is_deleted:
            yield reader.glance(native, becomes=succession.end(crm_id) if native.merged_into else "")
        elif crm_id in held.same:
            yield reader.glance(native)
        else:
            yield reader.read(native, new_id="" if crm_id in held.known else claimed.lost.get(crm_id) or identity(COMPANY, crm_id))
