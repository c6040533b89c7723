"""Who wrote what, and what they saw when they wrote it: from this follows which values may stand in the end.

Every edit remembers whose value its writer had before his eyes. What was before somebody's eyes when he wrote is *superseded*; of two
edits that did not see each other the field's rule may choose. (Values are drawn so that no two edits of a field write the same.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sync_worker.domain.core.values import Plain
from sync_worker.domain.distributors.terms import Pair, Terms

TRACKED = {
    "name": "crm",
    "prospect_name": "portal",
    "amount": "newest",
    "expected_close_on": "newest",
    "licence_count": "portal",
    "expires_on": "crm",
}
"""field → its conflict rule in the shipped mapping."""


@dataclass(slots=True)
class Edit:
    """One write of one field. **Units** `at`: the CRM's clock, for both sides.

    **Shapes** `saw`: the edit its writer had before his eyes. `is_given`: the CRM named a converted record by itself; nobody wrote that.
    """

    side: str
    value: Plain
    at: datetime
    saw: Edit | None
    is_given: bool = False

    def sees(self, other: Edit) -> bool:
        return any(one is other for one in self._seen())

    def _seen(self) -> Iterator[Edit]:
        one = self.saw
        while one is not None:
            yield one
            one = one.saw

    def __str__(self) -> str:
        return f"{self.side} {'gave' if self.is_given else 'wrote'} {self.value!r} at {self.at:%H:%M:%S}"


@dataclass(slots=True)
class Ledger:
    """Every edit of the tracked fields, by deal and field, oldest first.

    **Shapes** `by_people`: CRM ids of records that people made. `renamed`: deals and their company fields that a person of the CRM has
    written; `departed`: CRM ids of companies that a person has deleted or merged.
    `below`: who was put under whom by people of the portal, None = let go; `agreed`: by pair, the terms and the versions on file.
    """

    edits: dict[tuple[str, str], list[Edit]] = field(default_factory=dict)
    deal_by_record: dict[str, str] = field(default_factory=dict)
    registered: list[str] = field(default_factory=list)
    begun_in_crm: set[str] = field(default_factory=set)
    by_people: set[str] = field(default_factory=set)
    became: dict[str, str] = field(default_factory=dict)
    untold: set[tuple[str, str]] = field(default_factory=set)
    touched_at: dict[str, datetime] = field(default_factory=dict)
    renamed: set[tuple[str, str]] = field(default_factory=set)
    departed: set[str] = field(default_factory=set)
    below: dict[str, str | None] = field(default_factory=dict)
    agreed: dict[Pair, tuple[Terms | None, int]] = field(default_factory=dict)

    def wrote(self, side: str, deal_id: str, name: str, value: Plain, *, before: Plain, at: datetime, is_given: bool = False) -> None:
        """Somebody wrote `value` where `before` stood."""
        if name not in TRACKED:
            return
        edits = self.edits.setdefault((deal_id, name), [])
        saw = next((edit for edit in reversed(edits) if edit.value == before), None)
        edits.append(Edit(side, value, at, saw, is_given))

    def heads(self, deal_id: str, name: str) -> list[Edit]:
        """The last edit of each side, without the one that the other saw.

        A name that the CRM gave by itself counts only where there is no other.
        """
        edits = self.edits.get((deal_id, name), [])
        written = [edit for edit in edits if not edit.is_given]
        is_named = any(edit.value is not None for edit in written)
        last = {edit.side: edit for edit in (written if is_named else edits)}
        return [edit for edit in last.values() if not any(other.sees(edit) for other in last.values())]

    def is_untold(self, deal_id: str, name: str) -> bool:
        """Whether something happened to the deal that this ledger cannot follow."""
        return (deal_id, "") in self.untold or (deal_id, name) in self.untold
