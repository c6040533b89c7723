"""docs/codes.md says what the code says."""

from pathlib import Path

from sync_worker.cli.operate.failure_words import codes_page

PAGE = Path(__file__).parents[2] / "docs" / "codes.md"


def test_the_page_of_codes_is_the_codes() -> None:
    assert PAGE.read_text() == codes_page(), "make it again: sync-worker failures codes --markdown > docs/codes.md"
