"""What may be uploaded: known by its content, never by its name alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.distributors.upload import AGREEMENT, HEAD_BYTES, JPEG, PDF, PNG, shown_name, size_refusal, type_of


@pytest.mark.parametrize(
    ("head", "name", "found"),
    [(b"%PDF-1.7\n", "Agreement.PDF", PDF), (b"\x89PNG\r\n\x1a\n....", "scan.png", PNG), (b"\xff\xd8\xff\xe0", "scan.JPEG", JPEG)],
)
def test_a_file_is_what_its_first_bytes_say(head: bytes, name: str, found: object) -> None:
    assert type_of(head, name, AGREEMENT) == found


@pytest.mark.parametrize(
    ("head", "name", "code"),
    [
        (b"MZ\x90\x00", "agreement.pdf", "file_type_unknown"),
        (b"<html>", "agreement.pdf", "file_type_unknown"),
        (b" %PDF-1.7", "agreement.pdf", "file_type_unknown"),
        (b"%PDF-1.7", "agreement.exe", "file_type_not_as_named"),
        (b"%PDF-1.7", "agreement.png", "file_type_not_as_named"),
        (b"%PDF-1.7", "agreement", "file_type_not_as_named"),
        (b"", "agreement.pdf", "file_empty"),
    ],
)
def test_what_is_not_taken_is_told_why_and_what_would_be(head: bytes, name: str, code: str) -> None:
    refused = type_of(head, name, AGREEMENT)
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert ".pdf" in refused.who_may


def test_a_file_of_just_the_size_is_taken() -> None:
    assert size_refusal(AGREEMENT.most_bytes, AGREEMENT) is None
    refused = size_refusal(AGREEMENT.most_bytes + 1, AGREEMENT)
    assert refused is not None
    assert refused.why == "the file is larger than 20 MB"
    assert all(len(known.begins) <= HEAD_BYTES for known in AGREEMENT.types)


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\fakepath\\Vertrag.pdf", "Vertrag.pdf"),
        ("a\r\nSet-Cookie: b.pdf", "aSet-Cookie: b.pdf"),
        ("fdp\u202e.pdf", "fdp.pdf"),
        ("/", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_name_is_for_people_and_no_path(given_name: str, shown: str) -> None:
    assert shown_name(given_name) == shown


@given(st.text())
def test_no_name_keeps_a_folder_or_a_control_character(name: str) -> None:
    kept = shown_name(name)
    assert 0 < len(kept) <= 200
    assert not set(kept) & set("/\\\r\n\0")
