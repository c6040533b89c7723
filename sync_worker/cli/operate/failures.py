"""`failures`: what could not be applied, or was applied with something wrong, by cause; a person tries it again or discards it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from sync_worker.bootstrap import Installation
from sync_worker.cli.core.command import (
    AsJson,
    PortalName,
    WhilePaused,
    Who,
    may_call,
    one_of_many,
    opened,
    refuse_paused,
    say_waits,
    stopping_gently,
    tenant_of,
    user,
)
from sync_worker.cli.core.news import news, open_ids, tell
from sync_worker.cli.core.output import Caption, err, out, show, show_json, show_one
from sync_worker.cli.operate.failure_words import as_cause, as_replay, as_row, as_try, closed_words, codes_page, words_of_unfinished
from sync_worker.cli.operate.replaying import SHOWN_COUNT, report, show_previews, with_bar
from sync_worker.config.portal import Portal
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.moments import ago
from sync_worker.domain.core.problem import CODES
from sync_worker.domain.operate.recovery import page_of
from sync_worker.errors import ConfigError, Stopped, StoreDown, SyncError
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.intervene import begin_replay, is_replayable
from sync_worker.steps.operate.intervene import discard as discard_rows
from sync_worker.steps.operate.intervene import release as release_row
from sync_worker.steps.operate.known_codes import unknown_code
from sync_worker.steps.operate.preview import preview
from sync_worker.steps.operate.shown.both_sides import deal_names
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter, FailureRow
from sync_worker.store.operate import interventions
from sync_worker.store.sync import breakers

app = typer.Typer(no_args_is_help=True, help="Shows failures and problems, tries them again, and closes what needs no work.")

CAUSES = ("kind", "code", "object", "records", "replay", "last_seen")
SINGLE = ("id", "code", "about", "seen", "message")

FailureId = Annotated[str, typer.Argument(metavar="ID", help="The failure's id, or the beginning of it.", show_default=False)]
FailureIds = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]…", help="Ids of failures, or the beginnings of ids.", show_default=False)
]
InPortal = Annotated[str | None, typer.Option("--portal", help="Only this portal. Without it: all portals.", show_default=False)]
Code = Annotated[str | None, typer.Option(help="Only failures with this code.", show_default=False)]
Record = Annotated[str | None, typer.Option(help="Only this record: its id or name.", show_default=False)]
Since = Annotated[datetime | None, typer.Option(help="Only failures that were seen at this moment or later, in UTC.", show_default=False)]
Object = Annotated[str | None, typer.Option("--object", help="Only this kind of record: company, lead, deal, …", show_default=False)]
Stage = Annotated[str | None, typer.Option(help="Only failures of this stage: ingest, push, pull or deliver.", show_default=False)]
Kind = Annotated[str | None, typer.Option(help="failure (not applied) or problem (applied, but something is wrong).", show_default=False)]
Chosen: TypeAlias = Sequence[tuple[Tenant, list[FailureRow]]]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept in the history.")]


@app.command(name="list")
def list_(
    portal: PortalName,
    code: Code = None,
    record: Record = None,
    since: Since = None,
    object_: Object = None,
    stage: Stage = None,
    kind: Kind = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too, with when and how they were closed.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many single failures are shown.")] = SHOWN_COUNT,
    as_json: AsJson = False,
) -> None:
    """Lists open failures and problems: first their causes, with counts and what must change, then single ones of each cause.

    Example: sync-worker failures list acme --code unlisted_value
    """
    wanted = _fit(FailureFilter(code, record, since, object_, stage, kind))
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        _refuse_unknown([unknown_code(tx, code)])
        causes = failures.causes(tx, wanted)
        rows = failures.listed(tx, wanted, include_resolved=everything, limit=None if as_json else limit)
        total = failures.count(tx, wanted, include_resolved=everything)
        resting, now = breakers.standing(tx), tx.now
        waiting, names = interventions.unfinished(tx), deal_names(tx, rows)
    if as_json:
        show_json([as_row(row, names) for row in rows])
        return
    grouped = [as_cause(cause, resting, now) for cause in causes]
    show(grouped, columns=CAUSES, as_json=False, now=now, caption=Caption("by cause", empty="nothing is open"))
    if not rows:
        return
    pages = sorted({page_of(row.failure.code) for row in rows} | {page_of(cause.code) for cause in causes})
    out.print(f"\neach code is explained: {', '.join(pages)}\n", highlight=False)
    shown = [{**as_row(row, names), "seen": ago(row.last_seen_at, now), "closed": closed_words(row, now)} for row in rows]
    show(shown, columns=(*SINGLE, *(("closed",) if everything else ())), as_json=False)
    if total > len(rows):
        out.print(f"… and {total - len(rows)} more: --limit {total} shows them, --json has them whole", highlight=False)
    for asked in waiting:
        out.print(words_of_unfinished(asked), markup=False, highlight=False)


@app.command(name="show")
def show_(failure: FailureId, portal: InPortal = None, as_json: AsJson = False) -> None:
    """Shows one failure in full: what happened, to which record, what would be right, what to do next, and what was done about it.

    Example: sync-worker failures show 4f3c2a1b
    """
    with opened() as installation:
        tenant, row = _found(_tenants(installation, portal), failure)
        with tenant.store.reading(tenant.name) as tx:
            history, now = [as_try(one) for one in interventions.history(tx, row.failure.id)], tx.now
            names = deal_names(tx, [row])
    whole = {"portal": tenant.name, **as_row(row, names, is_whole=True)}
    if as_json:
        show_json({**whole, "history": history})
        return
    show_one({name: value for name, value in whole.items() if value not in (None, "")}, as_json=False, now=now)
    if history:
        show(history, columns=("when", "did", "who", "why", "outcome"), as_json=False, now=now, caption=Caption("\nhistory"))


@app.command()
def replay(
    ids: FailureIds = None,
    portal: InPortal = None,
    code: Code = None,
    record: Record = None,
    since: Since = None,
    object_: Object = None,
    stage: Stage = None,
    kind: Kind = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is open.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change, and what it would cost.")] = False,
    queue: Annotated[bool, typer.Option("--queue", help="Let the workers do it.")] = False,
    while_paused: WhilePaused = False,
    actor: Who = "",
    reason: Why = "",
    as_json: AsJson = False,
) -> None:
    """Tries failures again, with both sides as they are now. A failure closes by itself when its record passes.

    Ctrl-C ends the replay after the batch at hand. Give the same command again, and it goes on with what is left.

    Exit 0: every one passed, and nothing was opened meanwhile. Exit 1: some failed again or were not tried, or a failure or problem was
    opened. With --queue, exit 0 means only that the workers have it. `failures replays` then shows how it ends.

    Example: sync-worker failures replay --portal acme --code unlisted_value --dry-run
    """
    wanted = _fit(FailureFilter(code, record, since, object_, stage, kind))
    if not ids and not everything and wanted == failures.EVERY:
        raise ConfigError("say what to replay — ids, a filter such as --code CODE, or --all")
    selection = _selection("replay", ids or (), wanted, portal)
    with stopping_gently() as services, opened(services) as installation:
        tenants = (_tenants if queue else _calling_tenants)(installation, portal)
        is_any_left_out = portal is None and len(tenants) < len(installation.names)
        _refuse_unknown([_unknown_code(tenant, code) for tenant in tenants])
        wished = [(tenant, rows) for tenant, rows in _chosen(tenants, ids or (), wanted) if rows]
        chosen = wished if queue and not dry_run else _of_working(wished, while_paused=while_paused)
        needs_a_person = is_any_left_out or len(chosen) < len(wished)
        if dry_run:
            show_previews([(tenant, preview(tenant, _replayable(rows))) for tenant, rows in chosen], as_json=as_json)
            raise typer.Exit(1 if len(chosen) < len(wished) else 0)
        for tenant, rows in chosen:
            _say_left_out(rows)
            before = open_ids(tenant)
            asked = begin_replay(tenant, rows, selection=selection, actor=actor or user(), reason=reason, is_queued=queue)
            if queue:
                say_waits(tenant)
            else:
                try:
                    needs_a_person |= not report(tenant, with_bar(tenant, asked, selection), before, as_json=as_json)
                except SyncError as error:
                    if isinstance(error, Stopped | StoreDown) or tenant is chosen[-1][0]:
                        raise
                    err.print(f"portal {tenant.name}: {error}", markup=False)  # the next one is tried all the same
                    needs_a_person = True
    if queue:
        names = sorted(tenant.name for tenant, _ in chosen)
        out.print(f"left to the workers; how it ends: sync-worker failures replays {' | '.join(names) or 'PORTAL'}", highlight=False)
    if needs_a_person:
        raise typer.Exit(1)


@app.command(name="replays")
def replays_(
    portal: PortalName,
    limit: Annotated[int, typer.Option(min=1, help="How many are shown.")] = SHOWN_COUNT,
    as_json: AsJson = False,
) -> None:
    """Lists replays, the latest first: who asked, for what, and how each one goes or ended.

    Example: sync-worker failures replays acme
    """
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        found = interventions.latest(tx, "replay", limit=limit)
        outcomes, now = interventions.counts_by_id(tx, [one.id for one in found]), tx.now
    rows = [as_replay(one, outcomes.get(one.id, {})) for one in found]
    shown = rows if as_json else [{**row, "ended": row["ended"] or "not yet"} for row in rows]
    columns = ("id", "asked", "who", "what", "ended", "came_to")
    show(shown, columns=columns, as_json=as_json, now=now, caption=Caption(f"replays of {portal}", empty="none yet"))


@app.command()
def discard(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids of failures, or the beginnings of ids.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the history.", show_default=False)],
    portal: InPortal = None,
    actor: Who = "",
    as_json: AsJson = False,
) -> None:
    """Closes failures that need no work any more. Their records are not tried again until they change.

    Example: sync-worker failures discard 4f3c2a1b --reason "the partner withdrew"
    """
    if not reason.strip():
        raise ConfigError("--reason: say why, for the people who read the history")
    with opened() as installation:
        chosen = [(tenant, rows) for tenant, rows in _chosen(_tenants(installation, portal), ids, None) if rows]
        for tenant, rows in chosen:
            discard_rows(tenant, rows, selection=_selection("discard", ids, failures.EVERY, portal), actor=actor or user(), reason=reason)
        done = [as_row(row) for _, rows in chosen for row in rows]
    show(done, columns=("id", "code", "about", "message"), as_json=as_json, caption=Caption("discarded"))
    if not as_json:
        out.print("their records are not tried again until they change: in the CRM, in the portal, or by another mapping")


@app.command()
def release(
    failure: FailureId,
    portal: InPortal = None,
    actor: Who = "",
    reason: Why = "",
    while_paused: WhilePaused = False,
    as_json: AsJson = False,
) -> None:
    """Applies once what the brake holds back (held_for_review), after a person has looked at it.

    Exit 1 if a failure or problem was opened.

    Example: sync-worker failures release 4f3c2a1b --reason "the accounts were deleted on purpose"
    """
    with opened() as installation:
        tenant, row = _found(_tenants(installation, portal), failure)
        if row.failure.code != "held_for_review" or row.resolved_at:
            raise ConfigError(
                f"failure {row.failure.id[:8]} ({row.failure.code}) is not held for review — `failures replay` tries it again"
            )
        refuse_paused(tenant, while_paused=while_paused)
        before = open_ids(tenant)
        release_row(tenant, row, actor=actor or user(), reason=reason)
        found = news(tenant, before)
    show([as_row(row)], columns=("id", "code", "about", "message"), as_json=as_json, caption=Caption("released"))
    tell(tenant.name, found)
    if found.opened:
        raise typer.Exit(1)


@app.command()
def codes(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/codes.md.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists our codes: what each one means, and what to do. For a code of the CRM, `failures show` has the CRM's words.

    Example: sync-worker failures codes
    """
    if markdown:
        print(codes_page(), end="")
    else:
        show([{"code": code, "meaning": words} for code, words in sorted(CODES.items())], columns=("code", "meaning"), as_json=as_json)


# ── which ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fit(wanted: FailureFilter) -> FailureFilter:
    """The filter with its moment in UTC. **Raises** ConfigError for a stage or a kind that does not exist."""
    stages, kinds = ("ingest", "push", "pull", "deliver"), ("failure", "problem")
    for name, value, allowed in (("stage", wanted.stage, stages), ("kind", wanted.kind, kinds)):
        if value is not None and value not in allowed:
            raise ConfigError(f"--{name}: {value!r} does not exist — allowed: {', '.join(allowed)}")
    return replace(wanted, since=wanted.since.replace(tzinfo=UTC) if wanted.since else None)


def _selection(verb: str, ids: Sequence[str], wanted: FailureFilter, portal: str | None) -> str:
    """The command that asks for the same again."""
    filters = [f"--{name} {shlex.quote(_word(value))}" for name, value in asdict(wanted).items() if value is not None]
    everything = [] if ids or filters else ["--all"]
    return " ".join(["failures", verb, *sorted(ids), *([f"--portal {portal}"] if portal else []), *filters, *everything])


def _word(value: object) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S") if isinstance(value, datetime) else str(value)


def _unknown_code(tenant: Tenant, code: str | None) -> Refusal | None:
    with tenant.store.reading(tenant.name) as tx:
        return unknown_code(tx, code)


def _refuse_unknown(refusals: Sequence[Refusal | None]) -> None:
    """**Raises** ConfigError where no portal knows the code that was named."""
    unknown = [refusal for refusal in refusals if refusal]
    if unknown and len(unknown) == len(refusals):
        raise ConfigError(f"--code: {unknown[0].why} — {unknown[0].who_may}")


def _tenants(installation: Installation, wanted: str | None) -> list[Tenant]:
    """The portal that is named, or all whose database part can be read."""
    return [installation.tenant(wanted)] if wanted else _some(installation, installation.portals)


def _calling_tenants(installation: Installation, wanted: str | None) -> list[Tenant]:
    """The portal that is named, or all whose CRM can be called."""
    return [installation.tenant(wanted)] if wanted else _some(installation, installation.working)


def _some(installation: Installation, portals: Sequence[Portal]) -> list[Tenant]:
    """These portals' tenants; a person is told which ones are left out."""
    names = [portal.name for portal in portals]
    for name in installation.names:
        if name not in names:
            err.print(f"portal {name} is disabled and left out; `sync-worker portals list` says why", markup=False)
    return [installation.tenant(name) for name in names]


def _chosen(tenants: Sequence[Tenant], ids: Sequence[str], wanted: FailureFilter | None) -> list[tuple[Tenant, list[FailureRow]]]:
    """The failures of these ids, or where there are none, all that are wanted."""
    if not ids:
        return [(tenant, _listed(tenant, wanted or failures.EVERY)) for tenant in tenants]
    found: dict[str, list[FailureRow]] = {tenant.name: [] for tenant in tenants}
    for failure in ids:
        tenant, row = _found(tenants, failure)
        found[tenant.name].append(row)
    return [(tenant, found[tenant.name]) for tenant in tenants]


def _listed(tenant: Tenant, wanted: FailureFilter) -> list[FailureRow]:
    with tenant.store.reading(tenant.name) as tx:
        return failures.listed(tx, wanted)


def _found(tenants: Sequence[Tenant], failure: str) -> tuple[Tenant, FailureRow]:
    for tenant in tenants:
        with tenant.store.reading(tenant.name) as tx:
            if row := failures.get(tx, failure):
                return tenant, row
    raise ConfigError(f"{one_of_many('failure', failure)} — `sync-worker failures list PORTAL` shows the ids")


def _replayable(rows: Sequence[FailureRow]) -> list[FailureRow]:
    return [row for row in rows if is_replayable(row)]


def _of_working(chosen: Chosen, *, while_paused: bool) -> Chosen:
    """Without those of portals that a person has paused, which are named; exit code 1 where no others are left."""
    found = [(tenant, rows) for tenant, rows in chosen if may_call(tenant, while_paused=while_paused)]
    if chosen and not found:
        raise typer.Exit(1)
    return found


def _say_left_out(rows: Sequence[FailureRow]) -> None:
    if left_out := len(rows) - len(_replayable(rows)):
        err.print(
            f"{left_out} of {len(rows)} are not tried, because a replay does not help them; `sync-worker failures list` says what does"
        )
