"""What a way to either CRM is made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pydantic import SecretStr

from sync_worker.boundary.sealing import Seal
from sync_worker.config.portal import Portal
from sync_worker.crm.budget import Purse
from sync_worker.crm.faults import Patience
from sync_worker.crm.port import WholeCrm
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.errors import Mistake
from sync_worker.services import Services
from sync_worker.steps.operate.connecting.grant import SharedGrant
from sync_worker.store.core.engine import Store

if TYPE_CHECKING:
    from redis import Redis

Connect: TypeAlias = Callable[[Purse], WholeCrm]
"""Makes one connection, for the thread that calls it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every way is made with. **Shapes** `seal` None: there is no key, so nothing can be kept of a consent."""

    services: Services
    patience: Patience
    store: Store
    redis: Redis | None
    seal: Seal | None

    def grant(self, portal: Portal) -> SharedGrant | None:
        """What a person's consent has left, where the portal logs in by it."""
        return SharedGrant(portal.name, self.store, self.seal, self.services) if self.seal and consents(portal) else None


def consents(portal: Portal) -> bool:
    """Whether a person connects the portal to its CRM in the console."""
    return portal.crm.auth.flow == "authorization_code"


def unset_for_calls(portal: Portal) -> tuple[Mistake, ...]:
    """The variables that are not set, and without which the CRM cannot be called."""
    return tuple(one for one in portal.unset if one.path.startswith("crm.") and not one.path.startswith("crm.webhooks."))


def turnstile_of(portal: Portal, means: Means, safe: Limit) -> Turnstile:
    """How many calls of the portal may be in flight. **Shapes** `safe`: what its CRM bears."""
    limit = safe.at_most(portal.crm.parallel_calls)
    if means.redis:
        from sync_worker.crm.shared_turnstile import SharedTurnstile  # only where there is a Redis

        return SharedTurnstile(portal.name, means.redis, limit, means.services)
    return Turnstile(limit, means.services, portal.name)


def secret(value: SecretStr | None) -> str:
    """As it is spelled, "" where there is none."""
    return value.get_secret_value() if value else ""
