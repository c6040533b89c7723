"""KEEP: the vendor's admins save, switch and delete journeys. Each save is a version; what a file keeps is changed in the file alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.tell.journeys.journey import Journey, WrittenJourney
from sync_worker.domain.tell.journeys.mistakes import JourneyMistake, JourneyWords, mistakes_in
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.naming import company_named
from sync_worker.steps.tell.journeys.reach import reach_of
from sync_worker.steps.tell.journeys.standing import managed, standing_one
from sync_worker.steps.tell.journeys.words import journey_words
from sync_worker.store.core.engine import Tx
from sync_worker.store.tell import journeys
from sync_worker.store.tell.journeys import StoredJourney

Finish: TypeAlias = Callable[[Tx, StoredJourney], None]


class WrongJourney(NamedTuple):
    """Everything that is wrong with a journey that somebody wrote."""

    mistakes: tuple[JourneyMistake, ...]

    @property
    def refusals(self) -> list[Refusal]:
        """Each mistake by itself."""
        return [
            Refusal("journey_malformed", f"{one.what}; {one.remedy}", "see docs/journeys.md", one.allowed, one.field)
            for one in self.mistakes
        ]


def keeping_refusal(actor: Actor) -> Refusal | None:
    """Why this person neither sees nor keeps journeys."""
    if actor.is_operator or (actor.user is not None and actor.user.is_vendor_admin):
        return None
    return Refusal("journeys_not_yours", f"{actor.name} does not keep the journeys", "the vendor's admins")


def add(tenant: Tenant, wish: WrittenJourney, *, actor: Actor, finish: Finish) -> StoredJourney | Refusal | WrongJourney:
    """A new journey. **Shapes** `finish` is called inside the commit, with what the caller has to keep of it."""
    return _save(tenant, wish, _taken, actor=actor, finish=finish)


def change(tenant: Tenant, wish: WrittenJourney, *, actor: Actor, finish: Finish) -> StoredJourney | Refusal | WrongJourney:
    """The journey as it is from now on: a new version. **Shapes** as `add`."""
    return _save(tenant, wish, _unknown, actor=actor, finish=finish)


def switch(tenant: Tenant, key: str, *, is_on: bool, actor: Actor) -> StoredJourney | Refusal:
    """On or off. What was written before is sent in any case."""
    if refused := keeping_refusal(actor) or managed(tenant, key):
        return refused
    with tenant.store.transaction(tenant.name) as tx:
        found = standing_one(tx, tenant, key)
        if isinstance(found, Refusal):
            return found
        journeys.switch(tx, key, is_on=is_on, actor=actor.name)
        tenant.log.info("journey switched", journey=key, is_on=is_on, actor=actor.name)
        return replace(found, is_on=is_on)


def delete(tenant: Tenant, key: str, *, actor: Actor) -> StoredJourney | Refusal:
    """It sends nothing any more. Its versions and its log stay, and held mails still wait."""
    if refused := keeping_refusal(actor) or managed(tenant, key):
        return refused
    with tenant.store.transaction(tenant.name) as tx:
        found = standing_one(tx, tenant, key)
        if isinstance(found, Refusal):
            return found
        journeys.delete(tx, key, actor.name)
        tenant.log.info("journey deleted", journey=key, actor=actor.name)
        return found


def _save(
    tenant: Tenant, wish: WrittenJourney, refuse: Callable[[Tx, Tenant, str], Refusal | None], *, actor: Actor, finish: Finish
) -> StoredJourney | Refusal | WrongJourney:
    if refused := keeping_refusal(actor) or managed(tenant, wish.key):
        return refused
    if wrong := wrong_in(tenant, wish.journey):
        return WrongJourney(tuple(wrong))
    with tenant.store.reading(tenant.name) as tx:  # every company and user is looked at: no write has to wait for it
        refused = refuse(tx, tenant, wish.key) or _unconfirmed(tx, tenant, wish)
    if refused:
        return refused
    with tenant.store.transaction(tenant.name) as tx:
        if refused := refuse(tx, tenant, wish.key):
            return refused
        stored = journeys.save(tx, wish, is_on=wish.is_on, actor=actor.name)
        finish(tx, stored)
        return stored


def wrong_in(tenant: Tenant, journey: Journey) -> list[JourneyMistake]:
    """Everything that is wrong with it in this portal, its companies included."""
    words = journey_words(tenant.mapping, tenant.portal)
    if wrong := mistakes_in(journey, words):
        return wrong
    with tenant.store.reading(tenant.name) as tx:
        return list(_unknown_companies(tx, tenant, journey, words))


def _unknown_companies(tx: Tx, tenant: Tenant, journey: Journey, words: JourneyWords) -> Iterator[JourneyMistake]:
    """Filters that name a company which the portal does not have, or a name that several companies share."""
    for index, condition in enumerate(journey.filters):
        if words.fields[condition.field].kind != "reference":
            continue
        for value in condition.values:
            found = company_named(tx, tenant, value)
            if isinstance(found, Refusal):
                yield JourneyMistake(
                    ("filters", index, "values"), found.why, "write the CRM id of the company that is meant", found.allowed
                )
            elif found is None:
                what = f"{condition.field}: this portal has no company {value!r}"
                yield JourneyMistake(("filters", index, "values"), what, "write our id, the CRM id or the name of a company")


def _unconfirmed(tx: Tx, tenant: Tenant, wish: WrittenJourney) -> Refusal | None:
    reach = reach_of(tx, tenant, wish.journey)
    if reach.is_confirmed(wish.confirmed_count):
        return None
    who = f"the same person, who sends confirm_users: {reach.count}"
    return Refusal("reach_unconfirmed", f"the journey {wish.key} {reach}", who, (str(reach.count),), "confirm_users")


def _taken(tx: Tx, tenant: Tenant, key: str) -> Refusal | None:
    if isinstance(standing_one(tx, tenant, key), Refusal):
        return None
    return Refusal(
        "journey_exists", f"portal {tenant.name} has a journey {key} already", "another key, or a PUT to that journey", (), "key"
    )


def _unknown(tx: Tx, tenant: Tenant, key: str) -> Refusal | None:
    found = standing_one(tx, tenant, key)
    return found if isinstance(found, Refusal) else None
