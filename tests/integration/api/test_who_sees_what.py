"""Who may see what: person × address × portal, for every operation of the served OpenAPI, with `visible_to` and without.

An operation that has no line in the tables below fails the first test: say there who may see what it shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import requests

from sync_worker.domain.core.user import Role, User
from sync_worker.steps.deals.complete import complete
from sync_worker.store.people import people
from tests.integration.api.desk import Answer, Desk, desk, made_token
from tests.integration.steps.world import PORTAL, Loaded
from tests.patience import HANG_S

# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────

EVERYBODY: Final = frozenset({"rita", "mona", "bert", "arlo", "sal", "olga", "vera"})
OF_THE_DEAL: Final = frozenset({"rita", "mona", "arlo", "vera"})
"""Its owner, the owner's manager, a manager of its second partner, the vendor's admin. Not: a colleague in sales, a third company."""
OF_DISTRIBUTOR_PRICING: Final = frozenset({"arlo", "vera"})
OF_ARROW: Final = frozenset({"arlo", "sal"})
NOT_THERE: Final = ("nobody", "gone")
"""A user that the portal never told of, and one that it deactivated."""

# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────

PUBLIC: Final = frozenset({"GET /health/live", "GET /health/ready"})

BY_TOKEN: Final = frozenset(
    {
        "GET ",
        "GET /fields",
        "GET /users",
        "GET /users/{user_id}",
        "GET /users/{user_id}/groups",
        "GET /users/{user_id}/groups/check",
        "GET /groups",
        "GET /groups/fields",
        "GET /groups/{group}",
        "GET /groups/{group}/users",
        "GET /companies",
        "GET /companies/{company_id}",
        "GET /companies/{company_id}/associated-partners",
        "GET /companies/{company_id}/associated-partners/{other_id}",
        "GET /companies/{company_id}/options",
    }
)
"""What the portal itself looks at: no person is named, so `visible_to` is refused and not ignored."""

BY_OPERATOR: Final = frozenset(
    {
        "GET /conflicts",
        "GET /failures",
        "GET /feed/events",
        "GET /operate/status",
        "GET /operate/runs",
        "GET /operate/runs/{run_id}",
        "GET /operate/inquiries",
        "GET /operate/inquiries/{inquiry_id}",
        "GET /operate/brake",
        "GET /operate/tokens",
        "GET /operate/tokens/{token_id}",
        "GET /failures/{failure_id}",
        "GET /replays",
        "GET /replays/{replay_id}",
    }
)

BY_PERSON: Final[Mapping[str, frozenset[str]]] = {
    "GET /deals": EVERYBODY,
    "GET /deals.csv": EVERYBODY,
    "GET /insights": EVERYBODY,
    "GET /deals/{deal_id}": OF_THE_DEAL,
    "GET /deals/{deal_id}/changes": OF_THE_DEAL,
    "GET /deals/{deal_id}/licences": OF_THE_DEAL,
    "GET /deals/{deal_id}/notes": OF_THE_DEAL,
    "GET /deals/{deal_id}/notes/{note_id}": OF_THE_DEAL,
    "GET /deals/{deal_id}/files": OF_THE_DEAL,
    "GET /deals/{deal_id}/files/{file_id}": OF_THE_DEAL,
    "GET /deals/{deal_id}/quotes": OF_THE_DEAL,
    "GET /deals/{deal_id}/quotes/{quote_id}": OF_DISTRIBUTOR_PRICING,
    "GET /deals/{deal_id}/quotes/{quote_id}/page": OF_DISTRIBUTOR_PRICING,
    "GET /deals/{deal_id}/quotes/{quote_id}/sheet": OF_DISTRIBUTOR_PRICING,
    "GET /companies/{company_id}/licences": EVERYBODY,
    "GET /companies/{company_id}/subgroups": OF_ARROW,
    "GET /companies/{company_id}/subgroups/candidates": EVERYBODY,
    "GET /companies/{company_id}/subgroups/{other_id}/members": OF_ARROW,
    "GET /companies/{company_id}/terms/{other_id}": OF_ARROW | {"vera"},
    "GET /companies/{company_id}/agreements/{other_id}": OF_ARROW | {"vera"},
    "GET /companies/{company_id}/agreements/{other_id}/{agreement_id}": OF_ARROW | {"vera"},
    "GET /prices": EVERYBODY,
    "GET /users/{user_id}/notifications": frozenset({"bert"}),
    "GET /users/{user_id}/notifications/unread": frozenset({"bert"}),
    "GET /prices/history": frozenset({"vera"}),
    "GET /journeys": frozenset({"vera"}),
    "GET /journeys/{journey}": frozenset({"vera"}),
    "GET /journeys/{journey}/log": frozenset({"vera"}),
    "GET /journeys/{journey}/versions": frozenset({"vera"}),
}
"""Who gets an answer. With `visible_to`, both people must be in it."""

WHY: Final = {"reason": "to try"}
DEAL_WRITES: Final[Mapping[str, Any]] = {
    "PATCH /deals/{deal_id}": {"licence_count": 30},
    "POST /deals/{deal_id}/approvals": {"track": "vendor", "decision": "approve"},
    "POST /deals/{deal_id}/disable": WHY,
    "POST /deals/{deal_id}/enable": WHY,
    "POST /deals/{deal_id}/finalize": None,
    "POST /deals/{deal_id}/last-day": {"expires_on": "2030-01-01", "reason": "to try"},
    "POST /deals/{deal_id}/notes": {"text": "to try"},
    "PUT /deals/{deal_id}/notes/{note_id}": {"text": "to try"},
    "DELETE /deals/{deal_id}/notes/{note_id}": None,
    "POST /deals/{deal_id}/files": None,
    "DELETE /deals/{deal_id}/files/{file_id}": None,
    "POST /deals/{deal_id}/quotes": {"pricing": "retail", "lines": [{"product": "Seat", "count": 1}]},
    "POST /deals/{deal_id}/quotes/{quote_id}/send": None,
    "POST /deals/{deal_id}/quotes/{quote_id}/sign": None,
    "POST /deals/{deal_id}/reassign": {"owner_user": "bert"},
    "POST /deals/{deal_id}/submit": None,
    "POST /deals/{deal_id}/withdraw": WHY,
}
"""operation → a body that is right. Who does not see the deal hears that there is none."""

AGREED: Final = {"may_register": True, "percents": {"new": "10"}}
COMPANY_WRITES: Final[Mapping[str, Any]] = {
    "POST /companies/{company_id}/subgroups": {"name": "Another", **AGREED},
    "POST /companies/{company_id}/subgroups/{other_id}/disassociate": None,
    "POST /companies/{company_id}/subgroups/{other_id}/promote": AGREED,
    "POST /companies/{company_id}/subgroups/{other_id}/rename": {"name": "Another name"},
    "PUT /companies/{company_id}/subgroups/{other_id}/members/{member_id}": None,
    "DELETE /companies/{company_id}/subgroups/{other_id}/members/{member_id}": None,
    "PUT /companies/{company_id}/terms/{other_id}": AGREED,
    "POST /companies/{company_id}/agreements/{other_id}": None,
}
"""operation → a body that is right. A person of a third company is refused."""

JOURNEY: Final = {"name": "W", "trigger": "registered", "recipients": ["owner_company.manager"], "subject": "S", "body": "B"}
OTHER_WRITES: Final[Mapping[str, Any]] = {
    "POST /deals": {"owner_company": "Birch Systems", "prospect_name": "Harbor", "contact_last_name": "Berg"},
    "POST /prices": {"prices": [{"product": "Seat", "currency": "EUR", "unit_price": "1", "valid_from": "2020-01-01"}]},
    "POST /journeys": {**JOURNEY, "key": "another"},
    "PUT /journeys/{journey}": JOURNEY,
    "DELETE /journeys/{journey}": None,
    "PUT /journeys/{journey}/on": None,
    "PUT /journeys/{journey}/off": None,
    "POST /journeys/{journey}/preview": {"deal": "none"},
}
"""operation → a body that is right; by a person, on nothing that is there already."""

OWN_WRITES: Final[Mapping[str, Any]] = {
    "POST /users/{user_id}/notifications/read": None,
    "POST /users/{user_id}/notifications/{notification_id}/read": None,
}
"""operation → no body. Only the user whose notifications they are may do it."""

PORTALS_OWN: Final[Mapping[str, Any]] = {
    "PUT /users/{user_id}": {"email": "x@example.com", "name": "X", "role": "sales", "primary_company": None, "is_vendor_admin": True},
    "DELETE /users/{user_id}": None,
    "POST /users/{user_id}/erase": None,
    "POST /groups": {"key": "another", "name": "Another", "conditions": []},
    "POST /groups/preview": {"conditions": []},
    "PUT /groups/{group}": {"name": "Another", "conditions": []},
    "DELETE /groups/{group}": None,
}
OPERATORS_OWN: Final[Mapping[str, Any]] = {
    "POST /conflicts/{conflict_id}/resolve": {"take": "portal", "reason": "to try"},
    "POST /failures/replay": {"code": "bug", "reason": "to try"},
    "POST /failures/preview": {"code": "bug"},
    "POST /failures/discard": {"ids": ["none"], "reason": "to try"},
    "POST /failures/{failure_id}/release": WHY,
    "POST /replays/{replay_id}/stop": WHY,
    "POST /operate/check": None,
    "POST /operate/plan": {},
    "POST /operate/compare": None,
    "POST /operate/repair": None,
    "POST /operate/tokens": {"name": "another", "scopes": ["read"]},
    "POST /operate/tokens/{token_id}/revoke": None,
    "POST /operate/pause": WHY,
    "POST /operate/resume": WHY,
    "POST /feed/replay": {"from_seq": 1, "reason": "to try"},
    "POST /journeys/{journey}/release": WHY,
    "POST /journeys/{journey}/discard": WHY,
}
PERSONAL_WRITES: Final = {**DEAL_WRITES, **COMPANY_WRITES, **OTHER_WRITES, **OWN_WRITES}
EVERY_WRITE: Final = {**PERSONAL_WRITES, **PORTALS_OWN, **OPERATORS_OWN}
EVERY: Final = PUBLIC | BY_TOKEN | BY_OPERATOR | BY_PERSON.keys() | EVERY_WRITE.keys()
QUERIES: Final = {"GET /users/{user_id}/groups/check": "?groups=everybody"}
"""operation → what it must be asked with."""
UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Scene:
    """A completed deal of Birch Systems with Arrow Electronics, with quotes and licences; a subgroup with terms and an agreement."""

    acme: Desk
    brook: Desk
    places: Mapping[str, str]

    def path(self, operation: str) -> str:
        """The operation's address after `/portals/{portal}`, filled in."""
        path = operation.split(" ")[1] + QUERIES.get(operation, "")
        about_arrow = "/subgroups" in path or "/terms/" in path or "/agreements/" in path
        places = {**self.places, **(_pair(path) if about_arrow else {})}
        return re.sub(r"\{(\w+)\}", lambda match: places[match[1]], path)


def _pair(path: str) -> Mapping[str, str]:
    arrow, delta = "Arrow Electronics", "Delta IT"
    return {"company_id": arrow, "other_id": delta} if "/subgroups" in path else {"company_id": delta, "other_id": arrow}


@pytest.fixture(scope="module")
def scene(sandbox: str, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    other = {**PORTAL, "portal": "brook", "crm": {**PORTAL["crm"], "base_url": sandbox}}
    (folder / "config" / "portals").mkdir(parents=True)
    (folder / "config" / "portals" / "brook.yaml").write_text(json.dumps(other))
    with desk(folder, sandbox, loaded) as acme:
        deal_id, quote_id = sold(acme)
        agreement_id = subgroup(acme)
        places = {
            "deal_id": deal_id,
            "quote_id": quote_id,
            "note_id": acme.post(f"/deals/{deal_id}/notes", {"text": "to see"}, user="rita", status=201)["id"],
            "file_id": uploaded(acme, f"/deals/{deal_id}/files", "rita"),
            "agreement_id": agreement_id,
            "company_id": "Birch Systems",
            "other_id": "Arrow Electronics",
            "user_id": "bert",
            "member_id": "bert",
            "group": group_of(acme),
            "conflict_id": "none",
            "notification_id": "none",
            "journey": acme.post("/journeys", {**JOURNEY, "key": "welcome", "confirm_users": 99}, user="vera", status=201)["key"],
            "failure_id": acme.get("/failures")["items"][0]["id"],
            "inquiry_id": acme.post("/operate/check", status=202)["id"],
            "token_id": acme.get("/operate/tokens")["items"][0]["id"],
            "run_id": acme.get("/operate/runs")["items"][0]["id"],
            "replay_id": acme.post("/failures/replay", {"code": "unlisted_value"}, status=202)["id"],
        }
        yield Scene(acme, neighbour(acme), places)


def sold(acme: Desk) -> tuple[str, str]:
    """A deal that went all the way, and its distributor-priced quote."""
    acme.post("/prices", {"prices": [{"product": "Seat", "currency": "EUR", "unit_price": "99", "valid_from": "2020-01-01"}]}, user="vera")
    deal = acme.registered(currency="EUR")
    deal_id, version = deal["id"], deal["version"]
    for user, track in (("arlo", "distributor"), ("vera", "vendor")):
        said = {"track": track, "decision": "approve"}
        version = acme.post(f"/deals/{deal_id}/approvals", said, user=user, version=version)["version"]
    lines = [{"product": "Seat", "count": 25}]
    quote_id = acme.post(f"/deals/{deal_id}/quotes", {"pricing": "distributor", "lines": lines}, user="vera", status=201)["id"]
    acme.post(f"/deals/{deal_id}/quotes", {"pricing": "retail", "lines": lines}, user="vera", status=201)
    acme.post(f"/deals/{deal_id}/finalize", user="rita", version=version)
    acme.post(f"/deals/{deal_id}/quotes/{quote_id}/send", user="vera")
    acme.post(f"/deals/{deal_id}/quotes/{quote_id}/sign", user="arlo")
    complete(acme.installation.tenant("acme"))
    return deal_id, quote_id


def group_of(acme: Desk) -> str:
    """The key of a group with everybody in it."""
    return str(acme.post("/groups", {"key": "everybody", "name": "Everybody", "conditions": []}, status=201)["key"])


def subgroup(acme: Desk) -> str:
    """A subgroup of Arrow Electronics; its agreement's id."""
    acme.post("/companies/Arrow Electronics/subgroups", {"name": "Delta IT", **AGREED}, user="arlo", status=201)
    return uploaded(acme, "/companies/Delta IT/agreements/Arrow Electronics", "arlo")


def uploaded(acme: Desk, path: str, user: str) -> str:
    """A file that is sent there; its id."""
    answer = acme.session.post(
        f"{acme.url}/portals/acme{path}",
        files={"file": ("signed.pdf", b"%PDF-1.7 signed by both")},
        headers={"Authorization": f"Bearer {acme.token}", "Acting-User": user},
        timeout=HANG_S,
    )
    return str(answer.json()["id"])


def neighbour(acme: Desk) -> Desk:
    """Another portal of the same installation. Its people have the ids of acme's, and are the vendor's admins there."""
    found = Desk(acme.url, acme.app, acme.installation, acme.clock, "", [], portal="brook")
    found.token = made_token(acme.installation, "brook", ("read", "write", "operate"))
    with acme.installation.store.transaction("brook") as tx:
        users = [User(one, f"{one}@brook.example", one, Role.MANAGER, None, is_vendor_admin=True) for one in ("rita", "vera")]
        people.save(tx, users)
    return found


def look(desk: Desk, path: str, user: str, visible_to: str) -> Answer:
    joint = "&" if "?" in path else "?"
    return desk.send("GET", f"{path}{joint}visible_to={visible_to}" if visible_to else path, user=user)


def write(scene: Scene, desk: Desk, operation: str, user: str) -> Answer:
    """The operation with a body that is right, and a version that no deal has."""
    method, path = operation.split(" ")[0], scene.path(operation)
    if operation in ("POST /companies/{company_id}/agreements/{other_id}", "POST /deals/{deal_id}/files"):
        headers = {"Authorization": f"Bearer {desk.token}", **({"Acting-User": user} if user else {})}
        files = {"file": ("signed.pdf", b"%PDF-1.7 another")}
        return desk.session.post(f"{desk.url}/portals/{desk.portal}{path}", files=files, headers=headers, timeout=HANG_S)
    return desk.send(method, path, EVERY_WRITE[operation], user=user, version=9999)


# ── the table is whole ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_operation_of_the_openapi_has_a_line_here(scene: Scene) -> None:
    served = requests.get(f"{scene.acme.url}/openapi.json", timeout=HANG_S).json()["paths"]
    operations = {
        f"{method.upper()} {path.removeprefix('/portals/{portal}')}"
        for path, methods in served.items()
        for method in methods
        if method in ("get", "put", "post", "patch", "delete")
    }
    assert operations == EVERY


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("operation", BY_PERSON)
def test_both_the_person_who_acts_and_the_one_named_in_visible_to_must_see_it(scene: Scene, operation: str) -> None:
    path, sees = scene.path(operation), BY_PERSON[operation]
    alone = {user: look(scene.acme, path, user, "") for user in sorted(EVERYBODY)}
    for user, answer in alone.items():
        assert (answer.status_code == 200) is (user in sees), (user, answer.text)
        assert answer.status_code in (200, 403, 404), (user, answer.text)
        for other in sorted(EVERYBODY):
            # When somebody looks, and names somebody else who must see it too
            both = look(scene.acme, path, user, other)
            # Then it is shown where each of the two sees it, and nothing is in it that one of them does not see
            assert (both.status_code == 200) is ({user, other} <= sees), (user, other, both.text)
            if "{deal_id}" in path:
                assert both.status_code in (200, 404), (user, other, both.text)
            if both.status_code == 200 and both.headers["Content-Type"] == "application/json":
                assert ids(both) <= ids(answer) & ids(alone[other]), (user, other)


def ids(answer: Answer) -> set[str]:
    return set(UUID.findall(answer.text))


@pytest.mark.parametrize("operation", BY_PERSON)
@pytest.mark.parametrize("unknown", NOT_THERE)
def test_a_person_whom_the_portal_does_not_have_is_refused_wherever_the_name_stands(scene: Scene, operation: str, unknown: str) -> None:
    path, code = scene.path(operation), "user_unknown" if unknown == "nobody" else "user_inactive"
    for user, visible_to, field in ((unknown, "", "Acting-User"), ("", unknown, "visible_to"), ("vera", unknown, "visible_to")):
        answer = look(scene.acme, path, user, visible_to)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (403, code, field)
    assert scene.acme.send("GET", path).json()["code"] == "actor_missing"


@pytest.mark.parametrize("operation", sorted(BY_TOKEN | BY_OPERATOR))
def test_where_no_person_looks_visible_to_is_refused_and_not_ignored(scene: Scene, operation: str) -> None:
    path = scene.path(operation)
    assert scene.acme.send("GET", path).status_code == 200
    answer = look(scene.acme, path, "", "olga")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "field_unknown", "visible_to")


@pytest.mark.parametrize("operation", sorted(BY_OPERATOR))
def test_what_an_operator_looks_at_needs_a_token_of_its_own(scene: Scene, operation: str) -> None:
    answer = scene.acme.with_token("read", "write").send("GET", scene.path(operation), user="vera")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


# ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("operation", DEAL_WRITES)
def test_who_does_not_see_a_deal_cannot_change_it_and_does_not_learn_of_it(scene: Scene, operation: str) -> None:
    for user in sorted(EVERYBODY - OF_THE_DEAL):
        answer = write(scene, scene.acme, operation, user)
        assert (answer.status_code, answer.json()["code"]) == (404, "deal_unknown"), user


@pytest.mark.parametrize("operation", COMPANY_WRITES)
def test_a_third_company_changes_nothing_between_two_others(scene: Scene, operation: str) -> None:
    answer = write(scene, scene.acme, operation, "olga")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member"), answer.text


@pytest.mark.parametrize("operation", OWN_WRITES)
def test_a_user_marks_only_notifications_of_its_own(scene: Scene, operation: str) -> None:
    for user in sorted(EVERYBODY - {"bert"}):
        answer = write(scene, scene.acme, operation, user)
        assert (answer.status_code, answer.json()["code"]) == (403, "notifications_not_yours"), user


@pytest.mark.parametrize("operation", PERSONAL_WRITES)
def test_a_change_by_a_person_whom_the_portal_does_not_have_is_refused(scene: Scene, operation: str) -> None:
    for user, code in (("nobody", "user_unknown"), ("gone", "user_inactive")):
        answer = write(scene, scene.acme, operation, user)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (403, code, "Acting-User")


@pytest.mark.parametrize("operation", EVERY_WRITE)
def test_a_change_takes_no_visible_to(scene: Scene, operation: str) -> None:
    answer = scene.acme.send(operation.split(" ")[0], f"{scene.path(operation)}?visible_to=olga", {}, user="vera", version=1)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "field_unknown", "visible_to")


@pytest.mark.parametrize("operation", EVERY_WRITE)
def test_a_token_that_only_reads_changes_nothing(scene: Scene, operation: str) -> None:
    answer = write(scene, scene.acme.with_token("read"), operation, "vera")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


# ── portals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("operation", sorted(EVERY - PUBLIC))
def test_the_token_of_another_portal_opens_nothing(scene: Scene, operation: str) -> None:
    stranger = scene.acme.bare(scene.brook.token)
    answer = look(stranger, scene.path(operation), "vera", "") if operation[:3] == "GET" else write(scene, stranger, operation, "vera")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_unknown")


@pytest.mark.parametrize("operation", sorted(BY_TOKEN | BY_PERSON.keys()))
def test_another_portal_shows_nothing_of_this_one(scene: Scene, operation: str) -> None:
    # Given another portal, whose admin has the id of this one's
    ours, theirs = (look(one, scene.path(operation), "vera", "") for one in (scene.acme, scene.brook))
    # When it asks for what stands in this portal
    # Then there is none
    assert theirs.status_code in (200, 403, 404), theirs.text
    assert theirs.status_code in (403, 404) or not ids(theirs) & ids(ours)
    assert "{" not in operation or theirs.status_code == (403 if "/notifications" in operation else 404)


def test_a_user_of_another_portal_with_the_same_id_has_other_notifications(scene: Scene) -> None:
    ours, theirs = (one.get("/users/vera/notifications", user="vera") for one in (scene.acme, scene.brook))
    assert (len(ours["items"]) > 0, theirs) == (True, {"items": [], "next": None, "unread": 0})


@pytest.mark.parametrize("operation", [*DEAL_WRITES, *COMPANY_WRITES])
def test_another_portal_changes_nothing_in_this_one(scene: Scene, operation: str) -> None:
    assert write(scene, scene.brook, operation, "vera").status_code == 404
