"""How ids and queries are spelled, without a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.crm.port import Scan
from sync_worker.crm.salesforce.connection.ids import canonical, id_18
from sync_worker.crm.salesforce.reading import soql

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
NOON = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("short", "full"),
    [("001000000000000", "001000000000000AAA"), ("0065g00000ABCDE", "0065g00000ABCDEAA5"), ("AAAAAaaaaaAAAAA", "AAAAAaaaaaAAAAA5A5")],
)
def test_three_characters_remember_the_capitals(short: str, full: str) -> None:
    assert id_18(short) == canonical(short) == full


@given(st.text(LETTERS, min_size=15, max_size=15))
def test_an_id_survives_any_loss_of_case(short: str) -> None:
    full = id_18(short)
    assert len(full) == 18
    assert full[:15] == short
    assert {canonical(text) for text in (short, full, full.lower(), full.upper(), full.swapcase())} == {full}
    assert id_18(full) == full


@given(st.text(max_size=20))
def test_what_is_no_id_has_no_spelling(text: str) -> None:
    if not (text.isascii() and text.isalnum() and len(text) in (15, 18)):
        assert canonical(text) is None
        assert id_18(text) == text


@pytest.mark.parametrize("text", ["001000000000000AAB", "001000000000000999", "0" * 17 + "é", "001000000000000AA", "001 00000000000"])
def test_a_wrong_checksum_is_no_id(text: str) -> None:
    assert canonical(text) is None


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-06-01T12:00:00.000Z"),
        (NOON.astimezone(timezone(timedelta(hours=-7))), "2026-06-01T12:00:00.000Z"),
        (NOON + timedelta(microseconds=123_999), "2026-06-01T12:00:00.123Z"),
    ],
)
def test_a_moment_is_utc_and_has_no_microseconds(moment: datetime, text: str) -> None:
    assert soql.literal(moment) == text


@pytest.mark.parametrize("stamp", ["2026-06-01T12:00:00.000+0000", "2026-06-01T12:00:00.000Z", "2026-06-01T14:00:00.000+0200"])
def test_a_position_is_read_from_any_spelling_of_the_stamp(stamp: str) -> None:
    assert soql.position_of("00Q1", datetime.fromisoformat(stamp)) == "2026-06-01T12:00:00.000Z|00Q1"


def test_a_scan_is_spelled_whole() -> None:
    scan = Scan("Lead", ("Company", "Id", "Company"), NOON, NOON + timedelta(hours=1), only_with="Key__c")
    assert soql.scan_after(scan, "", limit=None) == (
        "SELECT Id, SystemModstamp, LastModifiedById, IsDeleted, MasterRecordId, IsConverted, ConvertedOpportunityId, Company FROM Lead "
        "WHERE SystemModstamp <= 2026-06-01T13:00:00.000Z AND SystemModstamp >= 2026-06-01T12:00:00.000Z AND Key__c != null "
        "ORDER BY SystemModstamp, Id"
    )
    after = soql.scan_after(scan, "2026-06-01T12:30:00.000Z|00Q1", limit=500)
    assert ">= 2026" not in after
    assert "(SystemModstamp > 2026-06-01T12:30:00.000Z OR (SystemModstamp = 2026-06-01T12:30:00.000Z AND Id > '00Q1'))" in after
    assert after.endswith("ORDER BY SystemModstamp, Id LIMIT 500")


@given(st.lists(st.text(min_size=1, max_size=60), max_size=400), st.integers(0, 300))
def test_every_value_is_asked_for_once_and_every_query_fits(values: list[str], field_count: int) -> None:
    fields = [f"Portal_Attribute_{number:04}__c" for number in range(field_count)]
    queries = list(soql.having("Lead", fields, "Key__c", values, is_deleted=False))
    assert all(len(quote_plus(query)) <= soql.ROOM_BYTES for query in queries)
    assert len(queries) >= (len(values) > 0)
    assert sum(query.count(" FROM Lead WHERE Key__c IN (") for query in queries) == len(queries)


def test_one_value_that_fits_nowhere_is_still_asked_for() -> None:
    assert len(list(soql.having("Lead", ["F" * 14_000], "Key__c", ["a", "b"], is_deleted=False))) == 2
