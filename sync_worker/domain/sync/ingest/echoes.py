"""Echoes: records that a search finds changed because we wrote them ourselves. Pure.

    our write's answer   carries the stamp of the record as the write left it, and shows every field as it was sent
    a search, later      finds the record under that very stamp: the index shows it as our write left it

Such a record is not read by its id: what the search shows of it is compared with what the portal holds. It counts as read, and as
unchanged. Where the search shows anything else, such as a person's edit just before our write, the record gets a notice and is read by its
id: an index is never the source of a value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sync_worker.domain.core.ruling import READ_WHOLE, SKIPPED, UNCHANGED, Ruling


class OwnWrite(NamedTuple):
    """Our last write of a record. **Shapes** `stamp`: its answer's; `held_at`: the stamp of the values that the portal holds, if any."""

    stamp: datetime
    held_at: datetime | None


def exact(stamp: datetime | None) -> datetime | None:
    """A stamp that tells one change from the next; None for one of whole seconds, in which a person's edit may lie beside our write."""
    return stamp if stamp and stamp.microsecond else None


def echoes(found: Mapping[str, datetime], written: Mapping[str, OwnWrite], busy: Collection[str]) -> set[str]:
    """Those of the found records that show our own last write, and of which the portal holds nothing newer. All by CRM id.

    **Shapes** `found`: the stamp that the search shows. `busy`: records with a notice that waits, or with something open: they are read.
    """
    return {crm_id for crm_id, own in written.items() if _is_echo(found.get(crm_id), own)}.difference(busy)


def _is_echo(shown: datetime | None, own: OwnWrite) -> bool:
    return exact(shown) == own.stamp and (own.held_at is None or own.held_at <= own.stamp)


def confirmed(ruling: Ruling[Any], object_: str, indexed: Collection[str], *, is_idle: bool) -> Ruling[Any]:
    """The same; but where only a search's index was seen, and it shows more than what is known already, the record is to be read by its id.

    **Shapes** `indexed`: the records of the page that were only seen so. `is_idle`: the ruling writes nothing.
    """
    if ruling.crm_id not in indexed or (ruling.outcome == UNCHANGED and is_idle and not (ruling.problems or ruling.elsewhere)):
        return ruling
    return Ruling(ruling.crm_id, SKIPPED, READ_WHOLE, read_again=((object_, ruling.crm_id),))
