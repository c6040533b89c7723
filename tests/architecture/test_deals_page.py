"""docs/deals.md says what the code says."""

from pathlib import Path

from sync_worker.cli.deals.deal_words import moves_table, sight_table

PAGE = Path(__file__).parents[2] / "docs" / "deals.md"


def test_the_page_of_deals_holds_the_tables_as_they_are() -> None:
    text = PAGE.read_text()
    assert moves_table() in text, "put what `sync-worker deals moves` prints into docs/deals.md"
    assert sight_table() in text, "put what `sync-worker deals moves` prints into docs/deals.md"
