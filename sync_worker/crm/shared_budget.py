"""The budget's ledger in Redis, for processes on any number of machines: the rule of budget.py as one script. Without Redis, in-process.

What was counted here while Redis was out of reach is handed in when it is back. A flushed Redis begins again with what the database
remembers of the runs.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from redis import Redis

from sync_worker.crm.budget import SHARES, AccountUsage, BudgetTerms, Count, Memory, Share, Slots, slot_of
from sync_worker.crm.reach import RedisReach
from sync_worker.services import Services

# A hash: "<slot>:<share>" → calls; told_used, told_limit, told_until; zone; begun.
TAKE = """
local now, since, share, slot, daily = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5])
local kept, used, total = redis.call('HGETALL', KEYS[1]), {live = 0, backfill = 0, operator = 0}, 0
local notes = {}
for i = 1, #kept, 2 do
    local at, whose = string.match(kept[i], '^(%d+):(%a+)$')
    if not at then
        notes[kept[i]] = kept[i + 1]
    elseif tonumber(at) >= since then
        used[whose] = used[whose] + kept[i + 1]
        total = total + kept[i + 1]
    elseif tonumber(at) < now - 172800 then
        redis.call('HDEL', KEYS[1], kept[i])
    end
end
if not notes['begun'] then return -1 end
local left = daily >= 0 and daily - total or math.huge
local is_told = notes['told_until'] and now < tonumber(notes['told_until'])
if is_told then left = math.min(left, notes['told_limit'] - notes['told_used']) end
if left < 1 then return 0 end
if left ~= math.huge then
    local reserves, own, others = {live = ARGV[6], backfill = ARGV[7], operator = ARGV[8]}, 0, 0
    for whose, percent in pairs(reserves) do
        local unspent = math.floor((total + left) * percent / 100) - used[whose]
        if whose == share then own = unspent else others = others + math.max(0, unspent) end
    end
    if own < 1 and left - others < 1 then return 0 end
end
redis.call('HINCRBY', KEYS[1], slot .. ':' .. share, 1)
if notes['told_used'] then redis.call('HINCRBY', KEYS[1], 'told_used', 1) end
redis.call('EXPIRE', KEYS[1], 172800)
return 1
"""

BEGIN = """
if redis.call('HSETNX', KEYS[1], 'begun', 1) == 0 then return 0 end
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[1], 172800)
return 1
"""


class SharedLedger:
    """The ledger that the processes on one Redis share."""

    def __init__(self, redis: Redis, *, services: Services) -> None:
        self._redis = redis
        self._run_take, self._run_begin = self._redis.register_script(TAKE), self._redis.register_script(BEGIN)
        self._here = Memory()
        self._lock = threading.Lock()
        self._owed: Counter[tuple[str, str]] = Counter()  # (key, slot:share) → calls that Redis has not heard of
        self._reach = RedisReach(services, "calls are counted in this process alone", hand_in=self._hand_in)

    def begin(self, portal: str, slots: Slots) -> None:
        flat = [part for (slot, share), calls in slots.items() for part in (f"{slot}:{share}", calls)]
        self._reach.ask(lambda: self._run_begin([_key(portal)], flat), lambda: self._here.begin(portal, slots))

    def take(self, portal: str, share: Share, terms: BudgetTerms, *, now_s: float, since_s: float) -> bool | None:
        slot, daily = slot_of(now_s), -1 if terms.daily is None else terms.daily
        words = [now_s, since_s, share, slot, daily, *(terms.reserve[name] for name in SHARES)]

        def here() -> bool | None:
            is_granted = self._here.take(portal, share, terms, now_s=now_s, since_s=since_s)
            if is_granted:
                with self._lock:
                    self._owed[_key(portal), f"{slot}:{share}"] += 1
            return is_granted

        return self._reach.ask(lambda: {1: True, 0: False, -1: None}[int(cast("Any", self._run_take([_key(portal)], words)))], here)

    def hear(self, portal: str, told: AccountUsage) -> None:
        notes = {"told_used": told.used, "told_limit": told.limit, "told_until": told.until_s}
        self._reach.ask(lambda: self._redis.hset(_key(portal), mapping=cast("Any", notes)), lambda: self._here.hear(portal, told))

    def place(self, portal: str, zone: str) -> None:
        self._here.place(portal, zone)
        self._reach.ask(lambda: self._redis.hset(_key(portal), "zone", zone), lambda: None)

    def read(self, portal: str) -> Count:
        return self._reach.ask(lambda: _count(cast("Any", self._redis.hgetall(_key(portal)))), lambda: self._here.read(portal))

    def read_all(self, portals: Sequence[str]) -> list[Count]:
        def there() -> list[Count]:
            with self._redis.pipeline(transaction=False) as asked:
                for portal in portals:
                    asked.hgetall(_key(portal))
                return [_count(kept) for kept in asked.execute()]

        return self._reach.ask(there, lambda: self._here.read_all(portals))

    def _hand_in(self) -> None:
        """What was counted here meanwhile; from now on Redis counts."""
        with self._lock:
            for (key, name), calls in list(self._owed.items()):
                self._redis.hincrby(key, name, calls)
                del self._owed[key, name]
            self._here = Memory()


def _key(portal: str) -> str:
    return f"sync-worker-budget:{portal}"


def _count(kept: Mapping[str, str]) -> Count:
    slots: dict[tuple[int, Share], int] = {}
    for name, calls in kept.items():
        slot, _, share = name.partition(":")
        with suppress(ValueError):
            if share in SHARES:
                slots[int(slot), share] = int(calls)
    told = None
    if "told_until" in kept:
        told = AccountUsage(int(kept["told_used"]), int(kept["told_limit"]), float(kept["told_until"]))
    return Count(slots, told, kept.get("zone", ""), "begun" in kept)
