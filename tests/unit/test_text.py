"""Text from outside: whatever stands in it, it can be stored, and what is clean stays as it is."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.boundary.text import Mended, cell, decoded, harmless, is_fit, loads, mended, names_of, one_line


@pytest.mark.parametrize(
    "data",
    [
        rb'{"name": "Ced\u0000r", "id": "1"}',
        rb'{"name": "Ced\ud800r", "id": "1"}',
        rb'{"name": "Ced\udc00r", "id": "1"}',
        b'{"name": "Ced\x00r", "id": "1"}',
        b'{"name": "Ced\xe4r", "id": "1"}',
        '{"name": "Ced\ud800r", "id": "1"}',
    ],
    ids=repr,
)
def test_what_no_database_holds_is_replaced_and_its_key_is_named(data: bytes | str) -> None:
    found = loads(data)
    assert found == {"name": "Ced\ufffdr", "id": "1"}
    assert names_of(found) == ("name",)


def test_only_the_objects_that_hold_it_are_marked() -> None:
    found = loads(rb'{"results": [{"id": "1", "properties": {"name": "A\u0000"}}, {"id": "2", "properties": {"name": "B"}}]}')
    assert [names_of(row["properties"]) for row in found["results"]] == [("name",), ()]
    assert found["results"][1]["properties"] == {"name": "B"}


@pytest.mark.parametrize(
    "data", [rb'{"name": "C:\\u0000"}', rb'{"name": "\ud83d\ude00"}', '{"name": "Zoë\ufffd"}'.encode(), b"[]", b"5"], ids=repr
)
def test_clean_text_stays_as_it_is(data: bytes) -> None:
    found = loads(data)
    assert found == json.loads(data)
    assert not isinstance(found, Mended)


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b'{"a": ', rb'{"a": "\ud800"', b"NaN", b"[" * 100_000, b"\xff", b'{"a": NaN, "b": "\xe4"}', "\ud800"],
    ids=lambda data: repr(data[:9]),
)
def test_what_is_not_json_is_refused_as_before(data: bytes | str) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(data)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters() | st.sampled_from("\x00\ud800\udfff")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(values, st.booleans())
def test_any_json_comes_out_storable(value: Any, is_ascii: bool) -> None:
    found = loads(json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass"))
    text = json.dumps(found, ensure_ascii=False)
    assert text.encode("utf-8")
    assert "\\u0000" not in text
    assert mended(found) is found


@given(st.binary(), st.integers(0, 9))
def test_any_bytes_come_out_storable_and_clean_ones_as_they_are(data: bytes, cut: int) -> None:
    text = decoded(data)
    assert text.encode("utf-8").count(0) == 0
    assert is_fit([data[:cut], data[cut:]]) == (text.encode("utf-8") == data)


def test_what_steers_a_terminal_or_turns_letters_is_seen() -> None:
    assert harmless("a\x1b[2Jb\x9bc\u202ed\r\ne\tf") == "a\ufffd[2Jb\ufffdc\ufffdd\ne\tf"
    assert one_line("Deal\n\nDear customer\x1b") == "Deal Dear customer\ufffd"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0+1", "\u200b\ufeff@SUM(A1)"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_a_cell_that_is_no_formula_stays() -> None:
    assert [cell(text) for text in ("", "Birch = Oak", "0015g")] == ["", "Birch = Oak", "0015g"]
