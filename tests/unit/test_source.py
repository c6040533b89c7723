"""YAML with its places: what is kept as written, what is refused, and where each mistake points."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from sync_worker.config.source import MOST_BYTES, Source, parse_source, read_source
from sync_worker.config.validation import validated
from sync_worker.errors import ConfigError, Mistake, Place


def parse(text: str) -> Source:
    return parse_source(text, file="f.yaml")


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return [str(mistake) for mistake in caught.value.mistakes]


# ── scalars ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("written", ["001E00000012345", "1.0", "0x10", "yes", "2026-01-01", "012", "true", "Null", "$partner", "00D"])
def test_every_scalar_is_its_text_as_written(written: str) -> None:
    # Given a scalar that YAML would turn into a number, a day or a boolean
    # When it is read
    # Then it is its text
    assert parse(f"a: {written}").data == {"a": written}


@pytest.mark.parametrize("written", ["null", "~", ""])
def test_plain_null_tilde_and_nothing_are_null(written: str) -> None:
    assert parse(f"a: {written}\nb: 1").data == {"a": None, "b": "1"}


@pytest.mark.parametrize(("written", "text"), [("'null'", "null"), ('"~"', "~"), ('""', ""), ("''", "")])
def test_what_stands_in_quotes_is_text(written: str, text: str) -> None:
    assert parse(f"a: {written}").data == {"a": text}


def test_keys_are_text_even_where_yaml_would_see_a_boolean_or_null() -> None:
    assert parse("{true: a, null: b, 1: c}").data == {"true": "a", "null": "b", "1": "c"}


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30))
def test_quoted_text_comes_back_unchanged(text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    if "\ufeff" in text or "\x85" in text:
        return
    assert parse(f"a: {quoted}").data == {"a": text}


# ── places ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_key_and_value_knows_its_place() -> None:
    # Given nested mappings and a list
    source = parse("a:\n  b: {c: x, d: [y, z]}\n")
    # Then values and keys have 1-based places
    assert source.place(("a", "b", "c")) == Place("f.yaml", 2, 10)
    assert source.key_place(("a", "b", "c")) == Place("f.yaml", 2, 7)
    assert source.place(("a", "b", "d", 1)) == Place("f.yaml", 2, 20)
    # And what is not there points at its nearest parent
    assert source.place(("a", "b", "nope", "deeper")) == Place("f.yaml", 2, 6)


def test_an_empty_value_points_at_its_own_key() -> None:
    assert parse("a:\nb: 1").place(("a",)) == Place("f.yaml", 1, 1)


def test_places_carry_the_path_as_the_person_gave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.yaml").write_text("a: [")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^x\.yaml:1:5: "):
        read_source(Path("x.yaml"))


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_duplicate_keys_are_named_at_once() -> None:
    assert mistakes_of("a: 1\na: 2\nb: {c: 1, c: 2}") == [
        "f.yaml:2:1: (file): 'a' stands twice — first on line 1; keep one",
        "f.yaml:3:11: b: 'c' stands twice — first on line 3; keep one",
    ]


def test_aliases_and_tags_are_refused_together() -> None:
    assert mistakes_of("a: &x 1\nb: *x\nc: !odd 2") == [
        "f.yaml:2:4: (file): the alias *x is not supported — write the value out",
        "f.yaml:3:4: (file): the tag !odd is not supported — leave it out: every value is text",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "f.yaml:1:6: (file): is not YAML: expected ',' or ']'"),
        ("a:\n\t- b", "indent with spaces, not tabs"),
        ("", "f.yaml:1:1: (file): is empty"),
        ("# only a comment\n", "is empty"),
        ("a", "must be a mapping at the top"),
        ("- a", "a list stands where a map belongs"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: (file): is not YAML"),
        ("<<: {a: 1}", "merge keys (<<) are not supported"),
        ("\x01", "unprintable character"),
        ("? [a]\n: b", "a key must be text"),
        (": x", "a key is missing"),
        ("a: &a [*a]", "the alias *a is not supported"),
        ("a: " + "[" * 400, "nests deeper"),
    ],
)
def test_what_is_no_plain_mapping_is_refused_with_its_place(text: str, words: str) -> None:
    assert words in mistakes_of(text)[0]


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: é".encode("latin-1"))
    for path, words in [(latin, "is not UTF-8"), (tmp_path / "none.yaml", "cannot be read"), (tmp_path, "cannot be read")]:
        with pytest.raises(ConfigError, match=words):
            read_source(path)


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "acme.yaml"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(ConfigError, match=r":1:1: \(file\): is not a regular file"):
            read_source(path)


def test_a_file_that_people_do_not_write_is_refused_before_it_is_built(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text("\n".join(f"key{number}: v" for number in range(100_000)))
    with pytest.raises(ConfigError, match=r"acme\.yaml:25001:1: \(file\): holds more than 50,000 keys and values") as caught:
        read_source(path)
    assert len(caught.value.mistakes) == 1
    path.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(ConfigError, match=r"4,194,304 at most are read"):
        read_source(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r'b: 1\na: ["x", "\0"]', "f.yaml:2:10: a[1]: holds U+0000 — leave it out"),
        (r'a: "x\ud83d"', "f.yaml:1:4: a: holds half a character (the surrogate U+D83D alone) — leave it out"),
        (r'a: "\ude80\ud83d"', "f.yaml:1:4: a: holds half a character (the surrogate U+DE80 alone) — leave it out"),
        (r'"\ud83d": 1', "f.yaml:1:1: (file): holds half a character (the surrogate U+D83D alone) — leave it out"),
        ("b: 1\na: x\0y", "f.yaml:2:5: (file): holds an unprintable character — remove it"),
    ],
)
def test_what_no_database_can_hold_is_a_mistake_with_its_place(text: str, words: str) -> None:
    assert mistakes_of(text.replace(r"\n", "\n")) == [words]


def test_two_halves_of_a_pair_are_one_character() -> None:
    assert parse(r'a: "\ud83d\ude80"').data == {"a": "🚀"}


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_source(path).data == {"a": "1"}


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=80), st.text(alphabet="a:-[]{},&*!|>'\"%@`#?~ \n\t1", max_size=60)))
def test_any_text_is_read_or_refused_never_more(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(parse(text).data, dict)


# ── validation ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    color: Literal["red", "green"] = "red"


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    inner: Inner | None = None
    by_name: dict[str, Inner] = {}
    listed: tuple[Inner, ...] = ()


def complaints(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validated(Outer, parse(text))
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nme: x\nname: y", "f.yaml:1:1: nme: unknown key 'nme' — did you mean 'name'? allowed: by_name, inner, listed, name"),
        ("inner: {}", "f.yaml:1:1: (file): 'name' is missing — add it"),
        ("name: {a: b}", "f.yaml:1:7: name: must be text, not a mapping"),
        ("name:", "f.yaml:1:1: name: has no value — give one, or leave the key out"),
        ("{name: a, inner: x}", "f.yaml:1:18: inner: must be a mapping (`key: value`), not 'x'"),
        ("{name: a, listed: x}", "f.yaml:1:19: listed: must be a list, not 'x'"),
        (
            "{name: a, inner: {color: gren}}",
            "f.yaml:1:26: inner.color: 'gren' is not allowed — did you mean 'green'? allowed: red, green",
        ),
        ("{name: a, by_name: {k: {colour: red}}}", "unknown key 'colour' — did you mean 'color'? allowed: color"),
        ("{name: a, listed: [{color: red}, {colr: red}]}", "f.yaml:1:35: listed[1].colr: unknown key 'colr' — did you mean 'color'?"),
    ],
)
def test_pydantic_errors_become_mistakes_with_place_value_and_remedy(text: str, expected: str) -> None:
    assert expected in complaints(text)[0]


def test_all_validation_mistakes_come_at_once() -> None:
    assert len(complaints("{nam: a, inner: {color: x}, listed: [{y: 1}]}")) == 4


# ── grafting ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_graft_keeps_the_places_of_where_it_was_written() -> None:
    # Given two files
    base, other = parse("a: {b: 1, c: 2}"), parse_source("\nover: {x: 9}", file="g.yaml")
    places, keys = other.beneath(("over",))
    # When a node of one replaces a node of the other
    grown = base.grafted(("a", "b"), other.at(("over",)), places=places, keys=keys)
    # Then data and places follow, and the original is untouched
    assert grown.data == {"a": {"b": {"x": "9"}, "c": "2"}}
    assert grown.place(("a", "b", "x")) == Place("g.yaml", 2, 11)
    assert grown.place(("a", "c")) == Place("f.yaml", 1, 14)
    assert base.data == {"a": {"b": "1", "c": "2"}}


def test_pruning_takes_a_key_and_its_places_away() -> None:
    pruned = parse("a: {b: 1, c: [x, y], d: 2}\ne: 3").pruned(("a", "b"), ("a", "d"), ("e",))
    assert pruned.data == {"a": {"c": ["x", "y"]}}
    assert ("a", "b") not in pruned.places


def test_a_source_does_not_print_its_content() -> None:
    source: Any = parse("secret: hunter2")
    assert "hunter2" not in repr(source)


def test_a_mistake_reads_as_place_path_what_remedy() -> None:
    assert str(Mistake(Place("f", 1, 2), "a.b", "is odd", "make it even")) == "f:1:2: a.b: is odd — make it even"
