"""`tokens`: who may use a portal's API, and for what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sync_worker.boundary import tokens as texts
from sync_worker.cli.core.command import AsJson, PortalName, opened
from sync_worker.cli.core.output import Caption, err, out, show, show_json
from sync_worker.errors import ConfigError
from sync_worker.steps.people.tokens import TokenWish, issue, state_of
from sync_worker.store.people import tokens
from sync_worker.store.people.tokens import Token

app = typer.Typer(no_args_is_help=True, help="Makes, lists and revokes tokens of a portal's API.")

COLUMNS = ("id", "name", "scopes", "made_by", "made_at", "expires_at", "last_used_at", "state")
Who = Annotated[str, typer.Option("--actor", help="Who does this; it is kept with the token.")]


@app.command()
def create(
    portal: PortalName,
    scope: Annotated[
        list[str],
        typer.Option(help=f"What the token may do: {', '.join(texts.SCOPES)}. You may write it several times.", show_default=False),
    ],
    name: Annotated[str, typer.Option(help="Who uses it: the portal's production, a nightly export, …")] = "portal",
    expires: Annotated[datetime | None, typer.Option(help="When the token ends, in UTC. Without it: never.", show_default=False)] = None,
    actor: Who = "operator",
    as_json: AsJson = False,
) -> None:
    """Makes a token and prints it. Copy it now: only a hash of it is kept.

    Example: sync-worker tokens create acme --scope read --scope write --name "portal, production"
    """
    unknown = [one for one in scope if one not in texts.SCOPES]
    if unknown:
        raise ConfigError(f"--scope {unknown[0]}: there is no such scope — allowed: {', '.join(texts.SCOPES)}")
    ends_at = expires.replace(tzinfo=UTC) if expires else None
    with opened() as installation:
        made = issue(installation.store, installation.named(portal), TokenWish(name, scope, actor, ends_at))
    if made is None:
        raise ConfigError(f"--expires {ends_at and ends_at.isoformat()}: this moment is over — name a later one, in UTC")
    if as_json:
        show_json({"portal": portal, "id": made.id, "token": made.text, "scopes": sorted(set(scope)), "expires_at": ends_at})
        return
    err.print(f"token {made.id} of {portal}; it is shown this once:")
    out.print(made.text, soft_wrap=True, highlight=False)


@app.command(name="list")
def list_(portal: PortalName, as_json: AsJson = False) -> None:
    """Lists the tokens, the newest first, without their text.

    Example: sync-worker tokens list acme
    """
    with opened() as installation, installation.store.reading(installation.named(portal)) as tx:
        now = tx.now
        rows = [_row(token, now) for token in tokens.listed(tx)]
    show(
        rows,
        columns=COLUMNS,
        as_json=as_json,
        now=now,
        caption=Caption(f"tokens of {portal}", empty="none yet: sync-worker tokens create"),
    )


@app.command()
def revoke(
    portal: PortalName,
    token: Annotated[str, typer.Argument(metavar="ID", help="The token's id, as the list shows it.", show_default=False)],
    actor: Who = "operator",
) -> None:
    """Revokes a token. It is refused from the next request on.

    Example: sync-worker tokens revoke acme 1f2e3d4c
    """
    with opened() as installation, installation.store.side_transaction(installation.named(portal)) as tx:
        known = tokens.get(tx, token)
        if known is None:
            raise ConfigError(f"portal {portal} has no token {token!r} — see: sync-worker tokens list {portal}")
        is_news = tokens.revoke(tx, token, actor)
    out.print(f"{token} is revoked" if is_news else f"{token} was revoked before", highlight=False)


def _row(token: Token, now: datetime) -> dict[str, Any]:
    moments = {name: getattr(token, name) for name in ("made_at", "expires_at", "last_used_at")}
    shown = {name: moment.isoformat(timespec="seconds") if moment else None for name, moment in moments.items()}
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "made_by": token.made_by,
        **shown,
        "state": state_of(token, now),
    }
