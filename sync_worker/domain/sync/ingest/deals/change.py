"""What a ruling on a deal's record writes, and what the portal holds of a page of such records before any of it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from sync_worker.domain.core.deal import Policy
from sync_worker.domain.core.link import Home, Link
from sync_worker.domain.core.reconcile import Base, Conflict, Decided, FieldRule
from sync_worker.domain.core.ruling import Ruling
from sync_worker.domain.deals.deal_edit import DealEdit, StoredDeal
from sync_worker.domain.deals.standing import Stands
from sync_worker.domain.sync.ingest.deals.record import DealSides
from sync_worker.domain.sync.push.late_write import Recognized, Shown


class DealChange(NamedTuple):
    """What is to be written of one deal.

    **Shapes** `edits`: the deal as it is from now on, and its twin's end. `links`: as they are now; `is_seen`: the deal was seen to live in
    the first of them. `conflicts`: those that were found; `settled`: fields whose conflict waited for a person, and is over. `standing`:
    problems that no read mends. `is_owed`: whether the CRM is owed something; `unparks`: whether writes that were refused are tried again.
    `asks_edits`: whether it counts when the portal's people edited the deal, and that was not looked up. `stranger_at`: the stamp of a
    record that would be ours and is not.
    """

    deal_id: str = ""
    edits: tuple[DealEdit, ...] = ()
    links: tuple[Link, ...] = ()
    is_seen: bool = False
    conflicts: tuple[Conflict, ...] = ()
    settled: tuple[str, ...] = ()
    standing: tuple[Stands, ...] = ()
    is_owed: bool = False
    unparks: bool = False
    asks_edits: bool = False
    recognized: Recognized | None = None
    stranger_at: datetime | None = None


DealRuling: TypeAlias = Ruling[DealChange]


@dataclass(frozen=True, slots=True)
class HeldDeals:
    """What the portal holds of the records of one page.

    **Shapes** `object`: their record type; `rules`: how its fields travel. `read_no`: drawn before they were read. `links`, `adoptable` (of
    records that carry the key of a deal without a record) by CRM id; `deals`, `homes`, `sent` (what may be under way), `disputed` (fields
    with a conflict that waits), `decided`, `edited_at` by deal id. `shown`: by (CRM id, deal), what the record shows of sends whose outcome
    was never learned. `taken`: CRM ids in which other deals live. `twins`: by the CRM id of what a record turned into, the deal that began
    with that one. `turned_fields`: the fields of what these records turn into; `handed_on`: those that a conversion into these can copy, as
    (native field, native field), and `turned_from` the native type. `failed_before`: of records that failed as they are; `failed`: of all
    that failed. `judges_pair`: whether owner company and second partner were read.
    """

    object: str
    key_field: str
    rules: Mapping[str, FieldRule]
    policy: Policy
    companies: DealSides
    now: datetime
    today: date
    run_id: str = ""
    read_no: int = 0
    links: Mapping[str, Link] = field(default_factory=dict)
    adoptable: Mapping[str, Link] = field(default_factory=dict)
    deals: Mapping[str, StoredDeal] = field(default_factory=dict)
    homes: Mapping[str, Home] = field(default_factory=dict)
    sent: Mapping[str, Mapping[str, Base]] = field(default_factory=dict)
    disputed: Mapping[str, Set[str]] = field(default_factory=dict)
    decided: Mapping[str, Mapping[str, Decided]] = field(default_factory=dict)
    edited_at: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    shown: Mapping[tuple[str, str], tuple[Shown, ...]] = field(default_factory=dict)
    taken: Set[str] = frozenset()
    twins: Mapping[str, StoredDeal] = field(default_factory=dict)
    turns_into: str = ""
    turned_fields: Set[str] = frozenset()
    turned_from: str = ""
    handed_on: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    failed_before: Set[str] = frozenset()
    failed: Set[str] = frozenset()
    judges_pair: bool = True

    @property
    def written(self) -> list[str]:
        """The fields that we write."""
        return [name for name, rule in self.rules.items() if rule.direction != "pull"]


class SoFar:
    """What the rulings so far have left of the page: deals as they are by now, records in which they live, and links that have moved."""

    def __init__(self, held: HeldDeals) -> None:
        self._held = held
        self._deals: dict[str, StoredDeal] = {}
        self._links: dict[str, Link] = {}
        self._homes: dict[str, Home] = {}

    def latest(self, stored: StoredDeal) -> StoredDeal:
        """The deal as it is by now."""
        return self._deals.get(stored.deal.id, stored)

    def link(self, crm_id: str) -> Link | None:
        """The link of a record of this type."""
        return self._links.get(crm_id) or self._held.links.get(crm_id)

    def home(self, deal_id: str) -> Home | None:
        """Where a deal lives, of those whose key stands on another record."""
        return self._homes.get(deal_id) or self._held.homes.get(deal_id)

    def is_taken(self, crm_id: str) -> bool:
        """Whether a deal lives in that record."""
        return self.link(crm_id) is not None or crm_id in self._held.taken

    def add(self, change: DealChange) -> None:
        """One more ruling."""
        for edit in change.edits:
            self._deals[edit.deal.id] = edit.stored
        if change.is_seen:
            self._homes[change.deal_id] = Home(change.links[0].object, change.links[0].crm_id)
            return
        for link in change.links:
            if link.is_current and link.object == self._held.object:
                self._links[link.crm_id] = link
