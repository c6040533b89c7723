"""HALT: a person pauses a portal, and resumes it. And what ends the rest of a portal whose CRM refused our log-in.

While a portal is paused no call is made to its CRM. The worker does not pull, push, evaluate, replay or mail for it. Webhooks are kept as
notices, the API and the feed go on, and what they make due waits. What is under way ends with its turn, some seconds later. A person may
do one piece of work by hand all the same (`works_while_paused` of the tenant).
"""

from __future__ import annotations

from typing import Final, Literal

from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures, portals
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.operate import halts, interventions
from sync_worker.store.operate.halts import Halt
from sync_worker.store.operate.interventions import Intervention

ACCESS: Final = ("auth_failed", "connection_down", "config_error")
"""Codes of what pauses a portal until a person has corrected its credentials or its files."""


def pause(tenant: Tenant, *, actor: str, reason: str) -> None:
    """Nothing more is done for the portal until it is resumed."""
    with tenant.store.side_transaction(tenant.name) as tx:
        portals.enter(tx, tenant.portal.associations.mode)
        halts.begin(tx, actor=actor, reason=reason)
        _keep(tx, tenant, "pause", actor, reason)
    tenant.log.warning("the portal is paused", actor=actor, reason=reason)


def resume(tenant: Tenant, *, actor: str, reason: str) -> Halt | None:
    """The portal works again; returns what held it, None where nothing did."""
    with tenant.store.side_transaction(tenant.name) as tx:
        found = halts.get(tx)
        if found:
            halts.end(tx)
            _keep(tx, tenant, "resume", actor, reason)
    if found:
        tenant.log.info("the portal goes on", actor=actor, reason=reason)
    return found


def let_in(tenant: Tenant) -> None:
    """The CRM has just let us in: a rest because it had not is over, and so is the problem that told of it."""
    with tenant.store.side_transaction(tenant.name) as tx:
        if rows := _refused(tx):
            failures.close(tx, rows, "the CRM let us in")
            portals.unpause(tx)


def try_again(store: Store, portal: str) -> None:
    """A process starts, perhaps with other credentials: a rest because the old ones were refused is over. The problem stays open."""
    with store.side_transaction(portal) as tx:
        if _refused(tx):
            portals.unpause(tx)


def _refused(tx: Tx) -> list[str]:
    """The open problems that tell of a log-in or a file that was refused."""
    return [row.failure.id for code in ACCESS for row in failures.listed(tx, FailureFilter(code=code, stage="pull"))]


def _keep(tx: Tx, tenant: Tenant, verb: Literal["pause", "resume"], actor: str, reason: str) -> None:
    act = Intervention(tenant.services.new_id(), verb, tenant.name, actor, reason)
    interventions.begin(tx, act, [])
    interventions.finish(tx, act.id)
