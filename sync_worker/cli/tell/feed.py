"""`feed`: which events the portal got and still has to get; a person sends them again, pauses the feed or lets it go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sync_worker.cli.core.command import AsJson, PortalName, Who, tenant_of, user
from sync_worker.cli.core.output import Caption, Limit, err, most_of, out, show, show_one
from sync_worker.domain.tell.delivery import DeliveryOutcome, ending_of
from sync_worker.domain.tell.event import gone_words
from sync_worker.errors import ConfigError
from sync_worker.receiver import Receiver
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.by_hand import pause_feed, ping, resume_feed
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.feed import StoredEvent
from sync_worker.store.tell import deliveries

app = typer.Typer(no_args_is_help=True, help="Shows which events the portal got, and which it still has to get.")

COLUMNS = ("seq", "at", "kind", "record", "changed", "side", "actor")


@app.command(name="list")
def list_(
    portal: PortalName,
    after: Annotated[
        int | None, typer.Option(help="Only events after this number (`seq`). Without it: the latest ones.", show_default=False)
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Lists events in the order of their commits.

    Example: sync-worker feed list acme --after 1200
    """
    most = most_of(limit, shown=20, as_json=as_json)
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        if after is not None:
            _refuse_gone(tx, after + 1, lambda oldest: f"--after {oldest - 1}")
        found = feed.latest(tx, limit=most) if after is None else feed.listed(tx, after=after, limit=most)
        now = tx.now
    rows = [_whole(told) if as_json else _row(told) for told in found]
    show(rows, columns=COLUMNS, as_json=as_json, now=now, caption=Caption(f"events of {portal}", empty="none yet"))


@app.command(name="show")
def show_(portal: PortalName, as_json: AsJson = False) -> None:
    """Shows which events wait and since when, how the receiver answers, and whether the feed is paused and why.

    Example: sync-worker feed show acme
    """
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        standing, (owed, since_at) = deliveries.standing(tx), deliveries.owed(tx)
        receiver, now = tenant.receiver.url if tenant.receiver else None, tx.now
    row: dict[str, Any] = {
        "receiver": receiver,
        "last event": standing.last_seq,
        "owed": owed,
        "owed since": since_at,
        "delivered last": standing.delivered_at,
        "failures in a row": standing.failed_count,
        "rests until": standing.rests_until_at,
        "paused since": standing.paused_at,
        "paused because": standing.paused_because,
    }
    row = {name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value for name, value in row.items()}
    show_one(row, as_json=as_json, now=now, title=portal)


@app.command()
def replay(
    portal: PortalName,
    from_: Annotated[int | None, typer.Option("--from", min=1, help="The number (`seq`) of the first event.", show_default=False)] = None,
    since: Annotated[
        datetime | None, typer.Option(help="In place of --from: the events of this moment and later, in UTC.", show_default=False)
    ] = None,
) -> None:
    """Lets the workers send events again, in their order and with the same ids.

    Example: sync-worker feed replay acme --from 1200
    """
    if (from_ is None) == (since is None):
        raise ConfigError("name where to begin — either --from NUMBER or --since MOMENT")
    with tenant_of(portal) as tenant:
        _receiver(tenant)
        with tenant.store.side_transaction(portal) as tx:
            first = from_ if since is None else _first_since(tx, since.replace(tzinfo=UTC))
            if first is not None:
                _refuse_gone(tx, first, lambda oldest: f"--from {oldest}")
            count = feed.replay(tx, first) if first is not None else 0
    out.print(f"{count} events are owed again", highlight=False)


@app.command()
def pause(
    portal: PortalName,
    reason: Annotated[str, typer.Option(help="Why; `feed show` shows it.")] = "no reason given",
    actor: Who = "",
) -> None:
    """Stops the feed until `feed resume`. Events of the meantime are kept.

    Example: sync-worker feed pause acme --reason "the portal moves tonight"
    """
    with tenant_of(portal) as tenant:
        pause_feed(tenant, actor=actor or user(), reason=reason)
    out.print(f"the feed of {portal} is paused", highlight=False)


@app.command()
def resume(
    portal: PortalName, reason: Annotated[str, typer.Option(help="Why. It is kept, with who did it and when.")] = "", actor: Who = ""
) -> None:
    """Lets the feed go on at once, with every event that waits.

    Example: sync-worker feed resume acme
    """
    with tenant_of(portal) as tenant:
        owed = resume_feed(tenant, actor=actor or user(), reason=reason)
    out.print(f"the feed of {portal} goes on; {owed} events are owed", highlight=False)


@app.command()
def test(portal: PortalName) -> None:
    """Sends one signed `ping` to the receiver, and shows its answer. Exit 1 if the receiver does not take it.

    Example: sync-worker feed test acme
    """
    with tenant_of(portal) as tenant:
        receiver, answer = _receiver(tenant), ping(tenant)
    if ending_of(answer) is not DeliveryOutcome.DELIVERED:
        err.print(f"{receiver.url} did not take it: {answer}", markup=False)
        raise typer.Exit(1)
    out.print(f"{receiver.url} took it: {answer}", markup=False, highlight=False)


def _refuse_gone(tx: Tx, seq: int, right: Callable[[int], str]) -> None:
    """**Raises** ConfigError. **Shapes** `right`: the oldest number there is → the option that begins with it."""
    oldest, last = feed.reach(tx)
    if seq < oldest:
        raise ConfigError(f"{gone_words(seq, oldest, last)} — write {right(oldest)}")


def _first_since(tx: Tx, moment: datetime) -> int | None:
    """The first event of that moment or later. **Raises** ConfigError where events from then on are gone."""
    oldest = feed.get(tx, feed.reach(tx)[0])
    if oldest and oldest.seq > 1 and moment < oldest.at:
        since, at = f"{moment:%Y-%m-%d %H:%M} UTC", f"{oldest.at:%Y-%m-%d %H:%M} UTC"
        what = (
            f"events since {since} are older than feed.keep and are gone; the oldest event there is has the number {oldest.seq}, from {at}"
        )
        raise ConfigError(f"{what} — write --from {oldest.seq}")
    return feed.first_since(tx, moment)


def _receiver(tenant: Tenant) -> Receiver:
    if tenant.receiver is None:
        raise ConfigError(f"portal {tenant.name} has no feed — add `feed: {{url: …, secret: ${{NAME}}}}` to its file; see docs/feed.md")
    return tenant.receiver


def _whole(told: StoredEvent) -> dict[str, Any]:
    return {"seq": told.seq, "id": told.id, "type": told.kind, "timestamp": told.at, "data": told.data}


def _row(told: StoredEvent) -> dict[str, Any]:
    data = told.data
    record = f"{told.record} {told.record_id}".strip()
    shown = {"changed": list(data["changed"]), "side": data["side"], "actor": data["actor"]}
    return {"seq": told.seq, "at": told.at.isoformat(timespec="seconds"), "kind": told.kind, "record": record, **shown}
