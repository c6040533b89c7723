"""BY HAND: what a person does with the feed and the mail: tell again, pause, go on, and try whether the other side takes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.tell.delivery import ReceiverAnswer
from sync_worker.domain.tell.event import SCHEMA, gone_words
from sync_worker.errors import ConfigError
from sync_worker.mail.letter import Letter, compose
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import Intervention
from sync_worker.store.tell import deliveries

NO_FEED: Final = Refusal("address_unknown", "this portal has no feed", "an operator, who adds `feed` to its file")
SAMPLE: Final[Mapping[str, Any]] = {
    "name": "there",
    "actor": "a test of the mail server",
    "deal": "a test, no deal",
    "company": "a test, no company",
}


def tell_again(tenant: Tenant, from_seq: int, *, actor: str) -> int | Refusal:
    """Owes every event from this one on again, with the ids they had; how many. A refusal where events from then on are gone."""
    if tenant.receiver is None:
        return NO_FEED
    with tenant.store.side_transaction(tenant.name) as tx:
        oldest, last = feed.reach(tx)
        if from_seq < oldest:
            who_may = "read everything once, then go on from the oldest place there is"
            return Refusal("place_gone", gone_words(from_seq, oldest, last), who_may, (str(oldest),), "from_seq")
        count = feed.replay(tx, from_seq)
    tenant.log.info("feed replay asked for", actor=actor, from_seq=from_seq, events=count)
    return count


def pause_feed(tenant: Tenant, *, actor: str, reason: str) -> None:
    """Sends nothing more until somebody lets it go on; what happens until then is kept."""
    with tenant.store.side_transaction(tenant.name) as tx:
        deliveries.pause(tx, f"{actor}: {reason}")
        _keep(tx, tenant, "pause_feed", actor, reason)
    tenant.log.warning("the feed is paused", actor=actor, reason=reason)


def resume_feed(tenant: Tenant, *, actor: str, reason: str = "") -> int:
    """Goes on, at once, with everything owed; how many events that is."""
    with tenant.store.side_transaction(tenant.name) as tx:
        deliveries.resume(tx)
        owed, _ = deliveries.owed(tx)
        _keep(tx, tenant, "resume_feed", actor, reason)
    tenant.log.info("the feed goes on", actor=actor, reason=reason, owed=owed)
    return owed


def _keep(tx: Tx, tenant: Tenant, verb: Literal["pause_feed", "resume_feed"], actor: str, reason: str) -> None:
    act = Intervention(tenant.services.new_id(), verb, tenant.name, actor, reason)
    interventions.begin(tx, act, [])
    interventions.finish(tx, act.id)


def ping(tenant: Tenant) -> ReceiverAnswer:
    """Sends one signed `ping`, which is not an event. **Raises** ConfigError: the portal has no feed."""
    if tenant.receiver is None:
        raise ConfigError(f"portal {tenant.name} has no feed — add `feed: {{url: …, secret: ${{NAME}}}}` to its file; see docs/feed.md")
    data = {"schema": SCHEMA, "portal": tenant.name, "seq": 0}
    return tenant.receiver.send(f"ping_{tenant.services.new_id()}", "ping", tenant.services.clock(), data)


def send_sample(tenant: Tenant, address: str) -> str:
    """Sends one letter, which tells of nothing, through the portal's own templates; its subject.

    **Raises** ConfigError: the mail server is missing, or this is not an address; RecordError, TransientError: the server did not take it.
    """
    post = tenant.post
    if post is None:
        raise ConfigError("there is no mail server — set SYNC_WORKER_SMTP_URL; see docs/mail.md")
    try:
        letter = compose(
            post.templates,
            Letter(
                mail_id=tenant.services.new_id(),
                address=address,
                template="deal_registered",
                context={"portal": tenant.name, **SAMPLE},
                written_at=tenant.services.clock(),
            ),
            sender=post.sender,
        )
    except ValueError as error:
        raise ConfigError(f"{error} — write an address as ann@example.com") from error
    post.send(letter)
    return str(letter["Subject"])
