"""`console`: who may open the pages in a browser: operators, and the vendor's admins."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from sync_worker.bootstrap import Installation
from sync_worker.cli.core.command import AsJson, Who, opened, user
from sync_worker.cli.core.output import Caption, err, out, show, show_json
from sync_worker.domain.people.console import EVERY_PORTAL, LINK_LASTS, LINK_LASTS_AT_MOST, ConsoleRole, may_be_of
from sync_worker.errors import ConfigError
from sync_worker.steps.people.console import Invited, invite, leave
from sync_worker.store.people import console
from sync_worker.store.people.console import ConsoleSession

app = typer.Typer(
    no_args_is_help=True, help="Makes links to the console (pages for operators and for the vendor's admins), and ends sessions."
)

COLUMNS = ("id", "portal", "role", "name", "begun", "last_seen", "until")
InPortal = Annotated[
    str | None,
    typer.Option(
        "--portal", help="Only this portal. Without it an operator sees all portals. The role vendor needs it.", show_default=False
    ),
]


@app.command()
def link(
    role: Annotated[ConsoleRole, typer.Option(help="What the person may see and do.")] = ConsoleRole.OPERATOR,
    name: Annotated[
        str, typer.Option(help="Who gets the link; it is kept with everything that this person does.", show_default=False)
    ] = "",
    portal: InPortal = None,
    minutes: Annotated[int, typer.Option(min=1, help="How long the link works.")] = int(LINK_LASTS.total_seconds() // 60),
    actor: Who = "",
    as_json: AsJson = False,
) -> None:
    """Makes a link that opens the console once, and prints it. The web process must run with SYNC_WORKER_CONSOLE=true.

    Example: sync-worker console link --role vendor --portal acme --name Vera
    """
    if timedelta(minutes=minutes) > LINK_LASTS_AT_MOST:
        raise ConfigError(f"--minutes {minutes}: a link works for {int(LINK_LASTS_AT_MOST.total_seconds() // 60)} minutes at most")
    with opened() as installation:
        home = installation.named(portal) if portal else EVERY_PORTAL
        if not may_be_of(role, home):
            known = ", ".join(installation.names) or "there is none yet"
            raise ConfigError(f"--role {role}: say for which portal, by --portal NAME — portals: {known}")
        text = invite(installation.store, Invited(home, role, name or user(), actor or user()), timedelta(minutes=minutes))
        address = f"{_base(installation)}/console/enter/{home}.{text}"
        is_on = installation.settings.console
    if as_json:
        show_json({"address": address, "role": role, "portal": home or None, "minutes": minutes})
    else:
        err.print(f"this link opens the console once, within {minutes} min:")
        out.print(address, soft_wrap=True, highlight=False)
    if not is_on:
        err.print("the console is off here: start the web process with SYNC_WORKER_CONSOLE=true")


@app.command()
def sessions(as_json: AsJson = False) -> None:
    """Lists who is in the console now.

    Example: sync-worker console sessions
    """
    with opened() as installation:
        rows, now = [], installation.services.clock()
        for home in (EVERY_PORTAL, *installation.names):
            with installation.store.reading(home) as tx:
                rows += [_row(home, one) for one in console.sessions(tx)]
    show(rows, columns=COLUMNS, as_json=as_json, now=now, caption=Caption("in the console", empty="the console is empty"))


@app.command()
def end(
    session: Annotated[str, typer.Argument(metavar="ID", help="The session's id, as the list shows it.", show_default=False)],
) -> None:
    """Ends a session: the person is out with the next request.

    Example: sync-worker console end 1f2e3d4c
    """
    with opened() as installation:
        if not any(leave(installation.store, home, session) for home in (EVERY_PORTAL, *installation.names)):
            raise ConfigError(f"there is no session {session!r} — see: sync-worker console sessions")
    out.print(f"session {session} has ended", highlight=False)


def _base(installation: Installation) -> str:
    """Where people reach the web process."""
    settings = installation.settings
    return settings.public_url or f"http://{settings.http_host}:{settings.http_port}"


def _row(home: str, one: ConsoleSession) -> dict[str, Any]:
    times = {"begun": one.begun_at, "last_seen": one.seen_at, "until": one.until_at}
    shown = {name: at.isoformat(timespec="seconds") for name, at in times.items()}
    return {"id": one.id, "portal": home or "all", "role": one.role.value, "name": one.name, **shown}
