"""PLAIN, deals: in a first load, the plain records of a chunk are set apart, to be judged and written field by field, all at once.

A record is plain if a deal begins with it, if nothing is known of it (no link, key, merge or open problem), and if nothing about it is odd:
each value can be read, and its companies are known and may work together. All others take the way of prefetch.py, page.py and write.py,
which tells what is wrong. Both ways end in the same rows. After the first load people are told of each new deal, so none is plain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.deals.deal_edit import NewDeals
from sync_worker.domain.sync.ingest.deals.plain import plain_deals
from sync_worker.domain.sync.ingest.own_key import key_of
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import DEAL
from sync_worker.steps.sync.ingest.alone import alone
from sync_worker.steps.sync.ingest.deals.reader import DealReader
from sync_worker.steps.sync.ingest.deals.sides import named_companies, sides_of
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links


class PartedDeals(NamedTuple):
    """A chunk in two. **Shapes** `rest`: what is to be judged record by record."""

    new: NewDeals
    rest: Chunk


def part(tx: Tx, chunk: Chunk, before: OpenFindings) -> PartedDeals:
    """Sets the plain records apart. Nothing is written."""
    reader = DealReader(chunk)
    free = list(_free(tx, chunk, before, reader)) if feed.is_loading(tx, DEAL) else []
    if not free:
        return PartedDeals(NewDeals((), {}, (), (), ()), chunk)
    columns = reader.columns(free)
    owners, seconds = columns.values["owner_company"], columns.values.get("second_partner", ())
    named = named_companies(tx, {str(crm_id) for crm_id in (*owners, *seconds) if crm_id})
    pairs = zip(map(named.id_of, owners), map(named.id_of, seconds), strict=False)
    companies = sides_of(tx, named, chunk.tenant.policy(chunk.record), owners=map(named.id_of, owners), pairs=pairs)
    new = plain_deals(columns, companies, chunk.tenant.today(tx))
    plain = set(new.crm_ids)
    return PartedDeals(new, replace(chunk, natives=[native for native in chunk.natives if native.crm_id not in plain]))


def _free(tx: Tx, chunk: Chunk, before: OpenFindings, reader: DealReader) -> Iterator[tuple[NativeRecord, str]]:
    """Records without a link and a key with which a deal may begin, each with the id of that deal, which no other record has as its key."""
    single, identity = [native for native in alone(tx, chunk, before) if reader.names_owner(native)], chunk.tenant.identity
    linked = links.known(tx, chunk.record.record, [native.crm_id for native in single])
    keys = {key_of(reader.key_on(native)) for native in chunk.natives}
    for native in single:
        new_id = identity(chunk.record.record, native.crm_id)
        is_new = not (native.is_converted or native.is_indexed or native.crm_id in linked)
        if is_new and not key_of(reader.key_on(native)) and new_id not in keys:
            yield native, new_id
