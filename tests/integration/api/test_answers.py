"""What the addresses answer when all is well: users, companies and whom they may work with, a deal's way, and what an operator does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from crm_sandbox.remote import Remote
from sync_worker.domain.core.reconcile import Conflict
from sync_worker.domain.tell.event import KINDS, By, Event
from sync_worker.steps.operate import halt
from sync_worker.steps.operate.intervene import go_on_queued
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import failures, feed
from sync_worker.store.core.failures import Failure
from sync_worker.store.deals import conflicts
from sync_worker.web.api.deals import deal_shapes
from sync_worker.web.api.people import user_shapes
from tests.integration.api.desk import Desk, desk
from tests.integration.steps.world import TERMS, Loaded

FEED: Final = {"feed": {"url": "http://127.0.0.1:9/events", "secret": "${FEED_SECRET}"}}
NINA = {"email": "nina@example.com", "name": "Nina", "role": "sales", "primary_company": "Birch Systems"}


# ── users ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_user_is_told_of_lives_and_is_forgotten(acme: Desk) -> None:
    # Given a user that the portal tells of, who registers a deal
    told = acme.send("PUT", "/users/nina", NINA)
    assert user_shapes.UserView.model_validate(told.json()).primary_company == acme.id_of("Birch Systems")
    deal = acme.registered("nina")
    # When she is deactivated, and then erased
    assert acme.send("DELETE", "/users/nina").json()["is_active"] is False
    assert acme.send("GET", "/deals", user="nina").json()["code"] == "user_inactive"
    acme.post("/users/nina/erase", status=204)
    # Then the deal stays, and nothing of her name is on it
    assert acme.send("GET", "/users/nina").json()["code"] == "user_unknown"
    story = acme.send("GET", f"/deals/{deal['id']}/changes", user="vera").text
    assert "Nina" not in story
    assert "an erased person" in story


def test_users_come_page_by_page(shared: Desk) -> None:
    first = shared.get("/users?limit=4")
    second = shared.get(f"/users?limit=200&cursor={first['next']}")
    ids = [user["id"] for user in (*first["items"], *second["items"])]
    assert ids == sorted(ids)
    assert len(ids) == len(set(ids)) >= 10
    assert second["next"] is None


# ── companies ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_companies_come_by_name_page_by_page(shared: Desk) -> None:
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = shared.get(f"/companies?limit=7{cursor and f'&cursor={cursor}'}")
        found, cursor = [*found, *page["items"]], page["next"]
    assert [one["name"] for one in found] == sorted(one["name"] for one in found)
    assert len({one["id"] for one in found}) == len(found) == 20


def test_one_company_goes_by_id_crm_id_or_name(shared: Desk) -> None:
    by_name = shared.get("/companies/Birch Systems")
    assert by_name == shared.get(f"/companies/{by_name['id']}") == shared.get(f"/companies/{by_name['crm_id']}")


def test_associated_partners_stand_on_both_kinds_with_every_reason_and_what_was_excluded(shared: Desk) -> None:
    birch = shared.get("/companies/Birch Systems/associated-partners")
    arrow = shared.get("/companies/Arrow Electronics/associated-partners")
    hazel = shared.get("/companies/Hazel Cloud/associated-partners")
    fir = shared.get("/companies/Fir Technologies/associated-partners")
    assert {one["company"]["name"] for one in birch["items"]} == {"Arrow Electronics", "Bolt Distribution"}
    assert "Birch Systems" in {one["company"]["name"] for one in arrow["items"]}
    assert [reason["source"] for one in birch["items"] for reason in one["reasons"]] == ["contract", "contract"]
    assert [(out["value"], out["code"]) for out in hazel["excluded"]] == [("Cascade Supply", "company_inactive")]
    assert [(out["value"], out["company_id"]) for out in fir["excluded"]] == [("Zenith Supply", None)]
    assert birch["second_partner_label"] == "Distributor"


def test_associated_partners_come_page_by_page(shared: Desk) -> None:
    whole = shared.get("/companies/Arrow Electronics/associated-partners")
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = shared.get(f"/companies/Arrow Electronics/associated-partners?limit=2{cursor and f'&cursor={cursor}'}")
        found, cursor = [*found, *page["items"]], page["next"]
    assert found == whole["items"]
    assert len(found) > 2


def test_a_pair_is_explained_associated_or_not_now_and_then(shared: Desk) -> None:
    pair = "/companies/Birch Systems/associated-partners/"
    assert shared.get(f"{pair}Arrow Electronics")["is_associated"] is True
    missing = shared.get(f"{pair}Granite Group")
    assert (missing["is_associated"], missing["since"]) == (False, None)
    assert missing["words"]
    assert shared.get(f"{pair}Arrow Electronics?at=2020-01-01T00:00:00Z")["is_associated"] is False


def test_the_forms_options_are_what_the_server_takes(shared: Desk) -> None:
    birch, dogwood = shared.get("/companies/Birch Systems/options"), shared.get("/companies/Dogwood Networks/options")
    assert (birch["is_offered"], [one["name"] for one in birch["items"]]) == (True, ["Arrow Electronics", "Bolt Distribution"])
    assert (dogwood["is_offered"], dogwood["items"]) == (False, [])


# ── a deal's way ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deal_goes_its_way_and_says_what_each_may_do(acme: Desk) -> None:
    # Given a draft that is edited and submitted
    deal = acme.registered(draft=True)
    path = f"/deals/{deal['id']}"
    assert (deal["lifecycle"], "submit" in deal["moves"]) == ("draft", True)
    edited = acme.send("PATCH", path, {"amount": "48000.00", "contact_last_name": None, "attributes": {}}, user="rita", version=1)
    assert (edited.json()["amount"], edited.json()["contact_last_name"], edited.headers["ETag"]) == ("48000.00", None, '"2"')
    submitted = acme.post(f"{path}/submit", user="rita", version=2)
    assert (submitted["lifecycle"], submitted["distributor_approval"]) == ("submitted", "pending")
    # When each side sees what it may do, and does it
    assert {"approve_distributor", "reject_distributor"} <= set(acme.get(path, user="arlo")["moves"])
    assert {"approve_vendor", "reject_vendor", "return_vendor", "disable"} <= set(acme.get(path, user="vera")["moves"])
    acme.post(f"{path}/approvals", {"track": "distributor", "decision": "approve"}, user="arlo", version=3)
    approved = acme.post(f"{path}/approvals", {"track": "vendor", "decision": "approve"}, user="vera", version=4)
    assert (approved["vendor_approval"], approved["distributor_approval"]) == ("approved", "approved")
    assert "finalize" in acme.get(path, user="rita")["moves"]
    reset = acme.send("PATCH", path, {"licence_count": 30}, user="rita", version=5).json()
    # Then an edit of the terms has set both tracks back, and the story tells who did what
    assert (reset["vendor_approval"], reset["distributor_approval"]) == ("pending", "pending")
    story = acme.get(f"{path}/changes", user="rita")
    (licences,) = [field for field in story["fields"] if field["field"] == "licence_count"]
    assert (licences["value"], licences["set_by"]["actor"], licences["in_crm"]) == (30, "Rita (rita)", "owed")
    assert deal_shapes.DealStoryView.model_validate(story).version == 6


def test_who_decided_when_and_why_stands_in_the_deals_body_for_both_sides_and_in_its_story(acme: Desk) -> None:
    # Given a registration that waits
    deal = acme.registered()
    path, today = f"/deals/{deal['id']}", acme.clock.now.date().isoformat()
    names = [f"{track}_{name}" for track in ("vendor", "distributor") for name in ("decided_by", "decided_on", "reason")]
    assert [deal[name] for name in names] == [None] * 6
    # When the distributor approves it and the vendor returns it
    acme.post(f"{path}/approvals", {"track": "distributor", "decision": "approve", "reason": "ours"}, user="arlo", version=1)
    said = {"track": "vendor", "decision": "return", "reason": "Name the project"}
    acme.post(f"{path}/approvals", said, user="vera", version=2)
    # Then the reseller reads who, when and why, alone and in the list, and how it came about
    alone = acme.get(path, user="rita")
    assert [alone[name] for name in names] == ["Vera (vera)", today, "Name the project", "Arlo (arlo)", today, "ours"]
    (listed,) = [one for one in acme.get("/deals", user="rita")["items"] if one["id"] == deal["id"]]
    assert {name: listed[name] for name in names} == {name: alone[name] for name in names}
    story = {field["field"]: field for field in acme.get(f"{path}/changes", user="rita")["fields"]}
    assert story["vendor_reason"]["set_by"]["why"] == "Vera (vera): return as vendor: Name the project"
    # and nobody writes these fields by hand
    refused = acme.send("PATCH", path, {"vendor_reason": "no"}, user="rita", version=3).json()
    assert (refused["code"], refused["field"]) == ("field_not_registrable", "vendor_reason")
    # and new terms take both decisions back
    reset = acme.send("PATCH", path, {"licence_count": 30}, user="rita", version=3).json()
    assert [reset[name] for name in names] == [None] * 6


def test_the_vendor_gives_a_last_day_and_a_renewal_is_refused_in_the_words_of_the_request(acme: Desk) -> None:
    # Given an approved registration without a last day: nothing to renew
    deal = acme.registered()
    path = f"/deals/{deal['id']}"
    for track, user, version in (("distributor", "arlo", 1), ("vendor", "vera", 2)):
        acme.post(f"{path}/approvals", {"track": track, "decision": "approve"}, user=user, version=version)
    assert "renew" not in acme.get(path, user="arlo")["moves"]
    assert "set_last_day" in acme.get(path, user="vera")["moves"]
    # When the vendor gives it one
    dated = acme.post(f"{path}/last-day", {"expires_on": "2099-06-30", "reason": "a long tender"}, user="vera", version=3)
    # Then it stands there with its reason, and the distributor may renew
    assert dated["expires_on"] == "2099-06-30"
    assert "renew" in acme.get(path, user="arlo")["moves"]
    (day,) = [field for field in acme.get(f"{path}/changes", user="rita")["fields"] if field["field"] == "expires_on"]
    assert "a long tender" in day["set_by"]["why"]
    # And a refused renewal names the field as the request does
    said = {"track": "distributor", "decision": "renew", "expires_on": "2099-06-30"}
    refused = acme.send("POST", f"{path}/approvals", said, user="arlo", version=4).json()
    assert (refused["code"], refused["field"]) == ("renewal_not_later", "expires_on")


def test_a_second_registration_of_a_prospect_is_warned_of(acme: Desk) -> None:
    acme.registered()
    late = acme.registered("olga", owner_company="Cedar IT", second_partner=None)
    assert [warning["code"] for warning in late["warnings"]] == ["same_prospect"]


# ── two-tier off ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def solo(sandbox: str, loaded: Loaded, tmp_path: Path) -> Iterator[Desk]:
    """The same companies, in a portal that has switched second partners off."""
    with desk(tmp_path, sandbox, loaded, {"two_tier": False, "deals": {"record": "lead", "approvals": ["vendor"]}}) as made:
        yield made


def test_without_two_tiers_nothing_tells_of_second_partners(solo: Desk) -> None:
    # Given a deal of a portal with two-tier off
    terms = {name: value for name, value in TERMS.items() if name != "second_partner"}
    deal = solo.post("/deals", terms, user="rita", status=201)
    # When everything that shows deals and companies is looked at
    paths = (
        "/deals",
        f"/deals/{deal['id']}",
        f"/deals/{deal['id']}/changes",
        "/companies?limit=200",
        "/companies/Arrow Electronics",
        "",
        "/fields",
    )
    # Then no field, type or column of second partners is there, and its addresses are none
    for path in paths:
        text = solo.send("GET", path, user="rita").text
        assert "second_partner" not in text, path
        assert "distributor_" not in text, path
    for path in ("associated-partners", "associated-partners/Arrow Electronics", "options"):
        assert solo.send("GET", f"/companies/Birch Systems/{path}").json()["code"] == "address_unknown"
    assert solo.send("POST", "/deals", TERMS, user="rita").json()["code"] == "two_tier_off"


# ── what an operator does ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_conflict_is_listed_and_decided_by_whoever_holds_the_token(acme: Desk) -> None:
    # Given a conflict on a deal that the CRM has never seen
    deal = acme.registered()
    with acme.installation.store.side_transaction("acme") as tx:
        conflicts.record(tx, [("c-1", deal["id"], Conflict("amount", "1.00", "2.00", "3.00", "", "both_changed", "ask"))], "run-1")
    # When it is listed and decided
    (found,) = acme.get("/conflicts")["items"]
    assert (found["id"], found["field"], found["crm"], found["portal"], found["taken"]) == ("c-1", "amount", "2.00", "3.00", "")
    answer = acme.send("POST", "/conflicts/c-1/resolve", {"take": "crm"})
    # Then it is refused in words: there is no record to choose from
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict_without_record")
    assert acme.send("POST", "/conflicts/nothing/resolve", {"take": "crm"}).status_code == 404


def test_what_is_wrong_with_a_deal_stands_in_its_body_for_who_sees_it(acme: Desk) -> None:
    # Given a deal with a problem for its people, one for the vendor, one for operators, and a field that waits
    deal = acme.registered()
    found = [("parent_gone", "second_partner"), ("same_prospect", "prospect_name"), ("gave_up", "")]
    with acme.installation.store.side_transaction("acme") as tx:
        rows = [
            Failure(f"f-{code}", "problem", "deal", deal["id"], "register", code, "00Q5g000004XXXXEA4", "run-1", field)
            for code, field in found
        ]
        failures.record(tx, rows)
        conflicts.record(tx, [("c-1", deal["id"], Conflict("amount", "1.00", "2.00", "3.00", "", "both_changed", "ask"))], "run-1")
    # When a member of its company, and one of the list, look at it
    path = f"/deals/{deal['id']}"
    alone = acme.send("GET", path, user="rita").json()
    (listed,) = [one for one in acme.send("GET", "/deals", user="rita").json()["items"] if one["id"] == deal["id"]]
    # Then both say what is wrong, in words for partners, without an id of the CRM
    assert [(flag["code"], flag["field"]) for flag in alone["flags"]] == [("both_changed", "amount"), ("parent_gone", "second_partner")]
    assert listed["flags"] == alone["flags"]
    assert "00Q5" not in str(alone["flags"])
    # and an operator has the rest, the closed ones with when and how
    with acme.installation.store.side_transaction("acme") as tx:
        failures.close(tx, ["f-gave_up"], "written")
    assert "gave_up" not in {one["code"] for one in acme.get("/failures?limit=200")["items"]}
    (closed,) = [one for one in acme.get("/failures?limit=200&resolved=true")["items"] if one["code"] == "gave_up"]
    assert (closed["resolution"], bool(closed["resolved_at"]), closed["discarded_at"]) == ("written", True, None)


def test_failures_are_listed_and_left_to_the_workers(acme: Desk) -> None:
    found = acme.get("/failures?limit=200")["items"]
    codes = {one["code"] for one in found}
    assert "contract_value_unresolved" in codes
    (narrowed,) = {one["code"] for one in acme.get("/failures?code=contract_value_unresolved")["items"]}
    assert narrowed == "contract_value_unresolved"
    assert acme.send("POST", "/failures/replay", {}).json()["code"] == "field_missing"
    for answer in (acme.send("POST", "/failures/replay", {"code": "unlisted_valu"}), acme.send("GET", "/failures?code=unlisted_valu")):
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "code_unknown", "code")
        assert answer.json()["allowed"] == ["unlisted_value"]
    owed = acme.post("/failures/replay", {"record": next(one["record"] for one in found if one["code"] == "unlisted_value")}, status=202)
    assert owed["count"] > 0
    acme.wakes("replay")
    # And the replay says how it goes, and how it ended
    replay = acme.get(f"/replays/{owed['id']}")
    assert (replay["finished_at"], replay["outcomes"]["left"]) == (None, owed["count"])
    tenant = acme.installation.tenant("acme", "operator")
    go_on_queued(tenant)
    (ended,) = acme.get("/replays")["items"]
    assert ended["finished_at"]
    assert ended["outcomes"]["failed"] == owed["count"]
    assert acme.send("GET", "/replays/nothing").json()["code"] == "replay_unknown"
    assert acme.post("/failures/replay", {"code": "not_a_set"}, status=202) == {"count": 0, "id": None, "waits": None}
    assert acme.get("/replays?limit=1") == {"items": [ended], "next": None}


def test_in_a_paused_portal_what_an_operator_asks_for_is_kept_and_the_answer_says_that_it_waits(acme: Desk, sandbox: str) -> None:
    # Given a conflict, and a person who has paused the portal
    deal, tenant = acme.registered(), acme.installation.tenant("acme")
    push(tenant)
    with acme.installation.store.transaction("acme") as tx:
        conflicts.record(tx, [("c-1", deal["id"], Conflict("name", "Before", "Theirs", deal["name"], "", "both_changed", "ask"))], "run-1")
    halt.pause(tenant, actor="Ann", reason="they move tonight")
    with Remote(sandbox) as remote:
        remote.reset_calls()
    # When a program decides, asks for a replay and registers a deal
    resolved = acme.post("/conflicts/c-1/resolve", {"take": "crm"})
    owed = acme.post("/failures/replay", {"code": "unlisted_value"}, status=202)
    acme.registered(prospect_name="Another prospect")
    # Then all of it is kept, the answers say what it waits for, and the CRM has heard of nothing
    assert resolved["is_applied"] is False
    assert resolved["conflict"]["decision"] == "crm"
    assert [one["waits"] for one in (resolved, owed)] == ["the portal is paused by Ann 0 s ago: they move tonight"] * 2
    assert acme.get(f"/replays/{owed['id']}")["outcomes"]["left"] == owed["count"]
    with Remote(sandbox) as remote:
        assert remote.calls()["total"] == 0


def test_a_place_older_than_the_events_that_are_kept_is_gone_and_the_answer_has_the_oldest_place(acme: Desk) -> None:
    # Given five events, of which a reader has seen two
    with acme.installation.store.side_transaction("acme") as tx:
        feed.tell(replace(tx, events=frozenset(KINDS)), [Event("company.changed", "company", "c1", By("crm", "CRM", "r1"))] * 5)
    place = acme.get("/feed/events?limit=2")["next"]
    # When the first three are no longer kept
    with acme.installation.store.side_transaction("acme") as tx:
        feed.forget(tx, [1, 2, 3])
    # Then the place is refused, and the answer has the one from which everything that is kept follows
    answer = acme.send("GET", f"/feed/events?cursor={place}")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (410, "place_gone", "cursor")
    (oldest,) = answer.json()["allowed"]
    assert [event["seq"] for event in acme.get(f"/feed/events?cursor={oldest}")["items"]] == [4, 5]
    assert [event["seq"] for event in acme.get("/feed/events")["items"]] == [4, 5]


def test_events_that_are_no_longer_kept_are_not_told_again_and_the_answer_has_the_oldest_one(
    sandbox: str, loaded: Loaded, tmp_path: Path
) -> None:
    with desk(tmp_path, sandbox, loaded, FEED) as acme:
        # Given five events, of which the first three are no longer kept
        with acme.installation.store.side_transaction("acme") as tx:
            feed.tell(replace(tx, events=frozenset(KINDS)), [Event("company.changed", "company", "c1", By("crm", "CRM", "r1"))] * 5)
            feed.forget(tx, [1, 2, 3])
        # When a program asks for one of those
        answer = acme.send("POST", "/feed/replay", {"from_seq": 3})
        # Then it hears the oldest one there is, in words and to go on with, and nothing is sent again
        told = answer.json()
        assert (answer.status_code, told["code"], told["field"], told["allowed"]) == (410, "place_gone", "from_seq", ["4"])
        assert "event 3 is older than feed.keep and is gone; the oldest event there is has the number 4" in answer.text
        assert acme.woken == []
        # and what is allowed is taken
        assert acme.post("/feed/replay", {"from_seq": int(told["allowed"][0])}, status=202) == {"count": 2}
        # When none is kept any more, then the answer names the next one
        with acme.installation.store.side_transaction("acme") as tx:
            feed.forget(tx, [4, 5])
        answer = acme.send("POST", "/feed/replay", {"from_seq": 5})
        assert (answer.status_code, answer.json()["allowed"]) == (410, ["6"])
        assert "no event is kept; the next one gets the number 6" in answer.text


def test_a_portal_without_a_feed_has_no_events_to_tell_again(acme: Desk) -> None:
    assert acme.get("/feed/events") == {"items": [], "next": None}
    assert acme.send("POST", "/feed/replay", {"from_seq": 1}).status_code == 404
