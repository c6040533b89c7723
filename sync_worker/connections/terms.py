"""What a way to either CRM is made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from pydantic import SecretStr
from redis import Redis

from sync_worker.config.portal import Portal
from sync_worker.crm.budget import Purse
from sync_worker.crm.port import WholeCrm
from sync_worker.crm.shared_turnstile import SharedTurnstile
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.errors import Mistake
from sync_worker.services import Services

Connect: TypeAlias = Callable[[Purse], WholeCrm]
"""Makes one connection, for the thread that calls it."""


def unset_for_calls(portal: Portal) -> tuple[Mistake, ...]:
    """The variables that are not set, and without which the CRM cannot be called."""
    return tuple(one for one in portal.unset if one.path.startswith("crm.") and not one.path.startswith("crm.webhooks."))


def turnstile_of(portal: Portal, services: Services, redis: Redis | None, safe: Limit) -> Turnstile:
    """How many calls of the portal may be in flight. **Shapes** `safe`: what its CRM bears."""
    limit = safe.at_most(portal.crm.parallel_calls)
    return SharedTurnstile(portal.name, redis, limit, services) if redis else Turnstile(limit, services, portal.name)


def secret(value: SecretStr | None) -> str:
    """As it is spelled, "" where there is none."""
    return value.get_secret_value() if value else ""
