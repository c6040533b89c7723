"""How the answers to batches of writes tell what became of a record, where a test orders it: its stamp, and the values that were kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from crm_sandbox.hubspot.data.portal import HubspotAccount
from crm_sandbox.hubspot.data.records import HubspotAuthor, Record, RecordShelf
from crm_sandbox.hubspot.data.shapes import Shape
from crm_sandbox.hubspot.data.writing import CheckedWrite
from crm_sandbox.hubspot.wire import stamps

STAMPS: Final = ("exact", "left_out", "before", "seconds", "milliseconds")
WORKFLOW = HubspotAuthor("AUTOMATION_PLATFORM")


@dataclass(slots=True)
class AnswerHabits:
    """What a vendor may do besides what was asked for.

    `stamp`: as the record has it; left out; as it was before the write; in whole seconds; or as a number of milliseconds. `moves_on_ms`: a
    workflow changes the record so much later, after the answer. `keeps`: by record type and property, what is stored instead of what the
    API writes there.
    """

    stamp: str = "exact"
    moves_on_ms: int = 0
    keeps: dict[tuple[str, str], str] = field(default_factory=dict)

    def kept(self, change: CheckedWrite) -> CheckedWrite:
        """The write as the vendor stores it."""
        kind = change.shelf.type.name
        instead = {name: self.keeps[kind, name] for name in change.names if (kind, name) in self.keeps}
        return replace(change, values={**change.values, **instead}) if instead else change

    def told(self, change: CheckedWrite, shape: Shape) -> Shape:
        """What the answer shows of the record."""
        if self.stamp == "exact":
            return shape
        properties: Mapping[str, Any] = shape["properties"]
        name, before = change.shelf.type.modified, change.before
        at_ms = before.modified_ms if before and self.stamp == "before" else stamps.read(str(properties[name])) or 0
        if self.stamp == "left_out":
            left = {key: value for key, value in properties.items() if key != name}
            return {**{key: value for key, value in shape.items() if key != "updatedAt"}, "properties": left}
        spelled = {"before": stamps.write(at_ms), "seconds": f"{stamps.write(at_ms)[:19]}Z", "milliseconds": str(at_ms)}[self.stamp]
        return {**shape, "updatedAt": spelled, "properties": {**properties, name: spelled}}

    def follow(self, portal: HubspotAccount, shelf: RecordShelf, record: Record) -> None:
        """What a workflow does once the answer is made."""
        if self.moves_on_ms:
            portal.save(shelf, replace(record, modified_ms=record.modified_ms + self.moves_on_ms), WORKFLOW)
