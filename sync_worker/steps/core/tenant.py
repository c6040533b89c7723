"""Everything the steps need for one portal, in one thread: its file, its store, its CRM, its mapping held against what the CRM has."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, wraps
from typing import Any, TypeVar, cast

import structlog

from sync_worker import logs, metrics
from sync_worker.correlation import following
from sync_worker.crm.port import Crm, NativeRecord
from sync_worker.domain.core.deal import Deal, Period, Policy, Track
from sync_worker.domain.core.money import WITHOUT_CURRENCY
from sync_worker.domain.core.reconcile import FieldRule
from sync_worker.domain.deals.price_list import PriceList
from sync_worker.errors import ConfigError, FieldRefused, RecordError, SchemaChanged, Stopped, SyncError, told
from sync_worker.mail.post import Post
from sync_worker.mapping.compile import CompiledMapping, RecordMap, compile_mapping
from sync_worker.mapping.load import LoadedMapping
from sync_worker.portal import Portal
from sync_worker.receiver import Receiver
from sync_worker.services import Services
from sync_worker.steps.core.described import Described
from sync_worker.steps.core.keeper import Keeper
from sync_worker.store.core import portals, runs
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.portals import PortalRow
from sync_worker.store.core.runs import Counts, Run
from sync_worker.store.operate import halts
from sync_worker.store.operate.halts import Halt

Step = TypeVar("Step", bound=Callable[..., Any])

COMPANY = "company"
OFFER_AGAIN_S = 60.0  # between two describes for what somebody typed
DEAL = "deal"  # the outbox's object for deals, whatever record they live in
_IDENTITY = uuid.UUID("5b1f6a5e-3d0c-4f57-9a53-6f0a2a7f4c11")  # the name space of company and deal ids; changing it doubles every record


@dataclass(frozen=True, slots=True)
class _Mark:
    """A moment of a run. **Units** `at_s` on the monotonic clock; `calls` made by then."""

    at_s: float
    calls: int


class Tenant:
    """One portal's work in one thread."""

    def __init__(
        self,
        portal: Portal,
        *,
        grammar: LoadedMapping,
        store: Store,
        crm: Crm,
        services: Services,
        receiver: Receiver | None = None,
        post: Post | None = None,
        price_file: PriceList | None = None,
    ) -> None:
        self.portal = portal
        self.name = portal.name
        self.store = store
        self.crm = crm
        self.services = services
        self.receiver = receiver  # of the portal's feed, where it has one
        self.post = post  # to its people, where there is a mail server
        self.price_file = price_file  # the price list, where a file keeps it
        self.grammar = grammar
        self.works_while_paused = False  # a person works by hand although a person has paused the portal
        self.described = Described(portal, grammar, store, crm, services, self.halted)
        self._unlisted: frozenset[tuple[str, str, str]] = frozenset()  # (native, field, value) that this run's describe has not either
        self._relisted: set[str] = set()  # record types that were described in this run because a write was refused
        self._offered_at_s = -math.inf
        self._is_running = False
        self._batched = _Mark(0, 0)
        self._turn_until_s = math.inf
        self.crm_clock_ahead: timedelta | None = None  # the CRM's clock minus the one that all processes share, as last measured
        self.release: Callable[[Tx], None] | None = None  # lets the brake's next refusal pass, once; called in the commit that passes

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        return logs.get().bind(portal=self.name)

    @property
    def mapping(self) -> CompiledMapping:
        """The mapping held against the CRM's describe of at most a day ago; `described` says which of its record types are unfit.

        Inside a run it stays as it was when the run began: a describe in the middle of a transaction would wait for that transaction.
        Between two transactions a step may have it described again (`judged`).
        """
        return self.described.mapping(may_describe=not self._is_running)

    def judged(self, record_name: str, natives: Iterable[NativeRecord]) -> RecordMap:
        """How to read these records. One describe, where one of them holds a value that no list had: an admin may have just added it.

        A value that the describe does not show either is not asked for again in this run. Never called inside a transaction: the catalog
        is kept in one of its own. **Raises** SchemaChanged as `described_again` does.
        """
        record = self.mapping.records[record_name]
        if _unlisted(record, natives) <= self._unlisted:
            return record
        record = self.described_again(record_name)
        self._unlisted |= _unlisted(record, natives)
        return record

    def offering(self, record_name: str, written: Mapping[str, Any]) -> RecordMap:
        """How to take what people wrote. One describe, at most once a minute, where they chose what the CRM's list did not offer so far.

        If the CRM does not answer, or a person has paused the portal, the list of before decides. An attribute that rests is still theirs
        to write: its value is owed until the CRM shows the field again.
        """
        record = self.mapping.records[record_name]
        rested = self.services.monotonic() - self._offered_at_s >= OFFER_AGAIN_S
        if rested and record.is_news(written) and self.halted() is None:
            self._offered_at_s = self.services.monotonic()
            with suppress(SyncError):
                record = self.described_again(record_name)
        return record.in_portal

    def is_field_lost(self, record: RecordMap, errors: Sequence[SyncError | None]) -> bool:
        """Whether the CRM refused fields of these writes because it does not show them any more. One describe a run and record type.

        **Shapes** `record`: as the writes were composed by. Never called inside a transaction.
        """
        if not any(isinstance(error, FieldRefused) for error in errors):
            return False
        if record.record not in self._relisted:
            self._relisted.add(record.record)
            with suppress(SyncError):
                self.described_again(record.record)
        return record.record in self.described.unfit or self.mapping.records[record.record].native_fields != record.native_fields

    def hear_refusals(self, record: RecordMap, errors: Sequence[SyncError | None]) -> None:
        """Where the CRM refused a value of one of its own lists, what we know of that list is old: one describe a run and record type.

        Never called inside a transaction. A describe that fails changes nothing: the refusals stand as they are.
        """
        lists = {field.native for field in record.fields.values() if field.known is not None}
        if record.record not in self._relisted and any(isinstance(error, RecordError) and error.field in lists for error in errors):
            self._relisted.add(record.record)
            with suppress(SyncError):
                self.described_again(record.record)

    def described_again(self, record_name: str) -> RecordMap:
        """The record type as the CRM describes it now. Never called inside a transaction.

        **Raises** SchemaChanged naming every field that is gone and may not rest alone.
        """
        return self.described.again(record_name)

    @property
    def is_turn_over(self) -> bool:
        """Whether others have waited long enough: a step ends after the page or batch at hand, and says what it left."""
        return self.services.monotonic() >= self._turn_until_s

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Inside, this tenant's work is one of many pieces that take turns."""
        before, self._turn_until_s = self._turn_until_s, self.services.monotonic() + seconds
        try:
            yield
        finally:
            self._turn_until_s = before

    def halted(self) -> Halt | None:
        """Who has paused the portal, when and why: this work makes no call then. None where it may."""
        if self.works_while_paused:
            return None
        with self.store.reading(self.name) as tx:
            return halts.get(tx)

    @property
    def vendor_crm_id(self) -> str | None:
        """The vendor's own company, as the portal file names it."""
        named = self.portal.vendor_company
        return self.crm.canonical_id(named) if named else None

    @cached_property
    def plain_mapping(self) -> CompiledMapping:
        """The mapping as the portal spells it, without asking the CRM."""
        return compile_mapping(self.grammar, self.portal)

    def today(self, tx: Tx) -> date:
        """The day by the portal's own calendar."""
        return tx.now.astimezone(self.portal.zone).date()

    def crm_now(self) -> datetime:
        """The CRM's own clock. From then on it is known how far that is ahead of the clock that all processes share."""
        now = self.crm.now()
        with self.store.reading(self.name) as tx:
            self.crm_clock_ahead = now - tx.shared_now
        return now

    def company_map(self) -> RecordMap:
        return self.mapping.records[COMPANY]

    def deal_records(self) -> tuple[str, ...]:
        """The records deals live in: the portal's own, what that converts to, and every other where deals may begin in the CRM."""
        deals = {name: record for name, record in self.plain_mapping.records.items() if record.kind == "deal"}
        if self.portal.deals.from_crm:
            return tuple(deals)
        found: list[str] = [self.portal.deals.record]
        while (following := deals[found[-1]].converts_to) and following in deals and following not in found:
            found.append(following)
        return tuple(found)

    def readable_records(self) -> tuple[str, ...]:
        """Every record a pull reads, companies first: deals wait for them."""
        return (COMPANY, *self.deal_records())

    def policy(self, record: RecordMap) -> Policy:
        """The portal's choices as the domain knows them."""
        return Policy(
            is_two_tier=self.portal.two_tier,
            on_behalf=self.portal.deals.on_behalf,
            approvals=frozenset(Track(track) for track in self.portal.deals.approvals),
            unassociated=self.portal.deals.unassociated_second_partner,
            second_partner_label=self.portal.second_partner.display_label or "second partner",
            attribute_names=frozenset(name for name, field in record.in_portal.fields.items() if field.is_attribute),
            period=self.period,
            amount_places=WITHOUT_CURRENCY if record.money_places is None else record.money_places,
        )

    @property
    def period(self) -> Period:
        """How long a registration runs here."""
        written = self.portal.deals.registration_period
        return Period(written.default, written.types)

    def shown(self, deal: Deal) -> Deal:
        """The deal as this portal's people know it: without the second partner it has from a time when there were second partners."""
        return deal if self.portal.two_tier or deal.second_partner is None else deal.changed({"second_partner": None})

    def identity(self, object_: str, crm_id: str) -> str:
        """Our id for a record that comes from the CRM: the same again after a crash."""
        return identity_of(f"{self.name}/{self.portal.crm.kind}/{object_}/{crm_id}")

    def enter(self, tx: Tx) -> None:
        """The portal's row, made with the mode of its first sync. **Raises** ConfigError where the file says another one by now."""
        self._refuse_other_mode(portals.enter(tx, self.portal.associations.mode))

    def hold_mode(self) -> None:
        """The same for work that may end before it begins, and for looking. **Raises** ConfigError."""
        with self.store.reading(self.name) as tx:
            row = portals.get(tx)
        if row:
            self._refuse_other_mode(row)

    def _refuse_other_mode(self, row: PortalRow) -> None:
        wanted = self.portal.associations.mode
        if wanted != row.set_mode:
            what = f"portal {self.name} lives by {row.set_mode} since {row.mode_set_at:%Y-%m-%d}, and a mode is set once"
            command = f"sync-worker portals set-association-mode {self.name} {wanted} --override --reason TEXT"
            raise ConfigError([self.portal.source.mistake(("associations", "mode"), what, f"write {row.set_mode} again, or: {command}")])

    def draw_read_no(self) -> int:
        """The next number in the portal's order of reading, drawn before each request."""
        with self.store.side_transaction(self.name) as tx:
            return portals.draw_read_no(tx)

    @contextmanager
    def run(self, verb: str, object_: str = "") -> Iterator[str]:
        """A run row around a piece of work: opened, closed with how it ended and the calls it cost.

        A SchemaChanged that comes out names the record type of the work, where that is one.
        """
        self.described.keep_up()  # asked for before any transaction, and the same until the end
        run_id = self.services.new_id()
        with self.store.side_transaction(self.name) as tx:
            self.enter(tx)
            runs.start(tx, run_id, verb, object_)
        was_running, self._is_running = self._is_running, True
        if not was_running:
            self._unlisted = frozenset()
            self._relisted.clear()
        began = self._batched = _Mark(self.services.monotonic(), self.crm.calls)
        error, is_stopped = "", False
        try:
            with following(run=run_id), Keeper(lambda: self._goes_on(run_id)):
                yield run_id
        except Stopped as stopped:
            error, is_stopped = str(stopped), True
            raise
        except SchemaChanged as changed:
            error = str(changed)
            if changed.record not in self.described.unfit:
                self.described.forget()
            raise SchemaChanged(error, record=changed.record or (object_ if object_ in self.plain_mapping.records else "")) from changed
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
            self._is_running = was_running
            with self.store.side_transaction(self.name) as tx:
                runs.count(tx, run_id, Counts(calls=self.crm.calls - began.calls))
                ended = runs.finish(tx, run_id, error=error, is_stopped=is_stopped)
            self._tell(ended, self.services.monotonic() - began.at_s)

    def _goes_on(self, run_id: str) -> bool:
        with self.store.side_transaction(self.name) as tx:
            runs.go_on(tx, run_id)
        return True

    def batch_done(self, object_: str, counts: Counts) -> None:
        """One line for what a run has just committed; its time and calls are those since the batch before it."""
        now, before = _Mark(self.services.monotonic(), self.crm.calls), self._batched
        self._batched = now
        costs = {"calls": now.calls - before.calls, "duration_s": round(now.at_s - before.at_s, 3)}
        self.log.info("batch", object=object_, **counts.outcomes(), **costs)

    def _tell(self, run: Run, duration_s: float) -> None:
        """One line for the whole run, and its part in this process's metrics."""
        outcomes, costs = run.counts.outcomes(), {"calls": run.counts.calls, "duration_s": round(duration_s, 3)}
        more = {name: value for name, value in (("skips", run.counts.skips), ("error", run.error)) if value}
        self.log.info("run", verb=run.verb, state=run.state, object=run.object, run=run.id, **outcomes, **costs, **more)
        metrics.run_ended(
            self.name, run.verb, run.object, state=run.state, duration_s=duration_s, outcomes=outcomes, calls=run.counts.calls
        )


def going_on(step: Step) -> Step:
    """The step, and once more where the CRM refused a field and the mapping does without it by now, because it may rest or is optional."""

    @wraps(step)
    def twice(tenant: Tenant, *args: Any, **kwargs: Any) -> Any:
        before = tenant.described.shape
        try:
            return step(tenant, *args, **kwargs)
        except SchemaChanged:
            _ = tenant.mapping
            if tenant.described.shape == before:
                raise
            return step(tenant, *args, **kwargs)

    return cast("Step", twice)


def identity_of(name: str) -> str:
    """`uuid.uuid5` of our name space as text, without its objects: a third of the price, paid for every record of a first load."""
    digest = hashlib.sha1(_IDENTITY.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def _unlisted(record: RecordMap, natives: Iterable[NativeRecord]) -> frozenset[tuple[str, str, str]]:
    """The values of these records that the CRM has on no list of its own, as last described."""
    found = ((native, unlisted) for native in natives if not native.is_deleted for unlisted in record.unlisted(native.fields))
    return frozenset((native.native, unlisted.native, value) for native, unlisted in found for value in unlisted.values)


def field_rules(record: RecordMap) -> Mapping[str, FieldRule]:
    """The mapping's fields as the merge knows them."""
    return {
        name: FieldRule(
            name,
            direction=field.direction,
            write=field.write,
            conflict=field.conflict,
            is_set=field.is_set,
            is_listed=field.allowed is not None,
        )
        for name, field in record.fields.items()
    }
