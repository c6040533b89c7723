"""No address shows anybody a deal that `can_see` denies: every person × every GET of the application, as its OpenAPI has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sync_worker.domain.people.visibility import can_see
from sync_worker.steps.people.users import reps_of, viewer_of
from sync_worker.store.core import failures
from sync_worker.store.core.failures import Failure
from sync_worker.store.deals import deals
from sync_worker.store.people import people
from tests.integration.api.desk import Desk
from tests.integration.api.test_who_sees_what import BY_OPERATOR

OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PLACES: Mapping[str, str] = {
    "portal": "acme",
    "company_id": "Birch Systems",
    "other_id": "Arrow Electronics",
    "user_id": "rita",
    "agreement_id": "none",
    "quote_id": "none",
    "note_id": "none",
    "file_id": "none",
    "group": "partners",
    "journey": "none",
}


@pytest.fixture(scope="module")
def told(shared: Desk) -> Desk:
    """Deals of two companies, with and without a second partner, own and others', a draft."""
    shared.registered("rita")
    shared.registered("bert", second_partner="Bolt Distribution")
    shared.registered("mona", second_partner=None)
    shared.registered("edna", draft=True)
    shared.registered("olga", owner_company="Cedar IT")
    shared.registered("olga", owner_company="Cedar IT", second_partner=None, draft=True)
    return shared


def sight_of(desk: Desk, user_id: str) -> tuple[set[str], set[str]]:
    """(deals this person may see, all others), by the one pure function."""
    with desk.installation.store.reading("acme") as tx:
        user = people.get(tx, user_id)
        assert user
        found, viewer = deals.listed(tx), viewer_of(tx, desk.installation.tenant("acme"), user)
        reps = reps_of(tx, [stored.deal.owner_user for stored in found])
        seen = {one.deal.id for one in found if can_see(viewer, one.deal, reps.get(one.deal.owner_user or ""))}
    return seen, {one.deal.id for one in found} - seen


def addresses(desk: Desk) -> Iterator[str]:
    for path, operations in desk.app.openapi()["paths"].items():
        if "get" in operations and path.startswith("/portals/"):
            yield path


def test_every_address_hides_what_is_not_for_a_person(told: Desk) -> None:
    # Given ten people, a token that reads, and every address that shows anything
    reader = told.with_token("read")
    operators = {f"/portals/{{portal}}{operation.removeprefix('GET ')}" for operation in BY_OPERATOR}
    paths = [path for path in addresses(told) if path not in operators]
    users = [user["id"] for user in told.get("/users")["items"]]
    assert len(users) == 10
    checked = 0
    for user in users:
        seen, hidden = sight_of(told, user)
        for path in paths:
            for deal_id in (*sorted(seen | hidden),) if "{deal_id}" in path else ("",):
                # When the person looks
                answer = reader.send("GET", filled(path, deal_id), user=user)
                # Then what is hidden is nowhere in it, and a deal's own address says that there is none
                assert not hidden & set(OURS.findall(answer.text)) - {deal_id}, (user, path)
                if deal_id in hidden:
                    assert answer.status_code in ((404,) if user != "gone" else (403,)), (user, path)
                checked += 1
    assert checked > 200


def filled(path: str, deal_id: str) -> str:
    """After `/portals/acme`. A place that nobody has named here fails the test: say how it is filled."""
    places = {**PLACES, "deal_id": deal_id}
    return re.sub(r"\{(\w+)\}", lambda match: places[match[1]], path).removeprefix("/portals/acme")


@pytest.mark.parametrize("user", ["rita", "bert", "mona", "edna", "arlo", "sal", "both", "olga", "vera"])
def test_a_list_is_exactly_what_a_person_may_see(told: Desk, user: str) -> None:
    seen, _ = sight_of(told, user)
    assert {deal["id"] for deal in told.get("/deals?limit=200", user=user)["items"]} == seen


@pytest.mark.parametrize(("asks", "of"), [("vera", "arlo"), ("arlo", "vera"), ("mona", "olga"), ("edna", "rita")])
def test_visible_to_shows_what_both_may_see(told: Desk, asks: str, of: str) -> None:
    both = sight_of(told, asks)[0] & sight_of(told, of)[0]
    assert {deal["id"] for deal in told.get(f"/deals?visible_to={of}&limit=200", user=asks)["items"]} == both


def test_flags_are_those_of_the_one_who_is_shown_less(told: Desk) -> None:
    # Given a deal with something wrong that only the vendor is shown
    deal_id = told.registered("rita")["id"]
    with told.installation.store.transaction("acme") as tx:
        words = {"object": "deal", "record": deal_id, "stage": "pull", "code": "duplicate_in_crm", "message": "two records", "run_id": ""}
        failures.record(tx, [Failure(id="f-1", kind="problem", **words)])
    # When the vendor looks alone, and then with one of the partner's people
    alone = told.get(f"/deals/{deal_id}", user="vera")
    both = told.get(f"/deals/{deal_id}?visible_to=rita", user="vera")
    (listed,) = [one for one in told.get("/deals?visible_to=rita&limit=200", user="vera")["items"] if one["id"] == deal_id]
    # Then the flag is there for the vendor alone, and what may be done is still what the vendor may do
    assert "duplicate_in_crm" in [flag["code"] for flag in alone["flags"]]
    assert (both["flags"], listed["flags"]) == ([], [])
    assert both["moves"] == alone["moves"]


def test_who_moves_a_deal_out_of_sight_is_not_shown_it(told: Desk) -> None:
    # Given a deal that mona registered for rita
    deal = told.registered("mona", owner_user="rita")
    assert told.get(f"/deals/{deal['id']}", user="rita")["owner_user"] == "rita"
    # When rita gives it to bert, whose deals she does not see
    answer = told.send("POST", f"/deals/{deal['id']}/reassign", {"owner_user": "bert"}, user="rita", version=1)
    # Then it is done, she is shown nothing of it, and for her there is no such deal
    assert (answer.status_code, answer.content) == (204, b"")
    assert told.get(f"/deals/{deal['id']}", user="mona")["owner_user"] == "bert"
    assert told.send("GET", f"/deals/{deal['id']}", user="rita").json()["code"] == "deal_unknown"


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ids(answer: Mapping[str, Any]) -> list[str]:
    return [one["id"] for one in answer["items"]]


def test_pages_are_the_list_and_what_comes_in_meanwhile_moves_nothing(acme: Desk) -> None:
    # Given seven deals, and the first page of them
    for number in range(7):
        acme.registered(name=f"Deal {number}")
        acme.clock.forward(seconds=1)
    whole = ids(acme.get("/deals?limit=200", user="vera"))
    first = acme.get("/deals?limit=3", user="vera")
    # When a deal comes in, and the rest is read
    acme.registered(name="Late")
    found, cursor = ids(first), first["next"]
    while cursor:
        page = acme.get(f"/deals?limit=3&cursor={cursor}", user="vera")
        found, cursor = [*found, *ids(page)], page["next"]
    # Then each deal was there once, in order
    assert found == whole


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("lifecycle=draft", {"C"}),
        ("second_partner=Bolt Distribution", {"B"}),
        ("company=Arrow Electronics", {"A", "C"}),
        ("owner_company=Cedar IT", {"D"}),
        ("owner_user=bert", {"B"}),
        ("vendor_approval=approved", {"A"}),
        ("distributor_approval=not_required", {"D"}),
        ("text=harbor", {"A"}),
        ("text=100%25", set()),
        ("text=_", set()),
        ("updated_since=2030-01-01T00:00:00Z", set()),
        ("updated_since=2020-01-01T00:00:00%2B02:00&lifecycle=submitted", {"A", "B", "D"}),
        ("stage=none", set()),
    ],
)
def test_a_list_is_narrowed(narrow: Desk, query: str, names: set[str]) -> None:
    found = narrow.get(f"/deals?{query}", user="vera")["items"]
    assert {deal["name"] for deal in found if len(deal["name"]) == 1} == names


@pytest.fixture(scope="module")
def narrow(shared: Desk) -> Desk:
    one = shared.registered("rita", name="A", prospect_name="Harbor Freight Lines")
    shared.post(f"/deals/{one['id']}/approvals", {"track": "vendor", "decision": "approve"}, user="vera", version=1)
    shared.registered("bert", name="B", second_partner="Bolt Distribution")
    shared.registered("rita", name="C", draft=True)
    shared.registered("olga", name="D", owner_company="Cedar IT", second_partner=None)
    return shared


def test_the_second_partners_column_has_the_portals_label(shared: Desk) -> None:
    deal = shared.registered()
    listed = shared.get("/deals", user="rita")
    assert listed["second_partner_label"] == "Distributor"
    (found,) = [one for one in listed["items"] if one["id"] == deal["id"]]
    assert (found["second_partner"], found["second_partner_name"]) == (shared.id_of("Arrow Electronics"), "Arrow Electronics")
    assert json.dumps(found["amount"]) == '"1200.50"'
