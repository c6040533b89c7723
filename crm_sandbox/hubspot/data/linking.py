"""Associations made and undone in somebody's name: both records are there, and the types are known between them."""

from collections.abc import Sequence
from typing import Any

from crm_sandbox.hubspot.data.associations import AssociationType
from crm_sandbox.hubspot.data.portal import HubspotAccount
from crm_sandbox.hubspot.data.records import HubspotAuthor, Record, RecordShelf
from crm_sandbox.hubspot.wire import errors

_WITH_PRIMARY = ({"contact", "company"}, {"deal", "company"}, {"ticket", "company"})  # record types with one primary company


class Linking:
    """Associations in somebody's name."""

    def __init__(self, portal: HubspotAccount, author: HubspotAuthor) -> None:
        self._portal, self._author = portal, author

    def types(self, one: RecordShelf, other: RecordShelf, wishes: Any) -> list[int]:
        """The type ids of `[{"associationCategory", "associationTypeId"}]`.

        Raises: Refusal.
        """
        if not isinstance(wishes, list) or not all(isinstance(wish, dict) for wish in wishes):
            raise errors.bad_json("association types must be a list of objects")
        known = self._portal.associations.types(one.type.name, other.type.name)
        for wish in wishes:
            label = known.get(wish.get("associationTypeId", 0))
            if label is None or label.category != wish.get("associationCategory"):
                raise errors.no_such_association_type(str(wish.get("associationTypeId")), one.type.name, other.type.name)
        return [int(wish["associationTypeId"]) for wish in wishes]

    def type_named(self, one: RecordShelf, other: RecordShelf, name: Any) -> int:
        """The type id of version 3's `type`: a name in any case, or the id itself.

        Raises: Refusal.
        """
        wanted = str(name).lower()
        for label in self._portal.associations.types(one.type.name, other.type.name).values():
            if wanted in (named(label, one, other).lower(), str(label.type_id)):
                return label.type_id
        raise errors.no_such_association_type(str(name), one.type.name, other.type.name)

    def add(self, one: RecordShelf, other: RecordShelf, from_id: Any, to_id: Any, type_ids: Sequence[int] = ()) -> tuple[int, int]:
        """Adds types to those that a pair has; none: associates it without a label.

        Raises: Refusal.
        """
        near, far = self.there(one, from_id), self.there(other, to_id)
        held = self._portal.associations.far(one.type.name, other.type.name, near.id).get(far.id, frozenset())
        return self.put(one, other, from_id, to_id, sorted(held | frozenset(type_ids)))

    def put(self, one: RecordShelf, other: RecordShelf, from_id: Any, to_id: Any, type_ids: Sequence[int]) -> tuple[int, int]:
        """Makes these the types of a pair; the two ids, as they are now.

        Raises: Refusal.
        """
        near, far = self.there(one, from_id), self.there(other, to_id)
        most = self._portal.associations.over_limit(one.type.name, other.type.name, near.id, far.id, type_ids)
        if most is not None:
            raise errors.too_many_associations(one.type.singular, near.id, other.type.name, most)
        changed = self._portal.associations.put(one.type.name, other.type.name, near.id, far.id, type_ids)
        self._portal.link(one, other, changed, self._author)
        return near.id, far.id

    def drop(self, one: RecordShelf, other: RecordShelf, from_id: Any, to_id: Any, type_ids: Sequence[int] | None = None) -> None:
        """Takes types from a pair, or all; what is not there is gone already."""
        near, far = self._find(one, from_id), self._find(other, to_id)
        if near is not None and far is not None:
            changed = self._portal.associations.drop(one.type.name, other.type.name, near.id, far.id, type_ids)
            self._portal.link(one, other, changed, self._author)

    def far(self, one: RecordShelf, other: RecordShelf, record_id: int) -> list[tuple[int, list[AssociationType]]]:
        """The records on the other side that are not archived, in the order of ids, and the types that lead there."""
        types = self._portal.associations.labels.get((one.type.name, other.type.name), {})
        held = self._portal.associations.far(one.type.name, other.type.name, record_id)
        alive = (far_id for far_id in sorted(held) if other.records[far_id].archived_ms is None)
        return [(far_id, [types[type_id] for type_id in sorted(held[far_id], reverse=True)]) for far_id in alive]

    def there(self, shelf: RecordShelf, record_id: Any) -> Record:
        """A record that is not archived.

        Raises: Refusal.
        """
        found = self._find(shelf, record_id)
        if found is None:
            raise errors.not_found(f"No {shelf.type.singular} with ID {record_id} exists")
        return found

    @staticmethod
    def _find(shelf: RecordShelf, record_id: Any) -> Record | None:
        text = str(record_id)
        found = shelf.find(int(text)) if text.isdigit() else None
        return None if found is None or found.archived_ms is not None else found


def named(label: AssociationType, one: RecordShelf, other: RecordShelf) -> str:
    """A type's name in the older shapes: `deal_to_company`, `deal_to_company_unlabeled`, or an admin's own name."""
    if label.is_own:
        return label.name or ""
    plain = f"{one.type.singular}_to_{other.type.singular}"
    has_primary = {one.type.singular, other.type.singular} in _WITH_PRIMARY
    return f"{plain}_unlabeled" if has_primary and not label.is_primary else plain
