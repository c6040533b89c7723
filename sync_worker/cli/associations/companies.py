"""`companies`: what the portal knows of each company."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_worker.cli.core.command import AsJson, PortalName, tenant_of
from sync_worker.cli.core.output import Caption, Limit, cut, most_of, show, show_one
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Refusal
from sync_worker.errors import ConfigError
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.naming import company_named
from sync_worker.store.core import companies

app = typer.Typer(no_args_is_help=True, help="Shows the companies that the portal knows.")

COLUMNS = ("name", "status", "account_type", "crm_id", "id")


@app.command(name="list")
def list_(
    portal: PortalName,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Lists companies, by name.

    Example: sync-worker companies list acme
    """
    most = most_of(limit, shown=1000, as_json=as_json)
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        rows = [as_row(stored.company) for stored in companies.listed(tx, limit=most and most + 1)]
    show(
        cut(rows, most),
        columns=COLUMNS,
        as_json=as_json,
        caption=Caption(f"companies of {portal}", empty="none yet; run `sync-worker pull`"),
    )


@app.command(name="show")
def show_(
    portal: PortalName, company: Annotated[str, typer.Argument(help="Our id, the CRM id or the name.")], as_json: AsJson = False
) -> None:
    """Shows one company in full.

    Example: sync-worker companies show acme "Birch Systems"
    """
    with tenant_of(portal) as tenant:
        found = find(tenant, company)
    show_one(as_row(found), as_json=as_json, head="field")


def find(tenant: Tenant, reference: str) -> Company:
    """A company by our id, CRM id or name. **Raises** ConfigError where none or several fit."""
    with tenant.store.reading(tenant.name) as tx:
        found = company_named(tx, tenant, reference)
    if isinstance(found, Refusal):
        raise ConfigError(f"portal {tenant.name}: {found.why} — {found.who_may}")
    if found is None:
        raise ConfigError(f"portal {tenant.name} has no company {reference!r} — `sync-worker companies list {tenant.name}`")
    return found


def as_row(company: Company) -> dict[str, object]:
    """One company for a table or as JSON."""
    return {
        "id": company.id,
        "crm_id": company.crm_id,
        "name": company.name,
        "status": company.status.value,
        "account_type": company.account_type.value,
        "account_owner_email": company.account_owner_email,
        "second_partner_values": list(company.second_partner_values),
        **company.attributes,
        "is_deleted": company.is_deleted,
    }
