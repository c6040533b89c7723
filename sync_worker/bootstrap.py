"""The one place where objects are built and joined: settings, portal files, store, CRM connections, broker.

A portal whose file, mapping, price list or journeys have a mistake, or whose variables are not set, is *disabled*; the others work. What a
process does about it stands in `Installation.begin`. A portal that only lacks a variable still has its tenant, for whatever reads the
database; its first call of the CRM or the receiver names the variable.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sync_worker.config.journey_file import journey_paths, load_journeys
from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import Unfit, load_portals
from sync_worker.config.price_file import find_prices
from sync_worker.config.settings import Settings, read_settings
from sync_worker.config.source import Reader, read_source
from sync_worker.config.templates import Templates
from sync_worker.connections.connect import connection_of, misfits_of_webhooks, receiver_of
from sync_worker.connections.consent import keyless
from sync_worker.connections.terms import Connect, Means
from sync_worker.crm.budget import Balance, Budget, BudgetTerms, Ledger, Memory, Past, Share, SharePurse, Slots, slot_of
from sync_worker.crm.faults import Patience
from sync_worker.crm.port import Schema
from sync_worker.documents import page
from sync_worker.domain.operate.status import Release
from sync_worker.domain.tell.journeys.journey import WrittenJourney
from sync_worker.errors import ConfigError, Mistake
from sync_worker.files import Files, open_files, place_of
from sync_worker.fingerprint import digest_of
from sync_worker.mail import letter
from sync_worker.mail.post import Post
from sync_worker.mail.smtp import server_of
from sync_worker.mapping.compile import compile_mapping
from sync_worker.mapping.load import LoadedMapping, load_for_portal, load_mapping
from sync_worker.queues.local import LocalQueue
from sync_worker.receiver import Receiver
from sync_worker.services import Services
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.tenant import Filed, Tenant
from sync_worker.steps.tell.journeys.words import journey_words
from sync_worker.store.core import runs
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.version import is_current
from sync_worker.telemetry import logs, metrics
from sync_worker.telemetry.correlation import Trail
from sync_worker.telemetry.metrics import Waits

if TYPE_CHECKING:
    from redis import Redis

    from sync_worker.queues.shared import RedisQueue

ANSWER_S = 5.0  # of Redis, on whose word each call waits; without it a process goes on by itself

Mistakes: TypeAlias = tuple[Mistake, ...]
Queue: TypeAlias = "LocalQueue | RedisQueue"
"""Inside this process, or in Redis beside other processes."""


@dataclass(frozen=True, slots=True)
class _Office:
    """What one portal's tenants share across threads."""

    portal: Portal
    mapping: LoadedMapping
    connect: Connect
    receiver: Receiver | None
    filed: Filed


class PortalFiles(NamedTuple):
    """What other files say of one portal."""

    mapping: LoadedMapping
    filed: Filed


@dataclass(frozen=True, slots=True)
class _Offices:
    """Every portal with a file. **Shapes** `unfit`: those whose files have mistakes; they have no tenant. `environ`: their variables."""

    fit: Mapping[str, _Office]
    unfit: Mapping[str, Mistakes]
    environ: Mapping[str, str] = field(repr=False)


class Installation:
    """One process's view of everything: its portals, its store, and a tenant per portal and thread.

    **Shapes** `names`: every portal with a file; `disabled`: portal → why it does not work here.
    """

    def __init__(
        self,
        settings: Settings,
        offices: _Offices,
        store: Store,
        services: Services,
        redis: Redis | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.services = services
        self.environ = offices.environ
        self._configuration = digest_of(_written(settings))
        self._offices = offices
        unset = {name: office.portal.unset for name, office in offices.fit.items() if office.portal.unset}
        self.disabled: Mapping[str, Mistakes] = dict(sorted({**unset, **offices.unfit}.items()))
        self.names = sorted({**offices.fit, **offices.unfit})
        self._here = threading.local()
        self._closing = ExitStack()
        self._closing.callback(store.close)
        for office in offices.fit.values():
            if office.receiver:
                self._closing.callback(office.receiver.close)
        if redis:
            self._closing.callback(redis.close)
        self._ledger = _ledger(redis, services)
        self._budgets = {
            name: Budget(name, _terms(office.portal), self._ledger, services=services, past=_past(store, name))
            for name, office in offices.fit.items()
        }

    @cached_property
    def files(self) -> Files:
        """What people upload. Opened when it is first asked for, because that makes the folder. **Raises** ConfigError."""
        return open_files(self.settings.files_url)

    def named(self, name: str) -> str:
        """The name, for whatever needs the database alone. **Raises** ConfigError naming the portals there are."""
        if name not in self.names:
            raise ConfigError(f"there is no portal {name!r} in {self.settings.config_dir}/portals — there is: {', '.join(self.names)}")
        return name

    @cached_property
    def release(self) -> Release:
        """What this process runs: the version, and a digest of the files it was started with."""
        return Release(version("sync-worker"), self._configuration)

    @property
    def portals(self) -> list[Portal]:
        """Those whose files could be read; of some a variable may not be set."""
        return [office.portal for office in self._offices.fit.values()]

    @property
    def working(self) -> list[Portal]:
        """Those that are not disabled."""
        return [portal for portal in self.portals if portal.name not in self.disabled]

    def begin(self) -> None:
        """Before a process works: what it runs stands in the metrics, which portals are disabled in the log too, and the others go on.

        **Raises** ConfigError with every mistake where no portal can work; then this is closed.
        """
        if not self.working:
            self.close()
            raise ConfigError(distinct(self.disabled.values()))
        metrics.runs(self.release.version, self.release.configuration)
        for name in self.names:
            metrics.DISABLED.labels(name).set(name in self.disabled)
        for name, mistakes in self.disabled.items():
            logs.get().error("this portal is disabled; the others go on", portal=name, mistakes="\n".join(map(str, mistakes)))

    def tenant(self, name: str, share: Share = "operator") -> Tenant:
        """The portal's tenant for this thread and kind of work; a command's is an operator's.

        **Raises** ConfigError naming the portals there are, or every mistake of its files.
        """
        office = self._office(name)
        tenants: dict[tuple[str, Share], Tenant] = self._here.__dict__.setdefault("tenants", {})
        if (name, share) not in tenants:
            crm = office.connect(SharePurse(self._budgets[name], share))
            tenants[name, share] = Tenant(
                Ports(portal=office.portal, store=self.store, crm=crm, services=self.services, admin=lambda: self.schema(name)),
                grammar=office.mapping,
                receiver=office.receiver,
                post=_post(self.settings, office.portal),
                filed=office.filed,
            )
        return tenants[name, share]

    def schema(self, name: str) -> Schema:
        """The portal's CRM as an admin, over a connection of its own. **Raises** as `tenant` does."""
        return self._office(name).connect(SharePurse(self._budgets[name], "operator")).schema

    def _office(self, name: str) -> _Office:
        if self.named(name) in self._offices.unfit:
            raise ConfigError(self._offices.unfit[name])
        return self._offices.fit[name]

    def budget(self, name: str) -> Budget:
        """The portal's calls, of every process."""
        return self._budgets[name]

    def balances(self) -> dict[str, Balance]:
        """How the day stands for every portal, in one request for all of them."""
        counts = self._ledger.read_all(list(self._budgets))
        return {name: budget.stands(count)[1] for (name, budget), count in zip(self._budgets.items(), counts, strict=True)}

    def close(self) -> None:
        self._closing.close()


def build(
    settings: Settings | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    services: Services | None = None,
    patience: Patience | None = None,
) -> Installation:
    """As `join`, on a database of this version. **Raises** ConfigError; StoreDown."""
    installation = join(settings, environ=environ, services=services, patience=patience)
    if not is_current(installation.store):
        installation.close()
        raise ConfigError(f"the database {installation.store.shown_url} is of another version — run `sync-worker db upgrade`")
    return installation


def join(
    settings: Settings | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    services: Services | None = None,
    patience: Patience | None = None,
) -> Installation:
    """Reads what people wrote and joins it, whatever state the database is in. A portal with a mistake disables itself alone.

    **Raises** ConfigError: a setting does not fit, or there is no portal at all.
    """
    settings = settings or read_settings()
    services = services or Services()
    redis = _redis(settings)
    if settings.smtp_url:
        server_of(settings.smtp_url.get_secret_value())  # a mistake is said at start
    place_of(settings.files_url)  # as here
    _ = settings.log_in  # and here
    environ = os.environ if environ is None else environ
    portals = load_portals(settings.config_dir, environ)
    wanted = {one.name: frozenset(one.feed.events) for one in portals if isinstance(one, Portal) and one.feed}
    store = Store(settings.database_url, clock=services.clock, shared_clock=services.shared_clock, events=wanted)
    fit, unfit = _offices(portals, settings, Means(services, patience or Patience(), store, redis, settings.seal))
    return Installation(settings, _Offices(fit, unfit, environ), store, services, redis)


def _redis(settings: Settings) -> Redis | None:
    """Where the processes count and pace their calls together; not asked before the first one."""
    if settings.redis_url is None:
        return None
    from redis import Redis  # its client takes a fifteenth of a start, and 8 MB

    return Redis.from_url(settings.redis_url, decode_responses=True, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)


def _ledger(redis: Redis | None, services: Services) -> Ledger:
    """Where the calls of a day are counted: by all processes together, or by this one."""
    if redis is None:
        return Memory()
    from sync_worker.crm.shared_budget import SharedLedger  # only where there is a Redis

    return SharedLedger(redis, services=services)


def broker(settings: Settings) -> Queue:
    """Redis where it is named, else a queue inside this process."""
    if settings.redis_url is None:
        return LocalQueue(middleware=[Trail(), Waits()])
    from sync_worker.queues.shared import RedisQueue  # only where there is a Redis

    return RedisQueue.at(settings.redis_url, [Trail(), Waits()])


def _offices(portals: Iterable[Portal | Unfit], settings: Settings, means: Means) -> tuple[Mapping[str, _Office], Mapping[str, Mistakes]]:
    """Every portal with its mapping, and every mistake of those that cannot be read."""
    offices: dict[str, _Office] = {}
    unfit: dict[str, Mistakes] = {}
    for portal in portals:
        if isinstance(portal, Unfit):
            unfit[portal.name] = (*portal.mistakes, *_mapping_mistakes(settings, portal.mapping))
            continue
        try:
            offices[portal.name] = _office(portal, settings, means)
        except ConfigError as error:
            unfit[portal.name] = (*error.mistakes, *portal.unset)
    return offices, unfit


def distinct(mistakes: Iterable[Mistakes]) -> list[Mistake]:
    """Each once, even if several portals share it."""
    return list(dict.fromkeys(chain.from_iterable(mistakes)))


def _mapping_mistakes(settings: Settings, name: str) -> Mistakes:
    """What is wrong in a mapping file by itself, where no portal can be held against it yet."""
    path = settings.mappings_dir / name
    try:
        if name.endswith(".yaml") and path.is_file():
            load_mapping(path)
    except ConfigError as error:
        return error.mistakes
    return ()


def _office(portal: Portal, settings: Settings, means: Means) -> _Office:
    files = files_of(portal, settings)
    portal.written_in(portal.source, [*portal.unset, *keyless(portal, means)])
    connect, receiver = connection_of(portal, means), receiver_of(portal, means.services)
    return _Office(portal, files.mapping, connect, receiver, files.filed)


def files_of(portal: Portal, settings: Settings, *, read: Reader = read_source) -> PortalFiles:
    """What other files say of the portal. **Shapes** `read`: what gives the mapping file.

    **Raises** ConfigError: every mistake in them, and what of the portal file its CRM cannot be.
    """
    mistakes = list(misfits_of_webhooks(portal))
    prices = None
    try:
        prices = find_prices(settings.config_dir, portal.name)
    except ConfigError as error:
        mistakes += error.mistakes
    try:
        mapping = load_for_portal(portal, settings.mappings_dir, read=read)
        journeys = journeys_of(portal, mapping, settings.config_dir)
    except ConfigError as error:
        raise ConfigError([*error.mistakes, *mistakes]) from None
    if mistakes:
        raise ConfigError(mistakes)
    return PortalFiles(mapping, Filed(prices, journeys))


def journeys_of(portal: Portal, mapping: LoadedMapping, config_dir: Path) -> Mapping[str, WrittenJourney]:
    """The journeys that files keep, by key. **Raises** ConfigError: every mistake in them."""
    words = cache(lambda: journey_words(compile_mapping(mapping, portal), portal))
    return load_journeys(journey_paths(config_dir, portal.name), words)


def _post(settings: Settings, portal: Portal) -> Post | None:
    if settings.smtp_url is None:
        return None
    server = server_of(settings.smtp_url.get_secret_value())
    letters, documents = (Templates(room, settings.config_dir, portal.name) for room in (letter.ROOM, page.ROOM))
    return Post(server.send, letters, settings.mail_from, documents, portal.zone)


def _terms(portal: Portal) -> BudgetTerms:
    budget = portal.crm.api_budget
    return BudgetTerms(
        budget.daily, {"live": budget.reserve.live, "backfill": budget.reserve.backfill, "operator": budget.reserve.operator}
    )


def _past(store: Store, portal: str) -> Past:
    """What the runs of this portal cost: for which work is not written there, so only comparisons count as backfill."""

    def past(since_at: datetime) -> Slots:
        slots: Counter[tuple[int, Share]] = Counter()
        with store.reading(portal) as tx:
            for verb, started_at, calls in runs.calls(tx, since_at=since_at):
                slots[slot_of(started_at.timestamp()), "backfill" if verb == "compare" else "live"] += calls
        return slots

    return past


def _written(settings: Settings) -> list[Path]:
    """The files that are read at start: of portals, prices, journeys and mappings."""
    folders = (settings.config_dir / "portals", settings.config_dir / "prices", settings.mappings_dir)
    journeys = (settings.config_dir / "journeys").glob("*/*.y*ml")
    return [*(path for folder in folders for path in folder.glob("*.y*ml")), *journeys]
