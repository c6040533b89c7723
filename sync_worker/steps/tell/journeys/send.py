"""SEND: in the commit of a change, what journeys make of it: mails, and the log of who was told, who was not, and why.

One mail for each event, person and journey. Mails of a journey that would write too many within an hour wait for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sync_worker.boundary.text import one_line
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.tell.journeys.journey import Journey
from sync_worker.domain.tell.journeys.limits import counted_since, is_held
from sync_worker.domain.tell.journeys.ruling import JourneyRuling, MeantPerson, Occasion, occasions, rule_on
from sync_worker.domain.tell.journeys.scene import DealScene
from sync_worker.domain.tell.journeys.tags import filled
from sync_worker.steps.core.tenant import Tenant, identity_of
from sync_worker.steps.tell.crowds import Crowds
from sync_worker.steps.tell.journeys.scenes import scenes_of
from sync_worker.steps.tell.journeys.standing import OBJECT, STAGE, adopted
from sync_worker.steps.tell.journeys.words import side_labels
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.tell import journey_log, mails
from sync_worker.store.tell.journey_log import JourneyLogRow, LogOutcome
from sync_worker.store.tell.journeys import StoredJourney
from sync_worker.store.tell.mails import OwedMail

TEMPLATE: Final = "journey"
HELD: Final = "journey_held"


class MailText(NamedTuple):
    """What a journey says to one person."""

    subject: str
    body: str


class Ruled(NamedTuple):
    """One journey and one event."""

    occasion: Occasion
    scene: DealScene
    ruling: JourneyRuling


def send_journeys(tx: Tx, tenant: Tenant, changes: Iterable[tuple[Deal | None, Deal, int]], crowds: Crowds) -> int:
    """What the journeys make of these changes; how many mails.

    **Shapes** (before, after, version) of each deal; `crowds`: of every deal whose change is news.
    """
    found = [(occasion, after) for before, after, version in changes for occasion in occasions(before, after, version=version)]
    if not found or tenant.post is None:
        return 0
    at_work = [one for one in adopted(tx, tenant) if one.is_on]
    wanted = {one.journey.trigger for one in at_work}
    found = [(occasion, deal) for occasion, deal in found if occasion.trigger in wanted]
    if not found:
        return 0
    scenes = scenes_of(tx, tenant, [deal for _, deal in found], crowds)
    events = [(occasion, scene) for (occasion, _), scene in zip(found, scenes, strict=True)]
    return sum(_send(tx, tenant, one, _ruled(tenant, one, events)) for one in at_work)


def text_for(journey: Journey, scene: DealScene, person: MeantPerson) -> MailText:
    """The mail to this person, with its tags filled. What a tag puts in is one line, so that it begins no paragraph of its own.

    A subject of which nothing is left, because its values are missing, is the name of the journey.
    """
    values = {name: one_line(text) for name, text in scene.shown.items()} | {"recipient.name": one_line(person.user.name)}
    return MailText(one_line(filled(journey.subject, values)) or journey.name, filled(journey.body, values))


def _ruled(tenant: Tenant, stored: StoredJourney, events: Sequence[tuple[Occasion, DealScene]]) -> list[Ruled]:
    labels = side_labels(tenant.portal)
    return [
        Ruled(occasion, scene, rule_on(stored.journey, scene, labels, occasion.sides))
        for occasion, scene in events
        if occasion.trigger == stored.journey.trigger
    ]


def _send(tx: Tx, tenant: Tenant, stored: StoredJourney, ruled: Sequence[Ruled]) -> int:
    """Writes the mails and the log of one journey; how many mails."""
    new = sum(len(one.ruling.told) for one in ruled)
    is_holding = new > 0 and is_held(_written_count(tx, stored), new, tenant.portal.journeys.most_mails_per_hour)
    mails.write(tx, [_mail(tx, stored, one, person, is_holding=is_holding) for one in ruled for person in one.ruling.told])
    journey_log.write(tx, [row for one in ruled for row in _log(tx, stored, one, is_holding=is_holding)])
    if is_holding:
        failures.record(tx, [_held(tx, tenant, stored)])
    return new


def _written_count(tx: Tx, stored: StoredJourney) -> int:
    return journey_log.written_count(tx, stored.key, counted_since(tx.now, stored.looked_at))


def _mail(tx: Tx, stored: StoredJourney, one: Ruled, person: MeantPerson, *, is_holding: bool) -> OwedMail:
    written = text_for(stored.journey, one.scene, person)
    context = {"journey": stored.key, "version": stored.version, "subject": written.subject, "paragraphs": paragraphs_of(written.body)}
    address = person.user.email.casefold()
    event = _event_of(stored, one.occasion)
    id_ = _mail_id(tx, stored, one.occasion, person)
    return OwedMail(id_, event, address, TEMPLATE, context, held_by=stored.key if is_holding else None)


def paragraphs_of(body: str) -> list[list[str]]:
    """The lines of each paragraph: an empty line ends one."""
    blocks = body.strip().replace("\r\n", "\n").split("\n\n")
    return [lines for block in blocks if (lines := [line for line in block.split("\n") if line.strip()])]


def _event_of(stored: StoredJourney, occasion: Occasion) -> str:
    return f"journey/{stored.key}/{occasion.event}"


def _mail_id(tx: Tx, stored: StoredJourney, occasion: Occasion, person: MeantPerson) -> str:
    return identity_of(f"{tx.portal}/mail/{_event_of(stored, occasion)}/{person.user.email.casefold()}")


def _log(tx: Tx, stored: StoredJourney, one: Ruled, *, is_holding: bool) -> Iterator[JourneyLogRow]:
    """A row for each person, and one for the event as a whole where there is a reason to give."""

    def row(user_id: str, recipient: str, outcome: LogOutcome, why: str, mail_id: str | None) -> JourneyLogRow:
        event, deal_id = one.occasion.event, one.scene.deal.id
        id_ = identity_of(f"{tx.portal}/{_event_of(stored, one.occasion)}/person/{user_id}")
        return JourneyLogRow(id_, tx.now, stored.key, stored.version, event, deal_id, user_id, recipient, outcome, why, mail_id)

    if one.ruling.reasons:
        yield row("", "", "not_told", "; ".join(one.ruling.reasons), None)
    for person in one.ruling.people:
        if person.why_not:
            yield row(person.user.id, person.recipient, "not_told", person.why_not, None)
        else:
            mail_id = _mail_id(tx, stored, one.occasion, person)
            why = "the journey has written too many mails within an hour" if is_holding else ""
            yield row(person.user.id, person.recipient, "held" if is_holding else "told", why, mail_id)


def _held(tx: Tx, tenant: Tenant, stored: StoredJourney) -> Failure:
    count, most = mails.held_counts(tx).get(stored.key, 0), tenant.portal.journeys.most_mails_per_hour
    message = (
        f"portal {tenant.name}, journey {stored.key}: {count:,} mails wait, because it would write more than {most:,} within an hour. "
        f"Look at them: sync-worker journeys log {tenant.name} {stored.key}. If they are meant: sync-worker journeys release "
        f'{tenant.name} {stored.key} --reason "…"; if not: sync-worker journeys discard {tenant.name} {stored.key} --reason "…"'
    )
    return Failure(tenant.services.new_id(), "problem", OBJECT, stored.key, STAGE, HELD, message, "", name=stored.journey.name)
