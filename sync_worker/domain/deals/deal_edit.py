"""What one reading makes of one deal, with its history: the changes that change something, and what was not taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sync_worker.domain.core.deal import Actor, Deal, differing
from sync_worker.domain.core.values import Plain, Value
from sync_worker.domain.deals.standing import Untaken

CRM_ACTOR: Final = Actor("CRM", None, "crm")


@dataclass(frozen=True, slots=True)
class StoredDeal:
    """A deal and its version, which every change raises by one. **Shapes** `registered_at`: when first; None = not until now."""

    deal: Deal
    version: int
    created_at: datetime
    updated_at: datetime
    registered_at: datetime | None = None

    def registered_by_now(self, now: datetime) -> datetime | None:
        """Since when it is registered, or was first: the moment stays when a registration ends."""
        return self.registered_at or (now if self.deal.values.get("is_registered") else None)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's change. **Shapes** `field` "" is the deal as it came in, `new` then holds all of it; values become plain in the store."""

    deal_id: str
    version: int
    field: str
    side: str
    actor: str
    run_id: str
    old: Value | Plain | Mapping[str, Value | Plain]
    new: Value | Plain | Mapping[str, Value | Plain]
    note: str = ""


class DealEdit(NamedTuple):
    """One deal as it is from now on.

    **Shapes** `before`: as it was, None where it begins. `history`: empty where nothing changed. `reason`: why, for people. `is_known`: its
    people were told of it before, or are told of it later, and not now.
    """

    before: Deal | None
    stored: StoredDeal
    history: tuple[FieldChange, ...] = ()
    reason: str = ""
    is_known: bool = False

    @property
    def deal(self) -> Deal:
        """The deal as it is from now on."""
        return self.stored.deal

    @property
    def is_changed(self) -> bool:
        """Whether a field of it has another value than before."""
        return self.deal is not self.before


BEGAN_IN_CRM: Final = "began in the CRM"


class NewDeals(NamedTuple):
    """Deals that begin in the CRM, field by field; each is at its first version.

    **Shapes** `values`: field → each deal's. `crm_ids`, `modified`, `bases`: of the record that each begins with, a base in its JSON form.
    **Units** `modified`: aware UTC.
    """

    ids: Sequence[str]
    values: Mapping[str, Sequence[Value]]
    crm_ids: Sequence[str]
    modified: Sequence[datetime]
    bases: Sequence[Mapping[str, list[Any]]]


def begun(deal: Deal, at: datetime, run_id: str, note: str, *, is_known: bool = False) -> DealEdit:
    """A deal that comes in from the CRM."""
    whole = {name: value for name, value in deal.values.items() if value is not None}
    history = (FieldChange(deal.id, 1, "", "crm", CRM_ACTOR.name, run_id, None, whole, note),)
    return DealEdit(None, StoredDeal(deal, 1, at, at), history, is_known=is_known)


@dataclass(frozen=True, slots=True)
class ReadChanges:
    """What one reading changes in a deal.

    **Shapes** `from_crm`: the fields of which the CRM said so, the rest followed. `notes`: what the history says of a field. `reason`: why.
    """

    values: Mapping[str, Value]
    from_crm: frozenset[str] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


def edited(stored: StoredDeal, changes: ReadChanges, run_id: str) -> DealEdit:
    """The deal after the changes that change something; the very same object where none does."""
    before, names = stored.deal, differing(stored.deal, changes.values)
    if not names:
        return DealEdit(before, stored)
    after, version = before.changed({name: changes.values[name] for name in names}), stored.version + 1
    history = tuple(
        FieldChange(
            after.id,
            version,
            name,
            "crm" if name in changes.from_crm else "worker",
            CRM_ACTOR.name,
            run_id,
            before.values.get(name),
            after.values.get(name),
            changes.notes.get(name, ""),
        )
        for name in sorted(names)
    )
    return DealEdit(before, replace(stored, deal=after, version=version), history, changes.reason)


def with_untaken(edit: DealEdit, untaken: Sequence[Untaken], run_id: str) -> DealEdit:
    """What the CRM said and was not taken over stands in the deal's history, too."""
    if not untaken:
        return edit
    deal, version = edit.deal, edit.stored.version + 1
    said = tuple(
        FieldChange(deal.id, version, one.field, "worker", CRM_ACTOR.name, run_id, one.crm, one.portal, one.why) for one in untaken
    )
    return edit._replace(stored=replace(edit.stored, version=version), history=(*edit.history, *said))
