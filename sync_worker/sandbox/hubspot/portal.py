"""The portal: its record types, records, associations, people and pipelines. Everything that a reset begins anew."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sync_worker.sandbox.clock import Clock
from sync_worker.sandbox.hubspot import errors, stamps
from sync_worker.sandbox.hubspot.index import Index
from sync_worker.sandbox.hubspot.object_types import portal_types
from sync_worker.sandbox.hubspot.records import Author, Record, Shelf
from sync_worker.sandbox.hubspot.schema import ObjectType, Option, Property
from sync_worker.sandbox.hubspot.validation import Rule

PORTAL_ID = 47_110_815
Heard = Callable[[Shelf, Record | None, Record | None, Author], None]


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
    """A way that deals go."""

    id: str
    label: str
    order: int
    stages: list[Stage]


@dataclass(slots=True)
class Portal:
    """One account at the vendor's. `listeners` hear of every save: webhooks plug in there."""

    clock: Clock
    time_zone: str = "US/Eastern"
    tier: str = "professional"
    lag_s: float = 0
    keeps_merged_id: bool = False
    owners: list[Owner] = field(default_factory=list)
    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    shelves: dict[str, Shelf] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    listeners: list[Heard] = field(default_factory=list)
    _shelf_by_name: dict[str, Shelf] = field(default_factory=dict)

    @classmethod
    def empty(cls, clock: Clock, second_partners: tuple[Option, ...] = (), **more: Any) -> "Portal":
        """A portal without records; the seed fills it."""
        portal = cls(clock, **more)
        for kind in portal_types(second_partners):
            shelf = Shelf(kind, portal._told)
            portal.shelves[kind.name] = shelf
            portal.indexes[kind.name] = Index(portal.now_ms, lambda: int(portal.lag_s * 1000))
            portal._shelf_by_name |= dict.fromkeys((kind.name, kind.singular, kind.type_id), shelf)
        return portal

    def now_ms(self) -> int:
        """The portal's time, in milliseconds since 1970."""
        return stamps.ms_of(self.clock.now())

    def shelf(self, name: str) -> Shelf:
        """The records of a type by its name, its singular or its id (`companies`, `company`, `0-2`).

        Raises: Refusal.
        """
        found = self._shelf_by_name.get(name.lower())
        if found is None:
            raise errors.unknown_type(name)
        return found

    def options(self, prop: Property) -> tuple[Option, ...]:
        """What an enumeration may be; pipelines and stages are their own lists."""
        if prop.name == "pipeline" and prop.is_vendors:
            return tuple(Option(one.id, one.label, one.order) for one in self.pipelines.values())
        if prop.name == "dealstage" and prop.is_vendors:
            stages = [stage for one in self.pipelines.values() for stage in one.stages]
            return tuple(Option(stage.id, stage.label, order) for order, stage in enumerate(stages))
        return prop.options

    def describe(self, prop: Property) -> dict[str, Any]:
        """A property as the API shows it, with the options it has now."""
        return prop.to_dict() | {"options": [option.to_dict() for option in self.options(prop)]}

    def index(self, kind: ObjectType) -> Index:
        """What search sees of a type."""
        return self.indexes[kind.name]

    def _told(self, shelf: Shelf, before: Record | None, after: Record | None, author: Author) -> None:
        gone = after or before
        assert gone is not None  # noqa: S101 - a save is about a record
        self.indexes[shelf.type.name].save(gone.id, after)
        for listener in self.listeners:
            listener(shelf, before, after, author)
