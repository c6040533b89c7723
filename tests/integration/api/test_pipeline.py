"""The pipeline over HTTP: orders, filters by days and labels, the CSV, the insights; and what a mistyped one is told."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sync_worker.store.deals import deals, pipeline
from sync_worker.store.deals.orders import ORDERED
from sync_worker.web.api.core.deal_shape import DealView
from sync_worker.web.api.core.paging import cursor_of
from sync_worker.web.api.deals import sheet
from tests.integration.api.desk import Answer, Desk, desk
from tests.integration.steps.world import Loaded

OWN = ("=1+1", "alpha", "Bravo", "charlie", "draft", "Echo")
OURS = {"contact_email": "ann@pine.example"}
PEOPLE = ("rita", "mona", "arlo", "sal", "olga", "vera")


@pytest.fixture(scope="module")
def told(sandbox: str, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A portal in Auckland, with deals of two companies in two currencies; the last one comes on the next day."""
    with desk(tmp_path_factory.mktemp("pipeline"), sandbox, loaded, {"time_zone": "Pacific/Auckland"}) as made:
        made.registered("rita", **OURS, name="alpha", amount="1000.10", currency="EUR", expected_close_on="2030-01-31")
        made.registered("rita", **OURS, name="Bravo", amount="200.20", currency="EUR", expected_close_on="2030-02-01")
        made.registered("mona", **OURS, name="charlie", amount="9", currency="JPY", second_partner=None)
        made.registered("olga", name="=1+1", owner_company="Cedar IT", second_partner=None, prospect_name="100% Großer Ärger")
        made.registered("rita", **OURS, name="draft", draft=True)
        made.clock.forward(hours=24)
        made.registered("arlo", **OURS, name="Echo", owner_company="Arrow Electronics", second_partner=None, amount="5", currency="EUR")
        yield made


def listed(acme: Desk, user: str = "vera", **query: Any) -> list[str]:
    """The names of these deals; the portal has others, from its first load."""
    found = [one["name"] for one in acme.get(f"/deals?{urlencode({'limit': 200, **query})}", user=user)["items"]]
    return [name for name in found if name in OWN]


def refused(acme: Desk, path: str, **query: Any) -> Mapping[str, Any]:
    answer = acme.send("GET", f"{path}?{urlencode(query)}", user="vera")
    assert answer.status_code == 422, answer.text
    problem: Mapping[str, Any] = answer.json()
    return problem


# ── orders and filters ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_is_in_the_order_that_was_asked_for(told: Desk) -> None:
    assert listed(told, sort="name") == list(OWN)
    assert listed(told, "rita", sort="-amount") == ["alpha", "Bravo", "draft"]
    assert listed(told, "olga", sort="owner_company") == ["=1+1"]


@pytest.mark.parametrize("sort", [*ORDERED, "-amount", "-name", "-expires_on"])
def test_every_order_is_read_to_its_end_by_next(told: Desk, sort: str) -> None:
    whole = told.get(f"/deals?limit=200&sort={sort}", user="mona")["items"]
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = told.get(f"/deals?limit=2&sort={sort}{cursor and f'&cursor={cursor}'}", user="mona")
        found, cursor = [*found, *page["items"]], page["next"]
    assert [one["id"] for one in found] == [one["id"] for one in whole]
    assert len(found) >= 4


def test_a_cursor_counts_in_its_own_order_only(told: Desk) -> None:
    cursor = told.get("/deals?limit=1&sort=name", user="mona")["next"]
    for query in ({"sort": "-name"}, {"sort": "amount"}, {}):
        assert refused(told, "/deals", cursor=cursor, **query)["code"] == "cursor_malformed"


@pytest.mark.parametrize(
    ("sort", "held"),
    [
        ("-updated_at", ""),
        ("outcome", ""),
        ("created_at", "=yesterday"),
        ("licence_count", "=many"),
        ("amount", "=NaN"),
        ("name", "alpha"),
        ("expires_on", "=2030-02-31"),
    ],
)
def test_a_cursor_that_a_person_made_up_is_refused(told: Desk, sort: str, held: str) -> None:
    held_too = ["="] if sort == "amount" else []
    cursor = cursor_of(sort, "d1", *held_too, held)
    assert refused(told, "/deals", cursor=cursor, sort=sort)["code"] == "cursor_malformed"


def test_every_field_of_a_deal_that_has_one_value_is_a_column_to_order_by() -> None:
    shown = set(DealView.model_fields)
    of_companies = {"owner_company_name", "second_partner_name", "second_partner_label"}  # companies are ordered by their name
    several = {"attributes", "flags", "moves", "warnings"}
    assert shown - set(ORDERED) == {"id", "version", *of_companies, *several}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"label": "Distributor", "company": "Birch Systems"}, {"alpha", "Bravo", "draft"}),
        ({"label": "distributor", "owner_company": "Arrow Electronics"}, {"Echo"}),
        ({"label": "second_partner", "text": "charlie"}, set()),
        ({"label": "Partner", "text": "CHARLIE"}, {"charlie"}),
        ({"company": "Arrow Electronics"}, {"alpha", "Bravo", "draft", "Echo"}),
        ({"second_partner": "Arrow Electronics"}, {"alpha", "Bravo", "draft"}),
        ({"distributor_approval": "not_required", "lifecycle": "submitted"}, {"=1+1", "charlie", "Echo"}),
        ({"stage": "A stage that no deal is in"}, set()),
        ({"text": "100% GROSSER"}, set()),
        ({"text": "100% GROßER äRGER"}, {"=1+1"}),
        ({"outcome": "open", "owner_user": "mona"}, {"charlie"}),
        ({"expected_close_from": "2030-01-01", "expected_close_to": "2030-01-31"}, {"alpha"}),
        ({"registered_to": "9999-12-31", "text": "draft"}, set()),
        ({"created_from": "0001-01-01", "text": "draft"}, {"draft"}),
    ],
)
def test_the_list_is_narrowed(told: Desk, query: dict[str, str], names: set[str]) -> None:
    assert set(listed(told, **query)) == names


def test_days_are_those_of_the_portals_calendar(told: Desk) -> None:
    # Given a deal that was made 24 hours after the others, and the days of both in Auckland
    zone = told.installation.tenant("acme").portal.zone
    today = told.clock().astimezone(zone).date()
    # When somebody asks for the deals of that day
    # Then it is there, and the others are not
    assert "Echo" in listed(told, created_from=today, created_to=today)
    assert "alpha" not in listed(told, created_from=today)
    assert "Echo" not in listed(told, registered_to=today.replace(year=today.year - 1))


@pytest.mark.parametrize(
    ("path", "query", "field", "words"),
    [
        ("/deals", {"sort": "amout"}, "sort", "did you mean 'amount'?"),
        ("/deals", {"sort": "-prospect"}, "sort", "did you mean 'prospect_name'?"),
        ("/deals.csv", {"sort": "region"}, "sort", "a column of the list"),
        ("/deals", {"stagee": "x"}, "stagee", "did you mean 'stage'?"),
        ("/insights", {"owner": "x"}, "owner", "did you mean 'owner_user'?"),
        ("/deals", {"label": "Distributer"}, "label", "did you mean 'Distributor'?"),
        ("/insights", {"expires_from": "2030-01-02", "expires_to": "2030-01-01"}, "expires_to", "2030-01-02 or a later day"),
    ],
)
def test_what_the_portal_does_not_have_is_refused_with_the_nearest(
    told: Desk, path: str, query: dict[str, str], field: str, words: str
) -> None:
    problem = refused(told, path, **query)
    assert problem["field"] == field
    assert words in f"{problem['detail']} {problem['who_may']}"
    assert field.endswith("_to") or next(iter(query.values())).removeprefix("-") in problem["detail"] or field in problem["detail"]


@pytest.mark.parametrize("query", [{"by": "stages"}, {"outcome": "winning"}, {"expires_to": "soon"}, {"by": "stage", "cursor": "x"}])
def test_a_value_that_cannot_be_is_refused_with_its_field(told: Desk, query: dict[str, str]) -> None:
    assert refused(told, "/insights", **query)["field"] == list(query)[-1]


def test_a_portal_without_second_partners_has_none_in_orders_files_and_insights(sandbox: str, loaded: Loaded, tmp_path: Path) -> None:
    with desk(tmp_path, sandbox, loaded, {"two_tier": False, "deals": {"record": "lead", "approvals": ["vendor"]}}) as single:
        single.registered("rita", second_partner=None)
        assert refused(single, "/insights", by="second_partner")["code"] == "two_tier_off"
        assert refused(single, "/deals", sort="second_partner")["field"] == "sort"
        assert refused(single, "/deals", label="Distributor")["field"] == "label"
        head = exported(single, "rita")[0]
        assert not [label for label in head if "Distributor" in label or "second" in label.lower()]


# ── the CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of(answer: Answer) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.content.decode())))


def exported(acme: Desk, user: str, **query: Any) -> list[list[str]]:
    return rows_of(acme.send("GET", f"/deals.csv?{urlencode(query)}", user=user))


@pytest.mark.parametrize("user", PEOPLE)
def test_the_file_has_the_deals_of_the_list(told: Desk, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "CHUNK", 2)
    head, *rows = exported(told, user, sort="name")
    whole = told.get("/deals?limit=200&sort=name", user=user)["items"]
    assert [row[head.index("Id")] for row in rows] == [one["id"] for one in whole]
    assert [row[head.index("Partner company")] for row in rows] == [one["owner_company_name"] or "" for one in whole]
    assert [row[head.index("Distributor")] for row in rows] == [one["second_partner_name"] or "" for one in whole]
    assert [row[head.index("Amount")] for row in rows] == [one["amount"] or "" for one in whole]


def test_no_cell_is_a_formula_and_numbers_stay_numbers(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a deal whose every text begins like a formula, in fields of the portal's own too, and numbers below zero
    texts = {"name": "=cmd|' /C calc'!A0", "prospect_name": "@SUM(1)", "contact_last_name": "+1", "contact_first_name": "-1"}
    monkeypatch.setattr(sheet, "_own_fields", lambda _tenant: ["margin", "remark", "regions"])
    own = {"margin": Decimal("-3.50"), "remark": "-1+1", "regions": ("=1", "EMEA")}
    changed_in(acme, acme.registered("rita", **texts)["id"], amount=Decimal("-1000.50"), stage="\tTab", billing_cycle="\r1", **own)
    # When it is exported
    head, row = exported(acme, "rita")
    # Then each of them is text, and the amounts are numbers
    found = dict(zip(head, row, strict=True))
    assert [found[label] for label in ("Name", "Prospect", "Contact last name", "Contact first name")] == [
        f"'{text}" for text in texts.values()
    ]
    assert (found["Stage"], found["Billing cycle"], found["Amount"]) == ("'\tTab", "'\r1", "-1000.50")
    assert (found["Margin"], found["Remark"], found["Regions"]) == ("-3.50", "'-1+1", "'=1; EMEA")


def test_every_cell_is_in_quotes_so_that_no_other_separator_begins_a_formula(acme: Desk) -> None:
    changed_in(acme, acme.registered("rita", name="Pine;=1+1")["id"], prospect_name="Oak\t=1+1")
    answer = acme.send("GET", "/deals.csv", user="rita")
    [_, row] = answer.text.splitlines()
    assert row.startswith('"')
    assert row.endswith('"')
    assert '"Pine;=1+1","Oak\t=1+1","' in row


def changed_in(acme: Desk, deal_id: str, **values: Any) -> None:
    """The deal with these values, as the CRM would give them."""
    with acme.installation.store.transaction("acme") as tx:
        stored = deals.by_ids(tx, [deal_id])[deal_id]
        deals.save(tx, [replace(stored, deal=stored.deal.changed(values))])


def test_a_deal_that_goes_out_of_sight_during_the_download_is_left_out(acme: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given two deals of rita's, of which one goes to bert after the ids were read
    kept, given = (acme.registered("mona", owner_user="rita")["id"] for _ in range(2))
    read = pipeline.ids_seen

    def ids_seen(*args: Any, **more: Any) -> list[str]:
        ids = read(*args, **more)
        acme.post(f"/deals/{given}/reassign", {"owner_user": "bert"}, user="mona", version=1)
        return ids

    monkeypatch.setattr(pipeline, "ids_seen", ids_seen)
    # When rita's file is read
    head, *rows = exported(acme, "rita")
    # Then the other is in it, and this one is not
    assert [row[head.index("Id")] for row in rows] == [kept]


# ── insights ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("user", PEOPLE)
@pytest.mark.parametrize("by", ["stage", "outcome", "month", "registered_month", "owner_company", "second_partner"])
def test_insights_count_the_deals_of_the_list_each_once(told: Desk, user: str, by: str) -> None:
    whole = told.get("/deals?limit=200", user=user)["items"]
    found = told.get(f"/insights?by={by}&limit=200", user=user)
    assert found["overall"]["count"] == len(whole) == sum(group["count"] for group in found["items"])
    for currency in {one["currency"] for one in whole if one["amount"]}:
        right = sum(Decimal(one["amount"]) for one in whole if one["amount"] and one["currency"] == currency)
        sums = [one for group in [found["overall"], *found["items"]] for one in group["sums"] if one["currency"] == currency]
        assert Decimal(sums[0]["amount"]) == right == sum(Decimal(one["amount"]) for one in sums[1:])


def test_insights_take_the_filters_of_the_list_and_name_companies(told: Desk) -> None:
    found = told.get("/insights?by=owner_company&company=Arrow Electronics&lifecycle=submitted&text=@PINE.example", user="vera")
    assert [(one["name"], one["count"]) for one in found["items"]] == [("Birch Systems", 2), ("Arrow Electronics", 1)]
    assert found["items"][0]["sums"] == [{"currency": "EUR", "count": 2, "amount": "1200.30"}]
    assert found["second_partner_label"] == "Distributor"
    months = told.get("/insights?by=month&expected_close_from=2030-01-01", user="rita")["items"]
    assert [(one["value"], one["count"]) for one in months] == [("2030-01", 1), ("2030-02", 1)]


def test_a_second_partners_pipeline_is_what_it_owns_and_what_names_it(told: Desk) -> None:
    assert set(listed(told, "arlo")) == {"alpha", "Bravo", "Echo"}
    assert told.get("/insights?text=pine.example", user="arlo")["overall"]["count"] == 3
    both = told.get("/insights?text=pine.example&visible_to=rita", user="arlo")["overall"]
    assert (both["count"], both["sums"]) == (2, [{"currency": "EUR", "count": 2, "amount": "1200.30"}])
