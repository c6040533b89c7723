"""`people`: the portal's users, and the command that erases a person's data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from sync_worker.cli.core.command import AsJson, PortalName, Who, refuse, tenant_of, user
from sync_worker.cli.core.output import Caption, out, show, show_json, show_one
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.user import Role, User
from sync_worker.errors import ConfigError
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.erase import erase as erase_user
from sync_worker.steps.operate.erase import erasures
from sync_worker.steps.people.users import UserData
from sync_worker.steps.people.users import deactivate as deactivate_user
from sync_worker.steps.people.users import put as put_user
from sync_worker.store.core import companies
from sync_worker.store.people import people

app = typer.Typer(no_args_is_help=True, help="Shows and changes the portal's users, and erases a person's data.")

COLUMNS = ("id", "name", "email", "role", "primary_company", "is_active")
MOST_USERS = 1_000_000
UserId = Annotated[str, typer.Argument(metavar="USER", help="The portal's own id of the user.", show_default=False)]


@app.command(name="list")
def list_(portal: PortalName, as_json: AsJson = False) -> None:
    """Lists the users by id, inactive ones too.

    Example: sync-worker people list acme
    """
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            found = people.listed(tx, limit=MOST_USERS)
        rows = _rows(tenant, found)
    show(rows, columns=COLUMNS, as_json=as_json, caption=Caption(f"users of {portal}", empty="none yet: the portal tells of them"))


@app.command(name="show")
def show_(portal: PortalName, user_id: UserId, as_json: AsJson = False) -> None:
    """Shows one user, with all companies of the user.

    Example: sync-worker people show acme ann
    """
    with tenant_of(portal) as tenant:
        with tenant.store.reading(portal) as tx:
            found = people.get(tx, user_id)
        if found is None:
            raise ConfigError(f"portal {portal} has no user {user_id!r} — see: sync-worker people list {portal}")
        _say(tenant, found, as_json=as_json)


@app.command()
def put(
    portal: PortalName,
    user_id: UserId,
    email: Annotated[str, typer.Option(help="The user's e-mail address.", show_default=False)],
    name: Annotated[str, typer.Option(help="The user's name.", show_default=False)],
    role: Annotated[Role, typer.Option(help="The user's role in the primary company.", show_default=False)],
    company: Annotated[str | None, typer.Option(help="The primary company: our id, CRM id or name.", show_default=False)] = None,
    further: Annotated[
        list[str] | None, typer.Option(help="A further company. You may write it several times.", show_default=False)
    ] = None,
    vendor_admin: Annotated[bool, typer.Option("--vendor-admin", help="The user sees every deal and decides for the vendor.")] = False,
    as_json: AsJson = False,
) -> None:
    """Adds a user or changes one, as the portal does over the API.

    Example: sync-worker people put acme ann --email ann@birch.example --name "Ann Birch" --role manager --company "Birch Systems"
    """
    told = UserData(user_id, email, name, role, company, tuple(further or ()), vendor_admin)
    with tenant_of(portal) as tenant:
        done = put_user(tenant, told)
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        _say(tenant, done, as_json=as_json)


@app.command()
def deactivate(portal: PortalName, user_id: UserId, as_json: AsJson = False) -> None:
    """Deactivates a user, who then sees nothing and does nothing. What the user did stays.

    Example: sync-worker people deactivate acme ann
    """
    with tenant_of(portal) as tenant:
        done = deactivate_user(tenant, user_id)
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
        _say(tenant, done, as_json=as_json)


@app.command()
def erase(
    portal: PortalName,
    user_id: UserId,
    reason: Annotated[str, typer.Option(help="Why. The reason is kept, so do not name the person in it.", show_default=False)],
    actor: Who = "",
    as_json: AsJson = False,
) -> None:
    """Erases a user's data: name, e-mail, mail, notes and files on deals, and the name on deals and in every history.

    A signature under a quote stays, because it proves a contract.

    Example: sync-worker people erase acme ann --reason "asked by letter, ticket 4711"
    """
    with tenant_of(portal) as tenant:
        done = erase_user(tenant, user_id, actor=actor or user(), reason=reason)
        if isinstance(done, Refusal):
            refuse(done, as_json=as_json)
    if as_json:
        show_json({"id": user_id, "erased": True})
    else:
        out.print(f"{user_id} is erased; who asked and why: sync-worker people erasures {portal}", highlight=False)


@app.command(name="erasures")
def erasures_(portal: PortalName, as_json: AsJson = False) -> None:
    """Lists the erasures of users and of contacts on deals: when, by whom and why. The oldest come first.

    Example: sync-worker people erasures acme
    """
    with tenant_of(portal) as tenant:
        found, now = erasures(tenant), tenant.services.clock()
    rows = [{"at": act.asked_at, "what": act.selection, "actor": act.actor, "reason": act.reason} for act in found]
    show(
        rows,
        columns=("at", "what", "actor", "reason"),
        as_json=as_json,
        now=now,
        caption=Caption(f"erased in {portal}", empty="nothing"),
    )


def _say(tenant: Tenant, found: User, *, as_json: bool) -> None:
    [row] = _rows(tenant, [found])
    show_one(row if as_json else {name.replace("_", " "): value for name, value in row.items()}, as_json=as_json)


def _rows(tenant: Tenant, found: Iterable[User]) -> list[dict[str, Any]]:
    """Users as people read them: companies by name."""
    users = list(found)
    with tenant.store.reading(tenant.name) as tx:
        known = companies.by_ids(tx, {company_id for one in users for company_id in one.companies})
    names = {company_id: company.name for company_id, company in known.items()}
    return [
        {
            "id": one.id,
            "name": one.name,
            "email": one.email,
            "role": one.role.value,
            "primary_company": names.get(one.primary_company or ""),
            "further_companies": ", ".join(sorted(names.get(company_id, company_id) for company_id in one.further_companies)),
            "is_vendor_admin": one.is_vendor_admin,
            "is_active": one.is_active,
        }
        for one in users
    ]
