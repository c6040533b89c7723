"""Which fields may rest alone while the CRM does not show them, and how long what waits for a person rests. Pure."""

from __future__ import annotations

from collections.abc import Collection

from sync_worker.domain.core.backoff import Backoff
from sync_worker.domain.core.deal import PRICED_FIELDS, RESET_FIELDS

UNTIL_SOMEBODY_ACTS = Backoff(first_s=300, factor=2, ceiling_s=3600)
"""Five minutes, then twice as long each time, an hour at most: looking again shows when somebody did."""

IDENTITY = frozenset({"name", "owner_company", "second_partner", "second_partner_values"})
"""What a record is, and whose. Without it the rest of the record cannot be understood."""


def may_rest_alone(field: str, *, is_attribute: bool, used_by_rules: Collection[str]) -> bool:
    """Whether the rest of the record means the same without this field.

    That holds for the portal's own attributes, unless a rule decides by one. A deal without its terms, or a record without its
    identity, would be judged by what it was: there the whole record type rests.
    """
    return is_attribute and field not in used_by_rules and field not in RESET_FIELDS | PRICED_FIELDS | IDENTITY
