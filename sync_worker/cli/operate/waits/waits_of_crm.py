"""What waits for the CRM, and for how long. Every number is the code's own constant."""

from __future__ import annotations

from typing import Final

from sync_worker.boundary import deadline, headers
from sync_worker.cli.operate.waits.wait_words import Question, Wait, exactly, growing, length, pause, spans
from sync_worker.crm import batches, budget, turnstile, width
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.associations import associations as hs_labels
from sync_worker.crm.hubspot.connection import faults as hs
from sync_worker.crm.hubspot.connection import pace as hs_pace
from sync_worker.crm.hubspot.connection import session as hs_session
from sync_worker.crm.hubspot.connection import wire as hs_wire
from sync_worker.crm.hubspot.writing import admin as hs_schema
from sync_worker.crm.login import renewal
from sync_worker.crm.salesforce.connection import faults as sf
from sync_worker.crm.salesforce.connection import wire as sf_wire
from sync_worker.crm.salesforce.reading import bulk
from sync_worker.domain.sync.push import attempts, breaker, late_write
from sync_worker.errors import AuthFailed, ConfigError, HeldForReview, SchemaChanged, TransientError
from sync_worker.steps.core import described, lists
from sync_worker.steps.operate import replay
from sync_worker.steps.sync.push import late_writes, patch_back
from sync_worker.store.core import catalogs

_PATIENCE: Final = Patience()
_PAUSES: Final = ("domain.sync.ingest.resting.UNTIL_SOMEBODY_ACTS",)
_LOGINS_S: Final = [renewal.BETWEEN_LOGINS.wait_s(tries) for tries in range(1, renewal.MOST_LOGINS)]
_SLOWER: Final = [times for _, times in budget.LITTLE if times > 1]


def _refused(chance: float) -> list[float]:
    return [attempts.refused_wait_s(count, chance) for count in range(1, attempts.MOST_REFUSED)]


OF_CRM: Final = (
    Question(
        "The CRM is down or slow",
        (
            Wait(
                "a call that failed for the moment, inside one piece of work",
                f"{_PATIENCE.attempts} tries within {exactly(_PATIENCE.total_s)}: {growing(_PATIENCE.wait)}",
                ("crm.faults.Patience", "crm.faults.BETWEEN_TRIES"),
            ),
            Wait(
                "the portal, once these tries are over",
                f"{pause(TransientError())}, the same each time",
                ("actors.PAUSE_S",),
            ),
            Wait(
                "a connection that is not made is given up",
                f"after {exactly(sf_wire.CONNECT_TIMEOUT_S)} at Salesforce, {exactly(hs_wire.CONNECT_TIMEOUT_S)} at HubSpot",
                ("crm.salesforce.connection.wire.CONNECT_TIMEOUT_S", "crm.hubspot.connection.wire.CONNECT_TIMEOUT_S"),
            ),
            Wait(
                "a read without an answer is given up",
                f"after {exactly(sf_wire.READ_TIMEOUT_S)} at Salesforce, {exactly(hs_wire.READ_TIMEOUT_S)} at HubSpot",
                ("crm.salesforce.connection.wire.READ_TIMEOUT_S", "crm.hubspot.connection.wire.READ_TIMEOUT_S"),
            ),
            Wait(
                "an answer to a read that comes bit by bit is given up",
                f"after {exactly(deadline.TIMES * sf_wire.READ_TIMEOUT_S)} at Salesforce, "
                f"{exactly(deadline.TIMES * hs_wire.READ_TIMEOUT_S)} at HubSpot",
                ("boundary.deadline.TIMES",),
            ),
            Wait(
                "a write without an answer is given up",
                f"after {exactly(batches.LONGEST_CALL_S)}; what becomes of it: *A record is refused, or a write is not answered*",
                ("crm.batches.LONGEST_CALL_S",),
            ),
            Wait(
                "the CRM is in maintenance and takes no writes",
                f"a write after {exactly(sf.RESTS['INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE'][1])}; reading goes on",
                ("crm.salesforce.connection.faults.RESTS",),
            ),
            Wait(
                "the CRM has no room for new records",
                f"a new record after {exactly(sf.RESTS['STORAGE_LIMIT_EXCEEDED'][1])} at Salesforce, {exactly(hs.FULL_REST_S)} at HubSpot; "
                "changes of known records go on",
                ("crm.salesforce.connection.faults.RESTS", "crm.hubspot.connection.faults.FULL_REST_S"),
            ),
            Wait(
                "HubSpot moves the account (477)",
                f"as long as it says, else after {exactly(hs.MIGRATING_WAIT_S)}",
                ("crm.hubspot.connection.faults.MIGRATING_WAIT_S",),
            ),
            Wait(
                "a record that HubSpot holds locked (423)",
                f"after {exactly(hs.LOCKED_WAIT_S)}",
                ("crm.hubspot.connection.faults.LOCKED_WAIT_S",),
            ),
            Wait(
                "a bulk job of Salesforce is asked whether it is done",
                f"{growing(bulk.BETWEEN_QUESTIONS)}; given up after {exactly(bulk.TIMEOUT_S)}, and the rest is read by pages",
                ("crm.salesforce.reading.bulk.BETWEEN_QUESTIONS", "crm.salesforce.reading.bulk.TIMEOUT_S"),
            ),
            Wait(
                "`provision` looks whether HubSpot shows a new property",
                f"{hs_schema.READ_BACKS} times, {exactly(hs_schema.READ_BACK_S)} apart",
                ("crm.hubspot.writing.admin.READ_BACKS", "crm.hubspot.writing.admin.READ_BACK_S"),
            ),
        ),
    ),
    Question(
        "The calls are used up",
        (
            Wait(
                "the CRM names a time (`Retry-After`)",
                f"after that time, {exactly(headers.LONGEST_WAIT_S)} at most",
                ("boundary.headers.LONGEST_WAIT_S",),
            ),
            Wait(
                "the calls of the day, at Salesforce",
                f"after {exactly(sf.DAILY_WAIT_S)}, the same each time: the day is the last 24 hours, so some come back all the time",
                ("crm.salesforce.connection.faults.DAILY_WAIT_S",),
            ),
            Wait(
                "the calls of the day, at HubSpot",
                f"at the account's midnight; after {exactly(hs.BLIND_DAY_WAIT_S)} where its time zone is not known",
                ("crm.hubspot.connection.faults.BLIND_DAY_WAIT_S",),
            ),
            Wait(
                "too many calls at the same time, at Salesforce",
                f"after {exactly(sf.BURST_WAIT_S)}",
                ("crm.salesforce.connection.faults.BURST_WAIT_S",),
            ),
            Wait(
                "the calls of some seconds, at HubSpot",
                f"after {' or '.join(map(exactly, sorted(hs.WAIT_S_BY_POLICY.values())))}, by which limit it is; "
                f"the first time after {exactly(hs_pace.FIRST_REST_S)} where the answer says that the calls of ten seconds are used up",
                ("crm.hubspot.connection.faults.WAIT_S_BY_POLICY", "crm.hubspot.connection.pace.FIRST_REST_S"),
            ),
            Wait(
                "as many calls of the portal are in flight as may be (`crm.parallel_calls`)",
                f"until one ends; given up after {exactly(turnstile.LONGEST_WAIT_S)}, a write while enough of its claim is left",
                ("crm.turnstile.LONGEST_WAIT_S", "crm.turnstile.BETWEEN_LOOKS"),
            ),
            Wait(
                "an answer is slow, so that no more calls are made at once",
                f"after {exactly(width.FAST_S)}",
                ("crm.width.FAST_S",),
            ),
            Wait(
                "a share of `crm.api_budget` is used up",
                f"when calls of the day come back; what the CRM said of them is believed for {exactly(budget.TOLD_FOR_S)}",
                ("crm.budget.TOLD_FOR_S",),
            ),
            Wait(
                "few calls of the reserve are left",
                f"polls come {' or '.join(map(str, [*_SLOWER, budget.SLOWEST]))} times slower than `schedule.pull`",
                ("crm.budget.LITTLE", "crm.budget.SLOWEST"),
            ),
        ),
    ),
    Question(
        "A log-in is refused, or a field is hidden",
        (
            Wait(
                "the portal, after a refused log-in (`auth_failed`) or right (`connection_down`)",
                pause(AuthFailed()),
                _PAUSES,
            ),
            Wait(
                "the same portal, once a person has corrected the credentials or the right",
                "at once, if `sync-worker check PORTAL` or `sync-worker pull PORTAL` succeeds, or if a process is started again",
                (),
            ),
            Wait(
                "a log-in that was refused is not repeated in the same process, so as not to lock the user out",
                f"for {exactly(renewal.REFUSED_FOR_S)}; a restart of `run`, `schedule` or a worker tries at once",
                ("crm.login.renewal.REFUSED_FOR_S",),
            ),
            Wait(
                "a token that is refused (401): another one is asked for",
                f"at once, then after {spans(_LOGINS_S)}; after {renewal.MOST_LOGINS + 1} refusals the portal rests as above",
                ("crm.login.renewal.BETWEEN_LOGINS", "crm.login.renewal.MOST_LOGINS"),
            ),
            Wait(
                "HubSpot's token is renewed",
                f"{exactly(hs_session.RENEWED_BEFORE_S)} before its end; "
                f"it lives {exactly(hs_session.TOKEN_LIFE_S)} where the answer does not say",
                ("crm.hubspot.connection.session.RENEWED_BEFORE_S", "crm.hubspot.connection.session.TOKEN_LIFE_S"),
            ),
            Wait(
                "a record type, or a field of it that cannot rest alone, is hidden or gone (`schema_changed`); that type alone rests",
                pause(SchemaChanged()),
                _PAUSES,
            ),
            Wait(
                "the same record type, once a person has corrected it",
                "at once, if `sync-worker check PORTAL` or `sync-worker pull PORTAL` succeeds, or if a process is started again",
                (),
            ),
            Wait(
                "an attribute that rests alone because its field is hidden (`attribute_rests`): the CRM's fields are read again",
                f"after {exactly(described.LOOK_AGAIN_S)}, with the next reading or writing",
                ("steps.core.described.LOOK_AGAIN_S",),
            ),
            Wait(
                "a portal file that does not fit what is set for the portal (`config_error`)",
                f"{pause(ConfigError([]))}, the same each time",
                ("actors.PAUSE_S",),
            ),
            Wait(
                "the CRM's list of fields and values is read again",
                f"after {exactly(catalogs.FRESH_S)}, or at once by `sync-worker check`",
                ("store.core.catalogs.FRESH_S",),
            ),
            Wait(
                "the same list, where somebody typed a value that is not in it",
                f"once in {exactly(lists.OFFER_AGAIN_S)} at most",
                ("steps.core.lists.OFFER_AGAIN_S",),
            ),
            Wait(
                "HubSpot's association labels are read again",
                f"after {exactly(hs_labels.LABELS_FRESH_S)}",
                ("crm.hubspot.associations.associations.LABELS_FRESH_S",),
            ),
        ),
    ),
    Question(
        "A record is refused, or a write is not answered",
        (
            Wait(
                "the CRM refuses what stands in the record (a validation rule, a missing value)",
                "not by itself: when the record changes, or when a person replays the failure",
                (),
            ),
            Wait(
                "the CRM refuses the record for the moment (a locked row)",
                f"{growing(attempts.AFTER_REFUSAL)}; after {attempts.MOST_REFUSED} refusals, "
                f"within {length(_refused(0))} to {length(_refused(1))}, it is kept as `gave_up`",
                (
                    "domain.sync.push.attempts.AFTER_REFUSAL",
                    "domain.sync.push.attempts.FIRST_WAIT_S",
                    "domain.sync.push.attempts.MOST_REFUSED",
                ),
            ),
            Wait(
                "one cause refused many records in a row",
                f"after {breaker.TRIP_COUNT} in a row the records that failed of it rest: one of them is tried "
                f"{growing(breaker.REST)}; when it passes, all go",
                ("domain.sync.push.breaker.TRIP_COUNT", "domain.sync.push.breaker.REST"),
            ),
            Wait(
                "a write that was not answered, or whose answer was lost with its worker",
                f"it is read back first; sent again at once, then {exactly(attempts.AFTER_NO_ANSWER.ceiling_s)}"
                " after the last send at most, "
                f"alone from send {attempts.ALONE_FROM} on; after {attempts.MOST_UNANSWERED} it is kept as `outcome_never_learned`",
                (
                    "domain.sync.push.attempts.AFTER_NO_ANSWER",
                    "domain.sync.push.attempts.ALONE_FROM",
                    "domain.sync.push.attempts.MOST_UNANSWERED",
                ),
            ),
            Wait(
                "such a write is watched for, in case the CRM commits it late",
                f"for the {exactly(batches.LONGEST_CALL_S)} of the call and {exactly(late_write.COMMIT_LATE.total_seconds())} more, "
                f"and {exactly(late_writes.READ_WITHIN.total_seconds())} for the reading",
                ("domain.sync.push.late_write.COMMIT_LATE", "steps.sync.push.late_writes.READ_WITHIN"),
            ),
            Wait(
                "the portal's id, written to a company",
                f"{growing(patch_back.BETWEEN_TRIES)}; after {patch_back.MOST_TRIES} tries a person looks",
                ("steps.sync.push.patch_back.BETWEEN_TRIES", "steps.sync.push.patch_back.MOST_TRIES"),
            ),
            Wait(
                "a replay whose records are being worked on",
                f"after {exactly(replay.BUSY_WAIT_S)}, {replay.BUSY_TRIES} times",
                ("steps.operate.replay.BUSY_WAIT_S", "steps.operate.replay.BUSY_TRIES"),
            ),
            Wait(
                "a page that the brake holds (`held_for_review`); that record type alone rests",
                f"{pause(HeldForReview())}; or at once by `sync-worker failures release`",
                _PAUSES,
            ),
        ),
    ),
)
