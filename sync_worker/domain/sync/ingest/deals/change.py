"""What a ruling on a deal's record writes, and what the portal holds of a page of such records before any of it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from sync_worker.domain.core.deal import Policy
from sync_worker.domain.core.link import Home, Link
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, Conflict, Decided, FieldRule
from sync_worker.domain.core.ruling import Ended, Ruling
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import DealEdit, StoredDeal
from sync_worker.domain.deals.standing import Stands
from sync_worker.domain.sync.ingest.deals.record import DealRecord, DealSides
from sync_worker.domain.sync.push.late_write import Recognized, Shown


class DealChange(NamedTuple):
    """What is to be written of one deal.

    **Shapes** `edits`: the deal as it is from now on, and its twin's end. `links`: as they are now; `is_seen`: the deal was seen to live in
    the first of them. `conflicts`: those that were found; `settled`: fields whose conflict waited for a person, and is over. `standing`:
    problems that no read mends. `is_owed`: whether the CRM is owed something; `unparks`: whether writes that were refused are tried again.
    `asks_edits`: whether it counts when the portal's people edited the deal, and that was not looked up. `stranger_at`: the stamp of a
    record that would be ours and is not. `untold`: fields that changed before the deal's record turned into this one, of which people are
    told only now, with what they know them as.
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
    untold: Mapping[str, Value] = MappingProxyType({})

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be written: deal and link stay as they are, and nothing is to be told or owed."""
        as_it_is = DealChange(self.deal_id, tuple(edit for edit in self.edits if not edit.is_changed))
        return self == as_it_is


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
    `indexed`: records that only a search's index shows.
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
    indexed: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SoFar:
    """What the rulings so far have left of the page, as far as a record that is judged later can ask for it.

    **Shapes** `keys`: our keys that stand on the page's records. `moved`: by CRM id, links that a merge has brought to that record.
    `homes`: by deal id, the records in which deals have begun to live whose key stands on the page. `ended`: by id, deals that the record
    of another one has ended.
    """

    held: HeldDeals
    keys: Set[str]
    moved: Mapping[str, Link] = field(default_factory=dict)
    homes: Mapping[str, Home] = field(default_factory=dict)
    ended: Mapping[str, StoredDeal] = field(default_factory=dict)

    def link(self, crm_id: str) -> Link | None:
        """The link of a record of this type."""
        return self.moved.get(crm_id) or self.held.links.get(crm_id)

    def home(self, deal_id: str) -> Home | None:
        """Where a deal lives, of those whose key stands on another record."""
        return self.homes.get(deal_id) or self.held.homes.get(deal_id)

    def is_taken(self, crm_id: str) -> bool:
        """Whether a deal lives in that record."""
        return self.link(crm_id) is not None or crm_id in self.held.taken

    def after(self, change: DealChange) -> SoFar:
        """With one more ruling; the very same where no later record can ask for what it says."""
        if change.is_seen and change.deal_id in self.keys and change.links[0].crm_id not in self.held.links:
            home = Home(change.links[0].object, change.links[0].crm_id)
            return replace(self, homes={**self.homes, change.deal_id: home})
        if len(change.links) < 2:
            return self
        moved = {link.crm_id: link for link in change.links if link.is_current and link.object == self.held.object}
        ended = {edit.deal.id: edit.stored for edit in change.edits if edit.deal.id != change.deal_id}
        return replace(self, moved={**self.moved, **moved}, ended={**self.ended, **ended})


def ruled(record: DealRecord, outcome: Ended, *problems: Problem, change: DealChange | None = None) -> DealRuling:
    """What becomes of a record that was looked at."""
    return Ruling(record.crm_id, outcome, "", record.name, True, problems=problems, change=change)
