"""A run is one piece of work, with its row, its time and its calls. A turn is how long the work goes on while others wait."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from sync_worker.errors import SchemaChanged, Stopped, SyncError, told
from sync_worker.services import Services
from sync_worker.steps.core.association_mode import enter
from sync_worker.steps.core.described import Described, Ports
from sync_worker.steps.core.keeper import Keeper
from sync_worker.store.core import runs
from sync_worker.store.core.runs import Counts, Run
from sync_worker.telemetry import logs, metrics
from sync_worker.telemetry.correlation import following


class Turn:
    """How long one thread's work may go on for one tenant."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._until_s = math.inf

    @property
    def is_over(self) -> bool:
        """Whether others have waited long enough: a step ends after the page or batch at hand, and says what it left."""
        return self._services.monotonic() >= self._until_s

    @contextmanager
    def lasting(self, seconds: float) -> Iterator[None]:
        """Inside, this tenant's work is one of many pieces that take turns."""
        before, self._until_s = self._until_s, self._services.monotonic() + seconds
        try:
            yield
        finally:
            self._until_s = before


@dataclass(frozen=True, slots=True)
class _Mark:
    """A moment of a run. **Units** `at_s` on the monotonic clock; `calls` made by then."""

    at_s: float
    calls: int


class Runs:
    """The runs of one tenant in one thread."""

    def __init__(self, ports: Ports, described: Described, is_record: Callable[[str], bool]) -> None:
        self._portal, self._store, self._crm, self._services = ports.portal, ports.store, ports.crm, ports.services
        self._described = described
        self._is_record = is_record
        self._batched = _Mark(0, 0)
        self.is_running = False

    @property
    def _log(self) -> structlog.typing.FilteringBoundLogger:
        return logs.get().bind(portal=self._portal.name)

    @contextmanager
    def open(self, verb: str, object_: str = "") -> Iterator[str]:
        """A run row around a piece of work: opened, closed with how it ended and the calls it cost.

        A SchemaChanged that comes out names the record type of the work, where that is one.
        """
        self._described.keep_up()  # asked for before any transaction, and the same until the end
        with self.apart(verb, object_) as run_id:
            yield run_id

    @contextmanager
    def apart(self, verb: str, object_: str = "") -> Iterator[str]:
        """The same around work that has nothing to do with the CRM, which is not even asked for its fields."""
        run_id = self._services.new_id()
        with self._store.side_transaction(self._portal.name) as tx:
            enter(tx, self._portal)
            runs.start(tx, run_id, verb, object_)
        was_running, self.is_running = self.is_running, True
        began = self._batched = _Mark(self._services.monotonic(), self._crm.calls)
        error, is_stopped = "", False
        try:
            with following(run=run_id), Keeper(lambda: self._goes_on(run_id)):
                yield run_id
        except Stopped as stopped:
            error, is_stopped = str(stopped), True
            raise
        except SchemaChanged as changed:
            error = str(changed)
            if changed.record not in self._described.unfit:
                self._described.forget()
            raise SchemaChanged(error, record=changed.record or (object_ if self._is_record(object_) else "")) from changed
        except SyncError as failed:
            error = str(failed)
            raise
        except Exception as bug:
            error = told(bug)
            raise
        except BaseException:
            error, is_stopped = runs.LEFT, True
            raise
        finally:
            self.is_running = was_running
            with self._store.side_transaction(self._portal.name) as tx:
                runs.count(tx, run_id, Counts(calls=self._crm.calls - began.calls))
                ended = runs.finish(tx, run_id, error=error, is_stopped=is_stopped)
            self.tell(ended, self._services.monotonic() - began.at_s)

    def _goes_on(self, run_id: str) -> bool:
        with self._store.side_transaction(self._portal.name) as tx:
            runs.go_on(tx, run_id)
        return True

    def batch_done(self, object_: str, counts: Counts) -> None:
        """One line for what a run has just committed; its time and calls are those since the batch before it."""
        now, before = _Mark(self._services.monotonic(), self._crm.calls), self._batched
        self._batched = now
        costs = {"calls": now.calls - before.calls, "duration_s": round(now.at_s - before.at_s, 3)}
        self._log.info("batch", object=object_, **counts.outcomes(), **costs)

    def tell(self, run: Run, duration_s: float) -> None:
        """One line for the whole run, and its part in this process's metrics."""
        outcomes, costs = run.counts.outcomes(), {"calls": run.counts.calls, "duration_s": round(duration_s, 3)}
        more = {name: value for name, value in (("skips", run.counts.skips), ("error", run.error)) if value}
        self._log.info("run", verb=run.verb, state=run.state, object=run.object, run=run.id, **outcomes, **costs, **more)
        ended = metrics.EndedRun(run.verb, run.object, run.state, duration_s, outcomes, run.counts.calls)
        metrics.run_ended(self._portal.name, ended)
