"""What may be written into a field of a deal."""

from __future__ import annotations

import pytest

from sync_worker.steps.people.wording import MOST, address_misfit, misfit_of


@pytest.mark.parametrize("character", ["\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066"])
def test_a_name_is_one_line_and_steers_nothing(character: str) -> None:
    refused = misfit_of("name", f"Harbor{character}Freight")
    assert refused is not None
    assert (refused.code, refused.field) == ("value_malformed", "name")
    assert f"U+{ord(character):04X}" in refused.why


def test_a_long_text_may_have_lines_and_still_steers_nothing() -> None:
    assert misfit_of("remarks", "one\n\ttwo\r\n") is None
    assert misfit_of("remarks", "one\x1b[31m") is not None


@pytest.mark.parametrize("name", ["Müller & Söhne", "株式会社", "שלום", "🚀 Freight", "O'Neill \u200f"])
def test_names_of_every_script_pass(name: str) -> None:
    assert misfit_of("name", name) is None


def test_a_text_is_no_longer_than_the_crms_field() -> None:
    assert misfit_of("name", "x" * 255, longest=255) is None
    refused = misfit_of("name", "x" * 256, longest=255)
    assert refused is not None
    assert (refused.code, refused.why) == ("text_too_long", "name has 256 characters; the CRM's field takes 255")
    assert misfit_of("name", "x" * MOST) is None
    assert misfit_of("name", "x" * (MOST + 1)) is not None
    assert misfit_of("name", "x" * (MOST + 1), longest=32_768) is not None


@pytest.mark.parametrize("address", ["ann@birch.example", "ann.o'neill+deals@birch.co.uk", "ann@intranet", "jürgen@müller.example"])
def test_addresses(address: str) -> None:
    assert address_misfit(address) == ""


@pytest.mark.parametrize("address", ["ann", "ann@", "@birch.example", "ann@birch..example", "ann @birch.example", "a@b@c.example"])
def test_what_is_not_an_address(address: str) -> None:
    assert address_misfit(address)
    refused = misfit_of("contact_email", address)
    assert refused is not None
    assert refused.field == "contact_email"
