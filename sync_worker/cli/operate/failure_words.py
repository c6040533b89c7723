"""How failures are shown: as rows, by cause, with their history; and docs/codes.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sync_worker.domain.core.moments import whence, whence_short
from sync_worker.domain.core.problem import CODES
from sync_worker.domain.core.values import plain
from sync_worker.domain.operate.recovery import CRM_CODES, OUTCOMES, OWN_CODES, Remedy, meaning_of, page_of, remedy_of
from sync_worker.domain.sync.push.breaker import Breaker, Cause
from sync_worker.store.core.failures import CauseRow, FailureRow
from sync_worker.store.operate.interventions import Intervention, Try

UNNAMED: Final[Mapping[str, str]] = {}


def as_row(row: FailureRow, names: Mapping[str, str] = UNNAMED, *, is_whole: bool = False) -> dict[str, Any]:
    """A failure as a row; whole, with what to do and the record as it came. **Shapes** `names`: of the deals that it names by id alone."""
    failure = row.failure
    name = failure.name or names.get(failure.record, "")
    remedy = remedy_of(failure.code, stage=failure.stage)
    found: dict[str, Any] = {
        "id": failure.id if is_whole else failure.id[:8],
        "kind": failure.kind,
        "code": failure.code,
        "page": page_of(failure.code),
        "object": failure.object,
        "record": failure.record,
        "name": name,
        "about": name or failure.record,
        "field": failure.field,
        "stage": failure.stage,
        "message": failure.message,
        "is_replayable": remedy.is_replayable,
        "change_first_in": remedy.where,
        "first_seen_at": row.first_seen_at.isoformat(timespec="seconds"),
        "last_seen_at": row.last_seen_at.isoformat(timespec="seconds"),
        "tries": row.count,
    }
    found |= ending_of(row)
    return found | _whole(row, remedy) if is_whole else found


def ending_of(row: FailureRow) -> dict[str, Any]:
    """When it was closed and how; nothing of it while it is open."""
    if row.resolved_at is None and row.discarded_at is None:
        return {}
    times = {"resolved_at": row.resolved_at, "discarded_at": row.discarded_at}
    return {**{name: at.isoformat(timespec="seconds") if at else None for name, at in times.items()}, "resolution": row.resolution}


def closed_words(row: FailureRow, now: datetime) -> str:
    """When it was closed and how, in a line; "" while it is open."""
    at = row.resolved_at or row.discarded_at
    return f"{whence_short(at, now)}: {row.resolution}" if at else ""


def _whole(row: FailureRow, remedy: Remedy) -> dict[str, Any]:
    failure = row.failure
    return {
        "what_to_do": meaning_of(failure.code),
        "replay": remedy.words,
        "waits_for": failure.waits_for,
        "run": failure.run_id,
        "discarded_at": None,
        "resolved_at": None,
        "resolution": None,
        **ending_of(row),
        "payload": {name: plain(value) if not isinstance(value, dict) else value for name, value in (failure.payload or {}).items()},
    }


def as_cause(cause: CauseRow, resting: Mapping[Cause, Breaker], now: datetime) -> dict[str, Any]:
    """Failures of one cause as a row."""
    breaker = resting.get(Cause(cause.object, cause.stage, cause.code))
    rests = f"; resting, goes on {whence(breaker.until_at, now)}" if breaker and breaker.until_at else ""
    replay = remedy_of(cause.code, stage=cause.stage).words + rests
    named = {"kind": cause.kind, "code": cause.code, "object": cause.object, "records": cause.records}
    return {**named, "replay": replay, "last_seen": cause.last_seen_at}


def as_try(one: Try) -> dict[str, Any]:
    """What somebody did about a failure, as a row."""
    outcome = {"": "marked"}.get(one.outcome, one.outcome) + (f", became {one.became[:8]}" if one.became else "")
    when = (one.tried_at or one.asked_at).isoformat(timespec="seconds")
    return {"when": when, "did": one.verb, "who": one.actor, "why": one.reason, "outcome": outcome, "became": one.became}


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def as_replay(asked: Intervention, counts: Mapping[str, int]) -> dict[str, Any]:
    """A replay as a row: how it goes, or how it ended."""
    outcomes = {name or "left": count for name, count in counts.items()}
    came_to = ", ".join(f"{outcomes[name]} {name}" for name in OUTCOMES if name in outcomes)
    return {
        "id": asked.id[:8],
        "asked": _stamp(asked.asked_at),
        "who": asked.actor,
        "why": asked.reason,
        "what": asked.selection,
        "ended": _stamp(asked.finished_at),
        "came_to": came_to,
        "outcomes": outcomes,
    }


def words_of_unfinished(asked: Intervention) -> str:
    """Who goes on with a replay that is not finished."""
    if asked.is_queued:
        return f"a {asked.verb} by {asked.actor} is not finished; the workers are at it: {asked.selection}"
    return f"a {asked.verb} by {asked.actor} is not finished; the same command goes on with it: {asked.selection}"


def held_words(held: Mapping[Cause, datetime]) -> list[str]:
    """Causes that fail as before."""
    return [f"{cause.code} ({cause.object}) is still there, so the others of it were not tried" for cause in sorted(held)]


def codes_page() -> str:
    """docs/codes.md, made from the code."""
    head = (
        "# Codes",
        "",
        "For the operator, and for people who get a refusal: what each code means, and what to do. Assumes: the [README](../README.md).",
        "",
        "This page is made from the code: `sync-worker failures codes --markdown`. A test holds the two together.",
        "The last column says whether a replay helps, and what must change first. `sync-worker failures list` shows the same.",
        "[waits.md](waits.md) says when something is tried again by itself.",
        "",
        "| code | what it means, what to do | replay |",
        "|---|---|---|",
    )
    rows = [f'| <a id="{code}"></a>`{code}` | {words} | {remedy_of(code, stage="").words} |' for code, words in sorted(CODES.items())]
    own = (
        "",
        f'## <a id="{OWN_CODES}"></a>The CRM\'s own codes',
        "",
        "Any other code comes from the CRM, which refused a record; its words are in the failure (`sync-worker failures show ID`).",
        "Correct what they name, in the CRM or on the deal, then replay. The common ones:",
        "",
        "| code | what it means, what to do |",
        "|---|---|",
        *(f"| `{code}` | {words} |" for code, words in sorted(CRM_CODES.items())),
    )
    return "\n".join([*head, *rows, *own]) + "\n"
