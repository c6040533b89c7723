"""Keys on the records of one chunk of deals: whose each is, where the deal behind it lives, and what to say of those that are not ours."""

from __future__ import annotations

from collections.abc import Iterator

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.deals.link import KEY, Home, Link
from sync_worker.domain.sync.own_key import foreign_key, has_our_form, key_of, key_taken
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.sync.ingest.deals.prefetched import Shelf
from sync_worker.steps.sync.ingest.facts import found_by_key


class Keys:
    """The chunk's keys, and the homes of deals as the chunk has left them so far."""

    def __init__(self, shelf: Shelf, record: RecordMap) -> None:
        self._shelf = shelf
        self._record = record
        self._homes = dict(shelf.homes)

    def adopted(self, native: NativeRecord) -> Link | None:
        """A record that carries a deal's key and is not linked yet: our own create, whose answer was lost."""
        stored = self._shelf.deals.get(self._shelf.key(native))
        if stored is None or stored.deal.id in self._homes:
            return None
        base = found_by_key(self._shelf.sent.get(stored.deal.id, {}), self._record, native)
        return Link(self._record.record, native.crm_id, stored.deal.id, base=base)

    def home(self, native: NativeRecord) -> Home | None:
        """Where the deal lives whose key this record carries."""
        return self._homes.get(self._shelf.key(native))

    def lost(self, native: NativeRecord) -> str:
        """The id of the deal that the database lost: one of our keys that it does not know; "" where there is none."""
        key = self._shelf.key(native)
        return key if has_our_form(key) and key not in self._shelf.deals else ""

    def moved_in(self, link: Link) -> None:
        """From now on the deal lives there."""
        self._homes[link.deal_id] = Home(link.object, link.crm_id)

    def is_owed(self, link: Link) -> bool:
        """Whether our key is to be written on the record: where there is none, and where that of another deal of ours was left over."""
        key = key_of(link.base[KEY].crm)
        return key != link.deal_id and (not key or key in self._shelf.deals)

    def problems(self, native: NativeRecord, deal_id: str) -> Iterator[Problem]:
        """A key on a deal's record that is not ours, and stays where it is."""
        key = self._shelf.key(native)
        if key and key != deal_id and key not in self._shelf.deals:
            yield foreign_key(self._record.key_field, key, deal_id)

    def copied(self, native: NativeRecord, home: Home) -> Iterator[Problem]:
        """A key that is the key of another record of this type."""
        if home.object == self._record.record:
            yield key_taken(self._record.key_field, self._shelf.key(native), home.crm_id)
