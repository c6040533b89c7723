"""Dynamic groups over HTTP: made, tried, edited, deleted; who is in them; what a user may see by them; what is wrong, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sync_worker.steps.people.regroup import evaluate_groups
from tests.integration.api.desk import Answer, Desk

PARTNERS = {"field": "account_type", "operator": "is", "values": ["partner"]}
BIRCH = {"field": "name", "operator": "is", "values": ["Birch Systems"]}


def make(acme: Desk, key: str, *conditions: Mapping[str, Any], **more: Any) -> Answer:
    answer = acme.send("POST", "/groups", {"key": key, "name": key.title(), "conditions": list(conditions)}, **more)
    evaluate_groups(acme.installation.tenant("acme"))
    return answer


def ids(acme: Desk, path: str) -> list[str]:
    return [one["id"] for one in acme.get(path)["items"]]


def test_a_group_is_made_evaluated_edited_and_deleted(acme: Desk) -> None:
    # Given a new group
    answer = acme.send("POST", "/groups", {"key": "birch", "name": "Birch", "conditions": [BIRCH]})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/portals/acme/groups/birch")
    assert answer.json()["conditions"] == [{**BIRCH, "words": "name is Birch Systems"}]
    assert (answer.json()["is_evaluated"], ids(acme, "/groups/birch/users")) == (False, [])
    acme.wakes("regroup")
    # When a worker has evaluated it, then its active users are in it
    evaluate_groups(acme.installation.tenant("acme"))
    found = acme.get("/groups/birch")
    assert (found["is_evaluated"], found["company_count"], found["user_count"]) == (True, 1, 4)
    assert ids(acme, "/groups/birch/users") == ["bert", "edna", "mona", "rita"]
    assert [one["key"] for one in acme.get("/users/rita/groups")["items"]] == ["birch"]
    assert acme.get("/users/rita/groups")["items"][0]["companies"] == [{"id": acme.id_of("Birch Systems"), "name": "Birch Systems"}]
    # When it is edited, then its members stay until the edit is evaluated
    edited = acme.send("PUT", "/groups/birch", {"name": "Cedar", "conditions": [{**BIRCH, "values": ["Cedar IT"]}]})
    assert (edited.status_code, edited.json()["is_evaluated"], edited.json()["name"]) == (200, False, "Cedar")
    assert ids(acme, "/groups/birch/users") == ["bert", "edna", "mona", "rita"]
    evaluate_groups(acme.installation.tenant("acme"))
    assert ids(acme, "/groups/birch/users") == ["both", "olga"]
    # When it is deleted, then it is gone
    assert acme.send("DELETE", "/groups/birch").status_code == 204
    assert acme.send("GET", "/groups/birch").status_code == 404
    assert acme.get("/users/olga/groups")["items"] == []


def test_a_request_that_is_sent_again_makes_one_group(acme: Desk) -> None:
    body = {"key": "birch", "name": "Birch", "conditions": [BIRCH]}
    first, again = (acme.send("POST", "/groups", body, key="one") for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    other = acme.send("POST", "/groups", body)
    assert (other.status_code, other.json()["code"], other.json()["field"]) == (409, "group_exists", "key")


def test_conditions_are_tried_before_a_group_is_made(acme: Desk) -> None:
    found = acme.post("/groups/preview", {"conditions": [BIRCH]})
    assert (found["company_count"], found["user_count"], found["warnings"]) == (1, 4, [])
    assert [one["name"] for one in found["companies"]] == ["Birch Systems"]
    assert [one["id"] for one in found["users"]] == ["bert", "edna", "mona", "rita"]
    assert acme.get("/groups")["items"] == []


def test_a_group_that_would_be_empty_or_everybody_says_so(acme: Desk) -> None:
    nowhere = [{"field": "name", "operator": "is", "values": ["Nowhere Inc"]}]
    [warning] = acme.post("/groups/preview", {"conditions": nowhere})["warnings"]
    assert (warning["code"], "so the group is empty" in warning["message"]) == ("group_empty", True)
    [warning] = make(acme, "all").json()["warnings"]
    assert (warning["code"], "so everybody is in the group" in warning["message"]) == ("group_of_everybody", True)
    [warning] = acme.post("/groups/preview", {"conditions": [{**BIRCH, "values": ["Hazel Partners"]}]})["warnings"] or [{"code": ""}]
    assert warning["code"] == "group_empty"


def test_whether_a_user_may_see_what_is_restricted_to_groups_is_one_call(acme: Desk) -> None:
    make(acme, "birch", BIRCH)
    make(acme, "partners", PARTNERS)
    seen = acme.get("/users/rita/groups/check?groups=birch,gone,partners")
    assert seen == {"may_see": True, "groups": ["birch", "partners"], "unknown": ["gone"], "words": "Rita is in birch, partners"}
    unseen = acme.get("/users/olga/groups/check?groups=birch")
    assert (unseen["may_see"], unseen["words"]) == (False, "Olga is not in birch")
    assert acme.get("/users/gone/groups/check?groups=birch")["words"] == "Gone is inactive, and an inactive user is in no group"
    assert acme.send("GET", "/users/rita/groups/check").json()["code"] == "field_missing"
    assert acme.send("GET", "/users/rita/groups/check?groups=,").json()["code"] == "value_malformed"
    assert acme.send("GET", "/users/x/groups/check?groups=birch").json()["code"] == "user_unknown"


def test_the_fields_that_conditions_may_name_are_listed_with_operators_and_values(acme: Desk) -> None:
    fields = {one["name"]: one for one in acme.get("/groups/fields?limit=200")["items"]}
    assert fields["tier"]["operators"] == ["is", "is_not", "one_of", "none_of", "is_blank", "is_not_blank"]
    assert fields["tier"]["values"] == ["Registered", "Silver", "Gold", "Platinum"]
    assert (fields["product_lines"]["kind"], fields["name"]["values"]) == ("set", None)


@pytest.mark.parametrize(
    ("condition", "code", "field", "words", "allowed"),
    [
        ({"field": "teir", "operator": "is", "values": ["Gold"]}, "field_unknown", "conditions.0.field", "did you mean 'tier'?", "tier"),
        (
            {"field": "tier", "operator": "equals", "values": ["x"]},
            "value_malformed",
            "conditions.0.operator",
            "allowed: is, is_not",
            "one_of",
        ),
        (
            {"field": "tier", "operator": "is", "values": ["Godl"]},
            "value_not_listed",
            "conditions.0.values",
            "did you mean 'Gold'?",
            "Gold",
        ),
        ({"field": "tier", "operator": "is", "values": []}, "value_malformed", "conditions.0.values", "it takes 1 value", None),
    ],
)
def test_a_wrong_condition_is_named_with_what_is_allowed(
    shared: Desk, condition: dict[str, Any], code: str, field: str, words: str, allowed: str | None
) -> None:
    for method, path, more in (("POST", "/groups", {"key": "x", "name": "X"}), ("POST", "/groups/preview", {})):
        answer = shared.send(method, path, {**more, "conditions": [condition]})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (422, code, field)
        assert words in f"{problem['detail']}; {problem['who_may']}"
        assert allowed is None or allowed in problem["allowed"]


def test_every_wrong_condition_is_told(shared: Desk) -> None:
    wrong = [{"field": "teir", "operator": "is", "values": [1]}, PARTNERS, {"field": "name", "operator": "between", "values": [True]}]
    problem = shared.send("POST", "/groups/preview", {"conditions": wrong}).json()
    assert [one["field"] for one in problem["errors"]] == ["conditions.0.field", "conditions.2.operator"]


def test_a_group_that_is_not_there_is_named_with_the_nearest(acme: Desk) -> None:
    make(acme, "gold-partners", PARTNERS)
    for method, path, body in (
        ("GET", "/groups/gold-partner", None),
        ("GET", "/groups/gold-partner/users", None),
        ("PUT", "/groups/gold-partner", {"name": "X", "conditions": []}),
        ("DELETE", "/groups/gold-partner", None),
    ):
        answer = acme.send(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "group_unknown")
        assert "did you mean 'gold-partners'?" in answer.json()["detail"]


def test_addresses_of_their_own_are_not_keys(shared: Desk) -> None:
    answer = shared.send("POST", "/groups", {"key": "preview", "name": "X", "conditions": []})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "value_malformed", "key")
