"""`failures`: what could not pass or passed with something wrong, grouped by cause; and trying it again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sync_worker.cli.output import err, out, show, show_json
from sync_worker.cli.work import AsJson, PortalName, opened, tenant_of, work_off
from sync_worker.domain.problem import CODES
from sync_worker.domain.values import plain
from sync_worker.errors import ConfigError
from sync_worker.steps.replay import replay as replay_rows
from sync_worker.steps.tenant import Tenant
from sync_worker.store import failures
from sync_worker.store.failures import FailureRow

app = typer.Typer(no_args_is_help=True, help="Failures and data problems: look, try again.")

FailureId = Annotated[str, typer.Argument(metavar="ID", help="The failure's id, or the beginning of it.", show_default=False)]
InPortal = Annotated[str | None, typer.Option("--portal", help="The portal, where several are installed.", show_default=False)]


@app.command(name="list")
def list_(
    portal: PortalName,
    code: Annotated[str | None, typer.Option(help="Only this cause.", show_default=False)] = None,
    record: Annotated[str | None, typer.Option(help="Only this record: its id or name.", show_default=False)] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was seen since, UTC.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Open failures and problems by cause, with counts; then each of them.

    Example: sync-worker failures list acme --code unlisted_value
    """
    moment = since.replace(tzinfo=UTC) if since else None
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        rows = [as_row(row) for row in failures.listed(tx, code=code, record_=record, since=moment)]
    if as_json:
        show_json(rows)
        return
    causes: dict[tuple[str, str, str], int] = {}
    for row in rows:
        cause = (row["kind"], row["code"], row["object"])
        causes[cause] = causes.get(cause, 0) + 1
    grouped = [{"kind": kind, "code": name, "object": object_, "records": count} for (kind, name, object_), count in causes.items()]
    show(grouped, columns=("kind", "code", "object", "records"), as_json=False, title="by cause", empty="nothing is open")
    if rows:
        out.print()
        show(rows, columns=("id", "code", "about", "message"), as_json=False)


@app.command(name="show")
def show_(failure: FailureId, portal: InPortal = None, as_json: AsJson = False) -> None:
    """One failure whole: what happened, to which record, what would be right, what to do next.

    Example: sync-worker failures show 4f3c2a1b
    """
    with opened() as installation:
        _, row = _found([installation.tenant(name) for name in _portals(installation.portals, portal)], failure)
    if as_json:
        show_json(as_row(row, is_whole=True))
        return
    shown = [{"what": name, "value": value} for name, value in as_row(row, is_whole=True).items() if value not in (None, "")]
    show(shown, columns=("what", "value"), as_json=False)


@app.command()
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Failures by id.", show_default=False)] = None,
    portal: InPortal = None,
    code: Annotated[str | None, typer.Option(help="Every open one of this cause.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be tried.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tries failures again, from both sides as they are now; each resolves itself when its record passes.

    Example: sync-worker failures replay --portal acme --code unlisted_value --dry-run
    """
    if not ids and not code:
        raise ConfigError("name what to replay — ids, or --code CODE")
    with opened() as installation:
        tenants = [installation.tenant(name) for name in _portals(installation.portals, portal)]
        chosen: dict[str, tuple[Tenant, list[FailureRow]]] = {tenant.name: (tenant, _by_code(tenant, code)) for tenant in tenants}
        for failure in ids or ():
            tenant, row = _found(tenants, failure)
            chosen[tenant.name][1].append(row)
        if not dry_run:
            for tenant, rows in chosen.values():
                work_off(tenant, replay_rows(tenant, rows))
        after = [_outcome(tenant, row) for tenant, rows in chosen.values() for row in rows]
    show(after, columns=("id", "code", "about", "message", "now"), as_json=as_json, title="would be tried" if dry_run else "tried")
    if not dry_run and any(row["now"] == "open" for row in after):
        err.print("some failed again")
        raise typer.Exit(1)


@app.command()
def codes(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page docs/codes.md.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every code of ours: what it means, and what to do. A code of the CRM's own stands with its words in the failure.

    Example: sync-worker failures codes
    """
    if markdown:
        print(codes_page(), end="")
    else:
        show([{"code": code, "meaning": words} for code, words in sorted(CODES.items())], columns=("code", "meaning"), as_json=as_json)


def codes_page() -> str:
    """docs/codes.md, made from the code."""
    head = (
        "# Codes",
        "",
        "What each code means, and what to do. Made from the code: `sync-worker failures codes --markdown`; a test holds the two together.",
        "A code in capitals is the CRM's own; its words stand in the failure (`sync-worker failures show ID`).",
        "",
        "| code | what it means, what to do |",
        "|---|---|",
    )
    return "\n".join([*head, *(f'| <a id="{code}"></a>`{code}` | {words} |' for code, words in sorted(CODES.items()))]) + "\n"


def as_row(row: FailureRow, *, is_whole: bool = False) -> dict[str, Any]:
    """A failure as a row; whole, with what to do and the record as it came."""
    failure = row.failure
    found: dict[str, Any] = {
        "id": failure.id if is_whole else failure.id[:8],
        "kind": failure.kind,
        "code": failure.code,
        "object": failure.object,
        "record": failure.record,
        "name": failure.name,
        "about": failure.name or failure.record,
        "field": failure.field,
        "stage": failure.stage,
        "message": failure.message,
        "first_seen_at": row.first_seen_at.isoformat(timespec="seconds"),
        "last_seen_at": row.last_seen_at.isoformat(timespec="seconds"),
        "count": row.count,
    }
    if is_whole:
        found |= {
            "what_to_do": CODES.get(failure.code, "Correct what the message names; then `sync-worker failures replay`."),
            "waits_for": failure.waits_for,
            "run": failure.run_id,
            "resolved_at": row.resolved_at.isoformat(timespec="seconds") if row.resolved_at else None,
            "resolution": row.resolution,
            "payload": {name: plain(value) if not isinstance(value, dict) else value for name, value in (failure.payload or {}).items()},
        }
    return found


def _portals(installed: Any, wanted: str | None) -> list[str]:
    names = [portal.name for portal in installed]
    return [wanted] if wanted else names


def _by_code(tenant: Tenant, code: str | None) -> list[FailureRow]:
    if not code:
        return []
    with tenant.store.reading(tenant.name) as tx:
        return failures.listed(tx, code=code)


def _found(tenants: list[Tenant], failure: str) -> tuple[Tenant, FailureRow]:
    for tenant in tenants:
        with tenant.store.reading(tenant.name) as tx:
            if row := failures.get(tx, failure):
                return tenant, row
    raise ConfigError(f"there is no single failure {failure!r} — `sync-worker failures list PORTAL` shows their ids")


def _outcome(tenant: Tenant, row: FailureRow) -> dict[str, Any]:
    with tenant.store.reading(tenant.name) as tx:
        now = failures.get(tx, row.failure.id)
    return {**as_row(row), "now": "resolved" if now is None or now.resolved_at else "open"}
