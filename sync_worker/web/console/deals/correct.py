"""One deal corrected by an admin of the vendor: its fields, its owner in the partner's company, and the signature on its quote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.values import plain
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.steps.deals.decide import change as change_deal
from sync_worker.steps.deals.decide import reassign
from sync_worker.steps.deals.forms import FormField, forms
from sync_worker.steps.deals.move import Moved, MoveRequest, open_to, record_of
from sync_worker.steps.deals.quote import sign
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals
from sync_worker.web.api.core.views import label_of
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, ConsoleChange, ConsoleVisit, Managing
from sync_worker.web.console.core.lists import listed, unlisted
from sync_worker.web.console.core.route import console_router
from sync_worker.web.console.deals.filters import refusal_words

router = console_router()

SAID: Final = "field:"  # a field of the form: field:amount
GONE: Final = TurnedAway(404, "There is no such deal", "The address is mistyped, or the deal is of another portal.")


@router.get("/deals/{deal_id}/correct")
def show_correction(visit: Managing, deal_id: str) -> Response:
    """The fields that may be corrected now, as they are."""
    with visit.tenant.store.reading(visit.portal) as tx:
        context = _form(tx, visit, deal_id)
    return visit.console.pages.show("deals/correct.html", context)


@router.post("/deals/{deal_id}/correct")
def correct_deal(change: Arranging, deal_id: str) -> Response:
    """Changes the fields in which the person wrote something else, if the deal is still as the person has seen it."""
    visit = change.visit
    with visit.tenant.store.reading(visit.portal) as tx:
        shown = {field.name: (field, text) for field, text in _form(tx, visit, deal_id)["fields"]}
    written = {name: _read(field, said) for name, (field, text) in shown.items() if (said := _said(change, name, text)) != text}
    if not written:
        raise TurnedAway(422, "Nothing was changed", "Every field says what the deal says. Go back and write into the one that is wrong.")
    return _done(visit, deal_id, change_deal(visit.tenant, deal_id, written, asked_by(change)))


@router.post("/deals/{deal_id}/reassign")
def reassign_deal(change: Arranging, deal_id: str) -> Response:
    """Makes another member of the partner's company the owner of the deal."""
    visit = change.visit
    return _done(visit, deal_id, reassign(visit.tenant, deal_id, change.text("owner_user"), asked_by(change)))


@router.post("/deals/{deal_id}/sign")
def sign_deal(change: Arranging, deal_id: str) -> Response:
    """Writes down that the quote was signed outside of the portal."""
    visit = change.visit
    return _done(visit, deal_id, sign(visit.tenant, deal_id, change.text("quote"), asked_by(change)))


def asked_by(change: ConsoleChange) -> MoveRequest:
    """Who asks, why, and which version of the deal the person has seen."""
    version = change.text("version")
    known = int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
    return MoveRequest(change.visit.for_vendor, change.text("reason"), version=known)


def _done(visit: ConsoleVisit, deal_id: str, done: Moved | Refusal) -> Response:
    if isinstance(done, Refusal):
        raise TurnedAway(409, "Nothing was changed", refusal_words(done))
    visit.console.follow_ups(visit.portal, done.follow_ups)
    return RedirectResponse(f"{visit.address}/deals/{deal_id}", 303)


def _form(tx: Tx, visit: ConsoleVisit, deal_id: str) -> dict[str, Any]:
    """**Shapes** `fields`: each with its text as it is. **Raises** TurnedAway."""
    tenant, stored = visit.tenant, deals.get(tx, deal_id)
    if stored is None:
        raise GONE
    deal = tenant.shown(stored.deal)
    if Verb.EDIT not in open_to(tx, tenant, deal, visit.for_vendor):
        state = deal.lifecycle.replace("_", " ")
        raise TurnedAway(409, "This deal cannot be corrected now", f"Its state is {state}. Its page says what may be done with it.")
    record = record_of(tx, tenant, deal_id).record
    form = next(one for one in forms(tenant).deals if one.record == record)
    editable = [field for field in form.fields if field.is_editable]
    names = _company_names(tx, [deal.values.get(field.name) for field in editable if field.kind == "company"])
    fields = [(field, _text(deal.values.get(field.name), names)) for field in editable]
    called = {"owner_company": tenant.portal.partner.display_label or "Partner", "second_partner": label_of(tenant)}
    name = deal.values.get("name") or deal.values.get("prospect_name") or deal.id
    return visit.context(here="Deals", deal=deal, name=name, version=stored.version, fields=fields, said=SAID, called=called)


def _company_names(tx: Tx, ids: Iterable[Any]) -> Mapping[str, str]:
    """Id → name, where the name says which company is meant; a person may write a name, our id or the CRM's."""
    found = companies.by_ids(tx, {str(one) for one in ids if one})
    return {company.id: company.name for company in found.values()}


def _text(value: Any, names: Mapping[str, str]) -> str:
    """A value as a person writes it."""
    shown = plain(value)
    if isinstance(shown, list | tuple):
        return listed([str(one) for one in shown])
    if isinstance(shown, bool):
        return "true" if shown else "false"
    return "" if shown is None else names.get(str(shown), str(shown))


def _said(change: ConsoleChange, name: str, text: str) -> str:
    """What the form says of this field; a field that it does not have stays as it is."""
    key = f"{SAID}{name}"
    return change.text(key) if key in change.form else text


def _read(field: FormField, said: str) -> Any:
    if field.kind == "set":
        return list(unlisted(said))
    if field.kind == "boolean" and said:
        return said == "true"
    return said or None
