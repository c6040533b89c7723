"""Transforms: each reading has its inverse, and refuses what it cannot be sure of."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_worker.domain.core.values import Value
from sync_worker.mapping.transforms import MAX_INTEGER, Transform, ValueMistake, WireForm, kind_of, transform_named

SALESFORCE, HUBSPOT = WireForm(), WireForm("", "text", "text")
WIRES = [SALESFORCE, HUBSPOT]
ZONES = [UTC, *map(ZoneInfo, ("Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"))]
wires, zones = st.sampled_from(WIRES), st.sampled_from(ZONES)


def made(name: str, wire: WireForm = SALESFORCE, zone: Any = UTC) -> Transform:
    return transform_named(name, wire=wire, zone=zone)


def round_trip(transform: Transform, value: Value) -> Value:
    """Spelled, sent as JSON, read back."""
    return transform.read(json.loads(json.dumps(transform.spell(value))))


# ── the law: read(spell(v)) == v ──────────────────────────────────────────────────────────────────────────────────────────────

texts = st.text(min_size=1).filter(lambda text: not text.isspace())
members = st.text(st.characters(exclude_characters=";", codec="utf-8"), min_size=1, max_size=8).map(str.strip).filter(bool)
sets = st.lists(members, max_size=5).map(lambda found: tuple(sorted(set(found))))


def decimals(places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**20), 10**20).map(lambda units: Decimal(units).scaleb(-places))


@settings(deadline=None)
@given(wires, st.one_of(st.none(), texts))
def test_text(wire: WireForm, value: Value) -> None:
    assert round_trip(made("text", wire), value) == value


@settings(deadline=None)
@given(wires, st.integers(0, 6), st.data())
def test_decimals_lose_no_cent(wire: WireForm, places: int, data: st.DataObject) -> None:
    value = data.draw(st.one_of(st.none(), decimals(places)))
    back = round_trip(made(f"decimal({places})", wire), value)
    assert back == value
    assert str(back) == str(value)


@settings(deadline=None)
@given(wires, st.one_of(st.none(), st.integers(-MAX_INTEGER, MAX_INTEGER)))
def test_integers(wire: WireForm, value: Value) -> None:
    back = round_trip(made("integer", wire), value)
    assert back == value
    assert type(back) is type(value)


@settings(deadline=None)
@given(wires, st.sampled_from([None, True, False]))
def test_booleans(wire: WireForm, value: Value) -> None:
    assert round_trip(made("boolean", wire), value) is value


@settings(deadline=None)
@given(wires, zones, st.one_of(st.none(), st.dates()))
def test_dates(wire: WireForm, zone: Any, value: Value) -> None:
    assert round_trip(made("date", wire, zone), value) == value


@settings(deadline=None)
@given(wires, zones, st.one_of(st.none(), st.dates(date(1800, 1, 1), date(3999, 1, 1))))
def test_days_kept_in_time_fields(wire: WireForm, zone: Any, value: Value) -> None:
    assert round_trip(made("datetime_to_date", wire, zone), value) == value


@settings(deadline=None)
@given(wires, sets)
def test_sets(wire: WireForm, value: Value) -> None:
    assert round_trip(made("multi_select", wire), value) == value


@settings(deadline=None)
@given(wires, st.one_of(st.none(), texts.map(str.strip)))
def test_references(wire: WireForm, value: Value) -> None:
    assert round_trip(made("company_ref", wire), value) == value


# ── the other way, for canonical spellings: spell(read(n)) == n ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "wire", "native"),
    [
        ("text", SALESFORCE, "Arrow  Inc "),
        ("decimal(2)", SALESFORCE, 1200.5),
        ("decimal(2)", HUBSPOT, "1200.50"),
        ("integer", SALESFORCE, 3),
        ("integer", HUBSPOT, "3"),
        ("boolean", SALESFORCE, True),
        ("boolean", HUBSPOT, "false"),
        ("date", HUBSPOT, "2026-02-28"),
        ("datetime_to_date", HUBSPOT, "2026-02-28T12:00:00.000Z"),
        ("multi_select", SALESFORCE, "Cloud;Edge"),
        ("company_ref", SALESFORCE, "0015g00000AAAAAAA5"),
    ],
)
def test_a_canonical_spelling_comes_back(name: str, wire: WireForm, native: Any) -> None:
    transform = made(name, wire)
    assert transform.spell(transform.read(native)) == native


@settings(deadline=None)
@given(st.floats(-1e12, 1e12).map(lambda number: round(number, 2)))
def test_money_as_json_comes_back_as_the_same_number(native: float) -> None:
    transform = made("decimal(2)")
    assert transform.spell(transform.read(native)) == native


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

ALL = ["text", "decimal(2)", "integer", "boolean", "date", "datetime_to_date", "multi_select", "company_ref"]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("raw", [None, "", "   "])
def test_blank_is_null_and_the_empty_set_for_sets(name: str, raw: Any) -> None:
    assert made(name).read(raw) == (() if name == "multi_select" else None)


@pytest.mark.parametrize("name", ALL)
def test_null_is_spelled_as_the_crm_clears_a_field(name: str) -> None:
    empty: Value = () if name == "multi_select" else None
    assert made(name, SALESFORCE).spell(empty) is None
    assert made(name, HUBSPOT).spell(empty) == ""


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("decimal(2)", 1200.5, Decimal("1200.50")),
        ("decimal(2)", "1200.5", Decimal("1200.50")),
        ("decimal(2)", 0.125, Decimal("0.12")),
        ("decimal(2)", "0.135", Decimal("0.14")),
        ("decimal(0)", 2.5, Decimal(2)),
        ("decimal(2)", 0.1, Decimal("0.10")),
        ("decimal(2)", -0.001, Decimal("0.00")),
        ("decimal(2)", 12, Decimal("12.00")),
        ("decimal(2)", "1.2E3", Decimal("1200.00")),
        ("integer", 1.0, 1),
        ("integer", "3.0", 3),
        ("integer", " 7 ", 7),
        ("boolean", "TRUE", True),
        ("boolean", " false ", False),
        ("date", "2026-02-28", date(2026, 2, 28)),
        ("date", "1772236800000", date(2026, 2, 28)),
        ("date", 1772236800000, date(2026, 2, 28)),
        ("date", 1772236800000.0, date(2026, 2, 28)),
        ("date", "2026-12-31T00:00:00Z", date(2026, 12, 31)),
        ("date", "2026-12-31T00:00:00.000+0000", date(2026, 12, 31)),
        ("date", "2026-12-31T00:00:00", date(2026, 12, 31)),
        ("date", "-2208988800000", date(1900, 1, 1)),
        ("multi_select", "Edge;Cloud;;Edge ; ", ("Cloud", "Edge")),
        ("multi_select", ["Edge", "Cloud"], ("Cloud", "Edge")),
        ("multi_select", ";late", ("late",)),
        ("company_ref", 512, "512"),
        ("text", True, "true"),
        ("text", 5, "5"),
    ],
)
def test_readings(name: str, raw: Any, value: Value) -> None:
    found = made(name).read(raw)
    assert found == value
    assert str(found) == str(value)


@pytest.mark.parametrize(
    "raw", ["2026-02-28T23:30:00.000+0000", "2026-02-28T23:30:00Z", "2026-02-28T23:30:00", "1772321400000", 1772321400000]
)
def test_the_portals_zone_decides_the_day_of_a_moment(raw: Any) -> None:
    assert made("datetime_to_date", zone=ZoneInfo("Europe/Berlin")).read(raw) == date(2026, 3, 1)
    assert made("datetime_to_date", zone=ZoneInfo("America/New_York")).read(raw) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("name", "raw", "code"),
    [
        ("decimal(2)", "12,50", "not_a_number"),
        ("decimal(2)", "1_000", "not_a_number"),
        ("decimal(2)", "NaN", "not_a_number"),
        ("decimal(2)", float("inf"), "not_a_number"),
        ("decimal(2)", "1e999", "not_a_number"),
        ("decimal(2)", True, "not_a_number"),
        ("decimal(2)", {}, "not_a_number"),
        ("decimal(2)", "٣", "not_a_number"),
        ("integer", 1.5, "not_an_integer"),
        ("integer", "1e30", "not_an_integer"),
        ("integer", "three", "not_a_number"),
        ("boolean", "yes", "not_a_boolean"),
        ("boolean", 1, "not_a_boolean"),
        ("date", "2026-02-30", "not_a_date"),
        ("date", "28.02.2026", "not_a_date"),
        ("date", "2026-W01-1", "not_a_date"),
        ("date", "20260228", "not_a_date"),
        ("date", "2026-02-28T10:00:00Z", "not_a_date"),
        ("date", "2026-12-31T00:00:00+02:00", "not_a_date"),
        ("date", "1772236800001", "not_a_date"),
        ("date", 1772236800, "not_a_date"),
        ("datetime_to_date", "20261231", "not_a_date"),
        ("datetime_to_date", "2026", "not_a_date"),
        ("datetime_to_date", 20240229, "not_a_date"),
        ("datetime_to_date", "0", "not_a_date"),
        ("datetime_to_date", "1780315200", "not_a_date"),
        ("datetime_to_date", "20261231235959", "not_a_date"),
        ("datetime_to_date", "202612312359", "not_a_date"),
        ("datetime_to_date", "٢٠٢٦١٢٣١٠٠٠٠٠", "not_a_date"),
        ("datetime_to_date", "1e12", "not_a_date"),
        ("datetime_to_date", "--1772236800000", "not_a_date"),
        ("date", True, "not_a_date"),
        ("date", [], "not_a_date"),
        ("datetime_to_date", "soon", "not_a_date"),
        ("datetime_to_date", "9" * 30, "not_a_date"),
        ("multi_select", 5, "not_a_set"),
        ("company_ref", 1.5, "not_a_reference"),
        ("company_ref", False, "not_a_reference"),
        ("company_ref", ["512", "513"], "not_a_reference"),
        ("text", {"a": 1}, "not_text"),
        ("text", ["a"], "not_text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_stable_code(name: str, raw: Any, code: str) -> None:
    with pytest.raises(ValueError) as caught:
        made(name).read(raw)
    assert isinstance(caught.value, ValueMistake)
    assert caught.value.code == code


@given(st.sampled_from(["date", "datetime_to_date"]), zones, st.integers(-(10**10) + 1, 10**10 - 1), st.sampled_from([int, str]))
def test_a_number_too_small_for_milliseconds_of_our_time_is_never_a_day(name: str, zone: Any, number: int, spelled: Any) -> None:
    with pytest.raises(ValueMistake, match="not a date"):
        made(name, zone=zone).read(spelled(number))


@given(zones, st.dates(date(2000, 1, 1), date(2571, 1, 1)))  # later milliseconds look like 20230128000000, which is refused
def test_a_day_sent_as_a_midnight_in_utc_is_that_day_in_any_zone(zone: Any, day: date) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    milliseconds = int(midnight.timestamp()) * 1000
    spellings = [day.isoformat(), midnight.isoformat(), f"{day}T00:00:00Z", f"{day}T00:00:00.000Z", milliseconds, str(milliseconds)]
    assert [made("date", zone=zone).read(spelling) for spelling in spellings] == [day] * len(spellings)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None)
@given(st.sampled_from(ALL), st.one_of(json_values, st.text("0123456789-T:Z+.eE ", max_size=26)))
def test_any_json_is_read_or_refused_never_more(name: str, raw: Any) -> None:
    for zone in (UTC, ZONES[1]):
        transform = made(name, zone=zone)
        try:
            value = transform.read(raw)
        except ValueMistake:
            continue
        try:
            spelled = transform.spell(value)
        except ValueMistake:
            continue
        assert transform.read(spelled) == value


@pytest.mark.parametrize("name", ALL)
def test_a_value_of_another_kind_is_not_spelled(name: str) -> None:
    with pytest.raises(ValueMistake):
        made(name).spell("12" if name not in ("text", "company_ref") else 12)


def test_a_member_with_a_semicolon_is_not_spelled() -> None:
    with pytest.raises(ValueMistake, match="semicolons"):
        made("multi_select").spell(("a;b",))


def test_too_large_a_number_for_a_float_travels_as_digits() -> None:
    assert made("decimal(2)").spell(Decimal("12345678901234567.89")) == "12345678901234567.89"


@pytest.mark.parametrize(("name", "kind"), [("decimal(0)", "decimal"), ("decimal(6)", "decimal"), ("decimal(7)", None), ("money", None)])
def test_kinds_are_known_by_name(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind
