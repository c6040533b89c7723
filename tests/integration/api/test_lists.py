"""Lists are whole: whatever the OpenAPI lists is read to its end by `next`, each item once; filters narrow, and none is given twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote as quoted

import pytest

from sync_worker.domain.core.reconcile import Conflict
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.completion import Licence
from sync_worker.domain.tell.event import KINDS, By, Event
from sync_worker.steps.people.regroup import evaluate_groups
from sync_worker.store.core import failures, feed
from sync_worker.store.deals import conflicts, deals, licences
from sync_worker.store.tell import journey_log
from sync_worker.store.tell.journey_log import JourneyLogRow
from tests.contract.store.samples import failure
from tests.integration.api.desk import Desk, desk
from tests.integration.api.test_attached import sent
from tests.integration.api.test_distributors import AGREED, ARROW, uploaded
from tests.integration.api.test_quotes import approved, quote
from tests.integration.steps.world import Loaded

MANY = 3  # of everything, at least
JOURNEY = {
    "name": "Welcome",
    "trigger": "registered",
    "recipients": ["second_partner.manager"],
    "subject": "S",
    "body": "B",
    "confirm_users": 999,
}
PORTAL = "/portals/{portal}"
NOT_PAGED = {
    f"{PORTAL}/companies/{{company_id}}/terms/{{other_id}}",  # the history of one pair
    f"{PORTAL}/deals/{{deal_id}}/changes",  # one entry for each field of the deal
    f"{PORTAL}/companies/{{company_id}}/associated-partners/{{other_id}}",  # the reasons of one pair
    f"{PORTAL}/users/{{user_id}}/groups/check",  # the keys that were asked for
    f"{PORTAL}/operate/status",  # how one portal stands
    f"{PORTAL}/operate/brake",  # the few pages that are held
    PORTAL,  # one portal: its types, terms and tracks
    f"{PORTAL}/fields",  # the fields of its forms
}
"""What has a list inside one thing."""


@pytest.fixture(scope="module")
def full(sandbox: str, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, dict[str, str]]]:
    """A portal with many of everything that can be listed, and what its addresses name."""
    with desk(tmp_path_factory.mktemp("full"), sandbox, loaded) as made:
        yield made, filled(made)


def filled(acme: Desk) -> dict[str, str]:
    deal_id = approved(acme)
    staged(acme, deal_id, "Negotiation")
    for number in range(MANY):
        acme.registered(prospect_name=f"Prospect {number}", name=f"Deal {number}")
        acme.post(f"/deals/{deal_id}/quotes", quote("retail"), user="vera", status=201)
        note = acme.post(f"/deals/{deal_id}/notes", {"text": f"Note {number}"}, user="rita", status=201)
        assert sent(acme, {"id": deal_id}).status_code == 201
        acme.post(f"{ARROW}/subgroups", {"name": f"Child {number}", **AGREED}, user="arlo", status=201)
        assert uploaded(acme, "Child 0").status_code == 201
        acme.users(User(f"M{number}", f"m{number}@example.com", "Mia", Role.MANAGER, acme.id_of("Child 0")))
    partners = acme.get("/companies?account_type=partner&status=active&text=Cedar")["items"] + acme.get("/companies?text=Hazel")["items"]
    further = frozenset({acme.id_of("Arrow Electronics"), *(one["id"] for one in partners)})
    acme.users(User("polly", "polly@example.com", "Polly", Role.MANAGER, acme.id_of("Cedar IT"), further_companies=further))
    day = acme.clock().date()
    with acme.installation.store.transaction("acme") as tx:
        failures.record(tx, [failure(f"f{number}", f"00{number}", payload=None) for number in range(MANY)])
        conflicts.record(tx, [(f"k{n}", deal_id, Conflict(f"field{n}", "a", "b", "c", "", "both_changed")) for n in range(MANY)], "r1")
        licences.issue(tx, [Licence(f"l{n}", deal_id, n, acme.id_of("Birch Systems"), "Seat", 5, day, day) for n in range(MANY)])
        told = [Event("company.changed", "company", f"c{number}", By("crm", "CRM", "r1")) for number in range(MANY)]
        feed.tell(replace(tx, events=frozenset(KINDS)), told)
    for key in ("partners", "everybody", "more"):
        conditions = [{"field": "account_type", "operator": "is", "values": ["partner"]}] if key == "partners" else []
        acme.post("/groups", {"key": key, "name": key, "conditions": conditions}, status=201)
    evaluate_groups(acme.installation.tenant("acme"))
    for number in range(MANY):
        acme.post("/journeys", {**JOURNEY, "key": f"journey-{number}"}, user="vera", status=201)
        acme.send("PUT", "/journeys/journey-0", {**JOURNEY, "subject": f"S {number}"}, user="vera")
    with acme.installation.store.transaction("acme") as tx:
        rows = [JourneyLogRow(f"j{n}", tx.now, "journey-0", 1, f"registered/{n}", deal_id, "rita", "", "told") for n in range(MANY)]
        journey_log.write(tx, rows)
    for number in range(MANY):
        acme.post("/failures/replay", {"record": f"00{number}"}, status=202)
    acme.with_token("read")
    for kind in ("check", "compare"):
        inquiry = acme.post(f"/operate/{kind}", status=202)
    places = {"deal_id": deal_id, "inquiry_id": inquiry["id"], "company_id": "Arrow Electronics", "other_id": "Child 0"}
    return {**places, "note_id": note["id"], "user_id": "vera", "group": "partners", "journey": "journey-0"}


def staged(acme: Desk, deal_id: str, stage: str) -> None:
    """The deal in this stage, as the CRM would say."""
    with acme.installation.store.transaction("acme") as tx:
        stored = deals.by_ids(tx, [deal_id])[deal_id]
        deals.save(tx, [replace(stored, deal=stored.deal.changed({"stage": stage}))])


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, where it is named."""
    return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def answers(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(path, operation, members of its answer) of every GET of the portal's that answers JSON."""
    for path, operations in document["paths"].items():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if path.startswith(PORTAL) and "application/json" in content:
            schema = resolved(content["application/json"]["schema"], document)
            yield path, operations["get"], schema.get("properties", {})


def listing(document: dict[str, Any]) -> Iterator[str]:
    """Every address that lists something."""
    return (path for path, _, members in answers(document) if "items" in members)


def asked(path: str, places: dict[str, str]) -> tuple[str, str]:
    """The address with its places filled in, and who asks."""
    own = {"company_id": "Birch Systems"} if path.endswith(("/options", "{company_id}/licences")) else {}
    own |= {"company_id": "Child 0", "other_id": "Arrow Electronics"} if "agreements" in path or "terms" in path else {}
    own |= {"user_id": "rita"} if path.endswith("{user_id}/groups") else {}
    for name, value in {**places, **own}.items():
        path = path.replace(f"{{{name}}}", quoted(value))
    return path.removeprefix(PORTAL), "polly" if "subgroups" in path else "vera"


def read(acme: Desk, path: str, user: str, limit: int) -> list[Any]:
    """The list by its pages, with what was excluded from it."""
    items: list[Any] = []
    excluded: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = acme.get(f"{path}?limit={limit}{cursor and f'&cursor={cursor}'}", user=user)
        assert len(page["items"]) <= limit
        assert page["items"] or page.get("excluded"), "a page that leads to nothing"
        items, excluded, cursor = [*items, *page["items"]], [*excluded, *page.get("excluded", ())], page["next"]
    return items + excluded


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_next_leads_through_every_list_of_the_openapi_and_shows_each_item_once(full: tuple[Desk, dict[str, str]]) -> None:
    acme, places = full
    lists = list(listing(acme.app.openapi()))
    assert len(lists) > 12
    for path in lists:
        address, user = asked(path, places)
        whole = acme.get(f"{address}?limit=200", user=user)
        assert len(whole["items"]) > 1, f"fill {path}: one item shows nothing"
        assert whole["next"] is None
        for limit in (1, 2, len(whole["items"])):
            assert read(acme, address, user, limit) == whole["items"] + whole.get("excluded", []), (path, limit)
        assert len({str(item) for item in whole["items"]}) == len(whole["items"]), path


def test_whatever_the_openapi_answers_with_a_list_takes_a_cursor_and_a_limit(full: tuple[Desk, dict[str, str]]) -> None:
    document = full[0].app.openapi()
    for path, operation, members in answers(document):
        is_list = any(member.get("type") == "array" and name == "items" for name, member in members.items())
        has_list = any(member.get("type") == "array" for member in members.values())
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert {"limit", "cursor"} <= names if is_list else not {"limit", "cursor"} & names, path
        assert is_list == ("next" in members), path
        if has_list and not is_list:
            assert path in NOT_PAGED or "deals/{deal_id}" in path or "{" in path.rsplit("/", 1)[1], path


def test_a_cursor_of_another_list_or_of_nobody_is_refused_by_every_list(full: tuple[Desk, dict[str, str]]) -> None:
    acme, places = full
    for path in listing(acme.app.openapi()):
        address, user = asked(path, places)
        for cursor in ("x", "bnVsbA", "WzFd", "WyJhIiwiYiIsImMiLCJkIiwiZSIsImYiXQ"):
            answer = acme.send("GET", f"{address}?cursor={cursor}", user=user)
            assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "cursor_malformed", "cursor"), path


def test_what_comes_in_between_two_pages_moves_nothing(acme: Desk) -> None:
    def record(*ids: str) -> None:
        with acme.installation.store.transaction("acme") as tx:
            failures.record(tx, [failure(id_, id_, code="gave_up", payload=None) for id_ in ids])

    # Given failures of one cause, and a first page of them
    record("a", "b", "c", "d")
    page = acme.get("/failures?code=gave_up&limit=2")
    # When one of the rest is met again, and a new one comes in
    acme.clock.forward(minutes=1)
    record("d", "e")
    # Then the rest is the rest
    rest = acme.get(f"/failures?code=gave_up&cursor={page['next']}")
    assert [one["id"] for one in [*page["items"], *rest["items"]]] == ["a", "b", "c", "d"]
    assert rest["next"] is None


# ── filters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def names(acme: Desk, path: str) -> set[str]:
    return {one["name"] for one in acme.get(path)["items"]}


def test_companies_are_narrowed_by_type_status_and_text(shared: Desk) -> None:
    whole = shared.get("/companies?limit=200")["items"]
    for filters in ({"account_type": "second_partner"}, {"status": "active"}, {"account_type": "partner", "status": "inactive"}):
        path = "/companies?limit=200&" + "&".join(f"{name}={value}" for name, value in filters.items())
        right = {one["name"] for one in whole if all(one[name] == value for name, value in filters.items())}
        assert names(shared, path) == right
    assert names(shared, "/companies?text=ARROW") == {"Arrow Electronics"}
    assert names(shared, "/companies?text=%25") == set()
    assert names(shared, "/companies?text=_") == set()
    assert names(shared, "/companies?text=%5C") == set()


def test_users_are_narrowed_by_company_role_and_text(shared: Desk) -> None:
    assert names(shared, "/users?company=Arrow%20Electronics") == {"Arlo", "Sal", "Both"}
    assert names(shared, "/users?role=executive") == {"Edna"}
    assert names(shared, "/users?company=Birch%20Systems&role=sales&text=RIT") == {"Rita"}
    assert names(shared, "/users?text=edna@example") == {"Edna"}
    assert names(shared, "/users?text=%25") == names(shared, "/users?text=_") == set()
    nowhere = shared.send("GET", "/users?company=Nowhere")
    assert (nowhere.status_code, nowhere.json()["code"], nowhere.json()["field"]) == (422, "company_unknown", "company")


@pytest.mark.parametrize("path", ["/companies", "/users"])
def test_a_filter_that_does_not_exist_names_the_nearest(shared: Desk, path: str) -> None:
    refused = shared.send("GET", f"{path}?txt=Arrow").json()
    assert (refused["code"], refused["field"]) == ("field_unknown", "txt")
    assert refused["detail"] == "there is no parameter 'txt'; did you mean 'text'?"
    assert {"text", "group"} <= set(refused["allowed"])


@pytest.mark.parametrize(
    ("path", "field", "allowed"),
    [
        ("/companies?status=actve", "status", "active"),
        ("/companies?account_type=vndor", "account_type", "vendor"),
        ("/users?role=boss", "role", "sales"),
    ],
)
def test_a_value_that_a_filter_does_not_have_is_refused_with_those_it_has(shared: Desk, path: str, field: str, allowed: str) -> None:
    answer = shared.send("GET", path)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert allowed in answer.json()["allowed"]


def test_companies_and_users_are_narrowed_by_group(acme: Desk) -> None:
    # Given a group, before and after a worker has evaluated it
    conditions = [{"field": "name", "operator": "starts_with", "values": ["Birch"]}]
    acme.post("/groups", {"key": "birch", "name": "Birch", "conditions": conditions}, status=201)
    assert names(acme, "/companies?group=birch") == set()
    evaluate_groups(acme.installation.tenant("acme"))
    # When companies and users are asked for by it, then they are those of the group
    assert names(acme, "/companies?group=birch") == {"Birch Systems"}
    assert names(acme, "/companies?group=birch&text=arrow") == set()
    assert names(acme, "/users?group=birch") == {"Rita", "Bert", "Mona", "Edna"}
    assert names(acme, "/users?group=birch&role=executive") == {"Edna"}
    # and a group that does not exist is refused, with the nearest
    for path in ("/companies", "/users"):
        refused = acme.send("GET", f"{path}?group=brich")
        assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "group_unknown", "group")
        assert (refused.json()["detail"], refused.json()["allowed"]) == ("there is no group 'brich'; did you mean 'birch'?", ["birch"])


def test_without_second_partners_they_are_partners_in_the_filter_as_in_the_list(sandbox: str, loaded: Loaded, tmp_path: Path) -> None:
    with desk(tmp_path, sandbox, loaded, {"two_tier": False, "deals": {"record": "lead", "approvals": ["vendor"]}}) as single:
        assert "Arrow Electronics" in names(single, "/companies?account_type=partner&limit=200")
        refused = single.send("GET", "/companies?account_type=second_partner")
        assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "two_tier_off", "account_type")


VALUES = {
    "limit": "1",
    "code": "name_blank",
    "unread": "true",
    "since": "2026-03-02T09:00:00Z",
    "resolved": "false",
    "at": "2026-03-02T09:00:00Z",
    "updated_since": "2026-03-02T09:00:00Z",
    "account_type": "partner",
    "status": "active",
    "role": "sales",
    "groups": "partners",
    "group": "partners",
    "kind": "check",
    "lifecycle": "draft",
    "vendor_approval": "pending",
    "distributor_approval": "pending",
    "company": "Birch Systems",
    "owner_company": "Birch Systems",
    "second_partner": "Arrow Electronics",
    "outcome": "open",
    "label": "Distributor",
    "sort": "-amount",
    "by": "month",
    **{f"{span}_{end}": "2026-03-02" for span in ("created", "registered", "expected_close", "expires") for end in ("from", "to")},
}


def test_a_parameter_that_is_given_twice_is_refused_by_every_get(full: tuple[Desk, dict[str, str]]) -> None:
    acme, places = full
    tried = set()
    for path, operation, _ in answers(acme.app.openapi()):
        for name in (one["name"] for one in operation["parameters"] if one["in"] == "query" and one["name"] != "cursor"):
            address, user = asked(path, {**places, "quote_id": "none", "user_id": "vera" if "/notifications" in path else "rita"})
            once = f"{name}={quoted(VALUES.get(name, user))}"
            if acme.send("GET", f"{address}?{once}", user=user).status_code != 200:
                assert path.endswith("/quotes/{quote_id}"), (path, name)
                continue
            answer = acme.send("GET", f"{address}?{once}&{once}", user=user)
            assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "field_repeated", name), path
            tried.add(name)
    assert VALUES.keys() <= tried
