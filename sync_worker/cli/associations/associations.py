"""`associations`: who may work with whom, and why or why not; now, or as of a date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import typer

from sync_worker.cli.associations.companies import find
from sync_worker.cli.core.command import AsJson, PortalName, Who, say_waits, tenant_of, user
from sync_worker.cli.core.output import Caption, err, out, show, show_json
from sync_worker.domain.associations.association import Association, Explanation, Reason
from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.moments import past_moment, whence
from sync_worker.errors import ConfigError
from sync_worker.steps.associations.associate import whom, why
from sync_worker.steps.associations.rebind import rebind as bind_again
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx

app = typer.Typer(no_args_is_help=True, help="Shows which companies may work on a deal together, and why.")

At = Annotated[
    str | None,
    typer.Option("--at", metavar="DATE", help="As it was at the end of a day (2026-11-01) or at a moment (2026-11-01T12:00)."),
]
PAGE_COUNT = 500
NO_SECOND_PARTNERS = "this portal has no second partners (two_tier: false in its file)"


@app.command(name="list")
def list_(
    portal: PortalName,
    company: Annotated[
        str | None, typer.Option(help="Only associations of this company: our id, CRM id or name.", show_default=False)
    ] = None,
    at: At = None,
    limit: Annotated[int, typer.Option(help="How many rows at most.", min=1)] = 1000,
    as_json: AsJson = False,
) -> None:
    """Lists associations with their reasons. Then it lists contract values that name no company and pairs that are excluded, and why.

    Example: sync-worker associations list acme --company "Birch Systems"
    """
    with tenant_of(portal) as tenant:
        moment, wanted = _moment(tenant, at), find(tenant, company) if company else None
        is_two_tier = tenant.portal.two_tier
        with tenant.store.reading(portal) as tx:
            found = (row for one in ([wanted] if wanted else _partners(tx)) for row in _rows(tx, one, moment))
            rows, now = list(islice(found, limit + 1)) if is_two_tier else [], tx.now
    columns = ("partner", "second_partner", "associated", "reason", "since")
    title = f"associations of {company or portal}" + (f" as of {at}" if at else "")
    show(rows[:limit], columns=columns, as_json=as_json, now=now, caption=Caption(title))
    if not is_two_tier:
        err.print(NO_SECOND_PARTNERS, markup=False, highlight=False)
    if len(rows) > limit:
        err.print(f"there are more than {limit:,}; name a --company, or a greater --limit")


@app.command()
def explain(
    portal: PortalName,
    one: Annotated[str, typer.Argument(help="A company: our id, CRM id or name.")],
    other: Annotated[str, typer.Argument(help="The other company.")],
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Says why two companies may work together, or what is missing.

    Example: sync-worker associations explain acme "Birch Systems" "Arrow Electronics"
    """
    with tenant_of(portal) as tenant:
        found = explained(tenant, find(tenant, one), find(tenant, other), at=_moment(tenant, at))
        now = tenant.services.clock()
    if as_json:
        show_json(found)
        return
    out.print(f"{'associated' if found['associated'] else 'not associated'}: {found['words']}", markup=False, highlight=False)
    for reason in found["reasons"]:
        since = whence(datetime.fromisoformat(reason["since"]), now)
        out.print(f"since {since}, from run {reason['run'][:8]}: {reason['source']} {reason['name']}", markup=False, highlight=False)


def explained(tenant: Tenant, one: Company, other: Company, *, at: datetime | None = None) -> dict[str, Any]:
    """The explanation of a pair, as a row."""
    with tenant.store.reading(tenant.name) as tx:
        found = why(tx, one, other, at=at) if tenant.portal.two_tier else Explanation(False, NO_SECOND_PARTNERS, code="two_tier_off")
    return {
        "companies": [one.name, other.name],
        "associated": found.is_associated,
        "words": found.words,
        "code": found.code,
        "since": found.since.isoformat(timespec="seconds") if found.since else None,
        "reasons": [_as_row(reason) for reason in found.reasons],
    }


def rows_of(tx: Tx, company: Company, *, at: datetime | None = None) -> list[dict[str, Any]]:
    """Whom one company may work with, and what was excluded."""
    return list(_rows(tx, company, at))


def _rows(tx: Tx, company: Company, at: datetime | None) -> Iterator[dict[str, Any]]:
    """Page by page: rules may join a company with everybody."""
    after, is_partner = "", company.account_type is not AccountType.SECOND_PARTNER
    while True:
        found, excluded = whom(tx, company, at=at, after=after, limit=PAGE_COUNT)
        names = _names(tx, found)
        yield from (_pair(pair, names) for pair in found)
        for item in excluded:
            sides = (company.name, item.value) if is_partner else (item.value, company.name)
            yield _row(*sides, is_associated=False, reason=item.why, code=item.code)
        seen = [pair.second_partner_id if is_partner else pair.partner_id for pair in found]
        seen += [item.company_id for item in excluded if item.company_id]
        if len(set(seen)) < PAGE_COUNT:
            return
        after = max(seen)


def _pair(pair: Association, names: dict[str, str]) -> dict[str, Any]:
    row = _row(names[pair.partner_id], names[pair.second_partner_id], is_associated=True, reason=pair.reason)
    return {**row, "since": pair.since.isoformat(timespec="seconds"), "reasons": [_as_row(reason) for reason in pair.reasons]}


def _row(partner: str, second_partner: str, *, is_associated: bool, reason: str, code: str = "") -> dict[str, Any]:
    row = {"partner": partner, "second_partner": second_partner, "associated": is_associated, "reason": reason, "since": None}
    return {**row, "code": code} if code else row


def _as_row(reason: Reason) -> dict[str, Any]:
    """One reason as JSON."""
    return {
        "source": reason.source,
        "name": reason.name,
        "words": reason.words,
        "since": reason.since.isoformat(timespec="seconds"),
        "run": reason.run_id,
        "partner": {name: list(values) for name, values in reason.partner_values.items()},
        "second_partner": {name: list(values) for name, values in reason.second_partner_values.items()},
    }


@app.command()
def rebind(
    portal: PortalName,
    value: Annotated[str, typer.Argument(help="The contract value, as the partners' records spell it.", show_default=False)],
    company: Annotated[
        str, typer.Argument(metavar="COMPANY", help="The second partner that the value means: our id, CRM id or name.", show_default=False)
    ],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the history.", show_default=False)],
    actor: Who = "",
) -> None:
    """Binds a contract value to a company, on every record that has the value, now and later.

    Use it if the value is spelled like no company's name. What is read later does not change it.

    Example: sync-worker associations rebind acme "Arrow Inc" "Arrow Electronics" --reason "the picklist has its old name"
    """
    if not reason.strip():
        raise ConfigError("--reason: say why, for the people who read the history")
    with tenant_of(portal) as tenant:
        done = bind_again(tenant, value, find(tenant, company), actor=actor or user(), reason=reason)
        say_waits(tenant)
    out.print(
        f"{done.asked.selection}, on {done.record_count} records; open deals of pairs that changed are looked at again", highlight=False
    )


def _names(tx: Tx, found: tuple[Association, ...]) -> dict[str, str]:
    known = companies.by_ids(tx, {side for pair in found for side in (pair.partner_id, pair.second_partner_id)})
    return {company.id: company.name for company in known.values()}


def _partners(tx: Tx) -> Iterator[Company]:
    """Every partner, by name."""
    after = ("", "")
    while page := [stored.company for stored in companies.listed(tx, after=after, limit=PAGE_COUNT)]:
        yield from (company for company in page if company.account_type is AccountType.PARTNER)
        after = (page[-1].name, page[-1].id)


def _moment(tenant: Tenant, written: str | None) -> datetime | None:
    """The end of a day of the portal's calendar, or a moment; today is now. **Raises** ConfigError."""
    if written is None:
        return None
    try:
        return past_moment(written, tenant.portal.zone, tenant.services.clock())
    except ValueError as wrong:
        raise ConfigError(f"--at {wrong}") from None
