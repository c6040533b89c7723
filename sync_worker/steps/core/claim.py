"""A claim on outbox rows: 30 seconds, renewed every 10 while a call is in flight, and no write is begun close to its deadline.

The deadline is kept on the monotonic clock, so that a stopped process or a jumping wall clock cannot make a claim longer than it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from datetime import timedelta
from types import TracebackType

from sync_worker.crm.batches import TimeIsUp
from sync_worker.domain.sync.push.next_batch import WriteBatch
from sync_worker.steps.core.keeper import CLAIM_S, Hold
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow


class Claim:
    """Due rows of one state and one object that are this worker's alone while the block lasts, or until its deadline."""

    def __init__(self, tenant: Tenant, *, state: str, limit: int, only: WriteBatch | None = None) -> None:
        self.token = tenant.services.new_id()
        self.rows: Sequence[OutboxRow] = ()
        self.object = ""  # what its rows are of, where there are any
        self._tenant = tenant
        self._state = state
        self._limit = limit
        self._only = only
        self._hold = Hold(tenant.services, self._renew)  # its time begins here, before the claim is made
        self._held = ExitStack()

    def __enter__(self) -> Claim:
        with self._tenant.store.side_transaction(self._tenant.name) as tx:
            until_at = tx.shared_now + timedelta(seconds=CLAIM_S)
            self.rows = outbox.claim(tx, state=self._state, limit=self._limit, token=self.token, until_at=until_at, only=self._only)
        if self.rows:
            self.object = self.rows[0].object
            self._held.enter_context(self._hold)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._held.close()

    def keep(self, rows: Sequence[OutboxRow]) -> int:
        """The others were let go; returns how many these are fewer."""
        fewer_count = len(self.rows) - len(rows)
        self.rows = rows
        return fewer_count

    def time_left_s(self) -> float:
        """Seconds in which a write may still be begun; its answer may come later, for the claim is renewed meanwhile."""
        return self._hold.time_left_s()

    def before_send(self, record_ids: Collection[str]) -> None:
        """Notes in a commit of its own that the call with these records is made now. **Raises** TimeIsUp where a claim was lost."""
        with self._tenant.store.side_transaction(self._tenant.name) as tx:
            begun = outbox.begin(tx, self.object, record_ids, self.token)
        if not begun.issuperset(record_ids):
            raise TimeIsUp("another worker has taken the claim over")

    def _renew(self) -> bool:
        with self._tenant.store.side_transaction(self._tenant.name) as tx:
            return outbox.renew(tx, self.token, tx.shared_now + timedelta(seconds=CLAIM_S)) > 0
