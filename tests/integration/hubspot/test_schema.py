"""Making properties, options and labels in an account as it is delivered, and in one where an admin has been before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_TOKEN, HubspotOptions, serve_thread
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.associations.associations import AssociationCalls
from sync_worker.crm.hubspot.connection.login import StaticToken
from sync_worker.crm.hubspot.connection.session import Ask, HubspotConnection
from sync_worker.crm.hubspot.reading.options import MOST, PLACEHOLDER
from sync_worker.crm.hubspot.writing.admin import HubspotSchema
from sync_worker.errors import AuthFailed, SchemaRefused
from sync_worker.mapping.required_schema import FieldKind, FieldWish, lack_of
from tests.integration.hubspot.conftest import NOW, Lab
from tests.patience import HANG_S

TIER = FieldWish("companies", "portal_tier", "picklist", is_written=True)
CONTRACTS = FieldWish("companies", "associated_second_partner", "multi_picklist", is_written=True)
PARTNER = FieldWish("deals", "association:portal_partner", "reference", refers_to="companies", is_written=True)


@pytest.fixture(scope="module")
def clean_url() -> Iterator[str]:
    with serve_thread(HubspotOptions(companies=5, deals=2, inquiries=0, clean=True, now=NOW)) as address:
        yield address


@pytest.fixture
def clean(clean_url: str) -> Iterator[Lab]:
    with HubspotRemote(clean_url) as remote:
        remote.reset()
        yield Lab(clean_url, remote)


def _options(lab: Lab, wish: FieldWish) -> dict[str, bool]:
    """Value → whether it is hidden, in the order in which HubSpot shows them."""
    return {row["value"]: row["hidden"] for row in _property(lab, wish)["options"]}


def _property(lab: Lab, wish: FieldWish) -> dict[str, Any]:
    found: dict[str, Any] = _ask(lab, "GET", wish).json()
    return found


def _ask(lab: Lab, method: str, wish: FieldWish, body: Any = None) -> requests.Response:
    """Somebody else's request about a property."""
    url = f"{lab.base_url}/crm/v3/properties/{wish.native}/{wish.name}"
    return requests.request(method, url, json=body, headers={"Authorization": f"Bearer {SANDBOX_TOKEN}"}, timeout=HANG_S)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("key", ("string", "text")),
        ("text", ("string", "text")),
        ("text_area", ("string", "textarea")),
        ("decimal", ("number", "number")),
        ("integer", ("number", "number")),
        ("boolean", ("bool", "booleancheckbox")),
        ("date", ("date", "date")),
        ("picklist", ("enumeration", "select")),
        ("multi_picklist", ("enumeration", "checkbox")),
        ("reference", ("string", "text")),
    ],
)
def test_every_kind_of_field_is_made_and_then_lacks_nothing(clean: Lab, kind: FieldKind, shape: tuple[str, str]) -> None:
    wish = FieldWish("companies", "portal_field", kind, values=("gold", "up_front") if "picklist" in kind else (), is_written=True)
    crm = clean.connect()

    crm.schema.create(wish)
    crm.schema.create(wish)  # repeated: nothing happens

    assert lack_of(wish, crm.describe("companies").fields["portal_field"]) is None
    made = _property(clean, wish)
    assert ((made["type"], made["fieldType"]), made["hasUniqueValue"], made["groupName"]) == (shape, kind == "key", "partner_portal")
    assert [option["label"] for option in made["options"]] == {"boolean": ["Yes", "No"]}.get(
        kind, ["Gold", "Up front"] if wish.values else []
    )
    assert crm.calls == 0


def test_a_list_without_values_holds_a_hidden_place_that_is_no_value(clean: Lab) -> None:
    # Given nobody knows yet whom the list will name
    crm = clean.connect()
    crm.schema.create(CONTRACTS)
    assert _options(clean, CONTRACTS) == {PLACEHOLDER: True}
    assert crm.describe("companies").fields[CONTRACTS.name].values == ()

    # When they are known
    crm.schema.add_values(CONTRACTS, ["Arrow Electronics", "Bolt Distribution"])

    # Then they can be chosen, and the place is hidden still
    assert _options(clean, CONTRACTS) == {PLACEHOLDER: True, "Arrow Electronics": False, "Bolt Distribution": False}
    assert crm.describe("companies").fields[CONTRACTS.name].values == ("Arrow Electronics", "Bolt Distribution")


def test_values_are_added_to_what_stands_there(lab: Lab) -> None:
    # Given a list of an admin's, with a hidden option, a description and labels of its own
    theirs = [
        {"label": "First class", "value": "gold", "displayOrder": 3, "hidden": False, "description": "more than silver"},
        {"label": "Old", "value": "bronze", "displayOrder": 7, "hidden": True},
        {"label": "Platinum", "value": "pt", "displayOrder": 8, "hidden": True},
    ]
    assert _ask(lab, "PATCH", TIER, {"options": theirs}).ok

    # When one value is new, one hidden, one there, and one is called as another one's label is
    lab.connect().schema.add_values(TIER, ["silver", "pt", "gold", "platinum", "silver"])

    # Then what stood there stands there as it stood
    rows = _property(lab, TIER)["options"]
    field = lab.connect().describe("companies").fields[TIER.name]
    assert (field.hidden, "bronze" in (field.values or ())) == (("bronze",), True)
    assert rows[0] == theirs[0]
    assert rows[1] == theirs[1]
    assert [(row["value"], row["label"], row["displayOrder"], row["hidden"]) for row in rows[2:]] == [
        ("pt", "Platinum", 8, False),
        ("silver", "Silver", 9, False),
        ("platinum", "platinum (portal)", 10, False),
    ]


def test_what_is_there_costs_no_write(lab: Lab) -> None:
    crm, before = lab.connect(), _property(lab, TIER)
    lab.remote.reset_calls()

    crm.schema.add_values(TIER, ["gold", "silver"])
    crm.schema.create(TIER)
    crm.schema.create(PARTNER)

    assert lab.remote.calls()["kinds"] == {"account": 1, "labels": 1, "properties": 3}
    assert _property(lab, TIER) == before  # with the stamp of its last change


def test_two_provisions_at_once_lose_nothing(lab: Lab) -> None:
    before = _options(lab, CONTRACTS)
    names = [[f"Partner {thread}.{number}" for number in range(3)] for thread in range(4)]

    with ThreadPoolExecutor(4) as pool:
        for added in [pool.submit(lab.connect().schema.add_values, CONTRACTS, part) for part in names]:
            added.result(timeout=HANG_S)

    assert set(_options(lab, CONTRACTS)) == {*before, *(name for part in names for name in part)}


class _Overwritten(HubspotConnection):
    """A connection whose first change of a list somebody else writes over, from what they had read before."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab.access, lab.services, lab.patience)
        self._lab = lab
        self._theirs: Any = [*_property(lab, TIER)["options"], {"label": "Theirs", "value": "theirs", "displayOrder": 9, "hidden": False}]

    def define(self, send: Ask, *, doing: str) -> None:
        super().define(send, doing=doing)
        if self._theirs:
            assert _ask(self._lab, "PATCH", TIER, {"options": self._theirs}).ok
            self._theirs = None


def test_a_value_that_somebody_wrote_over_is_added_again(lab: Lab) -> None:
    before = _options(lab, TIER)
    connection = _Overwritten(lab)

    HubspotSchema(connection, AssociationCalls(connection, lab.services), lab.services).add_values(TIER, ["ours"])

    assert _options(lab, TIER) == {**before, "theirs": False, "ours": False}


@pytest.mark.parametrize("wish", [FieldWish("companies", "portal_new", "key", is_written=True), TIER, PARTNER], ids=lambda wish: wish.name)
def test_a_lost_answer_is_read_back(lab: Lab, wish: FieldWish) -> None:
    lab.remote.fault(
        "/crm/(properties|associations)/[^/]+/(companies|deals)(/portal_tier|/companies/labels)?$",
        when="after_commit",
        drop_connection=True,
    )
    schema = lab.connect().schema

    if wish is TIER:
        schema.add_values(wish, ["diamond"])
        assert "diamond" in _options(lab, TIER)
    elif wish is PARTNER:
        other = FieldWish("deals", "association:portal_reseller", "reference", refers_to="companies", is_written=True)
        schema.create(other)
        assert other.name in lab.connect().describe("deals").fields
    else:
        schema.create(wish)
        assert _property(lab, wish)["hasUniqueValue"]


def test_labels_are_made_once(clean: Lab) -> None:
    crm = clean.connect()

    crm.schema.create(PARTNER)
    clean.connect().schema.create(PARTNER)

    field = crm.describe("deals").fields[PARTNER.name]
    assert (field.label, lack_of(PARTNER, field)) == ("Portal Partner", None)
    company, deal = clean.remote.records("companies")[0]["id"], clean.remote.records("deals")[0]["id"]
    clean.remote.associate("deals", deal, company, "Portal Partner")
    assert crm.fetch("deals", [deal], fields=[PARTNER.name])[0].fields[PARTNER.name] == company


def test_an_account_without_labels_is_told_the_way_out() -> None:
    with (
        serve_thread(HubspotOptions(companies=0, deals=0, inquiries=0, clean=True, tier="free", now=NOW)) as url,
        HubspotRemote(url) as remote,
    ):
        with pytest.raises(SchemaRefused, match=r"association labels.*keep the company in a property"):
            Lab(url, remote).connect().schema.create(PARTNER)


def test_something_else_stands_there_under_the_name(lab: Lab) -> None:
    for wish in (
        FieldWish("companies", "portal_tier", "integer", is_written=True),
        FieldWish("companies", "portal_agreement", "key", is_written=True),
    ):
        with pytest.raises(SchemaRefused, match=r"is there already, as .*name another property"):
            lab.connect().schema.create(wish)


def test_the_eleventh_unique_property_is_refused_in_the_vendors_words_and_the_others_go_on(clean: Lab) -> None:
    schema = clean.connect().schema
    for number in range(10):
        schema.create(FieldWish("companies", f"key_{number}", "key", is_written=True))

    with pytest.raises(SchemaRefused, match="limit of 10 unique properties"):
        schema.create(FieldWish("companies", "key_10", "key", is_written=True))
    schema.create(FieldWish("companies", "plain", "text", is_written=True))


def test_a_token_that_may_not_is_told_the_scope_by_name(clean: Lab) -> None:
    token = clean.remote.add_token(["crm.objects.companies.read", "crm.schemas.companies.read"])
    crm = clean.connect(clean.new_access(StaticToken(token, clean.base_url)))

    with pytest.raises(SchemaRefused, match=r"crm\.schemas\.companies\.write"):
        crm.schema.create(TIER)


def test_a_dead_token_is_no_refusal_of_one_field(clean: Lab) -> None:
    crm = clean.connect()
    clean.remote.revoke_token()

    with pytest.raises(AuthFailed):
        crm.schema.create(TIER)


def test_values_that_cannot_be_options_are_named_and_the_others_added(lab: Lab) -> None:
    with pytest.raises(SchemaRefused, match=r"'A; B' holds a ';'.*' C' is blank, or begins.*is longer than an option may be"):
        lab.connect().schema.add_values(CONTRACTS, ["A; B", " C", "D" * 1_600, "Echo"])

    assert _options(lab, CONTRACTS)["Echo"] is False
    assert "A; B" not in _options(lab, CONTRACTS)


def test_a_new_list_is_made_without_the_values_that_cannot_be_options(clean: Lab) -> None:
    wish = replace(CONTRACTS, values=("Arrow", "A; B"))

    with pytest.raises(SchemaRefused, match="'A; B' holds"):
        clean.connect().schema.create(wish)

    assert _options(clean, CONTRACTS) == {"Arrow": False}


def test_what_hubspot_computes_cannot_be_granted(crm: HubspotCrm) -> None:
    with pytest.raises(SchemaRefused, match="the worker cannot write it"):
        crm.schema.create(FieldWish("deals", "hs_is_closed", "boolean", is_written=True))


def test_a_list_is_full_before_hubspot_says_so(lab: Lab) -> None:
    with pytest.raises(SchemaRefused, match=f"HubSpot allows {MOST}"):
        lab.connect().schema.add_values(CONTRACTS, [str(number) for number in range(MOST + 1)])


def test_lists_that_are_hubspots_own_are_not_changed(lab: Lab) -> None:
    for name in ("hubspot_owner_id", "dealstage"):
        with pytest.raises(SchemaRefused, match="HubSpot's own"):
            lab.connect().schema.add_values(FieldWish("deals", name, "picklist", is_written=True), ["new"])


def test_what_an_admin_does_by_hand(crm: HubspotCrm) -> None:
    def by_hand(native: str, name: str) -> str:
        return crm.schema.by_hand(FieldWish(native, name, "picklist", values=("won",)))

    assert "Pipelines: make a pipeline or stage with the internal value won" in by_hand("deals", "dealstage")
    assert "HubSpot's own" in by_hand("companies", "hs_lead_status")
    assert "small letters" in by_hand("companies", "Portal_Status__c")
    assert "keep it in a property" in by_hand("companies", "association:parent")
    assert by_hand("deals", PARTNER.name) == by_hand("companies", "portal_tier") == ""
    assert crm.schema.conversion("deals", "deals") is None


def test_a_limit_is_waited_for(clean: Lab) -> None:
    clean.patience = Patience(total_s=60)
    clean.remote.fault("/properties/[^/]+/companies$", error_code="TEN_SECONDLY_ROLLING")

    clean.connect().schema.create(TIER)

    assert _property(clean, TIER)["type"] == "enumeration"
    assert sum(clean.slept) >= 10
