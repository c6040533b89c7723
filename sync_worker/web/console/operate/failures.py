"""Failures: by cause, one by one, what a replay would do, and what a person decides about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.core.values import plain
from sync_worker.domain.operate.recovery import meaning_of, remedy_of
from sync_worker.domain.sync.push.breaker import Cause
from sync_worker.steps.operate.intervene import REPLAY, begin_replay, discard, is_replayable
from sync_worker.steps.operate.preview import preview
from sync_worker.steps.operate.shown.both_sides import both_sides, deal_names
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import CauseRow, FailureFilter, FailureRow
from sync_worker.store.operate import interventions
from sync_worker.store.sync import breakers
from sync_worker.web.api.core.paging import Paging, moment_of
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, ConsoleChange, Operating
from sync_worker.web.console.core.halted import refuse_paused
from sync_worker.web.console.core.route import console_router

router = console_router()

PAGE_COUNT: Final = 50
SHOWN_CHANGES: Final = 50
NAMES: Final = ("kind", "code", "object", "stage", "record")
"""By what failures are chosen, in addresses and forms."""


def _wanted(said: Mapping[str, Any]) -> FailureFilter:
    """The filter that an address or a form names. What is blank counts as not said."""
    kind, code, object_, stage, record = (str(said[name]) if said.get(name) else None for name in NAMES)
    return FailureFilter(code=code, record=record, object=object_, stage=stage, kind=kind)


def _asked(request: Request) -> FailureFilter:
    return _wanted(request.query_params)


@router.get("/failures")
def show_failures(request: Request, visit: Operating, wanted: Annotated[FailureFilter, Depends(_asked)]) -> Response:
    """Open failures by cause, and those of the filter one by one."""
    page = Paging(PAGE_COUNT, request.query_params.get("cursor") or None)
    last = page.place(4)
    after = (last[0], last[1], moment_of(last[2]), last[3]) if last else None
    with visit.tenant.store.reading(visit.portal) as tx:
        causes, total = failures.causes(tx, wanted), failures.count(tx, wanted)
        rows = failures.page(tx, wanted, after=after, limit=page.looked_for)
        resting, names = breakers.resting(tx), deal_names(tx, rows)
    some = page.cut(rows, lambda row: (row.failure.kind, row.failure.code, row.first_seen_at.isoformat(), row.failure.id))
    chosen = {name: value for name, value in asdict(wanted).items() if value}
    older = f"{visit.address}/failures?{urlencode({**chosen, 'cursor': some.next})}" if some.next else ""
    context = visit.context(
        here="Failures", groups=[_group(cause, resting) for cause in causes], rows=[_row(row, names) for row in some.items],
        chosen=chosen, total=total, older=older, by=NAMES,
    )  # fmt: skip
    return visit.console.pages.show("operate/failures.html", context)


@router.get("/failures/{failure_id}")
def show_failure(visit: Operating, failure_id: str) -> Response:
    """One failure whole: what happened, to which record, what to do next, and what was done about it."""
    with visit.tenant.store.reading(visit.portal) as tx:
        row = _found(tx, failure_id)
        history, names = interventions.history(tx, row.failure.id), deal_names(tx, [row])
        sides = both_sides(tx, visit.tenant, row.failure)
    payload = {name: plain(value) if not isinstance(value, dict) else value for name, value in (row.failure.payload or {}).items()}
    shown = {"payload": payload, "history": history, "sides": sides}
    context = visit.context(here="Failures", row=_row(row, names), meaning=meaning_of(row.failure.code), **shown)
    return visit.console.pages.show("operate/failure.html", context)


@router.post("/failures/preview")
def show_preview(change: Changing) -> Response:
    """What a replay of these would change, and what it would cost. Both sides are read, and nothing is kept."""
    visit = change.visit
    refuse_paused(visit)
    rows = [row for row in _chosen(change) if is_replayable(row)]
    found = preview(visit.tenant, rows)
    context = visit.context(
        here="Failures", found=found, selection=_selection(change), changes=found.changes[:SHOWN_CHANGES],
        more=max(len(found.changes) - SHOWN_CHANGES, 0), would_fail=_reasons(found.would_fail),
    )  # fmt: skip
    return visit.console.pages.show("operate/preview.html", context)


@router.post("/failures/replay")
def replay_failures(change: Changing) -> Response:
    """The workers try these again."""
    visit = change.visit
    rows = [row for row in _chosen(change) if is_replayable(row)]
    if not rows:
        raise TurnedAway(409, "Nothing was changed", "None of these failures is open any more, or a replay does not help them.")
    words = " ".join(f"{name}={value}" for name, value in _selection(change))
    asked = begin_replay(visit.tenant, rows, selection=f"console: {words}", actor=visit.actor, reason=change.text("reason"), is_queued=True)
    visit.console.follow_ups(visit.portal, [REPLAY])
    return RedirectResponse(f"{visit.address}/replays/{asked.id}", 303)


@router.post("/failures/discard")
def discard_failures(change: Changing) -> Response:
    """These are no longer reported until their records change."""
    visit, ids = change.visit, change.texts("ids")
    reason = change.text("reason", is_required=True)
    rows = _chosen(change) if ids else []
    if not rows:
        raise TurnedAway(422, "Nothing was changed", "Choose the failures to discard: tick them in the list.")
    discard(visit.tenant, rows, selection=f"console: {len(rows)} failures", actor=visit.actor, reason=reason)
    return RedirectResponse(f"{visit.address}/failures", 303)


def _chosen(change: ConsoleChange) -> list[FailureRow]:
    """The open failures that the form names by id, or else by its filter. **Raises** TurnedAway where it names none."""
    ids, wanted = change.texts("ids"), _wanted(change.form)
    if not ids and wanted == failures.EVERY:
        raise TurnedAway(422, "Nothing was chosen", "Tick failures in the list, or choose a cause.")
    with change.visit.tenant.store.reading(change.visit.portal) as tx:
        if not ids:
            return failures.listed(tx, wanted)
        return [row for row in failures.by_ids(tx, ids).values() if row.resolved_at is None and row.discarded_at is None]


def _selection(change: ConsoleChange) -> Sequence[tuple[str, str]]:
    """What the form names, to be asked for again."""
    if ids := change.texts("ids"):
        return [("ids", one) for one in ids]
    return [(name, str(change.form[name])) for name in NAMES if change.form.get(name)]


def _reasons(would_fail: Mapping[str, str]) -> list[tuple[str, int]]:
    """Why some would fail as before, the most frequent first."""
    counts = Counter(would_fail.values())
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _found(tx: Tx, failure_id: str) -> FailureRow:
    row = failures.by_ids(tx, [failure_id]).get(failure_id)
    if row is None:
        raise TurnedAway(404, "There is no such failure", "A failure that was resolved is deleted after some time.")
    return row


def _row(row: FailureRow, names: Mapping[str, str]) -> dict[str, Any]:
    """A failure, with what it needs, and what its record is called."""
    failure = row.failure
    name = failure.name or names.get(failure.record) or failure.record
    return {"kept": row, "failure": failure, "name": name, "remedy": remedy_of(failure.code, stage=failure.stage)}


def _group(cause: CauseRow, resting: Mapping[Cause, datetime]) -> dict[str, Any]:
    """The failures of one cause, with what they need. **Shapes** `rests_until_at` None: it is tried as ever."""
    chosen = [(name, getattr(cause, name)) for name in ("kind", "code", "object", "stage")]
    remedy = remedy_of(cause.code, stage=cause.stage)
    return {"cause": cause, "remedy": remedy, "chosen": chosen, "rests_until_at": resting.get(Cause(cause.object, cause.stage, cause.code))}
