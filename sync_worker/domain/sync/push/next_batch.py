"""NEXT BATCH: which writes go in one call while other calls of the portal are in flight. Pure.

A CRM locks the owner company of a record for the length of the call that writes it. So what belongs to one company goes in one batch, and
what is in flight elsewhere is not looked at here. The longest due comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from sync_worker.domain.sync.push.attempts import is_sent_alone


class DueWrite(NamedTuple):  # a thousand are looked at for each batch, and a tuple costs a third of a frozen dataclass
    """One record that owes the CRM something. **Shapes** `owner`: the company that its write locks. `unanswered`: sends without answer."""

    object: str
    record_id: str
    owner: str
    unanswered: int


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """Records of one object that are written together."""

    object: str
    record_ids: Sequence[str]


def next_batch(due: Sequence[DueWrite], most: int) -> WriteBatch | None:
    """Up to so many of these, the longest due first, each with the others of its owner. None: nothing is due.

    Of several objects the first by name, which is companies: deals name them. A record that is to be sent alone is the only one where it
    is the longest due, and is left where it is not.
    """
    if not due:
        return None
    object_ = min(write.object for write in due)
    mine = [write for write in due if write.object == object_]
    if is_sent_alone(mine[0].unanswered):
        return WriteBatch(object_, [mine[0].record_id])
    by_owner: dict[str, list[str]] = {}
    for write in mine:
        if not is_sent_alone(write.unanswered):
            by_owner.setdefault(write.owner, []).append(write.record_id)
    together = (record_id for record_ids in by_owner.values() for record_id in record_ids)
    return WriteBatch(object_, list(islice(together, most)))
