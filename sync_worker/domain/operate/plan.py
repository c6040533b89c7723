"""A plan as a value: what would change in the portal and in the CRM, how many of each kind and the first of them; and the cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeAlias

from sync_worker.domain.core.values import Plain

SHOWN_COUNT: Final = 10  # of each kind, unless all are asked for

Entry: TypeAlias = dict[str, Any]

KINDS: Final[Mapping[str, str]] = {
    "companies_new": "companies that would come in",
    "companies_changed": "companies that would change in the portal",
    "companies_leaving": "companies that would leave the portal",
    "associations_added": "associations that would begin",
    "associations_removed": "associations that would end",
    "deals_new": "deals that would come in",
    "deals_changed": "deals that would change in the portal",
    "crm_created": "records that would be created in the CRM",
    "crm_written": "records that would be written in the CRM",
    "portal_ids": "companies that would get their portal id in the CRM",
    "conflicts": "fields that both sides changed",
    "failures": "failures and problems that would open",
    "healed": "failures and problems that would be resolved",
}
"""What a plan tells, in this order."""

_FIELDS = ("field", "before", "after")
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "companies_new": ("name", "crm_id", "account_type", "status"),
    "companies_changed": ("name", *_FIELDS),
    "companies_leaving": ("name", *_FIELDS),
    "associations_added": ("partner", "second_partner"),
    "associations_removed": ("partner", "second_partner", "open_deals"),
    "deals_new": ("name", "id"),
    "deals_changed": ("name", *_FIELDS),
    "crm_created": ("record", "name", "field", "after"),
    "crm_written": ("crm_id", *_FIELDS),
    "portal_ids": ("name", "crm_id"),
    "conflicts": ("deal", "field", "base", "crm", "portal", "taken"),
    "failures": ("code", "name", "field", "message"),
    "healed": ("code", "name", "field"),
}
"""What of each kind is shown."""


@dataclass(slots=True)
class Listing:
    """So many, and the first of them. **Shapes** `limit`: how many are shown; None shows all."""

    limit: int | None = SHOWN_COUNT
    count: int = 0
    shown: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """One more."""
        self.count += 1
        if self.limit is None or len(self.shown) < self.limit:
            self.shown.append(entry)


@dataclass(slots=True)
class Cost:
    """API calls, and time. **Shapes** `used`: by this plan, to read; the pull and the push will read as much again. `needed`: what they
    would cost, reading and writing. **Units** `minutes`, at the rate last measured.
    """

    used: int = 0
    needed: int = 0
    minutes: float = 0.0


@dataclass(slots=True)
class Plan:
    """What a pull and a push would do.

    **Shapes** `listings` by kind; `waiting`: conflicts that would wait for a person; `failing`: records that could not be applied; `held`:
    why the mass-change brake would hold it; `stays`: what is left as it is although a person might think that it goes.
    """

    portal: str
    listings: dict[str, Listing]
    waiting: int = 0
    failing: int = 0
    held: list[str] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)

    @classmethod
    def empty(cls, portal: str, *, limit: int | None) -> Plan:
        """Nothing found yet."""
        return cls(portal, {kind: Listing(limit) for kind in KINDS})

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not any(listing.count for listing in self.listings.values())

    @property
    def needs_a_person(self) -> bool:
        """Whether a conflict would wait, the brake would hold, a record could not be applied, or a failure or problem would open."""
        return bool(self.waiting or self.failing or self.held or self.listings["failures"].count)

    def document(self) -> Entry:
        """JSON form."""
        kinds = {kind: {"count": listing.count, "shown": listing.shown} for kind, listing in self.listings.items()}
        words: Entry = {"is_empty": self.is_empty, "needs_a_person": self.needs_a_person, "held": self.held, "stays": self.stays}
        return {"portal": self.portal, **words, **kinds, "cost": asdict(self.cost)}


def changes(before: Mapping[str, Plain], after: Mapping[str, Plain]) -> list[Entry]:
    """The fields that differ, before and after, in plain form; what is absent is null."""
    names = sorted(before.keys() | after.keys())
    return [{"field": name, "before": before.get(name), "after": after.get(name)} for name in names if before.get(name) != after.get(name)]


def rows_of(kind: str, entries: Iterable[Entry]) -> Iterator[Entry]:
    """An entry is a row, or one for each of its fields where those are shown."""
    for entry in entries:
        if "after" in COLUMNS[kind]:
            yield from ({**entry, **change} for change in entry["changes"])
        else:
            yield {**entry, "open_deals": [deal["name"] or deal["id"] for deal in entry.get("open_deals", ())]}
