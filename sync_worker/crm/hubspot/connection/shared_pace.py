"""The pace of one portal over all its processes: its two windows kept in Redis, by Redis' own clock. Without Redis, as in pace.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis import Redis

from sync_worker.crm.hubspot.connection.pace import (
    FREE_COUNT,
    INTERVAL_S,
    SEARCH_COUNT,
    SEARCH_INTERVAL_S,
    SEARCH_SPARE,
    Ended,
    Pace,
    heard,
    spared,
)
from sync_worker.crm.reach import RedisReach
from sync_worker.services import Services

# KEYS: places (sorted by the call's start, or by its end once that was told), terms (most, interval, others, rests_until). All in ms.
# ARGV of WAIT: most and interval until an answer has told.
_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""
WAIT = f"""{_NOW}
local terms = redis.call('HMGET', KEYS[2], 'most', 'interval', 'others', 'rests_until')
local most, interval = tonumber(terms[1] or ARGV[1]), tonumber(terms[2] or ARGV[2])
local room = math.max(1, most - tonumber(terms[3] or 0))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - interval)
local start, count = math.max(now, tonumber(terms[4] or 0)), redis.call('ZCARD', KEYS[1])
if count >= room then
    start = math.max(start, redis.call('ZRANGE', KEYS[1], -room, -room, 'WITHSCORES')[2] + interval)
end
local place = redis.call('HINCRBY', KEYS[2], 'places', 1)
redis.call('ZADD', KEYS[1], start, place)
redis.call('PEXPIRE', KEYS[1], start - now + interval)
redis.call('PEXPIRE', KEYS[2], 3600000)
return {{start - now, place}}
"""
END = f"""{_NOW}
local interval = tonumber(redis.call('HGET', KEYS[2], 'interval') or ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), interval))
return 1
"""
HEAR = f"""{_NOW}
local ours = redis.call('ZCOUNT', KEYS[1], now - ARGV[2], now)
local others = tonumber(ARGV[3]) > ours and ARGV[3] - ours + ARGV[4] or 0
redis.call('HSET', KEYS[2], 'most', ARGV[1], 'interval', ARGV[2], 'others', others)
"""
REST = f"{_NOW} redis.call('HSET', KEYS[2], 'rests_until', now + ARGV[1])"


class SharedPace(Pace):
    """The two windows of one portal, for every process on one Redis."""

    def __init__(self, portal: str, redis: Redis, services: Services) -> None:
        super().__init__(services)
        self._portal = portal
        self._run_wait, self._run_end, self._run_hear, self._run_rest = map(redis.register_script, (WAIT, END, HEAR, REST))
        self._reach = RedisReach(services, "each process keeps its own pace")

    def _started(self, *, is_search: bool) -> Ended:
        most, interval_s = (SEARCH_COUNT, SEARCH_INTERVAL_S * (1 + SEARCH_SPARE)) if is_search else (spared(FREE_COUNT), INTERVAL_S)
        answer = self._ask(self._run_wait, is_search, most, int(interval_s * 1000))
        if answer is None:
            return super()._started(is_search=is_search)
        wait_ms, place = map(int, answer)
        if wait_ms:
            self._services.sleep(wait_ms / 1000)
        return lambda: self._left(place)

    def _left(self, place: int) -> None:
        self._ask(self._run_end, False, place, int(INTERVAL_S * 1000))

    def hear(self, headers: Mapping[str, str]) -> None:
        super().hear(headers)
        if told := heard(headers):
            self._ask(self._run_hear, False, told.most, int(told.interval_s * 1000), told.used, told.spare)

    def rest(self, seconds: float, *, is_search: bool) -> None:
        super().rest(seconds, is_search=is_search)
        self._ask(self._run_rest, is_search, int(seconds * 1000))

    def _ask(self, script: Any, is_search: bool, *words: int) -> Any:
        """The script's answer; None while Redis is away."""
        key = f"sync-worker-pace:{self._portal}:{'searches' if is_search else 'calls'}"
        return self._reach.ask(lambda: script([f"{key}:starts", f"{key}:terms"], words) or 0, lambda: None)
