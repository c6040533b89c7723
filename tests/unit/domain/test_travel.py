"""An edit that the CRM will never hear of is refused, by the way the mapping writes the field."""

from __future__ import annotations

from typing import Any

import pytest

from sync_worker.domain.core.reconcile import Base, FieldRule
from sync_worker.domain.deals.travel import after_record, before_record

HELD = Base("EUR", "EUR")


@pytest.mark.parametrize(
    ("direction", "write", "base", "before", "after"),
    [
        ("both", "always", HELD, None, None),
        ("push", "update", HELD, None, None),
        ("both", "create", HELD, None, "only_while_registering"),
        ("push", "create", None, None, "only_while_registering"),
        ("push", "once", HELD, None, "only_while_registering"),
        ("both", "once", None, None, None),
        ("pull", "always", None, "only_in_crm", "only_in_crm"),
    ],
)
def test_the_write_mode_and_what_the_record_holds_decide(
    direction: Any, write: Any, base: Base | None, before: str | None, after: str | None
) -> None:
    rules, bases = {"currency": FieldRule("currency", direction, write)}, {"currency": base} if base else {}
    first = before_record(rules).get("currency")
    later = after_record(rules, registered_with=["currency"], base=bases).get("currency")
    assert (first.code if first else None, later.code if later else None) == (before, after)
    assert later is None or (later.field == "currency" and "currency" in later.why)


def test_what_the_new_record_type_has_no_field_for_is_stuck_and_what_no_type_has_is_the_portals_own() -> None:
    stuck = after_record({"name": FieldRule("name", "both")}, registered_with=["name", "contact_email"], base={})
    assert {name: refusal.code for name, refusal in stuck.items()} == {"contact_email": "no_place_in_crm"}
