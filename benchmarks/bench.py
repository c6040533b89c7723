"""One sandbox, and measurements on it, each in a fresh process; this one only waits."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.changes import CHANGES
from benchmarks.crms import Crm
from benchmarks.databases import Database, Fresh
from benchmarks.readers import Query
from crm_sandbox.remote import Remote

ROOT = Path(__file__).parent.parent
SETTLED_S = 60  # a poll's window ends a little before the CRM's now; changes older than this are inside it

Say = Callable[[str, int, int], None]
"""Called with (what is under way, records so far, records in all or 0)."""
Figures = dict[str, Any]
"""What one measurement found, raw."""
How = Literal["ours", "profile"]


@dataclass(frozen=True)
class Place:
    """Where an installation of ours lives from one measurement to the next."""

    folder: Path
    database: Database


class Bench:
    """The sandbox at `base_url`, and orders for measurements on it."""

    def __init__(self, crm: Crm, base_url: str, remote: Remote, fresh: Fresh, say: Say) -> None:
        self._crm = crm
        self._base_url = base_url
        self._remote = remote
        self._fresh = fresh
        self._say = say

    @contextmanager
    def place(self) -> Iterator[Place]:
        """An empty one, gone at the end."""
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, self._fresh() as database:
            yield Place(Path(folder), database)

    def advance_clock(self, seconds: int) -> None:
        """The CRM's time goes on."""
        self._remote.advance_clock(seconds)

    def change(self, companies: int, deals: int) -> None:
        """People change so many companies and deals in the CRM, long enough ago for a poll to see them all."""
        self._say(f"changing {companies + deals:,} records in the CRM", 0, 0)
        CHANGES[self._crm.name](self._base_url, self._crm.client, companies, deals)
        self.advance_clock(SETTLED_S)

    def enforce_limits(self) -> None:
        """From now on the CRM allows what its vendor allows, and no more."""
        if self._crm.enforce_limits:
            self._crm.enforce_limits(self._base_url)

    def slow(self, latency_ms: float) -> None:
        """From now on every call takes so long; calls wait side by side."""
        self._remote.set_latency(latency_ms)

    def queries(self) -> list[Query]:
        """What the floor is to read."""
        with self.place() as place:
            return list(self._ordered("asking for the fields", place, what="queries")["queries"])

    def floor(self, name: str, queries: Sequence[Query]) -> Figures:
        """The best simple script, into an empty database."""
        with self.place() as place:
            return self._ordered(name, place, what="floor", client=self._crm.client, queries=queries)

    def vendor_client(self, queries: Sequence[Query]) -> Figures:
        """The vendor's client, which lists the same records and stores nothing."""
        with self.place() as place:
            return self._ordered("the vendor's client", place, what="vendor's client", client=self._crm.client, queries=queries)

    def rows(self, loaded: Place, companies: int) -> Figures:
        """The rows of a loaded SQLite database into an empty one, and nothing else."""
        with self.place() as place:
            source = loaded.database.url.removeprefix("sqlite:///")
            return self._ordered("the rows alone", place, what="rows", source=source, companies=companies)

    def first(self, name: str, verbs: Sequence[str]) -> Figures:
        """Our steps, into an empty database."""
        with self.place() as place:
            return self.ours(name, verbs, place)

    def ours(self, name: str, verbs: Sequence[str], place: Place, how: How = "ours") -> Figures:
        """Our steps on what is there."""
        return self._ordered(name, place, what=how, verbs=verbs)

    def _ordered(self, name: str, place: Place, **order: Any) -> Figures:
        self._say(name, 0, 0)
        whole = {
            "crm": self._crm.name,
            "settings": dict(self._crm.settings),
            "base_url": self._base_url,
            "folder": str(place.folder),
            "database": asdict(place.database),
            **order,
        }
        return _child(whole, lambda done, all_: self._say(name, done, all_))


@contextmanager
def bench(crm: Crm, companies: int, deals: int, fresh: Fresh, say: Say) -> Iterator[Bench]:
    """A bench with a sandbox of that size."""
    say(f"seeding {companies:,} companies", 0, 0)
    with crm.serve(companies, deals) as base_url, Remote(base_url) as remote:
        yield Bench(crm, base_url, remote, fresh, say)


def _child(order: dict[str, Any], on_progress: Callable[[int, int], None]) -> Figures:
    """Runs one measurement in a fresh interpreter. **Raises** RuntimeError with what it said when it failed."""
    command = [sys.executable, "-m", "benchmarks.child", json.dumps(order)]
    said: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert child.stdout is not None
        for line in child.stderr:
            if line.startswith("progress "):
                _, so_far, total = line.split()
                on_progress(int(so_far), int(total))
            else:
                said.append(line)
        answer = child.stdout.read()
    if child.returncode:
        raise RuntimeError(f"the measurement {order['what']} failed:\n{''.join(said)}")
    figures: Figures = json.loads(answer)
    return {**figures, "said": "".join(said)} if said else figures
