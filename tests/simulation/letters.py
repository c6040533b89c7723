"""Letters to people: who gets them, and when they are sent."""

from __future__ import annotations

from sync_worker.domain.core.user import Role
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.users import UserData, put
from sync_worker.steps.tell.mail import MAIL
from sync_worker.store.core import companies
from tests.simulation.actions import attempt, idle, step
from tests.simulation.gate import Blow
from tests.simulation.world import World

TROUBLE_SHARE = 0.4  # of the times at which letters are sent


def comes(world: World) -> None:
    """Three people whom letters go to from now on, of any companies."""
    with world.store.reading(world.portal.name) as tx:
        known = [stored.company.id for stored in companies.listed(tx) if stored.company.takes_part]
    for no in range(3 if known else 0):
        worker, name = idle(world), f"u{world.number()}"
        told = UserData(name, f"{name}@example.com", f"Una {name}", Role.MANAGER, world.dice.choice(known), is_vendor_admin=not no)
        attempt(world, worker, "a person comes", lambda tenant=worker.tenant, told=told: _put(tenant, told), [])  # type: ignore[misc]


def _put(tenant: Tenant, told: UserData) -> None:
    put(tenant, told)


def sends(world: World) -> None:
    """Letters that wait are sent; the server may have trouble, and the sender may die."""
    if world.dice.random() < TROUBLE_SHARE:
        world.say(f"fault: {world.mailbox.order(world.dice)}")
    step(world, idle(world), MAIL, [Blow(world.dice.randint(1, 12))] if world.dice.random() < TROUBLE_SHARE else [])
