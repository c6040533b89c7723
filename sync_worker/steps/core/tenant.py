"""Everything the steps need for one portal, in one thread: its file, its store, its CRM, its mapping held against what the CRM has."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, wraps
from typing import Any, ClassVar, Final, TypeVar, cast

import structlog

from sync_worker.crm.port import Crm
from sync_worker.domain.core.deal import Deal, Period, Policy, Track
from sync_worker.domain.core.money import WITHOUT_CURRENCY
from sync_worker.domain.core.reconcile import FieldRule
from sync_worker.domain.deals.quotes.price_list import PriceList
from sync_worker.domain.tell.journeys.journey import WrittenJourney
from sync_worker.errors import SchemaChanged
from sync_worker.mail.post import Post
from sync_worker.mapping.compile import CompiledMapping, RecordMap, compile_mapping
from sync_worker.mapping.load import LoadedMapping
from sync_worker.receiver import Receiver
from sync_worker.steps.core.described import Described, Ports
from sync_worker.steps.core.lists import Lists
from sync_worker.steps.core.run import Runs, Turn
from sync_worker.store.core import portals
from sync_worker.store.core.engine import Tx
from sync_worker.store.operate import halts
from sync_worker.store.operate.halts import Halt
from sync_worker.telemetry import logs

Step = TypeVar("Step", bound=Callable[..., Any])

COMPANY = "company"
DEAL = "deal"  # the outbox's object for deals, whatever record they live in
_IDENTITY: Final = uuid.UUID(
    "5b1f6a5e-3d0c-4f57-9a53-6f0a2a7f4c11"
).bytes  # the name space of company and deal ids; changing it doubles every record

_VARIANTS: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


@dataclass(frozen=True, slots=True)
class Filed:
    """What files keep, and not the database. **Shapes** `journeys` by key."""

    prices: PriceList | None = None
    journeys: Mapping[str, WrittenJourney] = field(default_factory=dict)


NOTHING_FILED: Final = Filed()


class Tenant:
    """One portal and its ports, for the work of one thread."""

    RUNS: ClassVar[type[Runs]] = Runs

    def __init__(
        self,
        ports: Ports,
        *,
        grammar: LoadedMapping,
        receiver: Receiver | None = None,
        post: Post | None = None,
        filed: Filed = NOTHING_FILED,
    ) -> None:
        self.portal = ports.portal
        self.name = ports.portal.name
        self.store = ports.store
        self.crm = ports.crm
        self.services = ports.services
        self.admin = ports.admin  # the CRM's record types; None in a rehearsal
        self.receiver = receiver  # of the portal's feed, where it has one
        self.post = post  # to its people, where there is a mail server
        self.price_file = filed.prices  # the price list, where a file keeps it
        self.filed_journeys = filed.journeys  # those that files keep, by key
        self.grammar = grammar
        self.works_while_paused = False  # a person works by hand although a person has paused the portal
        self.described = Described(ports, grammar, self.halted)
        self.lists = Lists(self.described, ports.services, self.halted, lambda: self.mapping)
        self.runs = self.RUNS(ports, self.described, lambda name: name in self.plain_mapping.records)
        self.turn = Turn(ports.services)
        self.crm_clock_ahead: timedelta | None = None  # the CRM's clock minus the one that all processes share, as last measured
        self.release: Callable[[Tx], None] | None = None  # lets the brake's next refusal pass, once; called in the commit that passes

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        return logs.get().bind(portal=self.name)

    @property
    def mapping(self) -> CompiledMapping:
        """The mapping held against the CRM's describe of at most a day ago; `described` says which of its record types are unfit.

        Inside a run it stays as it was when the run began: a describe in the middle of a transaction would wait for that transaction.
        Between two transactions a step may have it described again (`lists.judged`).
        """
        return self.described.mapping(may_describe=not self.runs.is_running)

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

    def crm_now(self, crm: Crm | None = None) -> datetime:
        """The CRM's own clock. From then on it is known how far that is ahead of the clock that all processes share.

        **Shapes** `crm`: another connection of it, for another thread.
        """
        now = (crm or self.crm).now()
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
            approvals=self.tracks,
            unassociated=self.portal.deals.unassociated_second_partner,
            second_partner_label=self.portal.second_partner.display_label or "second partner",
            attribute_names=frozenset(name for name, field in record.in_portal.fields.items() if field.is_attribute),
            period=self.period,
            amount_places=WITHOUT_CURRENCY if record.money_places is None else record.money_places,
        )

    @property
    def tracks(self) -> frozenset[Track]:
        """The approval tracks that the portal uses."""
        return frozenset(Track(track) for track in self.portal.deals.approvals)

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

    @contextmanager
    def run(self, verb: str, object_: str = "") -> Iterator[str]:
        """A run around a piece of work; see `Runs.open`."""
        if not self.runs.is_running:
            self.lists.begin()
        with self.runs.open(verb, object_) as run_id:
            yield run_id

    def draw_read_no(self) -> int:
        """The next number in the portal's order of reading, drawn before each request."""
        with self.store.side_transaction(self.name) as tx:
            return portals.draw_read_no(tx)


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
    digest = hashlib.sha1(_IDENTITY + name.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{_VARIANTS[digest[16]]}{digest[17:20]}-{digest[20:32]}"


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
