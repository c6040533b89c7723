"""Journeys over HTTP, on each CRM: an edit in the CRM comes in by the sync, and the people it is for have their mail, once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crm_sandbox.process import serve_thread
from crm_sandbox.remote import Remote
from sync_worker.actors import STEPS
from sync_worker.bootstrap import build
from sync_worker.config.settings import Settings
from sync_worker.crm.faults import Patience
from sync_worker.domain.core.company import AccountType
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.operate.erase import erase, forget_contact
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.tell.mail import mail
from sync_worker.store.core import companies
from sync_worker.store.deals import links
from sync_worker.store.people.tables import answers
from sync_worker.web.app import serving
from tests.integration.api.desk import SCOPES, Desk, desk, listening, made_token
from tests.integration.steps.world import MAPPINGS, Loaded
from tests.journey.crms import CRMS, LocalCrm
from tests.mailbox import Mailbox
from tests.servers import MONDAY, Clock, sqlite_store

ROOT = Path(__file__).parents[3]
ROLES = ("executive", "manager", "sales")
EVERY_ROLE = [f"{side}.{role}" for side in ("owner_company", "second_partner") for role in ROLES]
JOURNEY = {
    "key": "emea-amount",
    "name": "The amount changed",
    "trigger": "updated",
    "filters": [{"field": "second_partner.region", "operator": "one_of", "values": ["EMEA"]}],
    "recipients": EVERY_ROLE,
    "subject": "{{ deal.name }} with {{ second_partner.name }}",
    "body": "Hello {{ recipient.name }},\n\n{{ owner_company.name }} now sells for {{ deal.amount }}; {{ deal.lifecycle }}.\n"
    "{{ deal.link }}\nStage: {{ deal.stage }}.",
}


# ── the sync, on each CRM ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Town:
    """A portal on one CRM after its first load, its people, and the controls of the CRM."""

    crm: LocalCrm
    remote: Remote
    desk: Desk

    @property
    def tenant(self) -> Tenant:
        return self.desk.installation.tenant("acme")

    def settle(self, todo: Iterable[FollowUp] = ()) -> None:
        """Works off what is due, as workers would."""
        waiting = set(todo)
        while waiting:
            one = min(waiting, key=lambda follow_up: (follow_up.work != Work.REFRESH, follow_up.record))
            waiting.discard(one)
            waiting |= STEPS[one.work](self.tenant, one.record).follow_ups

    def pull(self, *, is_full: bool = False) -> None:
        self.desk.clock.forward(seconds=30)
        self.remote.advance_clock(30)
        for record in self.tenant.readable_records():
            self.settle(pull(self.tenant, record, is_full=is_full).follow_ups)

    def native(self, record: str, field: str) -> str:
        return self.tenant.mapping.records[record].fields[field].native

    def set_region(self, company: str, region: str) -> None:
        """In the CRM, as the CRM spells it."""
        field = self.tenant.mapping.records[COMPANY].fields["region"]
        spelled = next(native for native, value in (field.listed or {}).items() if str(value).casefold() == region.casefold())
        self.remote.edit(self.crm.company, self.crm.id_named(self.remote, company), {field.native: spelled})

    def set_amount(self, deal_id: str, amount: int) -> None:
        """In the CRM."""
        with self.tenant.store.reading("acme") as tx:
            link = links.current(tx, [deal_id])[deal_id]
        self.remote.edit(self.crm.deal, link.crm_id, {self.native(link.object, "amount"): amount})


@pytest.fixture(params=CRMS)
def town(request: pytest.FixtureRequest, tmp_path: Path, mailbox: Mailbox) -> Iterator[Town]:
    crm = CRMS[request.param]
    with ExitStack() as stack:
        options = replace(crm.options, companies=20, now=MONDAY)
        url = stack.enter_context(serve_thread(options))
        remote = stack.enter_context(crm.controls(url))
        remote.freeze()
        yield stack.enter_context(founded(crm, remote, url, tmp_path, mailbox))


@contextmanager
def founded(crm: LocalCrm, remote: Remote, url: str, folder: Path, mailbox: Mailbox) -> Iterator[Town]:
    (folder / "config" / "portals").mkdir(parents=True)
    written = crm.portal_file((ROOT / "config" / "examples" / "contracts.yaml").read_text(), url)
    written += '\nmail: {deal_url: "https://portal.example.com/deals/{id}", notices: []}\n'
    (folder / "config" / "portals" / "acme.yaml").write_text(written)
    sqlite_store(folder).close()
    clock = Clock(MONDAY)
    settings = Settings(
        database_url=f"sqlite:///{folder / 'sync-worker.db'}",
        config_dir=folder / "config",
        mappings_dir=MAPPINGS,
        smtp_url=SecretStr(mailbox.url),
        mail_from="Acme <portal@acme.example>",
    )
    with ExitStack() as stack:
        installation = build(settings, environ=crm.environ, services=Services(clock=clock), patience=Patience(attempts=1))
        stack.callback(installation.close)
        app = serving(installation, lambda *_: None)
        served = stack.enter_context(listening(app))
        made = Desk(served, app, installation, clock, made_token(installation, "acme", SCOPES), [])
        stack.enter_context(closing(made.session))
        found = Town(crm, remote, made)
        found.pull()
        yield found


def two_pairs(town: Town) -> list[tuple[str, str]]:
    """Two pairs of companies that may work together, without a company in common."""
    with town.tenant.store.reading("acme") as tx:
        wanted = companies.CompanyFilter(account_types=frozenset({AccountType.PARTNER}))
        partners = [one.company.name for one in companies.listed(tx, wanted)]
    found: dict[str, str] = {}
    for partner in partners:
        for one in town.desk.get(f"/companies/{partner}/options")["items"]:
            if one["name"] not in found:
                found[one["name"]] = partner
                break
    return [(partner, second) for second, partner in found.items()][:2]


def tell_of_people(town: Town, pairs: list[tuple[str, str]]) -> None:
    """Three roles in each company, and the vendor's admin."""
    for number, pair in enumerate(pairs):
        for side, company in zip(("owner", "second"), pair, strict=True):
            for role in ROLES:
                put_user(town.desk, f"{side}-{role}-{number}", role=role, primary_company=company)
    put_user(town.desk, "vera", role="manager", is_vendor_admin=True)


def put_user(desk: Desk, id_: str, **said: Any) -> None:
    answer = desk.send("PUT", f"/users/{id_}", {"email": f"{id_}@example.com", "name": id_.title(), **said})
    assert answer.status_code == 200, answer.text


def test_an_edit_in_the_crm_is_told_to_three_roles_on_either_side_once_and_the_filter_keeps_the_other_back(
    town: Town, mailbox: Mailbox
) -> None:
    # Given two deals with two distributors, one of them in EMEA, and a journey for EMEA
    pairs = two_pairs(town)
    tell_of_people(town, pairs)
    for (_, second), region in zip(pairs, ("emea", "amer"), strict=True):
        town.set_region(second, region)
    town.pull()
    deals = [
        town.desk.post(
            "/deals",
            {"owner_company": owner, "second_partner": second, "name": f"Deal {number}", "prospect_name": f"P {number}"}
            | {"contact_last_name": "Berg", "amount": "10.00", "deal_type": "new"},
            user="owner-manager-" + str(number),
            status=201,
        )["id"]
        for number, (owner, second) in enumerate(pairs)
    ]
    town.settle({FollowUp(Work.PUSH)})
    town.pull()
    journey = town.desk.post("/journeys", {**JOURNEY, "confirm_users": 99}, user="vera", status=201)
    assert [one["label"] for one in journey["recipients"]][-1] == "Distributor Sales"

    # When both are edited in the CRM, and the sync reads them
    for deal_id in deals:
        town.set_amount(deal_id, 4800)
    town.pull()
    mail(town.tenant)

    # Then the people of the first have their mail, with its tags filled, and nobody of the second has
    owner, second = pairs[0]
    names = {f"{side}-{role}-0" for side in ("owner", "second") for role in ROLES}
    assert sorted(letter["To"] for letter in mailbox.letters) == sorted(f"{name}@example.com" for name in names)
    for letter in mailbox.letters:
        assert letter["Subject"] == f"Deal 0 with {second}"
        text = letter.get_body(("plain",)).get_content().replace("\r\n", "\n")  # type: ignore[union-attr]
        assert f"{owner} now sells for 4800" in text
        assert "; Submitted.\n" in text
        assert re.search(r"^Stage: [A-Z].*\.$", text, re.MULTILINE), "a label, and not HubSpot's appointmentscheduled"
        assert "appointmentscheduled" not in text.casefold()
        assert f"https://portal.example.com/deals/{deals[0]}" in text
        assert text.endswith("(emea-amount, version 1).\n")

    # and the log says who was told of the one, and why nobody of the other
    log = town.desk.get("/journeys/emea-amount/log", user="vera")["items"]
    assert {(row["user"], row["outcome"]) for row in log if row["deal"] == deals[0]} == {(name, "told") for name in names}
    (other,) = [row for row in log if row["deal"] == deals[1]]
    assert (other["user"], other["outcome"]) == (None, "not_told")
    assert re.search(r"second_partner.region is one of EMEA” does not hold: second_partner.region is amer", other["why"], re.IGNORECASE)

    # When the sync reads again, then nothing more is sent
    town.pull()
    town.pull(is_full=True)
    mail(town.tenant)
    assert len(mailbox.letters) == len(names)


# ── the desk ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def made(acme: Desk, **more: Any) -> Any:
    return acme.post("/journeys", {**JOURNEY, "confirm_users": 99, **more}, user="vera", status=201)


def test_a_journey_is_made_read_changed_switched_and_deleted(acme: Desk) -> None:
    first = made(acme)
    assert (first["version"], first["enabled"], first["managed_by"]) == (1, True, "api")
    assert acme.get("/journeys/emea-amount", user="vera") == first
    changed = acme.send("PUT", "/journeys/emea-amount", {**_without_key(), "name": "Anew", "confirm_users": 99}, user="vera").json()
    assert (changed["version"], changed["name"]) == (2, "Anew")
    assert [one["version"] for one in acme.get("/journeys/emea-amount/versions", user="vera")["items"]] == [2, 1]
    for switch in (False, True):
        answer = acme.send("PUT", f"/journeys/emea-amount/{'on' if switch else 'off'}", user="vera")
        assert (answer.json()["enabled"], answer.json()["version"]) == (switch, 2)
    assert [one["key"] for one in acme.get("/journeys", user="vera")["items"]] == ["emea-amount"]
    assert acme.send("DELETE", "/journeys/emea-amount", user="vera").status_code == 204
    assert acme.get("/journeys", user="vera")["items"] == []
    assert acme.send("GET", "/journeys/emea-amount", user="vera").json()["code"] == "journey_unknown"
    assert made(acme)["version"] == 3, "its versions go on"


def _without_key() -> dict[str, Any]:
    return {name: value for name, value in JOURNEY.items() if name != "key"}


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        (
            {"filters": [{"field": "second_partner.regoin", "operator": "is", "values": ["EMEA"]}]},
            422,
            "journey_malformed",
            "filters.0.field",
        ),
        ({"filters": [{"field": "deal.amount", "operator": "is", "values": [1]}]}, 422, "journey_malformed", "filters.0.operator"),
        ({"filters": [{"field": "deal.amount", "operator": "equals", "values": ["x"]}]}, 422, "journey_malformed", "filters.0.values"),
        ({"filters": [{"field": "deal.second_partner", "operator": "is", "values": ["X"]}]}, 422, "journey_malformed", "filters.0.values"),
        ({"recipients": ["second_partner.boss"]}, 422, "journey_malformed", "recipients.0"),
        ({"recipients": ["second_partner.user"]}, 422, "journey_malformed", "recipients.0"),
        ({"subject": "{{ deal.nmae }}"}, 422, "journey_malformed", "subject"),
        ({"body": "{{ deal.name"}, 422, "journey_malformed", "body"),
        ({"key": "No Key"}, 422, "journey_malformed", "key"),
        ({"trigger": "deleted"}, 422, "value_malformed", "trigger"),
        ({"body": None}, 422, "value_malformed", "body"),
        ({"colour": "red"}, 422, "field_unknown", "colour"),
        ({"confirm_users": None}, 409, "reach_unconfirmed", "confirm_users"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_what_is_allowed(
    shared: Desk, change: Mapping[str, Any], status: int, code: str, field: str
) -> None:
    wide = {"filters": [], "recipients": EVERY_ROLE, "confirm_users": 99, **change}
    answer = shared.send("POST", "/journeys", {**JOURNEY, **wide}, user="vera")
    told = answer.json()
    assert (answer.status_code, told["code"], told["field"]) == (status, code, field), answer.text
    if code == "reach_unconfirmed":
        assert told["allowed"] == [re.findall(r"could reach (\d+) of", told["detail"])[0]]
    elif field in ("filters.0.field", "filters.0.operator", "recipients.0", "subject"):
        assert told["allowed"]
    assert shared.get("/journeys", user="vera")["items"] == []


def test_everything_that_is_wrong_is_said_at_once(shared: Desk) -> None:
    wrong = {**JOURNEY, "recipients": ["nobody"], "subject": "{{ a }}", "body": "{{ b }}", "confirm_users": 99}
    told = shared.send("POST", "/journeys", wrong, user="vera").json()
    assert [one["field"] for one in told["errors"]] == ["recipients.0", "subject", "body"]


def test_a_key_is_taken_once_and_the_same_request_makes_one(acme: Desk) -> None:
    first = acme.send("POST", "/journeys", {**JOURNEY, "confirm_users": 99}, user="vera", key="one")
    again = acme.send("POST", "/journeys", {**JOURNEY, "confirm_users": 99}, user="vera", key="one")
    assert (first.status_code, again.content) == (201, first.content)
    taken = acme.send("POST", "/journeys", {**JOURNEY, "confirm_users": 99}, user="vera")
    assert (taken.status_code, taken.json()["code"], taken.json()["field"]) == (409, "journey_exists", "key")


def test_a_kept_preview_names_no_erased_person(acme: Desk) -> None:
    # Given previews whose answers are kept under their keys
    tenant = acme.installation.tenant("acme")
    words = "Call {{ deal.contact_first_name }} {{ deal.contact_last_name }}. Yours, {{ recipient.name }}"
    acme.post("/journeys", {**JOURNEY, "filters": [], "body": words, "confirm_users": 100}, user="vera", status=201)
    deal = acme.registered(contact_first_name="Jolanda", contact_last_name="Berg", contact_email="jo@globex.example")
    acme.post("/journeys/emea-amount/preview", {"deal": deal["id"]}, user="vera", key="seen")
    # When the contact and somebody who would get the mail are erased
    forget_contact(tenant, deal["id"], actor="Ann", reason="asked for")
    erase(tenant, "arlo")
    # Then neither of them is in what is kept
    with acme.installation.store.reading("acme") as tx:
        (kept,) = [row.body for row in tx.connection.execute(answers.select()) if row.key == "seen"]
    assert [word for word in ("Jolanda", "Berg", "Arlo", "arlo") if word in kept] == []
    assert "owner_company.manager" in kept


def test_the_preview_says_who_would_get_what_and_sends_nothing(acme: Desk) -> None:
    deal = acme.registered()
    made(acme, filters=[], recipients=["owner_company.manager", "second_partner.executive", "second_partner.sales"])
    found = acme.post("/journeys/emea-amount/preview", {"deal": deal["id"]}, user="vera")
    assert [(one["user"], one["recipient"]) for one in found["told"]] == [
        ("mona", "owner_company.manager"),
        ("sal", "second_partner.sales"),
    ]
    assert found["told"][0]["subject"] == "Acme expansion with Arrow Electronics"
    assert found["told"][0]["body"].startswith("Hello Mona,\n\nBirch Systems now sells for 1200.50; Submitted.")
    assert [(one["user"], one["why"]) for one in found["not_told"]] == [("gone", "is inactive")]
    assert found["reasons"] == ["Distributor Executive: the company has no user in that role"]
    assert acme.get("/journeys/emea-amount/log", user="vera")["items"] == []
    unknown = acme.send("POST", "/journeys/emea-amount/preview", {"deal": "none"}, user="vera")
    assert (unknown.status_code, unknown.json()["field"]) == (422, "deal")


def test_only_the_vendors_admins_keep_journeys_and_only_an_operator_releases(shared: Desk) -> None:
    for user in ("rita", "mona", "arlo"):
        answer = shared.send("POST", "/journeys", {**JOURNEY, "confirm_users": 99}, user=user)
        assert (answer.status_code, answer.json()["code"]) == (403, "journeys_not_yours")
    answer = shared.send("POST", "/journeys/emea-amount/release", {"reason": "meant"})
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_held")


def test_a_journey_of_a_file_is_read_only_and_its_first_words_make_a_version(sandbox: str, loaded: Loaded, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "journeys" / "acme"
    folder.mkdir(parents=True)
    (folder / "emea-amount.yaml").write_text(json.dumps({**_without_key(), "confirm_users": "99"}))
    with desk(tmp_path, sandbox, loaded) as acme:
        (listed,) = acme.get("/journeys", user="vera")["items"]
        assert (listed["key"], listed["version"], listed["managed_by"]) == ("emea-amount", 1, "file")
        for method, path, body in (
            ("POST", "/journeys", JOURNEY),
            ("PUT", "/journeys/emea-amount", _without_key()),
            ("PUT", "/journeys/emea-amount/off", None),
            ("DELETE", "/journeys/emea-amount", None),
        ):
            answer = acme.send(method, path, body, user="vera")
            assert (answer.status_code, answer.json()["code"]) == (409, "managed_by_file")
            assert "journeys/acme/emea-amount.yaml" in answer.json()["detail"]


def test_the_example_of_the_page_is_taken(shared: Desk) -> None:
    page = (ROOT / "docs" / "journeys.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    said = {**json.loads(example), "confirm_users": 99}
    answer = shared.send("POST", "/journeys", said, user="vera")
    assert answer.status_code == 201, answer.text
    assert shared.send("DELETE", f"/journeys/{said['key']}", user="vera").status_code == 204
