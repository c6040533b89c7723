"""STANDING: the journeys that there are. Those of files become versions in the first commit that meets them.

A file that says again what it said before is that earlier version, so two processes with different files do not make versions without
end. One that could reach too many users is off until its file confirms the number. A journey whose file is gone is not there any more;
its versions and its log stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.tell.journeys.journey import WrittenJourney
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.journeys.reach import reach_of
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.tell import journeys
from sync_worker.store.tell.journeys import StoredJourney

OBJECT: Final = "journey"
STAGE: Final = "deliver"
UNCONFIRMED: Final = "reach_unconfirmed"


def adopt(tenant: Tenant) -> None:
    """What stands in files is kept in the store as well, where it is not yet."""
    if not tenant.filed_journeys:
        return
    with tenant.store.reading(tenant.name) as tx:
        is_known = not _unknown(journeys.listed(tx), tenant)
    if not is_known:
        with tenant.store.transaction(tenant.name) as tx:
            adopted(tx, tenant)


def adopted(tx: Tx, tenant: Tenant) -> list[StoredJourney]:
    """The same, in a commit that is under way. Returns every journey, by key."""
    stored = journeys.listed(tx)
    unknown = _unknown(stored, tenant)
    for filed in unknown:
        is_on = filed.is_on and _is_confirmed(tx, tenant, filed)
        actor = f"the file {filed.file}"
        if same := journeys.same_as(tx, filed):
            journeys.point(tx, replace(same, is_on=is_on, file=filed.file), actor=actor)
        else:
            journeys.save(tx, filed, is_on=is_on, actor=actor)
    return standing(tx, tenant) if unknown else _of_today(stored, tenant)


def standing(tx: Tx, tenant: Tenant) -> list[StoredJourney]:
    """Every journey, by key."""
    return _of_today(journeys.listed(tx), tenant)


def standing_one(tx: Tx, tenant: Tenant, key: str) -> StoredJourney | Refusal:
    """The journey of this key."""
    found = journeys.get(tx, key)
    if found is None or (found.file and key not in tenant.filed_journeys):
        return Refusal("journey_unknown", f"portal {tenant.name} has no journey {key}", "a vendor admin, who makes it first")
    return found


def managed(tenant: Tenant, key: str) -> Refusal | None:
    """Why the API does not change it: a file keeps it."""
    filed = tenant.filed_journeys.get(key)
    if filed is None:
        return None
    why = f"the journey {key} of portal {tenant.name} is kept in the file {filed.file}"
    return Refusal("managed_by_file", why, "an operator, who edits that file and restarts the worker", field="key")


def _of_today(stored: Iterable[StoredJourney], tenant: Tenant) -> list[StoredJourney]:
    """Without those whose file is gone."""
    return [one for one in stored if not one.file or one.key in tenant.filed_journeys]


def _unknown(stored: Iterable[StoredJourney], tenant: Tenant) -> list[WrittenJourney]:
    """Those of files that the store does not have as they are written."""
    known = {one.key: one for one in stored}
    return [filed for key, filed in sorted(tenant.filed_journeys.items()) if key not in known or not known[key].is_as(filed)]


def _is_confirmed(tx: Tx, tenant: Tenant, filed: WrittenJourney) -> bool:
    """Whether it may go on; an operator is told where it may not."""
    reach = reach_of(tx, tenant, filed.journey)
    if reach.is_confirmed(filed.confirmed_count):
        rows = [row.id for row in failures.open_rows(tx, OBJECT, [filed.key], STAGE) if row.code == UNCONFIRMED]
        failures.close(tx, rows, "it is confirmed, or reaches fewer")
        return True
    words = f"portal {tenant.name}, journey {filed.key}: it {reach}, so it is off. If it is meant, write `confirm_users: {reach.count}`"
    message = f"{words} into {filed.file} and restart the worker"
    name = filed.journey.name
    failures.record(tx, [Failure(tenant.services.new_id(), "problem", OBJECT, filed.key, STAGE, UNCONFIRMED, message, "", name=name)])
    return False
