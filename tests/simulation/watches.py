"""What no end state shows: an act of a worker that has lost its lease or its claim. It breaks rule 5, even if nothing comes of it.

outbox.begin    says which records may be sent  ─▶ a record that it does not name is sent
outbox.done     settles rows                    ─▶ a row is settled that the claim does not hold
cursors         moves a cursor under its fence  ─▶ nothing was moved, and the page goes on to its commit
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sync_worker.store.core import cursors
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow


@dataclass
class Watch:
    """**Shapes** `seen`: each such act, in words. `lost`: records of which their worker was told last that their claim is lost.
    `on_prepare`: hears that a claim's writes are worked out, and not sent yet.
    """

    seen: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    on_prepare: Callable[[], None] = lambda: None

    def sent(self, record_ids: Iterable[str]) -> None:
        """A call with these is made."""
        self.seen += [f"{record_id} was sent after its claim was lost" for record_id in record_ids if record_id in self.lost]

    def keep(self, patch: pytest.MonkeyPatch) -> None:
        """While the patch lasts, the store's own answers are listened to."""
        patch.setattr(outbox, "begin", self._beginning(outbox.begin))
        patch.setattr(outbox, "done", self._settling(outbox.done))
        patch.setattr(outbox, "prepare", self._preparing(outbox.prepare))
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

    def _settling(self, done: Callable[..., Any]) -> Callable[..., Any]:
        def settles(tx: Tx, rows: Sequence[OutboxRow], token: str) -> Any:
            held = outbox._held(tx, rows, token)
            settled = done(tx, rows, token)
            self.seen += [f"{record_id} was settled after its claim was lost" for record_id in sorted(settled.keys() - held.keys())]
            return settled

        return settles
