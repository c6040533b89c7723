"""The vendor in memory as a seed's CRM: people sit before it without HTTP, and workers are connected to it without an adapter."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest

from crm_sandbox.remote import ControlError, Record
from sync_worker.crm.budget import Budget, Memory, SharePurse
from sync_worker.crm.port import Crm
from sync_worker.services import Services
from tests.simulation.desk import Desk, Native, Order, times
from tests.simulation.fast import day, writing
from tests.simulation.fast.faults import Fault
from tests.simulation.fast.port import DAY_OVER, LIMITED, OVERTAKEN, READS_FAIL, SETTLES_LATE, SLOW, FastCrm
from tests.simulation.fast.vendor import Refused, Row, Vendor
from tests.simulation.fast.ways import HUBSPOT, SALESFORCE, Ways
from tests.simulation.gate import Gate
from tests.simulation.hubspot import HubspotWords
from tests.simulation.salesforce import SalesforceWords
from tests.simulation.time import START_AT, Time

if TYPE_CHECKING:
    from tests.simulation.world import Setting, World

USUAL_COUNT = 100  # rows a page and rows a call at rest
COMPANIES = (("Arrow", "second_partner"), ("Bolt", "second_partner"), ("Cascade", "second_partner"), ("Northwind", "vendor"))
PARTNERS = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir")
DEAL_COUNT = 4


class FastDesk(Desk):
    """One vendor in memory."""

    ways: ClassVar[Ways]
    zone: ClassVar[str] = ""
    least_companies = 6
    reading = frozenset({"search", "fetch"})
    writing = frozenset({"write", "label"})

    def __init__(self, vendor: Vendor, time: Time) -> None:
        super().__init__()
        self.vendor = vendor
        vendor.on_send = self.watch.sent
        self.schema = vendor.schema
        self._time = time
        self._daily: int | None = None
        self._ledger = Memory()
        self._budgets: list[Budget] = []

    @classmethod
    @contextmanager
    def opened(cls, seed: int, time: Time, services: Services) -> Iterator[Desk]:
        del services
        now = time.now
        time.now = START_AT - timedelta(days=30)
        desk = cls(Vendor(cls.ways, lambda: time.crm_now), time)
        dice = random.Random(f"records of {seed}")
        desk.vendor.stamps_every_save = dice.random() < 0.5
        desk._fill(dice)
        time.now = now
        yield desk

    @property
    def url(self) -> str:
        return "https://crm.example"

    @property
    def most_reads(self) -> int:  # type: ignore[override]
        return 1 + len(self.deal_records)

    def connection(self) -> Crm:
        return cast("Crm", FastCrm(self.vendor, Gate(self._time), lambda: 0.0))

    def gated(self, gate: Gate, latency_s: Callable[[], float], services: Services) -> Crm:
        budget = day.budget(self._daily, self.zone, self._ledger, services)
        self._budgets.append(budget)
        return cast("Crm", FastCrm(self.vendor, gate, latency_s, SharePurse(budget, "live")))

    def cut_small(self, patch: pytest.MonkeyPatch, setting: Setting) -> None:
        del patch
        self._daily = setting.daily
        self.vendor.page_count = min(setting.page_count, USUAL_COUNT)
        self.vendor.batch_count = max(1, min(setting.batch_count - 1, USUAL_COUNT))

    def be_quick(self) -> None:
        self.vendor.trouble.clear()
        self.vendor.page_count = USUAL_COUNT
        self.vendor.be_quick()

    def troubles(self) -> Counter[str]:
        return self.vendor.trouble.hits

    def calls(self) -> Mapping[str, int]:
        return self.vendor.calls

    def most_calls_in_a_day(self) -> int:
        return day.most_in_a_day(self.vendor.called_at, self.zone)

    def news(self) -> Mapping[str, Sequence[str]]:
        told, self.vendor.news = self.vendor.news, []
        return {native: sorted({row.id for row in told if row.native == native}) for native in sorted({row.native for row in told})}

    def begin_day(self) -> bool:
        goes_on = all(budget.waits_until("live") is None for budget in self._budgets)
        for budget in self._budgets:
            budget.terms = day.terms(None)
        return goes_on

    def forget_calls(self) -> None:
        self.vendor.calls.clear()

    @property
    def overtakes(self) -> tuple[tuple[str, Order], ...]:
        return OVERTAKES

    # ── as people see and use it ─────────────────────────────────────────────────────────────────────────────────────

    def records(self, record: str) -> list[Native]:
        return [self._seen(record, row) for row in self.vendor.all(self.native(record))]

    def record(self, record: str, crm_id: str) -> Native:
        return self._seen(record, self.vendor.record(crm_id))

    def edit(self, native: Native, fields: Record) -> None:
        with _as_people_hear():
            self.vendor.edit(self.vendor.record(native.id), fields)

    def create(self, record: str, fields: Record) -> str:
        with _as_people_hear():
            return self.vendor.create(self.native(record), fields).id

    def merge(self, winner: Native, loser: Native) -> str:
        return self.vendor.merge(self.vendor.record(winner.id), self.vendor.record(loser.id))

    def delete(self, native: Native) -> None:
        self.vendor.delete(self.vendor.record(native.id))

    def undelete(self, native: Native) -> None:
        self.vendor.undelete(self.vendor.record(native.id))

    def hide(self, crm_ids: Sequence[str]) -> None:
        self.vendor.share(crm_ids, is_shared=False)

    def show(self, crm_ids: Sequence[str]) -> None:
        self.vendor.share(crm_ids, is_shared=True)

    def _seen(self, record: str, row: Row) -> Native:
        fields = {**row.fields, **self.vendor.shown(row, self.ways.types[row.native])}
        return Native(record, row.id, fields, not row.is_live, row.converted_to is not None, row.merged_into is not None)

    # ── how it begins ────────────────────────────────────────────────────────────────────────────────────────────────

    def _fill(self, dice: random.Random) -> None:
        """A vendor, distributors, partners, and a few deals of theirs."""
        kinds = [*COMPANIES, *((name, "partner") for name in PARTNERS)]
        rows = [self.vendor.create(self.company_native, self._company(dice, name, kind)) for name, kind in kinds]
        partners, distributors = [row.id for row in rows[len(COMPANIES) :]], [row.id for row in rows[:3]]
        for number in range(DEAL_COUNT):
            native = dice.choice(self.deal_natives)
            self.vendor.create(native, self._deal(native, number, dice.choice(partners), dice.choice([*distributors, None])))

    company_native: ClassVar[str]
    deal_natives: ClassVar[tuple[str, ...]]

    def _company(self, dice: random.Random, name: str, kind: str) -> dict[str, Any]:
        raise NotImplementedError

    def _deal(self, native: str, number: int, owner: str, second: str | None) -> dict[str, Any]:
        raise NotImplementedError


class FastSalesforceDesk(SalesforceWords, FastDesk):
    name = "fast-salesforce"
    ways = SALESFORCE
    company_native = "Account"
    deal_natives = ("Lead", "Opportunity", "Opportunity")

    @property
    def faults(self) -> tuple[tuple[str, Order], ...]:
        return (*FAULTS, *SALESFORCE_FAULTS)

    def convert(self, native: Native, *, is_mapped: bool, omit: tuple[str, ...], company: Native) -> str | None:
        del company
        with _as_people_hear():
            return self.vendor.convert(self.vendor.record(native.id), is_mapped=is_mapped, omit=omit)

    def given_name(self, native: Native) -> str:
        return f"{native.fields['Company']}-"

    def _company(self, dice: random.Random, name: str, kind: str) -> dict[str, Any]:
        listed = ";".join(dice.sample(["Arrow", "Bolt", "Cascade"], dice.randint(1, 3))) if kind == "partner" else None
        return {
            "Name": name,
            "Portal_Status__c": dice.choice(("Active", "Active", "Active", None)) if kind == "partner" else "Active",
            "Portal_Account_Type__c": self.account_types[kind],
            "Associated_Second_Partner__c": listed,
            "Portal_Region__c": dice.choice(self.regions),
        }

    def _deal(self, native: str, number: int, owner: str, second: str | None) -> dict[str, Any]:
        fields = {"Portal_Partner__c": owner, "Portal_Second_Partner__c": second, "Portal_Licences__c": 10_000_000 + number}
        if native == "Lead":
            return fields | {
                "Company": f"Shop {number}",
                "LastName": "Poe",
                "Status": self.stages["lead"][0],
                "Portal_Deal_Name__c": f"First {number}",
            }
        return fields | {
            "Name": f"First {number}",
            "StageName": "Qualification",
            "CloseDate": "2026-09-01",
            "Amount": 10_000_000.5 + number,
        }


class FastHubspotDesk(HubspotWords, FastDesk):
    name = "fast-hubspot"
    ways = HUBSPOT
    zone = "US/Eastern"
    company_native = "companies"
    deal_natives = ("deals",)

    @property
    def faults(self) -> tuple[tuple[str, Order], ...]:
        return (*FAULTS, *LABEL_FAULTS, *HUBSPOT_FAULTS)

    def _company(self, dice: random.Random, name: str, kind: str) -> dict[str, Any]:
        listed = ";".join(dice.sample(["Arrow", "Bolt", "Cascade"], dice.randint(1, 3))) if kind == "partner" else None
        return {
            "name": name,
            "portal_status": dice.choice(("active", "active", "active", None)) if kind == "partner" else "active",
            "portal_account_type": self.account_types[kind],
            "associated_second_partner": listed,
            "portal_region": dice.choice(self.regions),
        }

    def _deal(self, native: str, number: int, owner: str, second: str | None) -> dict[str, Any]:
        return {
            "association:portal_partner": owner,
            "association:portal_second_partner": second,
            "portal_licences": str(10_000_000 + number),
            "dealname": f"First {number}",
            "dealstage": "qualifiedtobuy",
            "amount": f"{10_000_000 + number}.5",
        }


@contextmanager
def _as_people_hear() -> Iterator[None]:
    """What the vendor refuses, people are told by the same error as in the other worlds."""
    try:
        yield
    except Refused as refused:
        raise ControlError(400, str(refused)) from None


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def vendor_of(world: World) -> Vendor:
    """Where a seed is lived in memory."""
    assert isinstance(world.desk, FastDesk)
    return world.desk.vendor


def _ordered(name: str, *calls: str) -> tuple[str, Order]:
    """That trouble for one to five calls, perhaps after one that passes."""

    def order(world: World) -> None:
        vendor_of(world).trouble.order(Fault(name, frozenset(calls), times(world), world.dice.choice((0, 0, 1))))

    return name, order


def _late_commit(world: World) -> None:
    world.late_commits_from = world.late_commits_from or world.time.crm_now
    vendor_of(world).late_s = world.dice.choice((3, 20, 60, 300, 700))
    vendor_of(world).trouble.order(Fault(writing.LATE, frozenset({"write"}), times(world)))


def _pause(world: World) -> None:
    """Its write goes out when another worker may long have taken over the claim: it may hide what a person writes, as a late commit may."""
    seconds = world.dice.choice((20, 45, 200))
    world.late_commits_from = world.late_commits_from or world.time.crm_now
    vendor_of(world).pause = lambda: world.stand_still(seconds)
    vendor_of(world).trouble.order(Fault(writing.PAUSED, frozenset({"write"})))


def _overtake(name: str, call: str) -> tuple[str, Order]:
    """A worker is away for longer than its lease and its claim last, after an answer and before its commit."""

    def order(world: World) -> None:
        seconds = world.more_dice.choice((35, 45, 200))
        vendor_of(world).overtake = lambda gate: world.be_overtaken(gate, seconds, asleep=False)
        vendor_of(world).trouble.order(Fault(name, frozenset({call}), 1, world.more_dice.choice((0, 0, 1))))

    return name, order


def _storm(world: World) -> None:
    vendor_of(world).trouble.order(Fault(writing.CALL_REFUSED, frozenset({"write", "label"}), world.dice.choice((2, 25))))


def _late(world: World) -> None:
    """Beyond the look-back of 900 s, too: what comes later than that is the nightly comparison's business."""
    seconds = world.dice.randint(5, 3000)
    world.is_stamped_late = True
    world.was_too_late |= seconds > world.setting.look_back_s
    world.happened[VISIBLE_LATE] += 1
    vendor_of(world).stamp_late(seconds, times(world))


def _lags(world: World) -> None:
    world.happened[LAGS] += 1
    vendor_of(world).lag_s = world.dice.randint(0, 60)


def _limits_a_label(world: World) -> None:
    """An admin allows one company under a label, or any number again."""
    world.happened[LABEL_LIMITED] += 1
    vendor_of(world).limited ^= {world.dice.choice(HUBSPOT_LABELS)}


HUBSPOT_LABELS = tuple(name for name in HUBSPOT.types["deals"] if HUBSPOT.is_label(name))

FAULTS: tuple[tuple[str, Order], ...] = (
    _ordered(READS_FAIL, "search", "fetch", "describe", "clock"),
    _ordered(LIMITED, "search", "fetch", "write", "label"),
    _ordered(DAY_OVER, "search", "write"),
    _ordered(SLOW, "search", "fetch", "write", "label"),
    (writing.PAUSED, _pause),
    _ordered(writing.REPLY_LOST, "write"),
    _ordered(writing.REPLY_LOST, "write"),
    _ordered(writing.DROPPED, "write"),
    _ordered(writing.LOCKED, "write"),
    _ordered(writing.ROW_REFUSED, "write"),
    _ordered(writing.MAINTENANCE, "write"),
    (writing.CALL_REFUSED, _storm),
    (writing.LATE, _late_commit),
)

OVERTAKES: tuple[tuple[str, Order], ...] = (
    _overtake(OVERTAKEN, "search"),
    _overtake(SETTLES_LATE, "write"),
)

LABEL_FAULTS: tuple[tuple[str, Order], ...] = (
    _ordered(writing.LABEL_LOST, "label"),
    _ordered(writing.LABEL_LOST, "label"),
    _ordered(writing.LABEL_DROPPED, "label"),
    _ordered(writing.LABEL_REFUSED, "label"),
)

VISIBLE_LATE, LAGS, LABEL_LIMITED = "writes become visible late", "search lags behind", "an admin limits a label, or does so no more"
SALESFORCE_FAULTS: tuple[tuple[str, Order], ...] = ((VISIBLE_LATE, _late),)
HUBSPOT_FAULTS: tuple[tuple[str, Order], ...] = ((LAGS, _lags), (LABEL_LIMITED, _limits_a_label))
