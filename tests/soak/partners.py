"""What people do in the portal, over the product's own API. A request without an answer is made again, with the same key."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import requests

from sync_worker.domain.core.reconcile import comparable
from sync_worker.domain.core.values import Plain
from sync_worker.store.core import companies
from sync_worker.store.deals import deals
from tests.simulation.ledger import TRACKED
from tests.simulation.people import _day
from tests.soak.places import Errand, Place

VERA: Final = "vera"  # an admin of the vendor: she may register for everybody, edit everything, and decide
ANSWER_S: Final = 8.0  # then she asks again
AGAIN: Final = frozenset({0, 408, 425, 429})
UNDER_WAY: Final = "request_under_way"
READ: Final[Mapping[str, Any]] = {"amount": Decimal, "expected_close_on": date.fromisoformat, "expires_on": date.fromisoformat}


def ask(
    place: Place, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any, Mapping[str, str]]:
    """Status, document and headers; status 0 where no answer came."""
    sent = {"Authorization": f"Bearer {place.token}", **(headers or {})}
    try:
        answer = place.session.request(method, f"{place.api_url}/{path}", json=body, headers=sent, timeout=ANSWER_S)
        return answer.status_code, answer.json(), answer.headers
    except (requests.RequestException, ValueError):
        return 0, None, {}


def begin(place: Place) -> bool:
    """The portal tells of its user, once the vendor's company is known."""
    if not place.is_open:
        with place.store.reading(place.portal.name) as tx:
            vendor = companies.vendor(tx)
        if vendor:
            user = {"email": "vera@example.com", "name": "Vera", "role": "manager", "primary_company": vendor.id, "is_vendor_admin": True}
            status, document, _ = ask(place, "PUT", f"users/{VERA}", body=user)
            place.is_open = status == 200
            if not place.is_open:
                place.say(f"portal: Vera is not taken: {status} {document}")
    return place.is_open


def run_errand(place: Place, errand: Errand) -> bool:
    """Whether it was answered."""
    status, document, _ = ask(place, errand.method, errand.path, body=errand.body, headers=errand.headers)
    is_under_way = isinstance(document, dict) and document.get("code") == UNDER_WAY
    if status in AGAIN or status >= 500 or is_under_way:
        return False
    said = "done" if status < 300 else f"{status} {document.get('code') if isinstance(document, dict) else ''}"
    place.say(f"portal: {errand.words}: {said}")
    errand.heard(status, document)
    return True


def send(place: Place, errand: Errand) -> None:
    """Now; where no answer comes, it is left to `run_errands`."""
    if not run_errand(place, errand):
        place.say(f"portal: {errand.words}: no answer yet")
        place.errands.append(errand)
        place.happened["a person in the portal gets no answer, and asks again"] += 1


def run_errands(place: Place) -> None:
    """What was not answered is asked again."""
    place.errands = [errand for errand in place.errands if not run_errand(place, errand)]


def _headers(tag: str = "") -> dict[str, str]:
    """Of a request that may be made again."""
    return {"Acting-User": VERA, "Idempotency-Key": str(uuid.uuid4()), **({"If-Match": tag} if tag else {})}


def values_of(document: Mapping[str, Any]) -> dict[str, Plain]:
    """The fields of an answer that the ledger follows."""
    return {
        name: comparable(READ[name](value) if value is not None and name in READ else value)
        for name in TRACKED
        if name in document
        for value in [document[name]]
    }


def registers(place: Place) -> None:
    """Somebody registers a deal: with a distributor of its own, with any, or with none."""
    with place.store.reading(place.portal.name) as tx:
        known = [stored.company for stored in companies.listed(tx) if not stored.company.is_deleted]
    if not known:
        return
    number, dice = place.number(), place.dice
    owner, second = dice.choice(known), dice.choice(known)
    body: dict[str, Any] = {
        "owner_company": owner.id,
        "name": f"Deal {number}",
        "prospect_name": f"Prospect {number}",
        "amount": f"{number}.25",
        "licence_count": number,
        "contact_last_name": "Roe",
        "expected_close_on": _day(place).isoformat(),
        "deal_type": "new",
    }
    if dice.random() < 0.6:
        _, offered, _ = ask(place, "GET", f"companies/{owner.id}/options")
        ids = [company["id"] for company in (offered or {}).get("items", ())]
        body["second_partner"] = dice.choice(ids or [second.id])

    def heard(status: int, document: Any) -> None:
        if status == 201:
            deal_id, at = document["id"], place.time.crm_now
            place.say(f"portal: registered {deal_id}")
            place.ledger.registered.append(deal_id)
            place.warm(deal_id)
            for name, value in values_of(document).items():
                place.ledger.wrote("portal", deal_id, name, value, before=None, at=at)

    send(place, Errand(f"register Deal {number}", "POST", "deals", body, _headers(), "", heard))


def _a_deal(place: Place) -> str:
    with place.store.reading(place.portal.name) as tx:
        found = {stored.deal.id for stored in deals.listed(tx)}
    found = {deal_id for deal_id in found if not place.is_waiting_for(deal_id)}
    hot = [deal_id for deal_id in place.hot if deal_id in found]
    return str(place.dice.choice(hot if hot and place.dice.random() < 0.7 else sorted(found))) if found else ""


def changes(place: Place) -> None:
    """Somebody edits a deal in the portal, as it is shown."""
    deal_id = _a_deal(place)
    if not deal_id:
        return
    with place.store.reading(place.portal.name) as tx:
        known = [stored.company.id for stored in companies.listed(tx)]
    number, dice = place.number(), place.dice
    choices: dict[str, Any] = {
        "name": f"Deal {number}",
        "prospect_name": f"Prospect {number}",
        "amount": f"{number}.25",
        "expected_close_on": _day(place).isoformat(),
        "licence_count": number,
        "deal_type": dice.choice(("new", "renewal", "upsell")),
        "billing_cycle": dice.choice(("annual", "monthly", "up_front", None)),
        "term_years": dice.choice((1, 2, 3)),
        "second_partner": dice.choice([*known, None, None]),
        "owner_company": dice.choice(known),
    }
    wanted = {name: choices[name] for name in dice.sample(list(choices), dice.choice((1, 1, 2)))}
    status, document, headers = ask(place, "GET", f"deals/{deal_id}", headers={"Acting-User": VERA})
    if status != 200:
        place.say(f"portal: {deal_id} is not shown ({status})")
        return
    before = values_of(document)

    def heard(status: int, document: Any) -> None:
        if status == 200:
            for name, new in values_of(document).items():
                if name in wanted and new != before.get(name):
                    place.ledger.wrote("portal", deal_id, name, new, before=before.get(name), at=place.time.crm_now)
            place.warm(deal_id)

    shown = ", ".join(f"{name}={value}" for name, value in wanted.items())
    send(place, Errand(f"{deal_id} {shown}", "PATCH", f"deals/{deal_id}", wanted, _headers(headers["ETag"]), deal_id, heard))


def decides(place: Place) -> None:
    """The vendor says yes or no, also in the place of a distributor."""
    deal_id = _a_deal(place)
    if not deal_id:
        return
    status, _, headers = ask(place, "GET", f"deals/{deal_id}", headers={"Acting-User": VERA})
    if status == 200:
        track, decision = place.dice.choice(("distributor", "vendor")), place.dice.choice(("approve", "approve", "reject"))
        body = {"track": track, "decision": decision, "reason": "because"}
        words = f"{decision} {deal_id} on {track}"
        send(place, Errand(words, "POST", f"deals/{deal_id}/approvals", body, _headers(headers["ETag"]), deal_id, lambda *_: None))


BY_PARTNERS: Final = (
    (4, "somebody registers a deal in the portal", registers),
    (12, "somebody edits a deal in the portal", changes),
    (4, "somebody decides in the portal", decides),
)
