"""A record as a request wants to see it: which properties, with which histories, with whom it is associated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crm_sandbox.hubspot.data.linking import Linking, named
from crm_sandbox.hubspot.data.portal import PORTAL_ID, HubspotAccount
from crm_sandbox.hubspot.data.records import HubspotAuthor, Record, RecordShelf, shape_of
from crm_sandbox.hubspot.wire import stamps

FIRST_PAGE = 100  # associated ids that come with a record; the rest is asked for by itself
Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WantedFields:
    """What is wanted of records; None: the vendor's own choice of properties."""

    properties: Sequence[str] | None = None
    histories: Sequence[str] = ()
    associations: Sequence[str] = ()


class Shapes:
    """Records of a portal as JSON."""

    def __init__(self, portal: HubspotAccount, base_url: str) -> None:
        self._portal, self._base_url = portal, base_url

    def record(self, shelf: RecordShelf, record: Record, view: WantedFields) -> Shape:
        """One record."""
        shape: Shape = shape_of(shelf.type, record, view.properties, portal_id=PORTAL_ID)
        if not self._portal.leaves_out_empty.isdisjoint(("*", shape["id"])):
            shape["properties"] = {name: value for name, value in shape["properties"].items() if value is not None}
        if view.histories:
            shape["propertiesWithHistory"] = {
                name: self._history(shelf, record, name) for name in view.histories if name in shelf.type.properties
            }
        associated = {name: self._associated(shelf, record, self._portal.shelf(name)) for name in view.associations}
        if found := {name: page for name, page in associated.items() if page is not None}:
            shape["associations"] = found
        return shape

    @staticmethod
    def _history(shelf: RecordShelf, record: Record, name: str) -> list[Shape]:
        found = []
        for version in shelf.history(record, name):
            told = {"value": version.value, "timestamp": stamps.write(version.at_ms), "sourceType": version.source}
            found.append(told if version.source_id is None else {**told, "sourceId": version.source_id})
        return found

    def _associated(self, shelf: RecordShelf, record: Record, other: RecordShelf) -> Shape | None:
        far = Linking(self._portal, HubspotAuthor()).far(shelf, other, record.id)
        if not far:
            return None
        results = [
            {"id": str(far_id), "type": named(label, shelf, other)} for far_id, labels in far[:FIRST_PAGE] for label in reversed(labels)
        ]
        if len(far) <= FIRST_PAGE:
            return {"results": results}
        after = str(far[FIRST_PAGE][0])
        link = f"{self._base_url}/crm/v4/objects/{shelf.type.name}/{record.id}/associations/{other.type.name}?after={after}"
        return {"results": results, "paging": {"next": {"after": after, "link": link}}}
