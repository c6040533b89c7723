"""docs/distributors.md says what the policy tables say."""

from __future__ import annotations

from pathlib import Path

from sync_worker.domain.notification import POLICY, WATCHED
from sync_worker.domain.quote import CYCLES
from sync_worker.domain.quote_policy import TABLE, Side
from sync_worker.domain.upload import AGREEMENT

PAGE = (Path(__file__).parents[2] / "docs" / "distributors.md").read_text()


def names(sides: frozenset[Side]) -> str:
    return ", ".join(side for side in Side if side in sides)


def test_who_sees_and_sends_which_quote_is_as_written() -> None:
    for pricing, rule in TABLE.items():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {pricing} |")]
        assert row.endswith(f"| {names(rule.seen_by)} | {names(rule.sent_by)} | {rule.sent_to} |")


def test_terms_and_their_billing_cycles_are_as_written() -> None:
    for years, cycles in CYCLES.items():
        assert f"| {years} year{'s' if years > 1 else ''} | {', '.join(sorted(cycles))} |" in PAGE


def test_what_may_be_uploaded_is_as_written() -> None:
    assert f"PDF, PNG or JPEG, {AGREEMENT.most_bytes // 1024**2} MB at most" in PAGE


def test_who_is_told_of_what_is_as_written() -> None:
    for notice, audience in POLICY.items():
        assert f"| `{notice}` | {'; '.join(audience)} |" in PAGE
    assert ", ".join(f"`{name}`" for name in sorted(WATCHED)) in PAGE
