"""What waits for our own parts, for mail and for the portal, and for how long. Every number is the code's own constant."""

from __future__ import annotations

from typing import Final

from sync_worker import actors, bootstrap, receiver, schedule
from sync_worker.cli.operate import processes
from sync_worker.cli.operate.waits.wait_words import Question, Wait, exactly, growing, length, spans
from sync_worker.config.portal import ScheduleSettings
from sync_worker.crm import batches, reach, shared_turnstile
from sync_worker.crm.hubspot.reading import reader as hs_reader
from sync_worker.domain.operate import status
from sync_worker.domain.tell import delivery
from sync_worker.mail import smtp
from sync_worker.queues import shared
from sync_worker.steps.core import keeper
from sync_worker.steps.sync.ingest import lanes, pull
from sync_worker.steps.tell import mail as letters
from sync_worker.store.core import cursors, engine, postgresql, runs
from sync_worker.store.people import answers
from sync_worker.store.tell import deliveries
from sync_worker.web.api.core import problems
from sync_worker.web.webhooks import debounce, heard, inbox, signature

_SCHEDULE: Final = ScheduleSettings()
_MAIL_S: Final = [letters.BETWEEN_TRIES.wait_s(tries) for tries in range(1, letters.MOST_ATTEMPTS)]
_EVENT_S: Final = [delivery.retry_s(count) or 0 for count in range(1, delivery.MOST_ATTEMPTS)]

OF_OURS: Final = (
    Question(
        "A webhook is lost, late or refused",
        (
            Wait(
                "what it told of is read by the next poll",
                f"every {exactly(_SCHEDULE.pull_s)} (`schedule.pull`); "
                f"each poll looks {exactly(_SCHEDULE.look_back_s)} back (`schedule.look_back`)",
                ("config.portal.ScheduleSettings",),
            ),
            Wait(
                "a poll leaves out the newest changes, which the next one reads",
                f"those of the last {exactly(pull.SETTLE_S)}; "
                f"at HubSpot it reads {exactly(hs_reader.INDEX_LAG.total_seconds())} more of the past",
                ("steps.sync.ingest.pull.SETTLE_S", "crm.hubspot.reading.reader.INDEX_LAG"),
            ),
            Wait(
                "a webhook that came is worked on",
                f"after {exactly(debounce.WINDOW_S)}, together with those that came meanwhile",
                ("web.webhooks.debounce.WINDOW_S",),
            ),
            Wait(
                "a webhook whose record type is being read in a long scan",
                f"the scan gives way after {exactly(lanes.GIVES_WAY_S)}, once the pages that are under way are stored",
                ("steps.sync.ingest.lanes.GIVES_WAY_S",),
            ),
            Wait(
                "a webhook that cannot be stored",
                f"{inbox.TRIES} tries, then the CRM hears an error and sends it again ([webhooks.md](webhooks.md))",
                ("web.webhooks.inbox.TRIES",),
            ),
            Wait(
                "a webhook of HubSpot whose time is not ours is refused",
                f"where it is more than {exactly(signature.MOST_APART_S)} from this machine's clock",
                ("web.webhooks.signature.MOST_APART_S",),
            ),
            Wait(
                "a webhook of a portal that is disabled by a mistake in its files",
                f"the CRM hears 503 and is asked to come again after {exactly(heard.DISABLED_S)}",
                ("web.webhooks.heard.DISABLED_S",),
            ),
            Wait(
                "a night's work (`schedule.full_compare` too) that did not end well",
                f"after {exactly(schedule.AGAIN_AFTER_S)}, the same night",
                ("schedule.AGAIN_AFTER_S",),
            ),
        ),
    ),
    Question(
        "A worker was killed",
        (
            Wait(
                "writes that it had claimed",
                f"{exactly(keeper.CLAIM_S)} after its last sign of life, which comes every {exactly(keeper.RENEW_S)}; "
                f"a call is begun with {exactly(batches.LEAST_LEFT_S)} of the claim left or more",
                ("steps.core.keeper.CLAIM_S", "steps.core.keeper.RENEW_S", "crm.batches.LEAST_LEFT_S"),
            ),
            Wait("what it was reading", f"after {exactly(cursors.LEASE_S)}, from the last page on", ("store.core.cursors.LEASE_S",)),
            Wait(
                "events of the feed that it was sending",
                f"after {exactly(deliveries.LEASE.total_seconds())}",
                ("store.tell.deliveries.LEASE",),
            ),
            Wait("mails that it was sending", f"after {exactly(letters.CLAIM_S)}", ("steps.tell.mail.CLAIM_S",)),
            Wait(
                "`sync-worker status` shows the process as silent",
                f"after {exactly(status.SILENT_S)}; a living process is heard of every {exactly(status.BEAT_S)}",
                ("domain.operate.status.SILENT_S", "domain.operate.status.BEAT_S"),
            ),
            Wait(
                "its run is shown as `stopped`",
                f"after {exactly(runs.SILENT_S)}",
                ("store.core.runs.SILENT_S",),
            ),
            Wait(
                "a request to the API, with the same `Idempotency-Key`",
                f"after {exactly(answers.CLAIM.total_seconds())}",
                ("store.people.answers.CLAIM",),
            ),
        ),
    ),
    Question(
        "The schedule or Redis is down",
        (
            Wait("what is due is looked for", f"every {exactly(schedule.TICK_S)}", ("schedule.TICK_S",)),
            Wait(
                "work whose message was lost (Redis was flushed, or was away)",
                f"sent again after {exactly(schedule.AGAIN_S)}",
                ("schedule.AGAIN_S",),
            ),
            Wait(
                "the messages that a killed worker held in Redis",
                f"they come back {exactly(shared.SILENT_MS / 1000)} after its last sign of life",
                ("queues.shared.SILENT_MS",),
            ),
            Wait(
                "a question to Redis is given up",
                f"after {exactly(bootstrap.ANSWER_S)}; by a worker that waits for work, after {exactly(shared.ANSWER_S)}",
                ("bootstrap.ANSWER_S", "queues.shared.ANSWER_S"),
            ),
            Wait(
                "Redis is asked again for the calls that all processes share; until then each counts alone",
                f"after {exactly(reach.AWAY_S)}",
                ("crm.reach.AWAY_S",),
            ),
            Wait(
                "the places of a killed process's calls among those in flight (`crm.parallel_calls`)",
                f"they come back after {exactly(shared_turnstile.LASTS_S)}",
                ("crm.shared_turnstile.LASTS_S",),
            ),
            Wait(
                "a worker looks for messages",
                f"every {exactly(processes.WORKER_TIMEOUT_MS / 1000)}; one piece of work ends its turn after {exactly(actors.TURN_S)}",
                ("cli.operate.processes.WORKER_TIMEOUT_MS", "actors.TURN_S"),
            ),
        ),
    ),
    Question(
        "The database is away, or fails over",
        (
            Wait(
                "the schedule looks again",
                f"every {exactly(schedule.TICK_S)}; "
                f"work that was sent while the database was away is sent again after {exactly(schedule.AGAIN_S)}",
                ("schedule.TICK_S", "schedule.AGAIN_S"),
            ),
            Wait("a connection to PostgreSQL is given up", f"after {exactly(postgresql.CONNECT_S)}", ("store.core.postgresql.CONNECT_S",)),
            Wait(
                "SQLite waits for another process's write",
                f"{exactly(engine.BUSY_TIMEOUT_MS / 1000)} at most",
                ("store.core.engine.BUSY_TIMEOUT_MS",),
            ),
            Wait(
                "a client of the API is told to come again (503)", f"after {exactly(problems.RETRY_S)}", ("web.api.core.problems.RETRY_S",)
            ),
        ),
    ),
    Question(
        "The mail server is down",
        (
            Wait(
                "a mail that the server did not take",
                f"{growing(letters.BETWEEN_TRIES)}; given up after {letters.MOST_ATTEMPTS} tries, which take {length(_MAIL_S)}",
                ("steps.tell.mail.BETWEEN_TRIES", "steps.tell.mail.MOST_ATTEMPTS"),
            ),
            Wait("a server that does not answer is given up", f"after {exactly(smtp.TIMEOUT_S)}", ("mail.smtp.TIMEOUT_S",)),
        ),
    ),
    Question(
        "The feed's receiver is down, or refuses",
        (
            Wait(
                "the whole feed, while the receiver does not answer, or says 429 or 503",
                f"as long as `Retry-After` says, {exactly(delivery.LONGEST_REST_S)} at most; else after {spans(delivery.REST_S)}, "
                f"then every {exactly(delivery.REST_LAST_S)}",
                ("domain.tell.delivery.REST_S", "domain.tell.delivery.REST_LAST_S", "domain.tell.delivery.LONGEST_REST_S"),
            ),
            Wait(
                "one event that the receiver refuses",
                f"after {spans(delivery.RETRY_S)}, then every {exactly(delivery.RETRY_LAST_S)}; "
                f"given up after {delivery.MOST_ATTEMPTS} tries, "
                f"which take {length(_EVENT_S)}",
                ("domain.tell.delivery.RETRY_S", "domain.tell.delivery.RETRY_LAST_S", "domain.tell.delivery.MOST_ATTEMPTS"),
            ),
            Wait(
                "a receiver that said 410",
                "not by itself: `sync-worker feed resume`",
                (),
            ),
            Wait(
                "a call is given up",
                f"after {exactly(receiver.CONNECT_S)} without a connection, {exactly(receiver.ANSWER_S)} without the whole answer",
                ("receiver.CONNECT_S", "receiver.ANSWER_S"),
            ),
        ),
    ),
)
