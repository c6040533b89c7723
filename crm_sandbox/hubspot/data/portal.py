"""The portal: its record types, records, associations, people and pipelines. Everything that a reset begins again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm_sandbox.clock import Clock
from crm_sandbox.hubspot.data.associations import Changed, HubspotAssociations
from crm_sandbox.hubspot.data.index import Index
from crm_sandbox.hubspot.data.news import Listener, News, RecordSaved, RecordsLinked
from crm_sandbox.hubspot.data.records import HubspotAuthor, Record, RecordShelf, Values
from crm_sandbox.hubspot.data.validation import PropertyRule
from crm_sandbox.hubspot.schema.schema import ObjectType, Option, Property
from crm_sandbox.hubspot.wire import errors, stamps

PORTAL_ID = 47_110_815
PIPELINE_PROPERTIES = {"deals": ("pipeline", "dealstage"), "": ("hs_pipeline", "hs_pipeline_stage")}  # "": of other record types


@dataclass(frozen=True, slots=True)
class Owner:
    """A user that records can belong to; `id` is what `hubspot_owner_id` holds."""

    id: str
    user_id: int
    email: str
    first_name: str
    last_name: str
    is_archived: bool = False


@dataclass(slots=True)
class Stage:
    """A step of a pipeline."""

    id: str
    label: str
    order: int
    metadata: dict[str, str]


@dataclass(slots=True)
class Pipeline:
    """A way that records of a type go."""

    id: str
    label: str
    order: int
    stages: list[Stage]


@dataclass(frozen=True, slots=True)
class Unshared:
    """A record that the client may not see, with what it was associated with: (other record type, id there, type ids)."""

    shelf: RecordShelf
    record: Record
    far: list[tuple[str, int, frozenset[int]]]


@dataclass(slots=True)
class HubspotAccount:
    """One account at the vendor's. `listeners` hear of everything: webhooks plug in there."""

    clock: Clock
    time_zone: str = "US/Eastern"
    tier: str = "professional"
    lag_s: float = 0
    keeps_merged_id: bool = False
    leaves_out_empty: set[str] = field(default_factory=set)  # ids of records whose answers do; "*": of all
    owners: list[Owner] = field(default_factory=list)
    pipelines: dict[str, dict[str, Pipeline]] = field(default_factory=dict)  # by the plural name of the record type
    shelves: dict[str, RecordShelf] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    rules: list[PropertyRule] = field(default_factory=list)
    associations: HubspotAssociations = field(default_factory=HubspotAssociations)
    listeners: list[Listener] = field(default_factory=list)
    unshared: dict[int, Unshared] = field(default_factory=dict)
    _shelf_by_name: dict[str, RecordShelf] = field(default_factory=dict)

    @classmethod
    def empty(cls, clock: Clock, types: Iterable[ObjectType], **more: Any) -> "HubspotAccount":
        """A portal without records; the seed fills it."""
        portal = cls(clock, **more)
        for kind in types:
            shelf = RecordShelf(kind)
            portal.shelves[kind.name] = shelf
            portal.indexes[kind.name] = Index(portal.now_ms, lambda: int(portal.lag_s * 1000))
            portal._shelf_by_name |= dict.fromkeys((kind.name, kind.singular, kind.type_id), shelf)
        return portal

    def now_ms(self) -> int:
        """The portal's time, in milliseconds since 1970."""
        return stamps.ms_of(self.clock.now())

    def shelf(self, name: str) -> RecordShelf:
        """The records of a type by its name, its singular or its id (`companies`, `company`, `0-2`).

        Raises: Refusal.
        """
        found = self._shelf_by_name.get(name.lower())
        if found is None:
            raise errors.unknown_type(name)
        return found

    def find(self, shelf: RecordShelf, key: str, id_property: str | None = None) -> Record | None:
        """A record by its id, archived or not, or by a unique property, not archived.

        Raises: Refusal, when the property is not unique.
        """
        if not id_property:
            return shelf.find(int(key)) if key.isdigit() else None
        prop = shelf.type.properties.get(id_property)
        if prop is None or not prop.is_unique:
            raise errors.non_unique(shelf.type.type_id, id_property, PORTAL_ID)
        return shelf.with_key(id_property, key)

    def options(self, prop: Property) -> tuple[Option, ...]:
        """What an enumeration may be; owners are a list of their own."""
        if prop.is_external:
            return tuple(Option(one.id, one.email) for one in self.owners)
        return prop.options

    def add_pipeline(self, kind: str, way: Pipeline) -> None:
        """A way that records of a type go: its id and its stages become options of the type's two properties."""
        ways = self.pipelines.setdefault(kind, {})
        ways[way.id] = way
        stages = [stage for one in ways.values() for stage in one.stages]
        names = PIPELINE_PROPERTIES.get(kind, PIPELINE_PROPERTIES[""])
        lists = (
            tuple(Option(one.id, one.label, one.order) for one in ways.values()),
            tuple(Option(stage.id, stage.label, order) for order, stage in enumerate(stages)),
        )
        for name, options in zip(names, lists, strict=True):
            self.shelf(kind).type.change(name, options=options)

    def describe(self, prop: Property) -> dict[str, Any]:
        """A property as the API shows it, with the options it has now."""
        return prop.to_dict() if prop.is_external else prop.to_dict() | {"options": [option.to_dict() for option in self.options(prop)]}

    def derived(self, type_name: str, values: Values) -> Values:
        """What the vendor makes of a record's values: a deal is in a pipeline, and closed when its stage is."""
        if type_name != "deals":
            return values
        ways = self.pipelines.get("deals", {})
        stage = next((one for way in ways.values() for one in way.stages if one.id == values.get("dealstage")), None)
        is_closed = stage is not None and stage.metadata["isClosed"] == "true"
        is_won = is_closed and stage is not None and stage.metadata["probability"] == "1.0"
        made = {"hs_is_closed": str(is_closed).lower(), "hs_is_closed_won": str(is_won).lower()}
        return {"pipeline": next(iter(ways), ""), **values, **made}

    def index(self, kind: ObjectType) -> Index:
        """What search sees of a type."""
        return self.indexes[kind.name]

    def keep(self, shelf: RecordShelf, record: Record) -> None:
        """A record's new state; no notification is sent."""
        shelf.save(record)
        self.index(shelf.type).save(record.id, record)

    def save(self, shelf: RecordShelf, record: Record, author: HubspotAuthor) -> None:
        """A record's new state."""
        before = shelf.records.get(record.id)
        self.keep(shelf, record)
        self.tell(RecordSaved(shelf.type, before, record, author, self.now_ms()))

    def remove(self, shelf: RecordShelf, record_id: int) -> Record:
        """Takes a record away for good; no notification is sent. Returns what it was."""
        self.index(shelf.type).save(record_id, None)
        return shelf.remove(record_id)

    def unshare(self, shelf: RecordShelf, record_id: int) -> None:
        """Hides a record as it stands; no notification is sent."""
        far = self.associations.lift(shelf.type.name, record_id)
        self.unshared[record_id] = Unshared(shelf, self.remove(shelf, record_id), far)

    def share(self, record_id: int) -> None:
        """Shows a hidden record again, its stamp as it was; no notification is sent. What was merged meanwhile has its new id."""
        hidden = self.unshared.pop(record_id)
        self.keep(hidden.shelf, hidden.record)
        for other, far_id, types in hidden.far:
            far = self.shelf(other).find(far_id)
            self.associations.load(hidden.shelf.type.name, other, [(record_id, far.id if far else far_id, types)])

    def link(self, one: RecordShelf, other: RecordShelf, changed: list[Changed], author: HubspotAuthor) -> None:
        """Tells of associations that were made or are gone."""
        now = self.now_ms()
        for from_id, to_id, label, is_removed in changed:
            ids = (label.type_id, label.inverse_id, label.category)
            self.tell(RecordsLinked(one.type, from_id, other.type, to_id, *ids, label.is_primary, is_removed, author, now))

    def tell(self, news: News) -> None:
        """Everybody who listens hears of it."""
        for listener in self.listeners:
            listener(news)
