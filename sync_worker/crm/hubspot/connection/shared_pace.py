"""The pace of one portal over all its processes: its two windows kept in Redis, by Redis' own clock. Without Redis, as in pace.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from redis import Redis

from sync_worker.crm.hubspot.connection.pace import (
    FREE_COUNT,
    INTERVAL_S,
    SEARCH_COUNT,
    SEARCH_INTERVAL_S,
    SPARE,
    Pace,
    heard,
    spared,
)
from sync_worker.crm.reach import RedisReach
from sync_worker.services import Services

# KEYS: starts (sorted by moment), terms (most, interval, others, rests_until). ARGV: most and interval until an answer has told. All in ms.
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
redis.call('ZADD', KEYS[1], start, redis.call('HINCRBY', KEYS[2], 'places', 1))
redis.call('PEXPIRE', KEYS[1], start - now + interval)
redis.call('PEXPIRE', KEYS[2], 3600000)
return start - now
"""
HEAR = """
redis.call('HSET', KEYS[2], 'most', ARGV[1], 'interval', ARGV[2], 'others', math.max(0, ARGV[3] - redis.call('ZCARD', KEYS[1])))
"""
REST = f"{_NOW} redis.call('HSET', KEYS[2], 'rests_until', now + ARGV[1])"


class SharedPace(Pace):
    """The two windows of one portal, for every process on one Redis."""

    def __init__(self, portal: str, redis: Redis, services: Services) -> None:
        super().__init__(services)
        self._portal = portal
        self._run_wait, self._run_hear, self._run_rest = (redis.register_script(text) for text in (WAIT, HEAR, REST))
        self._reach = RedisReach(services, "each process keeps its own pace")

    def wait(self, *, is_search: bool) -> None:
        most, interval_s = (SEARCH_COUNT, SEARCH_INTERVAL_S * (1 + SPARE)) if is_search else (spared(FREE_COUNT), INTERVAL_S)
        wait_ms = self._ask(self._run_wait, is_search, most, int(interval_s * 1000))
        if wait_ms is None:
            super().wait(is_search=is_search)
        elif wait_ms:
            self._services.sleep(wait_ms / 1000)

    def hear(self, headers: Mapping[str, str]) -> None:
        super().hear(headers)
        if told := heard(headers):
            self._ask(self._run_hear, False, told.most, int(told.interval_s * 1000), told.used)

    def rest(self, seconds: float, *, is_search: bool) -> None:
        super().rest(seconds, is_search=is_search)
        self._ask(self._run_rest, is_search, int(seconds * 1000))

    def _ask(self, script: Any, is_search: bool, *words: int) -> int | None:
        """The script's answer; None while Redis is away."""
        key = f"sync-worker-pace:{self._portal}:{'searches' if is_search else 'calls'}"
        return self._reach.ask(lambda: cast("int", script([f"{key}:starts", f"{key}:terms"], words)) or 0, lambda: None)
