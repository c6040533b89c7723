"""A registration's last day: the period that gives it, the vendor who sets it, and whether it is over.

The first last day is the day of the submission and so many days more, by the portal's own calendar; a deal that begins in the CRM without
one gets its own on the day it comes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sync_worker.domain.core.deal import Deal, Lifecycle, Policy, Refusal
from sync_worker.domain.core.move_context import Scene, effect, guard
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.approval import running

LAST_DAY = "expires_on"


def last_day_of(deal: Deal) -> date | None:
    """The deal's last day; None where it has none."""
    found = deal.values.get(LAST_DAY)
    return found if isinstance(found, date) else None


def is_over(deal: Deal, today: date) -> bool:
    """Whether the last day lies behind us. A deal without one has no end."""
    last_day = last_day_of(deal)
    return last_day is not None and last_day < today


def first_last_day(deal: Deal, policy: Policy, today: date) -> dict[str, Value]:
    """The last day that the portal's period gives; nothing where the deal has one, or its type has no period."""
    days = policy.period.days_of(deal.values.get("deal_type"))
    return {LAST_DAY: today + timedelta(days=days)} if days and last_day_of(deal) is None else {}


def granted(deal: Deal, policy: Policy, today: date) -> Deal:
    """A deal that has just begun, with its first last day where it is a registration already."""
    return deal.changed(first_last_day(deal, policy, today)) if deal.lifecycle is Lifecycle.SUBMITTED else deal


@guard("a last day is given: today or later")
def still_to_come(scene: Scene) -> Refusal | None:
    if scene.until is None:
        return Refusal("last_day_missing", "no last day is given", "a date, today or later", field=LAST_DAY)
    if scene.until < scene.today:
        why = f"{scene.until} is over: today is {scene.today} in this portal"
        return Refusal("last_day_over", why, "a date, today or later; to stop a deal at once, disable it", field=LAST_DAY)
    return None


@effect("the deal has the new last day; an expired deal is submitted again")
def day_set(scene: Scene) -> Mapping[str, Value]:
    return {LAST_DAY: scene.until, **running(scene.deal)}


@effect("a deal without a last day gets one from the portal's registration period")
def day_given(scene: Scene) -> Mapping[str, Value]:
    return first_last_day(scene.deal, scene.policy, scene.today)
