"""How many calls one portal may still make at its CRM, and for which work: one count for all its processes, in quarter hours.

    live       polls, notices, pushes          the day's calls  ├─ live ─┼─ backfill ─┼─ operator ─┼─── the first that asks ───┤
    backfill   first loads, comparisons                            reserves, in percent               (lent as it is asked for)
    operator   replays, commands

**The rule.** A call is granted while any is left, and either the share's own reserve is not used up, or what is left is more than the
others' reserves still hold. So no kind of work uses the reserve of another one, and each may use what is not reserved.

**The day** is the last 24 hours (a quarter hour counts until all of it is past), or the account's own day where the CRM has one and its
time zone is known. **What is left** is the smaller of the portal file's `daily` less our calls, and of what the CRM's answers said last;
what they said is believed for a quarter of an hour. Where neither is known nothing is refused, only counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from sync_worker.errors import RateLimited
from sync_worker.services import Services

Share: TypeAlias = Literal["live", "backfill", "operator"]
SHARES: tuple[Share, ...] = ("live", "backfill", "operator")

SLOT_S = 900  # every time zone's midnight is the beginning of one
DAY_S = 86_400
TOLD_FOR_S = 900  # how long the CRM's word is believed: others use the same allowance, and a spent one must be asked about again
LITTLE = ((0.5, 1), (0.25, 2))  # of live's reserve: while so much is left, polls come so many times slower …
SLOWEST = 4  # … and below that so many

Slots: TypeAlias = Mapping[tuple[int, Share], int]
"""(beginning of the quarter hour, share) → calls. **Units** seconds since 1970."""
Past: TypeAlias = Callable[[datetime], Slots]
"""What is remembered elsewhere of the calls since then: for a count that was lost, or is begun again."""


@dataclass(frozen=True, slots=True)
class BudgetTerms:
    """What the portal file says. **Units** `daily`: calls; `reserve`: percent of the day's."""

    daily: int | None
    reserve: Mapping[Share, int]


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """What the CRM said of the whole account. **Units** calls; `until_s`: seconds since 1970, until when it is believed."""

    used: int
    limit: int
    until_s: float


@dataclass(slots=True)
class Count:
    """One portal's calls. **Shapes** `zone`: of the account's day, "" = the last 24 hours; `is_begun`: False = nothing is known yet."""

    slots: dict[tuple[int, Share], int] = field(default_factory=dict)
    told: AccountUsage | None = None
    zone: str = ""
    is_begun: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """How the day stands.

    **Shapes** `left`, `reserves`, `limit`: None, {}, None where no limit is known; `limit`: of whom the fewest calls are left, the portal
    file's or the CRM's, of which others may use a part.
    """

    used: Mapping[Share, int]
    left: int | None
    reserves: Mapping[Share, int]
    limit: int | None = None

    def room(self, share: Share) -> int | None:
        """How many calls this share may make now; None: as many as it likes."""
        if self.left is None:
            return None
        own = self.reserves[share] - self.used[share]
        kept = sum(max(0, self.reserves[other] - self.used[other]) for other in SHARES if other != share)
        return max(0, min(self.left, max(own, self.left - kept)))


class Ledger(Protocol):
    """Where the counts are kept, by portal. Safe among threads. **Units** seconds since 1970."""

    def begin(self, portal: str, slots: Slots) -> None:
        """What is remembered of the portal's calls, where nothing is counted yet."""

    def take(self, portal: str, share: Share, terms: BudgetTerms, *, now_s: float, since_s: float) -> bool | None:
        """Whether one more call is granted, and counted; None: nothing is known of this portal yet."""

    def hear(self, portal: str, told: AccountUsage) -> None:
        """What the CRM said last."""

    def place(self, portal: str, zone: str) -> None:
        """In which zone the account's day ends."""

    def read(self, portal: str) -> Count:
        """The count as it stands."""

    def read_all(self, portals: Sequence[str]) -> list[Count]:
        """The counts of these portals, in their order, asked for at once."""


class Memory:
    """The ledger of one process."""

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}
        self._lock = threading.Lock()

    def begin(self, portal: str, slots: Slots) -> None:
        with self._lock:
            count = self._counts.setdefault(portal, Count())
            if not count.is_begun:
                count.slots, count.is_begun = dict(slots), True

    def take(self, portal: str, share: Share, terms: BudgetTerms, *, now_s: float, since_s: float) -> bool | None:
        with self._lock:
            count = self._counts.get(portal)
            if count is None or not count.is_begun:
                return None
            room = balance(count, terms, now_s=now_s, since_s=since_s).room(share)
            if room == 0:
                return False
            self._add(count, share, now_s)
            return True

    def _add(self, count: Count, share: Share, now_s: float) -> None:
        slot = slot_of(now_s)
        if (slot, share) not in count.slots:
            for old in [key for key in count.slots if key[0] < slot - 2 * DAY_S]:
                del count.slots[old]
        count.slots[slot, share] = count.slots.get((slot, share), 0) + 1
        if count.told:
            count.told = replace(count.told, used=count.told.used + 1)

    def hear(self, portal: str, told: AccountUsage) -> None:
        with self._lock:
            self._counts.setdefault(portal, Count()).told = told

    def place(self, portal: str, zone: str) -> None:
        with self._lock:
            self._counts.setdefault(portal, Count()).zone = zone

    def read(self, portal: str) -> Count:
        with self._lock:
            count = self._counts.get(portal, Count())
            return replace(count, slots=dict(count.slots))

    def read_all(self, portals: Sequence[str]) -> list[Count]:
        return [self.read(portal) for portal in portals]


# ── the rule ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def balance(count: Count, terms: BudgetTerms, *, now_s: float, since_s: float) -> Balance:
    """How the day that began at `since_s` stands."""
    used = dict.fromkeys(SHARES, 0)
    for (slot, share), calls in count.slots.items():
        used[share] += calls if slot >= since_s else 0
    total = sum(used.values())
    lefts = [] if terms.daily is None else [(terms.daily - total, terms.daily)]
    if count.told and now_s < count.told.until_s:
        lefts.append((count.told.limit - count.told.used, count.told.limit))
    if not lefts:
        return Balance(used, None, {})
    fewest, limit = min(lefts)
    left = max(0, fewest)
    return Balance(used, left, {share: (total + left) * terms.reserve[share] // 100 for share in SHARES}, limit)


def slot_of(moment_s: float) -> int:
    """The beginning of the quarter hour."""
    return int(moment_s // SLOT_S) * SLOT_S


def day_began_s(now_s: float, zone: str) -> float:
    """When the day began: the first quarter hour that counts."""
    if not zone:
        return slot_of(now_s - DAY_S)
    return _midnight(now_s, zone, days=0).timestamp()


def goes_on_at_s(share: Share, count: Count, terms: BudgetTerms, *, now_s: float) -> float:
    """The first moment at which this share may call again, if there is no other call meanwhile."""
    for moment_s in sorted(_turns(count, now_s)):
        if balance(count, terms, now_s=moment_s, since_s=day_began_s(moment_s, count.zone)).room(share) != 0:
            return moment_s
    return now_s + DAY_S  # a share of a day that has no calls at all: looked at once a day


def _turns(count: Count, now_s: float) -> Iterator[float]:
    """The moments at which something changes by itself."""
    yield now_s
    if count.told and count.told.until_s > now_s:
        yield count.told.until_s
    if count.zone:
        yield _midnight(now_s, count.zone, days=1).timestamp()
    else:
        yield from (moment_s for slot, _ in count.slots if (moment_s := float(slot + SLOT_S + DAY_S)) > now_s)


def _midnight(now_s: float, zone: str, *, days: int) -> datetime:
    here = datetime.fromtimestamp(now_s, ZoneInfo(zone)) + timedelta(days=days)
    return here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


# ── one portal's ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Budget:
    """One portal's calls, of every process."""

    def __init__(self, portal: str, terms: BudgetTerms, ledger: Ledger, *, services: Services, past: Past) -> None:
        self.portal = portal
        self.terms = terms
        self._ledger = ledger
        self._services = services
        self._past = past
        self._zone: str | None = None  # None: not asked yet

    def take(self, share: Share) -> None:
        """One call. **Raises** RateLimited (scope `budget`): when it goes on, and in words for whom what is kept."""
        if self._zone is None:
            self._zone = self._ledger.read(self.portal).zone
        now_s = self._now_s()
        while (is_granted := self._take(share, now_s)) is None:
            self._begin(now_s)
        if not is_granted:
            raise self._spent(share)

    def hear(self, used: int, limit: int) -> None:
        """What an answer said of the account's allowance."""
        self._ledger.hear(self.portal, AccountUsage(used, limit, self._now_s() + TOLD_FOR_S))

    def place(self, zone: str) -> None:
        """What an answer said of the account's time zone."""
        if zone and zone != self._zone:
            self._ledger.place(self.portal, zone)
            self._zone = zone

    def standing(self) -> tuple[Count, Balance]:
        """The count and how the day stands, what is remembered elsewhere included."""
        return self.stands(self._ledger.read(self.portal))

    def stands(self, count: Count) -> tuple[Count, Balance]:
        """The same of a count that was just read."""
        now_s = self._now_s()
        if not count.is_begun:
            self._begin(now_s)
            count = self._ledger.read(self.portal)
        return count, balance(count, self.terms, now_s=now_s, since_s=day_began_s(now_s, count.zone))

    def waits_until(self, share: Share) -> datetime | None:
        """When this share may call again; None: now."""
        count, day = self.standing()
        if day.room(share) != 0:
            return None
        return datetime.fromtimestamp(goes_on_at_s(share, count, self.terms, now_s=self._now_s()), UTC)

    def slowness(self) -> int:
        """How many times slower than the portal file says its CRM is polled, by what is left of live's share."""
        _, day = self.standing()
        room, reserve = day.room("live"), day.reserves.get("live")
        if room is None or not reserve:
            return 1
        return next((times for part, times in LITTLE if room >= part * reserve), SLOWEST)

    def _take(self, share: Share, now_s: float) -> bool | None:
        since_s = day_began_s(now_s, self._zone or "")
        return self._ledger.take(self.portal, share, self.terms, now_s=now_s, since_s=since_s)

    def _begin(self, now_s: float) -> None:
        self._ledger.begin(self.portal, self._past(datetime.fromtimestamp(slot_of(now_s - DAY_S), UTC)))

    def _spent(self, share: Share) -> RateLimited:
        count, day = self.standing()
        now_s = self._now_s()
        at_s = goes_on_at_s(share, count, self.terms, now_s=now_s)
        kept = [other for other in SHARES if other != share and day.reserves.get(other, 0) > day.used[other]]
        why = f"; the {day.left:,} left are kept for {' and '.join(kept)}" if day.left and kept else ""
        return RateLimited(
            f"portal {self.portal}: {share} work has used up its calls of the day (it made {day.used[share]:,}, "
            f"all of us {sum(day.used.values()):,}{why}); it goes on by itself at "
            f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M} UTC (`sync-worker portals show {self.portal}`)",
            retry_after_s=max(0.0, at_s - now_s),
            scope="budget",
        )

    def _now_s(self) -> float:
        return self._services.clock().timestamp()


class Purse(Protocol):
    """What one connection pays its calls from, and for which kind of work."""

    @property
    def share(self) -> Share: ...

    def take(self) -> None:
        """One call. **Raises** RateLimited."""

    def hear(self, used: int, limit: int) -> None:
        """What an answer said of the account's allowance."""

    def place(self, zone: str) -> None:
        """What an answer said of the account's time zone."""


@dataclass(frozen=True, slots=True)
class SharePurse:
    """A portal's budget, for one kind of work."""

    budget: Budget
    share: Share

    def take(self) -> None:
        self.budget.take(self.share)

    def hear(self, used: int, limit: int) -> None:
        self.budget.hear(used, limit)

    def place(self, zone: str) -> None:
        self.budget.place(zone)


class Unmetered:
    """For a connection that belongs to no portal: nothing is counted."""

    share: Share = "operator"

    def take(self) -> None:
        return

    def hear(self, used: int, limit: int) -> None:
        return

    def place(self, zone: str) -> None:
        return


UNMETERED = Unmetered()
