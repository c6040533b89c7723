"""What no end state shows: an act upon what is not so any more. It breaks rule 5, even if nothing comes of it.

outbox.begin    says which records may be sent  ─▶ a record that it does not name is sent
outbox.done     settles rows                    ─▶ a row is settled that the claim does not hold
                                                ─▶ a row goes although its record was edited after the claim
cursors         moves a cursor under its fence  ─▶ nothing was moved, and the page goes on to its commit
judge_…         rules on records of an answer   ─▶ a record is taken as it was read before our own write of it
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sync_worker.domain.core.ruling import SKIPPED, Ruling
from sync_worker.domain.sync.ingest.companies.page import judge_companies
from sync_worker.domain.sync.ingest.deals.page import judge_deals
from sync_worker.steps.sync.ingest.companies import ingest as companies
from sync_worker.steps.sync.ingest.deals import ingest as deals
from sync_worker.store.core import cursors
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow


@dataclass
class Watch:
    """**Shapes** `seen`: each such act, in words. `lost`: records of which their worker was told last that their claim is lost.
    `on_prepare`: hears that a claim's writes are worked out, and not sent yet; `on_move`: that a commit of records renews its lease.
    """

    seen: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    on_prepare: Callable[[], None] = lambda: None
    on_move: Callable[[], None] = lambda: None

    def sent(self, record_ids: Iterable[str]) -> None:
        """A call with these is made."""
        self.seen += [f"{record_id} was sent after its claim was lost" for record_id in record_ids if record_id in self.lost]

    def keep(self, patch: pytest.MonkeyPatch) -> None:
        """While the patch lasts, the store's own answers are listened to."""
        patch.setattr(outbox, "begin", self._beginning(outbox.begin))
        patch.setattr(outbox, "done", self._settling(outbox.done))
        patch.setattr(outbox, "prepare", self._preparing(outbox.prepare))
        patch.setattr(companies, "judge_companies", self._judging(judge_companies, lambda held: held.known))
        patch.setattr(deals, "judge_deals", self._judging(judge_deals, lambda held: held.links))
        moved_count = 1
        move, fenced = cursors._moved, cursors._fenced

        def moving(tx: Tx, cursor: Cursor, **values: object) -> int:
            nonlocal moved_count
            moved_count = move(tx, cursor, **values)
            return moved_count

        def fencing(tx: Tx, cursor: Cursor, **values: object) -> None:
            fenced(tx, cursor, **values)
            if moved_count != 1:
                self.seen.append(f"a page of {cursor.object} was stored after its lease was lost")
            self.on_move()

        patch.setattr(cursors, "_moved", moving)
        patch.setattr(cursors, "_fenced", fencing)

    def _beginning(self, begin: Callable[..., set[str]]) -> Callable[..., set[str]]:
        def begins(tx: Tx, object_: str, record_ids: Collection[str], token: str) -> set[str]:
            begun = begin(tx, object_, record_ids, token)
            self.lost = (self.lost - begun) | (set(record_ids) - begun)
            return begun

        return begins

    def _preparing(self, prepare: Callable[..., set[str]]) -> Callable[..., set[str]]:
        def prepares(tx: Tx, rows: Sequence[OutboxRow], token: str, sent: Any) -> set[str]:
            self.on_prepare()
            return prepare(tx, rows, token, sent)

        return prepares

    def _judging(
        self, judge: Callable[..., list[Ruling[Any]]], known: Callable[[Any], Mapping[str, Any]]
    ) -> Callable[..., list[Ruling[Any]]]:
        def judges(records: Any, held: Any) -> list[Ruling[Any]]:
            rulings = judge(records, held)
            newer = {crm_id for crm_id, one in known(held).items() if one.settled_no > held.read_no}
            taken = [ruling.crm_id for ruling in rulings if ruling.crm_id in newer and ruling.outcome != SKIPPED]
            self.seen += [f"{crm_id} was taken as it was read before our own write" for crm_id in taken]
            return rulings

        return judges

    def _settling(self, done: Callable[..., Any]) -> Callable[..., Any]:
        def settles(tx: Tx, rows: Sequence[OutboxRow], token: str) -> Any:
            held = outbox._held(tx, rows, token)
            edited = {row.record_id for row in rows if held.get(row.record_id, row.generation) != row.generation}
            settled = done(tx, rows, token)
            self.seen += [
                f"{record_id} was edited during its write, and is not owed" for record_id in sorted(edited) if not settled[record_id]
            ]
            self.seen += [f"{record_id} was settled after its claim was lost" for record_id in sorted(settled.keys() - held.keys())]
            return settled

        return settles
