"""`mail`: what people were written, what waits, and whether the mail server takes a letter."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sync_worker.cli.core.command import AsJson, PortalName, tenant_of
from sync_worker.cli.core.output import Caption, Limit, err, most_of, out, show
from sync_worker.errors import RecordError, TransientError
from sync_worker.steps.tell.by_hand import send_sample
from sync_worker.store.tell import mails
from sync_worker.store.tell.mails import MailRow

app = typer.Typer(no_args_is_help=True, help="Shows which mails were sent and which wait, and sends a test mail.")

COLUMNS = ("written_at", "template", "to", "outcome", "attempts", "due_at", "error")


@app.command(name="list")
def list_(portal: PortalName, limit: Limit = None, as_json: AsJson = False) -> None:
    """Lists the latest mails: to whom, about what, and what became of each.

    Example: sync-worker mail list acme
    """
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        found, now = mails.listed(tx, limit=most_of(limit, shown=20, as_json=as_json)), tx.now
    rows = [_row(one) for one in found]
    show(rows, columns=COLUMNS, as_json=as_json, now=now, caption=Caption(f"mail of {portal}", empty="none yet"))


@app.command()
def test(portal: PortalName, to: Annotated[str, typer.Option(help="The address that gets the test mail.")]) -> None:
    """Sends one test mail through the portal's own templates. Exit 1 if the mail server does not take it.

    Example: sync-worker mail test acme --to ann@example.com
    """
    with tenant_of(portal) as tenant:
        try:
            subject = send_sample(tenant, to)
        except (RecordError, TransientError) as error:
            err.print(str(error), markup=False)
            raise typer.Exit(1) from error
    out.print(f"the mail server took it: {subject} to {to}", markup=False, highlight=False)


def _row(one: MailRow) -> dict[str, Any]:
    return {
        "written_at": one.written_at.isoformat(timespec="seconds"),
        "template": one.mail.template,
        "to": one.mail.address,
        "outcome": one.outcome or ("held" if one.mail.held_by else "waits"),
        "attempts": one.attempts,
        "due_at": "" if one.outcome else one.due_at.isoformat(timespec="seconds"),
        "error": one.error,
    }
