"""A seed's CRM: how people sit before it, and how the workers are connected to it. One desk a CRM; nothing else of a seed knows which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from crm_sandbox.process import Options, serve_thread
from crm_sandbox.remote import Record, Remote
from sync_worker.crm.port import Crm
from sync_worker.mapping.compile import CompiledMapping
from sync_worker.services import Services
from tests.simulation.fast.schema import AccountSchema
from tests.simulation.gate import Gate
from tests.simulation.receiver import FEED
from tests.simulation.time import START_AT, Time
from tests.simulation.watches import Watch

if TYPE_CHECKING:
    from tests.simulation.world import Setting, World

Order = Callable[["World"], None]
MODES: Mapping[str, str] = {
    "contracts": "{mode: contracts}",
    "rules": "{mode: rules, rules: [{name: same-region, match: [region]}]}",
}


def times(world: World) -> int:
    """How many calls some trouble befalls."""
    return world.dice.choice((1, 1, 2, 5))


def commit_late(world: World, kind: str) -> None:
    """Writes of a kind are given up by us, and committed up to twelve minutes later."""
    world.late_commits_from = world.late_commits_from or world.time.crm_now
    world.remote.fault(kind, times=times(world), when="late", late_s=world.dice.choice((3, 20, 60, 300, 700)), drop_connection=True)


@dataclass(frozen=True, slots=True)
class Native:
    """One record as the CRM shows it to people. **Shapes** `record`: as the mapping calls its type; `fields`: by native name."""

    record: str
    id: str
    fields: Mapping[str, Any]
    is_deleted: bool = False
    is_converted: bool = False
    is_merged: bool = False

    @property
    def is_live(self) -> bool:
        """Whether people can still edit it."""
        return not self.is_deleted and not self.is_converted


class Desk(ABC):
    """One CRM.

    **Shapes** `name`: what a seed is run on; `kind`: the vendor. `least_companies`: with fewer none is merged. `deal_records`: the
    mapping's records that a deal may live in; `converts`: the one that can turn into another. `auth`: as the portal file says it;
    `environ`: its secrets. `stages`, `regions`, `account_types`: words of the CRM; `odd`: a field → a word that is not in the mapping.
    `reading`, `writing`: kinds of calls; `most_reads`: of a look at rest. `schema`: as an admin can
    change it, where one sits here.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    least_companies: ClassVar[int] = 12
    converts: ClassVar[str] = ""
    deal_records: ClassVar[tuple[str, ...]]
    stages: ClassVar[Mapping[str, tuple[str, ...]]]
    regions: ClassVar[tuple[str, ...]]
    odd: ClassVar[Mapping[str, str]]
    auth: ClassVar[str]
    environ: ClassVar[Mapping[str, str]]
    account_types: ClassVar[Mapping[str, str]]
    reading: ClassVar[frozenset[str]]
    writing: ClassVar[frozenset[str]]
    most_reads: ClassVar[int]

    mapping: CompiledMapping
    schema: AccountSchema | None = None

    def __init__(self) -> None:
        self.watch = Watch()

    @classmethod
    @abstractmethod
    def opened(cls, seed: int, time: Time, services: Services) -> AbstractContextManager[Desk]:
        """The CRM of a seed, whose clock is the seed's."""

    @property
    @abstractmethod
    def url(self) -> str:
        """As the portal file names it."""

    @property
    @abstractmethod
    def faults(self) -> tuple[tuple[str, Order], ...]:
        """Trouble to order, and what it is called."""

    @property
    def overtakes(self) -> tuple[tuple[str, Order], ...]:
        """Trouble that keeps a worker away until another one has taken its lease or its claim over; only in memory."""
        return ()

    def native(self, record: str) -> str:
        """The CRM's name of a record type."""
        return self.mapping.records[record].native

    @classmethod
    def portal_file(cls, url: str, setting: Setting) -> str:
        """A portal on it."""
        return f"""
portal: acme
crm:
  kind: {cls.kind}
  mapping: {cls.kind}.yaml
  base_url: {url}
  auth: {cls.auth}
vendor: {{account_type_value: {cls.account_types["vendor"]}}}
two_tier: true
second_partner: {{account_type_value: {cls.account_types["second_partner"]}, display_label: Distributor}}
partner: {{account_type_value: {cls.account_types["partner"]}, display_label: Partner}}
associations: {MODES[setting.mode]}
schedule: {{look_back: {setting.look_back_s}s}}
{setting.deals}
{FEED if setting.has_feed else ""}
"""

    @abstractmethod
    def connection(self) -> Crm:
        """One that nothing befalls."""

    @abstractmethod
    def gated(self, gate: Gate, latency_s: Callable[[], float], services: Services) -> Crm:
        """One worker's, with a log-in of its own. **Shapes** `services`: the worker's."""

    @abstractmethod
    def cut_small(self, patch: pytest.MonkeyPatch, setting: Setting) -> None:
        """Small pages and small calls."""

    @abstractmethod
    def be_quick(self) -> None:
        """No trouble any more. From now on pages are as long as the vendor makes them, and nothing becomes visible late."""

    def troubles(self) -> Counter[str]:
        """How often each trouble that was ordered came true, as far as the CRM counts it."""
        return Counter()

    @abstractmethod
    def calls(self) -> Mapping[str, int]:
        """How many calls were made, by kind, since they were last forgotten."""

    def most_calls_in_a_day(self) -> int:
        """By the CRM's own count, where it keeps one."""
        return 0

    def news(self) -> Mapping[str, Sequence[str]]:
        """What webhooks tell of now: ids by native name. Each is told once."""
        return {}

    def begin_day(self) -> bool:
        """A day has passed: whether calls may be made again. From now on there is no budget."""
        return True

    @abstractmethod
    def forget_calls(self) -> None:
        """They are counted anew."""

    # ── as people see and use it ─────────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def records(self, record: str) -> list[Native]:
        """Everything of a type, deleted ones too, in the order of ids."""

    @abstractmethod
    def record(self, record: str, crm_id: str) -> Native:
        """One of them. **Raises** KeyError."""

    @abstractmethod
    def edit(self, native: Native, fields: Record) -> None:
        """**Raises** ControlError where the CRM forbids it."""

    @abstractmethod
    def create(self, record: str, fields: Record) -> str:
        """A new record; its id. **Raises** ControlError."""

    @abstractmethod
    def merge(self, winner: Native, loser: Native) -> str:
        """The id that both live on under. **Raises** ControlError."""

    @abstractmethod
    def delete(self, native: Native) -> None:
        """Into the bin. **Raises** ControlError."""

    @abstractmethod
    def undelete(self, native: Native) -> None:
        """Out of the bin. **Raises** ControlError."""

    @abstractmethod
    def hide(self, crm_ids: Sequence[str]) -> None:
        """From now on the worker's user does not see these."""

    @abstractmethod
    def show(self, crm_ids: Sequence[str]) -> None:
        """It sees them again, their stamps as they were."""

    def convert(self, native: Native, *, is_mapped: bool, omit: tuple[str, ...], company: Native) -> str | None:
        """Turns it into another record, whose id it gives. **Raises** ControlError; NotImplementedError where nothing is ever converted."""
        raise NotImplementedError(f"{self.kind} converts no {native.record} ({is_mapped=}, {omit=}, {company.id=})")

    def given_name(self, native: Native) -> str:
        """What the CRM calls the record that this one turns into, where nobody names it."""
        raise NotImplementedError(f"{self.kind} converts no {native.record}")


class HttpDesk(Desk):
    """One CRM in a sandbox, which the real adapter speaks HTTP to."""

    def __init__(self, url: str, services: Services) -> None:
        super().__init__()
        self._url = url
        self.services = services
        self.remote = self.controls(url)

    @classmethod
    @contextmanager
    def opened(cls, seed: int, time: Time, services: Services) -> Iterator[Desk]:
        with serve_thread(cls.options(seed, START_AT)) as url:
            desk = cls(url, services)
            with desk.remote as remote:
                time.attach(remote)
                yield desk

    @property
    def url(self) -> str:
        return self._url

    @staticmethod
    @abstractmethod
    def controls(url: str) -> Remote:
        """The controls of a sandbox at that address."""

    @staticmethod
    @abstractmethod
    def options(seed: int, now: datetime) -> Options:
        """A sandbox of that seed."""

    def be_quick(self) -> None:
        self.remote.clear_faults()

    def calls(self) -> Mapping[str, int]:
        kinds: Mapping[str, int] = self.remote.calls()["kinds"]
        return kinds

    def forget_calls(self) -> None:
        self.remote.reset_calls()

    def delete(self, native: Native) -> None:
        self.remote.delete(self.native(native.record), native.id)

    def undelete(self, native: Native) -> None:
        self.remote.undelete([native.id])

    def hide(self, crm_ids: Sequence[str]) -> None:
        self.remote.hide(crm_ids)

    def show(self, crm_ids: Sequence[str]) -> None:
        self.remote.show(crm_ids)
