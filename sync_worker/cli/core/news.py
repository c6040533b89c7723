"""What a command in the foreground opened: failures and problems that are open now and were not before; its exit code hangs on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sync_worker.cli.core.output import err
from sync_worker.domain.operate.status import counted
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures


@dataclass(frozen=True, slots=True)
class OpenedWork:
    """What is open after some work, by kind. **Shapes** `stayed`: what the work met again and was open before."""

    opened: Mapping[str, int]
    stayed: Mapping[str, int]

    @property
    def words(self) -> str:
        """`2 failures, 347 problems; 3 problems were open before`; "" where there is nothing."""
        before = f"{_counts(self.stayed)} {'was' if sum(self.stayed.values()) == 1 else 'were'} open before" if self.stayed else ""
        return "; ".join(words for words in (_counts(self.opened), before) if words)


def open_ids(tenant: Tenant) -> set[str]:
    """What is open, to be held against what is open later. What a person has discarded is not."""
    with tenant.store.reading(tenant.name) as tx:
        return set(failures.open_kinds(tx))


def news(tenant: Tenant, before: Collection[str], *, runs: Collection[str] | None = None) -> OpenedWork:
    """What these runs met last and is open, else whatever has been opened meanwhile. **Shapes** `before`: as `open_ids` told it."""
    with tenant.store.reading(tenant.name) as tx:
        now = failures.open_kinds(tx, runs=runs)
    opened = Counter(kind for id_, kind in now.items() if id_ not in before)
    stayed = Counter(kind for id_, kind in now.items() if id_ in before) if runs is not None else {}
    return OpenedWork(opened, stayed)


def tell(portal: str, found: OpenedWork, *, otherwise: str = "") -> None:
    """Says on stderr what is open, and where to look; else `otherwise`, where that is given."""
    if words := found.words or otherwise:
        err.print(f"{words}: sync-worker failures list {portal}", markup=False)


def _counts(by_kind: Mapping[str, int]) -> str:
    return ", ".join(counted(count, kind) for kind, count in sorted(by_kind.items()))
