"""Subgroups, terms and agreements over HTTP: the whole way to a subgroup's deal, and every bad input with its answer."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from sync_worker.domain.core.user import Role, User
from sync_worker.domain.distributors.upload import AGREEMENT
from tests.integration.api.desk import Answer, Desk
from tests.patience import HANG_S

ARROW, BIRCH = "/companies/Arrow Electronics", "/companies/Birch Systems"
AGREED = {"may_register": True, "percents": {"new": "12.50"}}
PDF = b"%PDF-1.7 signed by both"


def uploaded(desk: Desk, company: str, content: bytes = PDF, name: str = "Signed.pdf", *, user: str = "arlo") -> Answer:
    return desk.session.post(
        f"{desk.url}/portals/acme/companies/{company}/agreements/Arrow Electronics",
        files={"file": (name, content)},
        headers={"Authorization": f"Bearer {desk.token}", "Acting-User": user},
        timeout=HANG_S,
    )


def kept(desk: Desk) -> list[Path]:
    folder = Path(desk.installation.settings.files_url.removeprefix("file://"))
    return [path for path in folder.rglob("*") if path.is_file()]


# ── the way to a subgroup's deal ─────────────────────────────────────────────────────────────────────────────────────


def test_a_subgroup_gets_members_an_agreement_and_registers(acme: Desk) -> None:
    # Given a subgroup that a member of the distributor made, asked for twice by one key
    first = acme.post(f"{ARROW}/subgroups", {"name": "Delta IT", **AGREED}, user="arlo", status=201, key="k1")
    again = acme.post(f"{ARROW}/subgroups", {"name": "Delta IT", **AGREED}, user="arlo", status=201, key="k1")
    assert first == again
    assert (first["how"], first["parent"]["name"], first["percents"]) == ("created", "Arrow Electronics", {"new": "12.50"})
    assert [one["company"]["name"] for one in acme.get(f"{ARROW}/subgroups", user="sal")["items"]] == ["Delta IT"]
    # with a member whom the parent added
    acme.users(User("dora", "dora@example.com", "Dora", Role.MANAGER, acme.id_of("Cedar IT")))
    place = f"{ARROW}/subgroups/Delta IT/members"
    assert acme.send("PUT", f"{place}/dora", user="arlo").status_code == 200
    assert [one["id"] for one in acme.get(place, user="dora")["items"]] == ["dora"]
    # When she registers before the agreement is on file
    deal = {"owner_company": "Delta IT", "prospect_name": "Harbor", "contact_last_name": "Berg", "deal_type": "new"}
    refused = acme.send("POST", "/deals", deal, user="dora")
    assert (refused.status_code, refused.json()["code"]) == (409, "agreement_missing")
    # Then she does once it is, and the deal names the parent
    answer = uploaded(acme, "Delta IT", name="../../Signed.PDF")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["version"], told["name"], told["sha256"]) == (1, "Signed.PDF", hashlib.sha256(PDF).hexdigest())
    made = acme.post("/deals", deal, user="dora", status=201)
    assert made["second_partner"] == acme.id_of("Arrow Electronics")
    # and it takes no type that the terms do not know, nor does a draft become a deal by one
    edited = acme.send("PATCH", f"/deals/{made['id']}", {"deal_type": "renewal"}, user="dora", version=1)
    assert (edited.status_code, edited.json()["code"]) == (422, "percent_missing")
    draft = acme.post("/deals", {**deal, "deal_type": "renewal", "draft": True}, user="dora", status=201)
    submitted = acme.send("POST", f"/deals/{draft['id']}/submit", user="dora", version=1)
    assert (submitted.status_code, submitted.json()["code"]) == (422, "percent_missing")
    # and it keeps its parent, which the vendor alone takes off a deal, and says why
    place = f"/deals/{made['id']}"
    kept = acme.send("PATCH", place, {"second_partner": None}, user="dora", version=1)
    assert (kept.status_code, kept.json()["code"], kept.json()["who_may"]) == (403, "parent_kept", "the vendor, with a reason")
    silent = acme.send("PATCH", place, {"second_partner": None}, user="vera", version=1)
    assert (silent.status_code, silent.json()["code"], silent.json()["field"]) == (422, "reason_missing", "reason")
    let_go = acme.send("PATCH", place, {"second_partner": None, "reason": "sold by us"}, user="vera", version=1)
    assert (let_go.status_code, let_go.json()["second_partner"]) == (200, None)
    (told,) = [one for one in acme.get(f"{place}/changes", user="dora")["fields"] if one["field"] == "second_partner"]
    assert "sold by us" in str(told)
    back = acme.send("PATCH", place, {"second_partner": "Arrow Electronics"}, user="dora", version=2)
    assert back.status_code == 200
    # and every member of the parent sees it
    assert acme.get(f"/deals/{made['id']}", user="sal")["id"] == made["id"]
    # When the parent renames it, then the deals show the new name, and a name in use is refused
    assert acme.post(f"{ARROW}/subgroups/Delta IT/rename", {"name": "Delta North"}, user="arlo")["company"]["name"] == "Delta North"
    assert acme.get(f"/deals/{made['id']}", user="arlo")["owner_company_name"] == "Delta North"
    in_use = acme.send("POST", f"{ARROW}/subgroups/Delta North/rename", {"name": "birch systems"}, user="arlo")
    assert (in_use.status_code, in_use.json()["code"], in_use.json()["field"]) == (409, "company_exists", "name")
    # When the parent lets it go, then the deals are named, and it is not renamed any more
    gone = acme.post(f"{ARROW}/subgroups/Delta North/disassociate", user="arlo")
    late = acme.send("POST", f"{ARROW}/subgroups/Delta North/rename", {"name": "Delta"}, user="arlo")
    assert (late.status_code, late.json()["code"]) == (409, "not_a_subgroup")
    assert (set(gone["flagged"]), gone["until"] is not None) == ({made["id"], draft["id"]}, True)
    assert acme.get(f"{ARROW}/subgroups", user="arlo")["items"] == []


def test_a_company_is_promoted_by_a_member_of_both_and_has_one_parent(acme: Desk) -> None:
    # Given one who is a member of both
    both = frozenset({acme.id_of("Arrow Electronics")})
    acme.users(User("duo", "duo@example.com", "Duo", Role.MANAGER, acme.id_of("Birch Systems"), both))
    assert [one["name"] for one in acme.get(f"{ARROW}/subgroups/candidates", user="duo")["items"]] == ["Birch Systems"]
    assert acme.get(f"{ARROW}/subgroups/candidates", user="arlo")["items"] == []
    stranger = acme.send("POST", f"{ARROW}/subgroups/Birch Systems/promote", AGREED, user="arlo")
    assert (stranger.status_code, stranger.json()["code"]) == (403, "not_a_member")
    # When it is promoted
    assert acme.post(f"{ARROW}/subgroups/Birch Systems/promote", AGREED, user="duo")["how"] == "promoted"
    # Then a second time is refused with the parent's name
    again = acme.send("POST", f"{ARROW}/subgroups/Birch Systems/promote", AGREED, user="duo")
    assert (again.status_code, again.json()["code"]) == (409, "has_parent")
    assert "Arrow Electronics" in again.json()["detail"]
    assert acme.get(f"{ARROW}/subgroups/candidates", user="duo")["items"] == []


# ── terms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_terms_have_a_history_and_are_set_by_those_above(acme: Desk) -> None:
    place = f"{BIRCH}/terms/Arrow Electronics"
    assert acme.get(place, user="rita") == {"current": None, "history": []}
    assert acme.send("PUT", place, AGREED, user="arlo").status_code == 200
    acme.clock.forward(seconds=60)
    second = acme.send("PUT", place, {"may_register": False, "percents": {"new": 0, "renewal": 7.5}}, user="both").json()
    assert second["current"]["percents"] == {"new": "0.00", "renewal": "7.50"}
    assert [one["may_register"] for one in second["history"]] == [True, False]
    assert acme.get(place, user="vera") == second
    assert acme.send("PUT", place, AGREED, user="rita").json()["code"] == "not_a_member"
    assert acme.send("GET", place, user="olga").json()["code"] == "not_a_member"
    assert acme.send("PUT", f"{ARROW}/terms/Birch Systems", AGREED, user="arlo").json()["code"] == "no_terms_between"
    # and by them the partner registers nothing more
    refused = acme.send(
        "POST", "/deals", {"owner_company": "Birch Systems", "second_partner": "Arrow Electronics", "name": "X"}, user="rita"
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "may_not_register")


@pytest.mark.parametrize("percent", ["101", "-1", "1.234", "ten", 100.01, True, None, [], "NaN"])
def test_a_percent_that_is_none_is_refused(shared: Desk, percent: Any) -> None:
    answer = shared.send("PUT", f"{BIRCH}/terms/Arrow Electronics", {"may_register": True, "percents": {"new": percent}}, user="arlo")
    assert answer.status_code == 422
    assert "new" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "user", "status", "code"),
    [
        ("GET", f"{ARROW}/subgroups", None, "rita", 403, "not_a_member"),
        ("GET", "/companies/Nobody/subgroups", None, "arlo", 404, "company_unknown"),
        ("POST", f"{ARROW}/subgroups", {"name": "X", **AGREED}, "olga", 403, "not_a_member"),
        ("POST", f"{ARROW}/subgroups", {"name": "  ", **AGREED}, "arlo", 422, "subgroup_name_missing"),
        ("POST", f"{ARROW}/subgroups", {"name": "X", "color": "red", **AGREED}, "arlo", 422, "field_unknown"),
        ("POST", f"{ARROW}/subgroups", {"name": "Birch Systems", **AGREED}, "arlo", 409, "company_exists"),
        ("POST", f"{BIRCH}/subgroups", {"name": "X", **AGREED}, "rita", 422, "parent_not_a_second_partner"),
        ("POST", f"{ARROW}/subgroups/Bolt Distribution/promote", AGREED, "arlo", 422, "subgroup_not_a_partner"),
        ("POST", f"{ARROW}/subgroups/Birch Systems/disassociate", None, "arlo", 409, "not_a_subgroup"),
        ("POST", f"{ARROW}/subgroups/Birch Systems/rename", {"name": "X"}, "arlo", 409, "not_a_subgroup"),
        ("POST", f"{ARROW}/subgroups/Birch Systems/rename", {"name": "X"}, "rita", 403, "not_a_member"),
        ("POST", f"{ARROW}/subgroups/Birch Systems/rename", {"nam": "X"}, "arlo", 422, "field_missing"),
        ("GET", f"{ARROW}/subgroups/Birch Systems/members", None, "arlo", 409, "not_a_subgroup"),
        ("PUT", f"{ARROW}/subgroups/Birch Systems/members/rita", None, "arlo", 409, "not_a_subgroup"),
        ("GET", f"{BIRCH}/agreements/Arrow Electronics", None, "rita", 403, "not_a_member"),
        ("GET", f"{BIRCH}/agreements/Arrow Electronics/..%2F..%2Fsync-worker.db", None, "arlo", 404, "address_unknown"),
        ("GET", f"{BIRCH}/agreements/Arrow Electronics/nothing", None, "arlo", 404, "agreement_unknown"),
        ("POST", f"{BIRCH}/agreements/Arrow Electronics", {"file": "no form"}, "arlo", 422, "field_missing"),
    ],
)
def test_every_bad_input_has_its_answer(shared: Desk, method: str, path: str, body: Any, user: str, status: int, code: str) -> None:
    answer = shared.send(method, path, body, user=user)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# ── agreements ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"MZ a program", "signed.pdf", 415, "file_type_unknown"),
        (PDF, "signed.png", 415, "file_type_not_as_named"),
        (b"", "signed.pdf", 422, "file_empty"),
        (PDF + b"x" * AGREEMENT.most_bytes, "signed.pdf", 413, "file_too_large"),
        (PDF + b"x" * (AGREEMENT.most_bytes + (1 << 17)), "signed.pdf", 413, "body_too_large"),
    ],
    ids=["type", "name", "empty", "large", "larger"],
)
def test_of_a_refused_upload_nothing_is_kept(shared: Desk, content: bytes, name: str, status: int, code: str) -> None:
    before = kept(shared)
    answer = uploaded(shared, "Cedar IT", content, name)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert kept(shared) == before
    assert shared.get("/companies/Cedar IT/agreements/Arrow Electronics", user="arlo")["items"] == []


def test_versions_are_kept_and_only_the_upper_ones_members_and_the_vendor_have_them(shared: Desk) -> None:
    # Given two versions, and one that a stranger brought
    assert uploaded(shared, "Birch Systems", user="rita").json()["code"] == "not_a_member"
    assert kept(shared) == []
    first, second = (uploaded(shared, "Birch Systems", PDF + end).json() for end in (b"1", b"2"))
    place = f"{BIRCH}/agreements/Arrow Electronics"
    assert [one["version"] for one in shared.get(place, user="both")["items"]] == [2, 1]
    # When they are downloaded, then each is what came in, under a name of ours
    for one, end in ((first, b"1"), (second, b"2")):
        answer = shared.send("GET", f"{place}/{one['id']}", user="vera")
        assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, PDF + end, "application/pdf")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="agreement-{one["version"]}.pdf"'
    # and others have none of them, not by another pair's address either
    assert shared.send("GET", f"{place}/{first['id']}", user="rita").status_code == 403
    assert shared.send("GET", f"/companies/Cedar IT/agreements/Arrow Electronics/{first['id']}", user="arlo").status_code == 404
