"""Problems that stand: the next read of the record mends nothing, so it does not close them either.

    what the vendor decided in the CRM, and the portal could not take over    until the vendor decides, or the deal is over
    terms that changed in the CRM while they are locked                       the same
    fields that a conversion did not copy                                     until `check` sees that the CRM copies them
    a deal that came back from the CRM, without what only the database had    until the vendor decides, or the deal is over

A person may discard each of them at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sync_worker.domain.core.deal import CLOSED, UNDECIDED, Deal
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import Plain

AWAITS_VENDOR: Final = ("approved_other_terms", "not_a_vendor_move", "decided_for_good", "locked_in_crm", "owner_company_missing")
CAME_BACK: Final = "came_back"
LOST_IN_CONVERSION: Final = "conversion_mapping_missing"


class Untaken(NamedTuple):
    """A value of the CRM that was not taken over. **Shapes** `portal`: the value that stays, and is written back; `why`: for people."""

    field: str
    crm: Plain
    portal: Plain
    why: str


@dataclass(frozen=True, slots=True)
class Stands:
    """One problem of one deal.

    **Shapes** `is_said_now`: the CRM has just said it; `lost`: "Lead.field" → "Opportunity.field", those that a conversion did not copy.
    """

    deal: Deal
    problem: Problem
    is_said_now: bool = False
    lost: Mapping[str, str] = field(default_factory=dict)


def came_back(deal: Deal) -> tuple[Problem, ...]:
    """What to say of a deal that the database had lost; nothing of one that is over."""
    if deal.lifecycle in CLOSED:
        return ()
    words = (
        f"the database did not know this deal, and its record in the CRM carries our key: it is back under its id, {deal.lifecycle}, "
        f"distributor approval {deal.distributor_approval}, vendor approval {deal.vendor_approval}. Who owns and who registered it, its "
        "history, quotes and licences were only in the database and did not come back"
    )
    return (Problem(CAME_BACK, "", words),)


def is_decided(before: Deal, after: Deal) -> bool:
    """Whether this change answers what waits for the vendor: the vendor's track was decided, or the deal is over."""
    is_new_word = after.vendor_approval is not before.vendor_approval and after.vendor_approval not in UNDECIDED
    return is_new_word or (after.lifecycle in CLOSED and before.lifecycle not in CLOSED)


def still_lost(lost: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """The fields that a conversion lost and, as it is set up now, would lose again. **Shapes** field → the field it should become."""
    return {field: target for field, target in lost.items() if told.get(field) != target}
