"""`portals`: which are installed, how each one is, and how a person pauses one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from sync_worker.bootstrap import Installation, distinct, files_of
from sync_worker.cli.core.command import AsJson, PortalName, Who, opened, say_waits, tenant_of, user
from sync_worker.cli.core.mistakes import AsFormat, Format, lines_of, note, settle
from sync_worker.cli.core.output import err, out, show, show_json, show_one
from sync_worker.config.portal import MODES
from sync_worker.config.portal_file import FOLDER, load_portal, portal_paths
from sync_worker.config.portal_schema import json_schema
from sync_worker.config.settings import read_settings, unknown_variables
from sync_worker.crm.budget import SHARES, Budget
from sync_worker.domain.core.moments import whence
from sync_worker.domain.operate.status import halt_words
from sync_worker.errors import ConfigError, Mistake
from sync_worker.steps.associations.mode import set_mode
from sync_worker.steps.associations.mode import standing as mode_standing
from sync_worker.steps.core.described import RESTS
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.halt import pause, resume
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, cursors, failures, portals
from sync_worker.store.core.cursors import Pause
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.deals import deals
from sync_worker.store.operate import halts, interventions
from sync_worker.store.operate.due import standings
from sync_worker.store.sync import notices, outbox
from sync_worker.store.sync.breakers import resting

COLUMNS = ("portal", "crm", "mapping", "two_tier", "associations", "deals", "pull_every_s", "paused_until")

app = typer.Typer(no_args_is_help=True, help="Lists, checks, pauses and resumes portals.")


@app.command()
def lint(
    files: Annotated[list[Path] | None, typer.Argument(help="Portal files. Without it: all of them.", show_default=False)] = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Says what is wrong in portal files, in the mappings they name and in their price lists.

    It needs no CRM and no database. The variables that the files name must be set.

    Example: sync-worker portals lint config/portals/acme.yaml
    """
    settings = read_settings()
    mistakes: list[Mistake] = []
    for stranger in unknown_variables(os.environ):
        note(stranger, form)
    for path in files or portal_paths(settings.config_dir):
        try:
            portal = load_portal(path, os.environ, is_example=path.absolute().parent.name != FOLDER)
            mapping = files_of(portal, settings).mapping
        except ConfigError as error:
            mistakes += error.mistakes
        else:
            mistakes += portal.unset
            if form is Format.TEXT and not portal.unset:
                out.print(f"{path}: OK, with {mapping.source_path}", markup=False, highlight=False, soft_wrap=True)
            for one in mapping.notes:
                note(one, form)
    settle(ConfigError(list(dict.fromkeys(mistakes))) if mistakes else None, form)


@app.command()
def schema() -> None:
    """Prints the JSON Schema of portal files, so that editors complete and check them.

    Example: sync-worker portals schema > config/portal.schema.json
    """
    show_json(json_schema())


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Lists the portals, and says which are disabled and which rest after an error.

    A portal is disabled if one of its files has a mistake, or if a variable is not set here. Then each mistake is on stderr, and the exit
    code is 1. The other portals go on. A record type can rest alone; `portals show` says why.

    Example: sync-worker portals list
    """
    with opened() as installation:
        with installation.store.reading("") as tx:
            now = tx.shared_now
            stands = {name: row for name, row in standings(tx).items() if row.rests(now)}
            paused = {name: "resumed by a person" if row.is_halted else row.paused_until_at for name, row in stands.items()}
        asleep = {portal.name: _asleep(installation, portal.name) for portal in installation.portals}
        rows: list[dict[str, Any]] = [
            {
                "portal": portal.name,
                "crm": portal.crm.kind,
                "mapping": portal.crm.mapping,
                "two_tier": portal.two_tier,
                "associations": portal.associations.mode,
                "deals": portal.deals.record,
                "pull_every_s": portal.schedule.pull_s,
                "paused_until": paused.get(portal.name),
                "resting": {name: asdict(rest) for name, rest in asleep[portal.name].items()},
            }
            for portal in installation.portals
        ]
        known = {row["portal"] for row in rows}
        disabled = installation.disabled
    rows += [{"portal": name} for name in disabled if name not in known]
    rows = [{**row, "disabled": [str(one) for one in disabled.get(row["portal"], ())]} for row in sorted(rows, key=itemgetter("portal"))]
    shown = rows if as_json else [{**row, "disabled": bool(row["disabled"])} for row in rows]
    show(shown, columns=(*COLUMNS, "disabled") if disabled else COLUMNS, as_json=as_json, now=now)
    for line in () if as_json else _told(asleep, now):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    for line in lines_of(ConfigError(distinct(disabled.values())), is_terminal=err.is_terminal) if disabled else ():
        err.print(line, markup=False)
    if disabled:
        raise typer.Exit(1)


def _told(asleep: Mapping[str, Mapping[str, Pause]], now: datetime) -> Iterator[str]:
    """A line for each record type that rests."""
    for portal, records in sorted(asleep.items()):
        for record, rest in sorted(records.items()):
            yield f"{portal}: {record} rests alone and goes on {whence(rest.until_at, now)}: {rest.because}"


def _asleep(installation: Installation, portal: str) -> dict[str, Pause]:
    with installation.store.reading(portal) as tx:
        return cursors.paused(tx)


@app.command(name="show")
def show_(portal: PortalName, as_json: AsJson = False) -> None:
    """Shows one portal: how far it has read, what waits, what is open, and how many calls are left for each kind of work.

    Example: sync-worker portals show acme
    """
    with opened() as installation:
        row = standing(installation.tenant(portal)) | allowance(installation.budget(portal))
        disabled, now = list(map(str, installation.disabled.get(portal, ()))), installation.services.clock()
    show_one({"disabled because": disabled, **row} if disabled else row, as_json=as_json, now=now, title=portal)
    if disabled:
        raise typer.Exit(1)


@app.command(name="pause")
def pause_(
    portal: PortalName,
    reason: Annotated[str, typer.Option(help="Why. It is kept, with who did it and when.", show_default=False)],
    actor: Who = "",
) -> None:
    """Pauses a portal: nothing calls its CRM until `portals resume`.

    It does not pull, push or mail. Its API and its feed go on, and webhooks are kept. Work under way ends within ten seconds. Commands
    that call the CRM are refused; with --while-paused one of them works.

    Example: sync-worker portals pause acme --reason "they move to another org tonight"
    """
    if not reason.strip():
        raise ConfigError("--reason: say why, for the next person on duty")
    with tenant_of(portal) as tenant:
        pause(tenant, actor=actor or user(), reason=reason)
    out.print(f"portal {portal} is paused; to go on: sync-worker portals resume {portal}", markup=False, highlight=False, soft_wrap=True)


@app.command(name="resume")
def resume_(
    portal: PortalName,
    reason: Annotated[str, typer.Option(help="Why. It is kept, with who did it and when.")] = "",
    actor: Who = "",
) -> None:
    """Lets a portal go on that a person has paused. The schedule finds what is due.

    Example: sync-worker portals resume acme
    """
    with tenant_of(portal) as tenant:
        held, now = resume(tenant, actor=actor or user(), reason=reason), tenant.services.clock()
    words = f"goes on; it was paused {halt_words(held.actor, held.at, held.reason, now)}" if held else "was not paused; nothing was changed"
    out.print(f"portal {portal} {words}", markup=False, highlight=False, soft_wrap=True)


@app.command(name="set-association-mode")
def set_association_mode(
    portal: PortalName,
    mode: Annotated[str, typer.Argument(metavar="MODE", help="contracts or rules.", show_default=False)],
    override: Annotated[
        bool, typer.Option("--override", help="Really set it. Without it the command only says what would follow.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the history.")] = "",
    actor: Who = "",
) -> None:
    """Sets another association mode for a portal, and says first how many associations and deals depend on it.

    Write the new mode into the portal file before. The worker then works out all associations again in the background. Until that is
    complete the old associations count.

    Example: sync-worker portals set-association-mode acme rules --override --reason "the new program is by region"
    """
    with tenant_of(portal) as tenant:
        found, written = mode_standing(tenant), tenant.portal.associations.mode
        if mode not in MODES:
            raise ConfigError(f"{mode!r} is not an association mode — allowed: {', '.join(MODES)}")
        if mode != written:
            what, remedy = f"the file of portal {portal} says {written}", f"write mode: {mode} there first, then give this command again"
            raise ConfigError([tenant.portal.source.mistake(("associations", "mode"), what, remedy)])
        if found.mode in ("", mode):
            out.print(f"portal {portal} uses {mode} already; nothing was changed", highlight=False)
            return
        out.print(
            f"portal {portal} goes from {found.mode} to {mode}: its {found.association_count} associations are worked out again, and its "
            f"{found.deal_count} open deals with a second partner are checked again; a deal whose association ends stays and is flagged",
            highlight=False,
            soft_wrap=True,
        )
        if not override or not reason.strip():
            again = f'sync-worker portals set-association-mode {portal} {mode} --override --reason "why"'
            raise ConfigError(f"nothing was changed: a mode is set once — if it is meant: {again}")
        set_mode(tenant, mode, actor=actor or user(), reason=reason)
        say_waits(tenant)
    out.print(
        "set; the workers work out the associations, and until they have done so the old ones count: sync-worker portals show",
        highlight=False,
    )


def standing(tenant: Tenant) -> dict[str, Any]:
    """How the portal stands, as a row."""
    with tenant.store.reading(tenant.name) as tx:
        row, halt = portals.get(tx), halts.get(tx)
        reads = {name: cursor for name in tenant.readable_records() if (cursor := cursors.get(tx, name))}
        read_up_to = {name: cursor.high_water_at for name, cursor in reads.items()}
        bound, unbound = associations.counts(tx)
        return {
            "association_mode": row.mode if row else tenant.portal.associations.mode,
            **({"association_mode being worked out": row.next_mode} if row and row.next_mode and tenant.portal.two_tier else {}),
            **{
                f"association_mode {act.selection}": f"{whence(act.asked_at, tx.now)} by {act.actor}: {act.reason}"
                for act in interventions.listed(tx, "mode")
                if act.asked_at
            },
            "paused by": halt_words(halt.actor, halt.at, halt.reason, tx.now) if halt else None,
            "paused_until": row.paused_until_at.isoformat() if row and row.paused_until_at else None,
            "paused_because": row.paused_because if row else None,
            **{
                f"resting ({name})": f"goes on {whence(rest.until_at, tx.shared_now)}: {rest.because}"
                for name, rest in cursors.paused(tx).items()
            },
            **{
                f"resting attribute {row.failure.field} ({row.failure.object})": f"{row.failure.name} is not shown; this was noticed "
                f"{whence(row.first_seen_at, tx.now)}"
                for row in failures.listed(tx, FailureFilter(code=RESTS))
            },
            **{f"read_up_to ({name})": at.isoformat() if at else None for name, at in read_up_to.items()},
            **{f"active {kind}": count for kind, count in companies.count_by_type(tx).items()},
            "contract values bound": bound,
            "contract values that name no company": unbound,
            **{f"deals {lifecycle}": count for lifecycle, count in deals.count_by_lifecycle(tx).items()},
            **{f"outbox {state}": count for state, count in outbox.counts(tx).items()},
            **{f"notices {object_}": count for object_, count in notices.counts(tx).items()},
            **{f"open {kind}s": count for kind, count in failures.counts(tx).items()},
            **{f"resting {cause.code} ({cause.object})": f"goes on {whence(until_at, tx.now)}" for cause, until_at in resting(tx).items()},
            "replays that are not finished": len(interventions.unfinished(tx)),
        }


def allowance(budget: Budget) -> dict[str, Any]:
    """The day's calls, as a part of the portal's row. **Shapes** None where no limit is known."""
    count, day = budget.standing()
    row: dict[str, Any] = {
        "calls counted": f"the account's day ({count.zone})" if count.zone else "the last 24 hours",
        "calls made": sum(day.used.values()),
        "calls left": day.left,
    }
    for share in SHARES:
        until_at = budget.waits_until(share)
        row |= {
            f"calls {share} made": day.used[share],
            f"calls {share} may make now": day.room(share),
            f"calls {share} waits until": until_at.isoformat() if until_at else None,
        }
    return row
