"""`mail`: what people were written, what waits, and whether the mail server takes a letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from sync_worker.cli.core.command import AsJson, PortalName, tenant_of
from sync_worker.cli.core.output import Caption, Limit, err, most_of, out, show
from sync_worker.errors import ConfigError, RecordError, TransientError
from sync_worker.mail.letter import Letter, compose
from sync_worker.mail.post import Post
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.tell import mails
from sync_worker.store.tell.mails import MailRow

app = typer.Typer(no_args_is_help=True, help="Mail to the portal's people.")

COLUMNS: Final = ("written_at", "template", "to", "outcome", "attempts", "due_at", "error")
SAMPLE: Final[Mapping[str, Any]] = {
    "name": "there",
    "actor": "sync-worker mail test",
    "deal": "a test, no deal",
    "company": "a test, no company",
}


@app.command(name="list")
def list_(portal: PortalName, limit: Limit = None, as_json: AsJson = False) -> None:
    """The letters written last: to whom, of what, and what became of each.

    Example: sync-worker mail list acme
    """
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        found, now = mails.listed(tx, limit=most_of(limit, shown=20, as_json=as_json)), tx.now
    rows = [_row(one) for one in found]
    show(rows, columns=COLUMNS, as_json=as_json, now=now, caption=Caption(f"mail of {portal}", empty="none yet"))


@app.command()
def test(portal: PortalName, to: Annotated[str, typer.Option(help="Whom to write to.")]) -> None:
    """Sends one letter, which tells of nothing, through the portal's own templates; exit code 1 unless the mail server took it.

    Example: sync-worker mail test acme --to ann@example.com
    """
    with tenant_of(portal) as tenant:
        post = _post(tenant)
        try:
            letter = compose(
                post.templates,
                Letter(
                    mail_id=tenant.services.new_id(),
                    address=to,
                    template="deal_registered",
                    context={"portal": portal, **SAMPLE},
                    written_at=tenant.services.clock(),
                ),
                sender=post.sender,
            )
            post.send(letter)
        except ValueError as error:
            raise ConfigError(f"{error} — write --to ann@example.com") from error
        except (RecordError, TransientError) as error:
            err.print(str(error), markup=False)
            raise typer.Exit(1) from error
    out.print(f"the mail server took it: {letter['Subject']} to {to}", markup=False, highlight=False)


def _post(tenant: Tenant) -> Post:
    if tenant.post is None:
        raise ConfigError("there is no mail server — set SYNC_WORKER_SMTP_URL; see docs/mail.md")
    return tenant.post


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
