"""What a step would otherwise take from the world: time, identity, chance. Bootstrap hands them in, so a simulation can own all three."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Services:
    """**Units** `clock` gives aware UTC times; `monotonic` and `sleep` speak seconds and are for deadlines and waits inside one call."""

    clock: Callable[[], datetime] = _utc_now
    new_id: Callable[[], str] = _new_id
    random: random.Random = field(default_factory=random.Random)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
