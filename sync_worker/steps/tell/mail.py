"""MAIL: what waits to be sent is claimed, sent and settled, a few at a time. Nothing here asks the CRM, so mail goes while that is down.

A crash between a send and its settling sends the letter again under the same Message-ID; it never loses one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, TypeAlias

from sync_worker.domain.core.backoff import Backoff
from sync_worker.domain.core.moments import utc
from sync_worker.domain.tell.wording import for_people
from sync_worker.errors import ConfigError, RecordError, TransientError
from sync_worker.mail.letter import Letter, compose
from sync_worker.mail.post import Post
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.paper import enclosures
from sync_worker.steps.tell.withhold import withheld
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.core.runs import Counts
from sync_worker.store.tell import journey_log, mails
from sync_worker.store.tell.mails import MailRow
from sync_worker.telemetry import logs

BATCH_COUNT: Final = 20  # letters of one claim
CLAIM_S: Final = 600  # longer than twenty letters at a time-out of 30 s each
MOST_ATTEMPTS: Final = 15  # some 39 hours
MAIL: Final = FollowUp(Work.MAIL)

Withhold: TypeAlias = Callable[[Tx, Sequence[MailRow]], Mapping[str, str]]
"""Which letters must not be sent, by id, and why."""


@dataclass(frozen=True, slots=True)
class MailsSent:
    """What became of one batch."""

    sent: int = 0
    put_off: int = 0
    given_up: int = 0
    discarded: int = 0


def mail(tenant: Tenant) -> Done:
    """A turn of sending; without a mail server nothing is sent, and all waits. **Raises** StoreDown."""
    is_left = False
    while tenant.post and not is_left:
        withhold = partial(_withheld_from, tenant)
        if send_mail(tenant.store, tenant.name, tenant.post, tenant.services, withhold) == MailsSent():
            break
        is_left = tenant.turn.is_over or tenant.services.is_stopping()
    return Done("", Counts(), frozenset({MAIL} if is_left else ()))


def _withheld_from(tenant: Tenant, tx: Tx, rows: Sequence[MailRow]) -> Mapping[str, str]:
    return withheld(tx, tenant, rows)


def is_due(tenant: Tenant) -> bool:
    """Whether there is a mail server, and a letter for it."""
    if tenant.post is None:
        return False
    with tenant.store.reading(tenant.name) as tx:
        return mails.has_due(tx)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Letters that were claimed together, under one token."""

    store: Store
    portal: str
    services: Services
    token: str


def send_mail(store: Store, portal: str, post: Post, services: Services, withhold: Withhold = lambda _tx, _rows: {}) -> MailsSent:
    """One batch. Nothing sent, put off, given up or discarded = nothing was due. **Raises** StoreDown."""
    batch = _Batch(store, portal, services, services.new_id())
    with store.side_transaction(portal) as tx:
        rows = mails.claim(tx, limit=BATCH_COUNT, token=batch.token, until_at=tx.shared_now + timedelta(seconds=CLAIM_S))
    reasons = _reasons(batch, rows, withhold) if rows else {}
    outcomes = []
    for row in rows:
        if services.is_stopping():
            break
        why = reasons.get(row.mail.id)
        outcomes.append(_discarded(batch, row, why) if why else _sent(batch, post, row))
    return MailsSent(*(outcomes.count(name) for name in ("sent", "put_off", "given_up", "discarded")))


def _reasons(batch: _Batch, rows: Sequence[MailRow], withhold: Withhold) -> Mapping[str, str]:
    with batch.store.reading(batch.portal) as tx:
        return withhold(tx, rows)


def _discarded(batch: _Batch, row: MailRow, why: str) -> str:
    with batch.store.side_transaction(batch.portal) as tx:
        if mails.settle(tx, row.mail.id, batch.token, "discarded", error=why):
            journey_log.withhold(tx, row.mail.id, why)
            _close(tx, row, why)
    logs.get().info("a letter was not sent", portal=batch.portal, mail=row.mail.id, why=why)
    return "discarded"


def _close(tx: Tx, row: MailRow, why: str) -> None:
    """The problem of an earlier try is over."""
    failures.close(tx, [one.id for one in failures.open_rows(tx, "mail", [row.mail.id], "deliver")], why)


def _sent(batch: _Batch, post: Post, row: MailRow) -> str:
    its, store, portal = row.mail, batch.store, batch.portal
    try:
        with store.reading(portal) as tx:
            files = enclosures(tx, its.quote_id, templates=post.documents, zone=post.zone) if its.quote_id else ()
        letter = compose(
            post.templates,
            Letter(
                mail_id=its.id,
                address=its.address,
                template=its.template,
                context={"portal": portal, **for_people(its.context)},
                written_at=row.written_at,
                enclosures=files,
            ),
            sender=post.sender,
        )
        post.send(letter)
    except (TransientError, ConfigError) as error:
        if row.attempts < MOST_ATTEMPTS:
            return _put_off(batch, row, str(error))
        return _given_up(batch, row, f"{error} ({row.attempts} tries)")
    except (RecordError, ValueError) as error:
        return _given_up(batch, row, str(error))
    with store.side_transaction(portal) as tx:
        if mails.settle(tx, its.id, batch.token, "sent"):
            _close(tx, row, "sent after all")
    return "sent"


BETWEEN_TRIES: Final = Backoff(first_s=60, factor=2, ceiling_s=6 * 3600)
"""A minute before the second try, then twice as long each time, six hours at most."""


def _put_off(batch: _Batch, row: MailRow, why: str) -> str:
    wait_s = BETWEEN_TRIES.wait_s(row.attempts)
    with batch.store.side_transaction(batch.portal) as tx:
        next_at = tx.shared_now + timedelta(seconds=wait_s)
        mails.later(tx, row.mail.id, batch.token, next_at, error=why)
    logs.get().warning(
        "a letter was not taken", portal=batch.portal, mail=row.mail.id, error=why, tries=row.attempts, next_try=utc(next_at)
    )
    return "put_off"


def _given_up(batch: _Batch, row: MailRow, why: str) -> str:
    """The letter is over, and an operator is told in the same commit."""
    failure = Failure(
        id=batch.services.new_id(),
        kind="problem",
        object="mail",
        record=row.mail.id,
        stage="deliver",
        code="mail_refused",
        message=f"{row.mail.template} to {row.mail.address}: {why}",
        run_id="",
        name=row.mail.address,
    )
    with batch.store.transaction(batch.portal) as tx:
        if mails.settle(tx, row.mail.id, batch.token, "given_up", error=why):
            failures.record(tx, [failure])
    return "given_up"
