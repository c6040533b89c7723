"""`journeys`: the files checked, every journey shown and tried on a deal, its log read, held mails released or discarded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from sync_worker.bootstrap import journeys_of
from sync_worker.cli.core.command import AsJson, PortalName, Who, refuse, tenant_of, user
from sync_worker.cli.core.mistakes import AsFormat, Format, settle
from sync_worker.cli.core.output import Caption, Limit, most_of, out, show, show_json, show_one
from sync_worker.config.journey_file import SUFFIXES
from sync_worker.config.portal_file import load_portal
from sync_worker.config.settings import read_settings
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.tell.journeys.journey import WrittenJourney, recipient_label
from sync_worker.errors import ConfigError, Mistake, Place
from sync_worker.mapping.load import load_for_portal
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.journeys import hold
from sync_worker.steps.tell.journeys.preview import JourneyPreview, preview
from sync_worker.steps.tell.journeys.reach import reach_of
from sync_worker.steps.tell.journeys.standing import adopt, standing, standing_one
from sync_worker.steps.tell.journeys.words import side_labels
from sync_worker.store.deals import deals
from sync_worker.store.tell import journey_log, mails
from sync_worker.store.tell.journeys import StoredJourney

app = typer.Typer(
    no_args_is_help=True, help="Checks and shows journeys: mails that the vendor makes up, sent when a deal is registered or updated."
)

Key = Annotated[str, typer.Argument(metavar="JOURNEY", help="The journey's key.", show_default=False)]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept in the log.")]
COLUMNS: Final = ("key", "version", "on", "trigger", "recipients", "kept_in", "held_mails", "name")
LOG_COLUMNS: Final = ("at", "version", "event", "user", "recipient", "outcome", "why")
MAIL_COLUMNS: Final = ("user", "recipient", "subject", "why_not")


@app.command()
def lint(
    portals: Annotated[list[str] | None, typer.Argument(help="Portals. Without it: all of them.", show_default=False)] = None,
    form: AsFormat = Format.TEXT,
) -> None:
    """Says what is wrong in the files of journeys: each mistake with its place, and what is allowed. It needs no CRM and no database.

    Example: sync-worker journeys lint acme
    """
    folder = read_settings().config_dir / "journeys"
    mistakes: list[Mistake] = []
    for name in portals or _portals(folder):
        try:
            found = _written(folder, name)
        except ConfigError as error:
            mistakes += error.mistakes
        else:
            for one in found.values() if form is Format.TEXT else ():
                out.print(f"{one.file}: OK", markup=False, highlight=False, soft_wrap=True)
    settle(ConfigError(list(dict.fromkeys(mistakes))) if mistakes else None, form)


@app.command(name="list")
def list_(portal: PortalName, as_json: AsJson = False) -> None:
    """Lists the journeys of a portal: when each one sends, to whom, where it is kept, and how many of its mails wait for a person.

    Example: sync-worker journeys list acme
    """
    with tenant_of(portal) as tenant:
        adopt(tenant)
        with tenant.store.reading(portal) as tx:
            held = mails.held_counts(tx)
            rows = [_row(tenant, one, held.get(one.key, 0)) for one in standing(tx, tenant)]
    empty = f"none: a vendor admin makes one with POST /portals/{portal}/journeys, or a file in config/journeys/{portal}"
    show(rows, columns=COLUMNS, as_json=as_json, caption=Caption(f"journeys of {portal}", empty))


@app.command(name="show")
def show_journey(portal: PortalName, journey: Key, as_json: AsJson = False) -> None:
    """Shows one journey in full, with the number of users that it could reach.

    Example: sync-worker journeys show acme welcome
    """
    with tenant_of(portal) as tenant:
        adopt(tenant)
        with tenant.store.reading(portal) as tx:
            stored = standing_one(tx, tenant, journey)
            if isinstance(stored, Refusal):
                refuse(stored, as_json=as_json)
            row = _row(tenant, stored, mails.held_counts(tx).get(journey, 0))
            reach = reach_of(tx, tenant, stored.journey)
    more = {
        "saved_at": stored.saved_at.isoformat(timespec="seconds"),
        "saved_by": stored.saved_by,
        "filters": "\n".join(one.words for one in stored.journey.filters),
        "could_reach": f"{reach.count} of {reach.of} users",
        "subject": stored.journey.subject,
        "body": stored.journey.body,
    }
    show_one({**row, **more}, as_json=as_json, title=f"journey {journey} of {portal}")


@app.command(name="preview")
def preview_journey(
    portal: PortalName,
    journey: Key,
    deal: Annotated[str, typer.Argument(metavar="DEAL", help="The id of the deal.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Shows who would get which mail if the trigger came for this deal now. Nothing is sent.

    Example: sync-worker journeys preview acme welcome 6f9c0f0e-6d0b-4a57-9a30-0d7ad3c8d2d1
    """
    with tenant_of(portal) as tenant:
        adopt(tenant)
        with tenant.store.reading(portal) as tx:
            stored, known = standing_one(tx, tenant, journey), deals.get(tx, deal)
            if isinstance(stored, Refusal):
                refuse(stored, as_json=as_json)
            if known is None:
                refuse(Refusal("deal_unknown", f"portal {portal} has no deal {deal}", "nobody"), as_json=as_json)
            found = preview(tx, tenant, stored.journey, known.deal)
    if as_json:
        show_json({"mails": _mails(found), "reasons": list(found.reasons)})
        return
    show(_mails(found), columns=MAIL_COLUMNS, as_json=False, caption=Caption(f"{journey} for deal {deal}", "no one is told"))
    for reason in found.reasons:
        out.print(reason, markup=False, highlight=False)
    for _, text in found.told[:1]:
        out.print(f"\n{text.subject}\n\n{text.body}", markup=False, highlight=False)


@app.command(name="log")
def log_(portal: PortalName, journey: Key, limit: Limit = None, as_json: AsJson = False) -> None:
    """Lists who got a mail of this journey, who did not, and why. The latest come first.

    Example: sync-worker journeys log acme welcome
    """
    with tenant_of(portal) as tenant, tenant.store.reading(portal) as tx:
        found = journey_log.page(tx, journey, limit=most_of(limit, shown=20, as_json=as_json))
    rows = [
        {**{name: getattr(row, name, "") for name in LOG_COLUMNS}, "at": row.at.isoformat(timespec="seconds"), "user": row.user_id}
        for row in found
    ]
    show(rows, columns=LOG_COLUMNS, as_json=as_json, caption=Caption(f"log of {journey}", "nothing yet"))


@app.command()
def release(portal: PortalName, journey: Key, reason: Why = "", actor: Who = "", as_json: AsJson = False) -> None:
    """Sends the mails of a journey that wait for a person. They wait because the journey wrote too many within an hour.

    Example: sync-worker journeys release acme welcome --reason "the campaign is meant"
    """
    with tenant_of(portal) as tenant:
        done = hold.release(tenant, journey, actor=actor or user(), reason=_why(reason))
    _say(done, f"of {journey} were released", as_json=as_json)


@app.command()
def discard(portal: PortalName, journey: Key, reason: Why = "", actor: Who = "", as_json: AsJson = False) -> None:
    """Discards the mails of a journey that wait for a person. They are never sent.

    Example: sync-worker journeys discard acme welcome --reason "the filter was wrong"
    """
    with tenant_of(portal) as tenant:
        done = hold.discard(tenant, journey, actor=actor or user(), reason=_why(reason))
    _say(done, f"of {journey} were discarded", as_json=as_json)


def _why(reason: str) -> str:
    if not reason.strip():
        raise ConfigError("--reason: say why, for the people who read the log")
    return reason


def _say(done: int | Refusal, words: str, *, as_json: bool) -> None:
    if isinstance(done, Refusal):
        refuse(done, as_json=as_json)
    if as_json:
        show_json({"mails": done})
    else:
        out.print(f"{done} mails {words}", markup=False, highlight=False)


def _portals(folder: Path) -> list[str]:
    """The portals that have files of journeys."""
    return sorted({path.parent.name for path in folder.glob("*/*") if path.suffix in SUFFIXES})


def _written(folder: Path, name: str) -> Mapping[str, WrittenJourney]:
    """**Raises** ConfigError: every mistake, each with its place."""
    settings = read_settings()
    path = settings.config_dir / "portals" / f"{name}.yaml"
    if not path.is_file():
        what = f"there is no portal {name!r}"
        raise ConfigError(
            [Mistake(Place(str(folder / name), 1, 1), "(folder)", what, f"name the folder as a file in {path.parent} is named")]
        )
    portal = load_portal(path, os.environ)
    return journeys_of(portal, load_for_portal(portal, settings.mappings_dir), settings.config_dir)


def _row(tenant: Tenant, one: StoredJourney, held: int) -> dict[str, Any]:
    labels = side_labels(tenant.portal)
    return {
        "key": one.key,
        "version": one.version,
        "on": one.is_on,
        "trigger": str(one.journey.trigger),
        "recipients": ", ".join(recipient_label(recipient, labels) for recipient in one.journey.recipients),
        "kept_in": one.file or "the API",
        "held_mails": held,
        "name": one.journey.name,
    }


def _mails(found: JourneyPreview) -> list[dict[str, Any]]:
    told = [
        {"user": one.user.id, "recipient": one.recipient, "subject": text.subject, "body": text.body, "why_not": ""}
        for one, text in found.told
    ]
    return [
        *told,
        *({"user": one.user.id, "recipient": one.recipient, "subject": "", "body": "", "why_not": one.why_not} for one in found.not_told),
    ]
