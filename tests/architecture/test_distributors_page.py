"""docs/distributors.md says what the policy tables say."""

from __future__ import annotations

from pathlib import Path

from sync_worker.domain.deals.quotes.quote import CYCLES, Column
from sync_worker.domain.deals.quotes.quote_policy import SEEN_BY, SENDERS, Side
from sync_worker.domain.distributors.upload import AGREEMENT
from sync_worker.domain.tell.notification import POLICY, WATCHED

PAGE = (Path(__file__).parents[2] / "docs" / "distributors.md").read_text()


def names(sides: frozenset[Side]) -> str:
    return ", ".join(side for side in Side if side in sides)


def test_who_sees_and_sends_which_quote_is_as_written() -> None:
    goes_to = {Column.DISTRIBUTOR: Side.DISTRIBUTOR, Column.DEAL: Side.RESELLER}
    for (column, pricing), senders in SENDERS.items():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {column} | {pricing} |")]
        assert row.endswith(f"| {names(senders)} | {goes_to[column]} | {names(SEEN_BY[pricing])} |")


def test_terms_and_their_billing_cycles_are_as_written() -> None:
    for years, cycles in CYCLES.items():
        assert f"| {years} year{'s' if years > 1 else ''} | {', '.join(sorted(cycles))} |" in PAGE


def test_what_may_be_uploaded_is_as_written() -> None:
    assert f"PDF, PNG or JPEG, {AGREEMENT.most_bytes // 1024**2} MB at most" in PAGE


def test_who_is_told_of_what_is_as_written() -> None:
    for notice, audience in POLICY.items():
        assert f"| `{notice}` | {'; '.join(audience)} |" in PAGE
    assert ", ".join(f"`{name}`" for name in sorted(WATCHED)) in PAGE
