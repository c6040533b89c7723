"""`associations`: who may work with whom, and why or why not."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sync_worker.cli.companies import find
from sync_worker.cli.output import out, show, show_json
from sync_worker.cli.work import AsJson, PortalName, tenant_of
from sync_worker.domain.company import AccountType, Company
from sync_worker.steps.associate import whom, why
from sync_worker.steps.tenant import Tenant
from sync_worker.store import associations, companies
from sync_worker.store.engine import Tx

app = typer.Typer(no_args_is_help=True, help="Who may work a deal together.")


@app.command(name="list")
def list_(
    portal: PortalName,
    company: Annotated[str | None, typer.Option(help="One company: our id, CRM id or name.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Associations, each with its reason; and beside them what did not resolve or was excluded, and why.

    Example: sync-worker associations list acme --company "Birch Systems"
    """
    with tenant_of(portal) as tenant:
        wanted = find(tenant, company) if company else None
        with tenant.store.reading(portal) as tx:
            rows = [row for one in ([wanted] if wanted else _partners(tx)) for row in rows_of(tx, one)]
    if not as_json:
        rows = [{**row, "since": row["since"] and row["since"][:10]} for row in rows]
    columns = ("partner", "second_partner", "associated", "reason", "since")
    show(rows, columns=columns, as_json=as_json, title=f"associations of {company or portal}")


@app.command()
def explain(
    portal: PortalName,
    one: Annotated[str, typer.Argument(help="A company: our id, CRM id or name.")],
    other: Annotated[str, typer.Argument(help="The other company.")],
    as_json: AsJson = False,
) -> None:
    """Why two companies may work together, or what is missing.

    Example: sync-worker associations explain acme "Birch Systems" "Arrow Electronics"
    """
    with tenant_of(portal) as tenant:
        found = explained(tenant, find(tenant, one), find(tenant, other))
    if as_json:
        show_json(found)
    else:
        out.print(f"{'associated' if found['associated'] else 'not associated'}: {found['words']}", markup=False, highlight=False)
        if found["since"]:
            out.print(f"since {found['since']}", highlight=False)


def explained(tenant: Tenant, one: Company, other: Company) -> dict[str, Any]:
    """The explanation of a pair, as a row."""
    with tenant.store.reading(tenant.name) as tx:
        found = why(tx, one, other)
    return {
        "companies": [one.name, other.name],
        "associated": found.is_associated,
        "words": found.words,
        "code": found.code,
        "since": found.since.isoformat(timespec="seconds") if found.since else None,
    }


def rows_of(tx: Tx, company: Company) -> list[dict[str, Any]]:
    """Whom one company may work with, and what was excluded."""
    found, excluded = whom(tx, company)
    names = {
        known.id: known.name
        for known in companies.by_ids(tx, {side for pair in found for side in (pair.partner_id, pair.second_partner_id)}).values()
    }
    rows: list[dict[str, Any]] = [
        {
            "partner": names[pair.partner_id],
            "second_partner": names[pair.second_partner_id],
            "associated": True,
            "reason": pair.reason,
            "since": pair.since.isoformat(timespec="seconds"),
        }
        for pair in found
    ]
    is_partner = company.account_type is not AccountType.SECOND_PARTNER
    for item in excluded:
        sides = (company.name, item.value) if is_partner else (item.value, company.name)
        rows.append(
            {"partner": sides[0], "second_partner": sides[1], "associated": False, "reason": item.why, "code": item.code, "since": None}
        )
    return rows


def _partners(tx: Tx) -> list[Company]:
    """Every company whose record carries contract values, by name."""
    found = companies.by_ids(tx, {row.company_id for row in associations.listed(tx)}).values()
    return sorted(found, key=lambda company: (company.name, company.id))
