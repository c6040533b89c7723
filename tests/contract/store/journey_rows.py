"""The part of the tenants' test that is about journeys: rows of every table, and each function that reads or writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.tell.journeys.journey import Journey, WrittenJourney
from sync_worker.store.core.engine import Tx
from sync_worker.store.tell import journey_log, journeys, mails
from sync_worker.store.tell.journey_log import JourneyLogRow, LogOutcome
from sync_worker.store.tell.mails import OwedMail

MODULES: tuple[ModuleType, ...] = (journey_log, journeys)
FILTERS = (Condition("second_partner.region", "one_of", ("EMEA",)),)


def written(key: str = "welcome", subject: str = "Hello") -> WrittenJourney:
    return WrittenJourney(Journey(key, "Welcome", "registered", FILTERS, ("owner_company.manager",), subject, "Text"))


def logged(tx: Tx, id_: str = "j1", outcome: LogOutcome = "held", user_id: str = "u1") -> JourneyLogRow:
    return JourneyLogRow(
        id_, tx.now, "welcome", 1, f"registered/{id_}", "d1", user_id, "owner_company.manager", outcome, mail_id=f"m-{id_}"
    )


def held(id_: str = "m8") -> OwedMail:
    return OwedMail(id_, f"journey/welcome/{id_}", "cy@example.com", "journey", {"subject": "Hello"}, held_by="welcome")


FILL: list[Callable[[Tx], object]] = [
    lambda tx: journeys.save(tx, written(), is_on=True, actor="Vera"),
    lambda tx: journeys.save(tx, written(subject="Hello again"), is_on=True, actor="Vera"),
    lambda tx: journey_log.write(tx, [logged(tx), logged(tx, "j2", "told")]),
    lambda tx: mails.write(tx, [held()]),
]

READS: dict[str, Callable[[Tx], object]] = {
    "journeys.get": lambda tx: journeys.get(tx, "welcome"),
    "journeys.listed": journeys.listed,
    "journeys.same_as": lambda tx: journeys.same_as(tx, written()),
    "journeys.versions": lambda tx: journeys.versions(tx, "welcome"),
    "journey_log.page": lambda tx: journey_log.page(tx, "welcome"),
    "journey_log.written_count": lambda tx: journey_log.written_count(tx, "welcome", tx.now - timedelta(hours=1)),
    "mails.held_counts": mails.held_counts,
}

WRITES: dict[str, Callable[[Tx], object]] = {
    "journeys.delete": lambda tx: journeys.delete(tx, "welcome", "Vera"),
    "journeys.look": lambda tx: journeys.look(tx, "welcome"),
    "journeys.point": lambda tx: journeys.point(tx, journeys.versions(tx, "welcome")[0], actor="Vera"),
    "journeys.save": lambda tx: journeys.save(tx, written(subject="Once more"), is_on=True, actor="Vera"),
    "journeys.switch": lambda tx: journeys.switch(tx, "welcome", is_on=False, actor="Vera"),
    "journey_log.forget_people": lambda tx: journey_log.forget_people(tx, ["u1"]),
    "journey_log.settle_held": lambda tx: journey_log.settle_held(tx, "welcome", "told", "released"),
    "journey_log.withhold": lambda tx: journey_log.withhold(tx, "m-j2", "the person is inactive in the portal"),
    "journey_log.write": lambda tx: journey_log.write(tx, [logged(tx, "j3", "told")]),
    "mails.discard": lambda tx: mails.discard(tx, "welcome", "by mistake"),
    "mails.release": lambda tx: mails.release(tx, "welcome"),
}
