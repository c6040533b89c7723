"""Record ids in both lengths."""

from hypothesis import given
from hypothesis import strategies as st

from crm_sandbox.salesforce.wire.ids import ALPHABET, checksum, make_id, to_18

bodies = st.text(ALPHABET, min_size=15, max_size=15)


def test_checksum_of_known_ids() -> None:
    # The third is all small letters and digits: no capital, no bit.
    assert checksum("001D000000IqhSL") == "IAZ"
    assert checksum("00D30000000001u") == "EAA"
    assert checksum("aaaaabbbbb11111") == "AAA"


@given(bodies)
def test_15_becomes_18_and_18_stays(body: str) -> None:
    full = body + checksum(body)
    assert to_18(body) == full
    assert to_18(full) == full


@given(bodies)
def test_18_survives_the_loss_of_its_case(body: str) -> None:
    full = body + checksum(body)
    assert to_18(full.lower()) == full
    assert to_18(full.upper()) == full


@given(st.integers(0, 62**9 - 2))
def test_ids_sort_as_they_were_given(serial: int) -> None:
    assert make_id("001", serial) < make_id("001", serial + 1)
    assert to_18(make_id("001", serial)[:15]) == make_id("001", serial)


def test_what_is_no_id() -> None:
    for text in ("", "001", "001Sb0000004C9-", "001Sb0000004C91IA!", "x" * 17 + "9"):
        assert to_18(text) is None
