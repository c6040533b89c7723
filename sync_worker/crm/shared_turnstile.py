"""The turnstile of one portal over all its processes: its calls in flight kept in Redis. Without Redis, as in turnstile.py.

A call's place there expires: so those of a killed process come back within a minute. Whatever a process does here renews the places of its
calls that are still in flight. The rule is that of width.py, as one script.
"""

from __future__ import annotations

import threading
from typing import Any, cast

from redis import Redis

from sync_worker.crm.budget import Share
from sync_worker.crm.reach import RedisReach
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit, Verdict, Width
from sync_worker.services import Services

LASTS_S = 60.0  # the place of a call whose process does nothing else meanwhile

# KEYS: calls in flight, backfills' among them (both sorted by the moment they expire), width (calls, answers, narrowed_at, newest). In ms.
ENTER = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local share, first, most, until_at = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), now + ARGV[4]
for i = 1, 2 do
    for held = 5, #ARGV do redis.call('ZADD', KEYS[i], 'XX', until_at, ARGV[held]) end
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
    redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
local calls = math.min(most, tonumber(redis.call('HGET', KEYS[3], 'calls') or first))
local is_backfill = share == 'backfill'
local is_full = redis.call('ZCARD', KEYS[1]) >= calls
if is_full or (is_backfill and redis.call('ZCARD', KEYS[2]) >= calls - math.floor(calls / 4)) then return {0, calls} end
local number = redis.call('HINCRBY', KEYS[3], 'newest', 1)
for i = 1, is_backfill and 2 or 1 do
    redis.call('ZADD', KEYS[i], until_at, number)
    redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
redis.call('PEXPIRE', KEYS[3], 3600000)
return {number, calls}
"""
END = """
local verdict, number, first, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[3], 'calls', 'answers', 'narrowed_at', 'newest')
local calls, answers, narrowed_at = math.min(most, tonumber(kept[1] or first)), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
local in_flight = redis.call('ZCARD', KEYS[1])
for i = 1, 2 do redis.call('ZREM', KEYS[i], number) end
if verdict == 'crowded' then
    if number > narrowed_at then calls, answers, narrowed_at = math.max(1, math.floor(calls / 2)), 0, tonumber(kept[4] or 0) end
elseif verdict == 'slow' then
    answers = 0
elseif calls < most and in_flight >= calls - math.floor(calls / 4) then
    answers = answers + 1
    if answers >= calls then calls, answers = calls + 1, 0 end
end
redis.call('HSET', KEYS[3], 'calls', calls, 'answers', answers, 'narrowed_at', narrowed_at)
redis.call('PEXPIRE', KEYS[3], 3600000)
return calls
"""


class SharedTurnstile(Turnstile):
    """One portal's, for every process on one Redis."""

    def __init__(self, portal: str, redis: Redis, limit: Limit, services: Services) -> None:
        super().__init__(limit, services, portal)
        key = f"sync-worker-calls:{portal}"
        self._keys = [f"{key}:in-flight", f"{key}:backfills", f"{key}:width"]
        self._run_enter, self._run_end = redis.register_script(ENTER), redis.register_script(END)
        self._reach = RedisReach(services, "each process counts its own calls in flight")
        self._held_lock = threading.Lock()
        self._held: set[int] = set()

    def _enter(self, share: Share) -> int:
        with self._held_lock:
            held = sorted(self._held)
        words = [share, self.limit.first, self.limit.most, int(LASTS_S * 1000), *held]
        answer = self._reach.ask(lambda: cast("Any", self._run_enter(self._keys, words)), lambda: None)
        if answer is None:
            return -super()._enter(share)
        number, calls = map(int, answer)
        self._become(Width(calls))
        if number:
            with self._held_lock:
                self._held.add(number)
        return number

    def _end(self, number: int, verdict: Verdict) -> None:
        if number < 0:  # let through here, while Redis was away
            super()._end(-number, verdict)
            return
        with self._held_lock:
            self._held.discard(number)
        words = [verdict, number, self.limit.first, self.limit.most]
        calls = self._reach.ask(lambda: int(cast("Any", self._run_end(self._keys, words))), lambda: None)
        if calls is not None:
            self._become(Width(calls))
