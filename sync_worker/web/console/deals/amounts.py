"""Amounts as people read them."""

from __future__ import annotations

from decimal import Decimal

from sync_worker.domain.core.money import shown


def amount_shown(amount: Decimal | None, currency: str | None) -> str:
    """With its currency, where it has one; "" where there is no amount."""
    if amount is None:
        return ""
    return shown(amount, currency) if currency else f"{amount:,} (no currency)"
