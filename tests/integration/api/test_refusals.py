"""Bad input, over HTTP: each gets its status, a code, the field by name, what is allowed and who may; always in the same shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import sync_worker
from sync_worker import errors
from sync_worker.domain.core.problem import CODES
from sync_worker.web.api.core.problems import FAULTS, STATUS, ProblemView
from sync_worker.web.api.core.route import MOST_BYTES
from tests.integration.api.desk import Answer, Desk
from tests.integration.steps.world import TERMS
from tests.patience import HANG_S
from tests.unit.domain.test_problem import constants

PACKAGE = Path(sync_worker.__file__).parent
ROOMS = ("domain", "steps", "web")


def refused(answer: Answer) -> tuple[int, str, str]:
    """(status, code, field) of a problem that is as RFC 9457 has it."""
    problem = ProblemView.model_validate(answer.json())
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem.status == answer.status_code
    assert problem.type == f"/codes/{problem.code}"
    assert problem.code in CODES
    assert problem.detail
    return problem.status, problem.code, problem.field


# ── every code, every error ──────────────────────────────────────────────────────────────────────────────────────────


def refusal_codes(tree: ast.Module) -> Iterator[str]:
    """The codes of a module's refusals, by position; those that a name stands for are looked up in the module."""
    named = {
        ast.unparse(target): list(constants(node.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Refusal", "StaleVersion") and node.args:
            yield from constants(node.args[0]) if not isinstance(node.args[0], ast.Name) else named.get(node.args[0].id, [])


def test_every_refusal_has_its_status() -> None:
    modules = [path for room in ROOMS for path in (PACKAGE / room).rglob("*.py") if "webhooks" not in path.parts]
    found = {code for path in modules for code in refusal_codes(ast.parse(path.read_text("utf-8")))}
    assert len(found) > 60
    assert found - STATUS.keys() == set()
    assert {code for code in STATUS if code not in CODES} == set()


def test_every_error_has_its_status() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SyncError)]
    assert {kind.__name__ for kind in kinds if not any(one in FAULTS for one in kind.__mro__)} == set()


# ── deals ────────────────────────────────────────────────────────────────────────────────────────────────────────────

WRONG_DEALS: list[tuple[dict[str, Any], str, int, str, str]] = [
    ({"second_partner": "Granite Group"}, "rita", 422, "second_partner_not_associated", "second_partner"),
    ({"second_partner": "Nobody Ltd"}, "rita", 422, "second_partner_unknown", "second_partner"),
    ({"owner_company": "Nobody Ltd"}, "rita", 422, "owner_unknown", "owner_company"),
    ({}, "olga", 403, "not_a_party", "owner_company"),
    ({}, "arlo", 403, "on_behalf_off", "owner_company"),
    ({"owner_user": "nobody"}, "rita", 422, "user_unknown", "owner_user"),
    ({"owner_user": "olga"}, "rita", 422, "not_a_colleague", "owner_user"),
    ({"name": None, "prospect_name": None}, "rita", 422, "name_missing", "name"),
    ({"deal_typ": "new"}, "rita", 422, "field_unknown", "deal_typ"),
    ({"attributes": {"colour": "red"}}, "rita", 422, "field_unknown", "colour"),
    ({"stage": "Won"}, "rita", 422, "field_not_registrable", "stage"),
    ({"deal_type": "barter"}, "rita", 422, "value_not_listed", "deal_type"),
    ({"licence_count": "many"}, "rita", 422, "value_malformed", "licence_count"),
    ({"licence_count": 2**40}, "rita", 422, "value_malformed", "licence_count"),
    ({"amount": "much"}, "rita", 422, "value_malformed", "amount"),
    ({"expected_close_on": "soon"}, "rita", 422, "value_malformed", "expected_close_on"),
    ({"name": "a\x00b"}, "rita", 422, "value_malformed", "name"),
    ({"name": "\ud800"}, "rita", 422, "value_malformed", "name"),
    ({"name": "a\nb"}, "rita", 422, "value_malformed", "name"),
    ({"prospect_name": "a\u202eb"}, "rita", 422, "value_malformed", "prospect_name"),
    ({"contact_email": "nowhere"}, "rita", 422, "value_malformed", "contact_email"),
    ({"name": "x" * 256}, "rita", 422, "text_too_long", "name"),
]


@pytest.mark.parametrize(("terms", "user", "status", "code", "field"), WRONG_DEALS)
def test_a_wrong_registration(shared: Desk, terms: dict[str, Any], user: str, status: int, code: str, field: str) -> None:
    before = len(shared.get("/deals", user="vera")["items"])
    answer = shared.send("POST", "/deals", {**TERMS, **terms}, user=user)
    assert refused(answer) == (status, code, field)
    assert len(shared.get("/deals", user="vera")["items"]) == before


def test_an_unassociated_second_partner_is_refused_with_who_is_allowed(shared: Desk) -> None:
    answer = shared.send("POST", "/deals", {**TERMS, "second_partner": "Granite Group"}, user="rita").json()
    assert answer["allowed"] == ["Arrow Electronics", "Bolt Distribution"]
    assert "Arrow Electronics" in answer["who_may"]


def test_an_owner_company_is_named(shared: Desk) -> None:
    answer = shared.send("POST", "/deals", {"name": "Nobody's"}, user="rita")
    assert refused(answer) == (422, "field_missing", "owner_company")


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        ('{"owner_company": ', "application/json", "not JSON: "),
        ("{}", "text/plain", "Content-Type"),
        ("[]", "application/json", "right shape"),
    ],
)
def test_a_body_that_is_no_json_object_is_told_why(shared: Desk, body: str, content_type: str, words: str) -> None:
    headers = {"Authorization": f"Bearer {shared.token}", "Acting-User": "rita", "Content-Type": content_type}
    answer = shared.session.post(f"{shared.url}/portals/{shared.portal}/deals", data=body, headers=headers, timeout=HANG_S)
    assert refused(answer) == (422, "body_malformed", "body")
    assert words in answer.json()["detail"]


# ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stale_edit_hears_the_deal_as_it_is_now(shared: Desk) -> None:
    # Given a deal that rita has seen at version 1, and mona has changed since
    deal = shared.registered()
    shared.send("PATCH", f"/deals/{deal['id']}", {"amount": "7.00"}, user="mona", version=1)
    # When rita edits what she saw
    answer = shared.send("PATCH", f"/deals/{deal['id']}", {"amount": "9.00"}, user="rita", version=1)
    # Then she is told how it is, and nothing has changed
    assert refused(answer) == (412, "stale_version", "")
    assert answer.headers["ETag"] == '"2"'
    assert (answer.json()["current"]["version"], answer.json()["current"]["amount"]) == (2, "7.00")
    assert shared.get(f"/deals/{deal['id']}", user="rita")["amount"] == "7.00"


@pytest.mark.parametrize("tag", ['"abc"', '"99999999999999999999"', ""])
def test_a_tag_that_was_never_given_is_stale(shared: Desk, tag: str) -> None:
    deal = shared.registered()
    answer = shared.send("PATCH", f"/deals/{deal['id']}", {"amount": "9.00"}, user="rita", more={"If-Match": tag})
    assert answer.status_code == 412


@pytest.mark.parametrize(("tag", "status"), [('"1", "2"', 200), ('W/"2"', 200), ('"1", "abc"', 412), ('"abc", *', 200)])
def test_of_several_tags_the_latest_counts(shared: Desk, tag: str, status: int) -> None:
    deal = shared.registered()
    shared.send("PATCH", f"/deals/{deal['id']}", {"amount": "7.00"}, user="mona", version=1)
    answer = shared.send("PATCH", f"/deals/{deal['id']}", {"amount": "9.00"}, user="rita", more={"If-Match": tag})
    assert answer.status_code == status


def test_a_star_means_whatever_version_it_is(shared: Desk) -> None:
    deal = shared.registered()
    answer = shared.send("PATCH", f"/deals/{deal['id']}", {"amount": "9.00"}, user="rita", more={"If-Match": "*"})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


MOVES = [
    ("POST", "approvals", {"track": "vendor", "decision": "approve"}),
    ("POST", "reassign", {"owner_user": "mona"}),
    *(("POST", verb, None) for verb in ("submit", "withdraw", "disable", "enable", "finalize")),
]


@pytest.mark.parametrize(("method", "verb", "body"), [("PATCH", "", {"amount": "1.00"}), *MOVES])
def test_a_change_says_which_version_it_means_and_only_of_a_deal_that_is_seen(shared: Desk, method: str, verb: str, body: Any) -> None:
    deal = shared.registered()
    path = f"/deals/{deal['id']}/{verb}".rstrip("/")
    assert refused(shared.send(method, path, body, user="rita")) == (428, "if_match_missing", "If-Match")
    # olga is of a third company, and hears the same as of a deal that there is not
    for where, user in ((path, "olga"), (path.replace(deal["id"], "nothing"), "vera")):
        assert refused(shared.send(method, where, body, user=user, version=1)) == (404, "deal_unknown", "")


WRONG_MOVES: list[tuple[str, dict[str, Any] | None, str, int, str]] = [
    ("submit", None, "rita", 200, ""),
    ("enable", None, "vera", 200, ""),
    ("finalize", None, "rita", 409, "not_ready"),
    ("disable", None, "rita", 403, "not_a_party"),
    ("withdraw", None, "arlo", 403, "not_a_party"),
    ("approvals", {"track": "vendor", "decision": "approve"}, "rita", 403, "not_your_track"),
    ("approvals", {"track": "distributor", "decision": "approve"}, "rita", 403, "not_your_track"),
    ("approvals", {"track": "vendor", "decision": "reject"}, "vera", 422, "reason_missing"),
    ("approvals", {"track": "vendor", "decision": "renew"}, "vera", 422, "decision_not_in_track"),
    ("approvals", {"track": "distributor", "decision": "renew", "expires_on": "2027-01-01"}, "arlo", 409, "not_ready"),
    ("last-day", {"expires_on": "2099-01-01"}, "rita", 403, "not_a_party"),
    ("last-day", {"expires_on": "2099-01-01"}, "arlo", 403, "not_a_party"),
    ("last-day", {"expires_on": "2020-01-01"}, "vera", 422, "last_day_over"),
    ("last-day", {"expires_on": None}, "vera", 422, "value_malformed"),
    ("last-day", {}, "vera", 422, "field_missing"),
    ("approvals", {"track": "both", "decision": "approve"}, "vera", 422, "value_malformed"),
    ("reassign", {"owner_user": "olga"}, "rita", 422, "not_a_colleague"),
    ("reassign", {"owner_user": "nobody"}, "rita", 422, "user_unknown"),
]


@pytest.mark.parametrize(("verb", "body", "user", "status", "code"), WRONG_MOVES)
def test_a_move_that_is_not_to_be(shared: Desk, verb: str, body: Any, user: str, status: int, code: str) -> None:
    deal = shared.registered()
    answer = shared.send("POST", f"/deals/{deal['id']}/{verb}", body, user=user, version=1)
    assert answer.status_code == status, answer.text
    if code:
        assert refused(answer)[1] == code
        assert answer.json()["who_may"]
    assert shared.get(f"/deals/{deal['id']}", user="rita")["version"] == 1


def test_a_move_from_where_it_does_not_begin_hears_from_where_it_does(shared: Desk) -> None:
    deal = shared.registered(draft=True)
    answer = shared.send("POST", f"/deals/{deal['id']}/finalize", user="rita", version=1)
    assert refused(answer) == (409, "wrong_state", "")
    assert answer.json()["allowed"] == ["submitted"]


def test_a_forbidden_edit_names_who_may(shared: Desk) -> None:
    deal = shared.registered()
    answer = shared.send("PATCH", f"/deals/{deal['id']}", {"owner_company": "Cedar IT"}, user="rita", version=1)
    assert refused(answer) == (403, "owner_by_vendor_only", "owner_company")
    assert answer.json()["who_may"] == "the vendor"


# ── everything else ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/users/nobody", "user_unknown"),
        ("/companies/nobody", "company_unknown"),
        ("/companies/nobody/associated-partners", "company_unknown"),
        ("/companies/Birch Systems/associated-partners/nobody", "company_unknown"),
        ("/deals/nothing", "deal_unknown"),
        ("/deals/nothing/changes", "deal_unknown"),
        ("/nothing", "address_unknown"),
    ],
)
def test_what_there_is_not(shared: Desk, path: str, code: str) -> None:
    assert refused(shared.send("GET", path, user="vera"))[:2] == (404, code)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/companies/Summit Partners", "company_id"),
        ("/companies/Summit Partners/licences", "company_id"),
        ("/companies/Birch Systems/associated-partners/Summit Partners", "other_id"),
        ("/deals?company=Summit Partners", "company"),
        ("/deals?owner_company=Summit Partners", "owner_company"),
        ("/deals?second_partner=Summit Partners", "second_partner"),
    ],
)
def test_a_name_that_two_companies_share_is_ambiguous(shared: Desk, path: str, field: str) -> None:
    answer = shared.send("GET", path, user="vera")
    assert (answer.status_code, answer.json()["code"], answer.json().get("field", "")) == (422, "company_ambiguous", field)
    assert len(answer.json()["allowed"]) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [("cursor=x", "cursor"), ("cursor=WyIxIl0", "cursor"), ("cursor=WyJhIiwiYiJd", "cursor"), ("limit=0", "limit"), ("limit=201", "limit")],
)
def test_a_wrong_page(shared: Desk, query: str, field: str) -> None:
    status, code, named = refused(shared.send("GET", f"/deals?{query}", user="vera"))
    assert (status, named) == (422, field)
    assert code == ("cursor_malformed" if field == "cursor" else "value_malformed")


@pytest.mark.parametrize("query", ["lifecycle=gone", "updated_since=yesterday", "company=Nobody", "visible_to=nobody"])
def test_a_wrong_filter_is_named(shared: Desk, query: str) -> None:
    status, _, field = refused(shared.send("GET", f"/deals?{query}", user="vera"))
    assert status in (403, 422)
    assert field in (query.split("=")[0], "Acting-User")


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", "body_malformed"), (b"[]", "body_malformed"), (b"", "field_missing"), (b'"\xff"', "body_malformed")]
)
def test_a_body_that_is_none(shared: Desk, body: bytes, code: str) -> None:
    headers = {"Authorization": f"Bearer {shared.token}", "Acting-User": "rita", "Content-Type": "application/json"}
    answer = requests.post(f"{shared.url}/portals/acme/deals", data=body, headers=headers, timeout=HANG_S)
    assert refused(answer)[:2] == (422, code)


def test_a_body_that_is_too_large(shared: Desk) -> None:
    answer = shared.send("POST", "/deals", {"name": "x" * MOST_BYTES}, user="rita")
    assert refused(answer)[:2] == (413, "body_too_large")


def test_a_method_that_an_address_does_not_take(shared: Desk) -> None:
    answer = shared.send("DELETE", "/deals", user="rita")
    assert refused(answer)[:2] == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) & {"GET", "POST"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"primary_company": "Nobody Ltd"}, "company_unknown"),
        ({"primary_company": None}, "company_missing"),
        ({"role": "king"}, "value_malformed"),
        ({"email": "nowhere"}, "value_malformed"),
        ({"email": "nina@birch..example"}, "value_malformed"),
        ({"name": "Nina\u202e"}, "value_malformed"),
        ({"name": " \u200b"}, "value_malformed"),
        ({"boss": "rita"}, "field_unknown"),
    ],
)
def test_a_wrong_user(shared: Desk, said: dict[str, Any], code: str) -> None:
    right = {"email": "nina@example.com", "name": "Nina", "role": "sales", "primary_company": "Birch Systems"}
    assert refused(shared.send("PUT", "/users/nina", {**right, **said}))[:2] == (422, code)
    assert shared.send("GET", "/users/nina").status_code == 404


def test_what_a_code_means_is_a_page(shared: Desk) -> None:
    answer = requests.get(f"{shared.url}/codes/stale_version", timeout=HANG_S)
    assert answer.text == f"stale_version: {CODES['stale_version']}\n"
    assert requests.get(f"{shared.url}/codes/none", timeout=HANG_S).status_code == 404
