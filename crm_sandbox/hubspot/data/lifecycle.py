"""What becomes of records besides edits: merged, restored, gone for good.

A merge makes a new record with a new id; in portals that keep the primary's id the primary lives on. Either way the ids
that were swallowed lead to the survivor, and are not found among the archived.
Source: https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
"""

from dataclasses import replace

from crm_sandbox.hubspot.data.news import RecordSaved, RecordsMerged
from crm_sandbox.hubspot.data.portal import HubspotAccount
from crm_sandbox.hubspot.data.records import HubspotAuthor, Record, RecordShelf
from crm_sandbox.hubspot.wire import errors


class HubspotLifecycle:
    """Merges and the like in somebody's name."""

    def __init__(self, portal: HubspotAccount, author: HubspotAuthor) -> None:
        self._portal, self._author = portal, author

    def merge(self, shelf: RecordShelf, primary_id: int, other_id: int) -> Record:
        """The primary's values, and the other's where it has none; the survivor.

        Raises: Refusal.
        """
        primary, other = self._alive(shelf, primary_id), self._alive(shelf, other_id)
        if primary.id == other.id:
            raise errors.invalid("Cannot merge an object with itself")
        gone = (other,) if self._portal.keeps_merged_id else (primary, other)
        new_id = primary.id if self._portal.keeps_merged_id else shelf.next_id()
        merged = tuple(sorted({*primary.merged, *other.merged, *(one.id for one in gone)}))
        values = {**other.values, **primary.values}
        survivor = replace(primary, id=new_id, values=values, modified_ms=self._portal.now_ms(), merged=merged)
        for one in gone:
            self._portal.remove(shelf, one.id)
            self._portal.associations.move(shelf.type.name, one.id, new_id)
            shelf.survivor_by_id[one.id] = new_id
        self._portal.keep(shelf, survivor)
        moved = sum(name not in primary.values for name in other.values)
        ids = (primary.id, (other.id,), new_id, moved)
        self._portal.tell(RecordsMerged(shelf.type, *ids, self._author, self._portal.now_ms()))
        return survivor

    def restore(self, shelf: RecordShelf, record_id: int) -> Record:
        """An archived record back, with its associations.

        Raises: Refusal.
        """
        found = shelf.find(record_id)
        if found is None or found.archived_ms is None:
            raise errors.not_found(f"No archived {shelf.type.singular} {record_id}")
        for name, value in found.values.items():
            if shelf.with_key(name, value) is not None:
                raise errors.conflict(f"Another {shelf.type.singular} has {name} {value} by now")
        restored = replace(found, archived_ms=None, modified_ms=self._portal.now_ms())
        self._portal.save(shelf, restored, self._author)
        return restored

    def hard_delete(self, shelf: RecordShelf, record_id: int) -> None:
        """A record gone without a trace.

        Raises: Refusal.
        """
        if record_id not in shelf.records:
            raise errors.not_found(f"No {shelf.type.singular} {record_id}")
        self._portal.associations.forget(shelf.type.name, record_id)
        gone = self._portal.remove(shelf, record_id)
        self._portal.tell(RecordSaved(shelf.type, gone, None, self._author, self._portal.now_ms()))

    @staticmethod
    def _alive(shelf: RecordShelf, record_id: int) -> Record:
        found = shelf.find(record_id)
        if found is None or found.archived_ms is not None:
            raise errors.not_found()
        return found
