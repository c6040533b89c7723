"""Associations that stand neither as before nor as sent, but in between: the gap that our own calls leave.

An association is written by calls of its own. Between those calls, or where one of them failed, it holds what stood before in part:
nothing, or both companies. That must not be taken for the CRM's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync_worker.domain.core.reconcile import Base


def association_gaps(base: Mapping[str, Base], sent: Mapping[str, Base], shown: Mapping[str, Any]) -> dict[str, Base]:
    """The bases of those in between. **Shapes** `shown`: the record's associations as the CRM spells them, those that were read."""
    found: dict[str, Base] = {}
    for name, spelling in shown.items():
        before, after = base.get(name), sent.get(name)
        if (before or after) and _is_gap(spelling, before, after):
            found[name] = Base(None, spelling, is_half=True)
    return found


def _is_gap(spelling: Any, before: Base | None, after: Base | None) -> bool:
    """Our calls take away what stood before and add what is sent: a mixture of the two is ours, and so is a gap that was seen already."""
    if before is not None and spelling == before.crm:
        return before.is_half
    if after is None or spelling == after.crm:
        return False
    return _members(spelling) <= _members(before.crm if before else None) | _members(after.crm)


def _members(spelling: Any) -> frozenset[str]:
    if isinstance(spelling, list):
        return frozenset(map(str, spelling))
    return frozenset({str(spelling)}) if spelling else frozenset()
