"""The pictures in the docs show the pages as they are: they are made again when a template or a style has changed."""

from __future__ import annotations

from tests.integration.console.screenshots import DIGEST, PICTURES, ROOT, digest


def test_the_pictures_of_the_console_are_of_its_pages() -> None:
    assert DIGEST.read_text().strip() == digest(), "make them again: make screenshots"


def test_every_picture_is_shown() -> None:
    shown = (ROOT / "docs" / "console.md").read_text()
    assert [path.name for path in sorted(PICTURES.glob("*.png")) if f"pictures/{path.name}" not in shown] == []
