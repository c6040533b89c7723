"""How a deal begins in the CRM, and what to do with the second partner that the CRM names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import (
    Deal,
    DistributorApproval,
    Lifecycle,
    Policy,
    VendorApproval,
    consequences,
    first_distributor_approval,
)
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.stamp import DISTRIBUTOR
from sync_worker.domain.core.values import Value

OURS_ALONE: Final = frozenset({"distributor_approval", *DISTRIBUTOR, "lifecycle", "is_registered", "quote_state"})
"""Fields the CRM only shows: what it says of them never starts a deal."""
_OUR_WORDS: Final[Mapping[str, type[StrEnum]]] = {"distributor_approval": DistributorApproval, "lifecycle": Lifecycle}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a second partner the CRM names. **Shapes** not accepted = keep the portal's, which is then owed to the CRM."""

    is_accepted: bool
    problem: Problem | None = None


def arrive_from_crm(values: Mapping[str, Value], *, deal_id: str, policy: Policy) -> Deal:
    """A deal that begins in the CRM: the vendor's track as its field says, the distributor's from the start.

    **Shapes** `values`: as normalized, companies already by our id; a second partner that was not accepted is left out by the caller.
    """
    kept = {name: value for name, value in values.items() if name not in OURS_ALONE}
    second = kept.get("second_partner")
    second_id = second if isinstance(second, str) and policy.is_two_tier else None
    deal = Deal(
        deal_id,
        {
            **kept,
            "name": kept.get("name") or kept.get("prospect_name"),
            "second_partner": second_id,
            "vendor_approval": kept.get("vendor_approval") or VendorApproval.PENDING.value,
            "distributor_approval": first_distributor_approval(second_id, policy).value,
            "lifecycle": "submitted",
            "outcome": kept.get("outcome") or "open",
        },
    )
    return deal.changed(consequences(deal, {}, policy, vendor_moved=True))


def return_from_crm(values: Mapping[str, Value], *, deal_id: str, policy: Policy) -> Deal:
    """A deal that the database lost, and whose record carries our key: what only we write is taken as well, being our own last word.

    **Shapes** as `arrive_from_crm`.
    """
    said = own_last_words(values)
    second_id = said.get("second_partner") if policy.is_two_tier else None
    first_track = first_distributor_approval(str(second_id) if second_id else None, policy)
    deal = Deal(
        deal_id,
        {
            **said,
            "name": said.get("name") or said.get("prospect_name"),
            "second_partner": second_id,
            "vendor_approval": said.get("vendor_approval") or VendorApproval.PENDING.value,
            "distributor_approval": said.get("distributor_approval") or first_track.value,
            "lifecycle": said.get("lifecycle") or Lifecycle.SUBMITTED.value,
            "outcome": said.get("outcome") or "open",
        },
    )
    return deal.changed(consequences(deal, {}, policy, vendor_moved=True))


def own_last_words(values: Mapping[str, Value]) -> dict[str, Value]:
    """What the CRM shows of fields that only we write, without what we cannot have written there."""
    return {name: value for name, value in values.items() if name not in _OUR_WORDS or value in set(_OUR_WORDS[name])}


def judge_from_crm(owner: Company | None, second_partner: Company, *, options: Sequence[Company], policy: Policy) -> Verdict:
    """Whether the second partner the CRM names is taken, and what to say of it. The vendor is the authority, unless the portal says revert.

    The owner company itself, and anybody where two-tier is off, is never taken.
    """
    if not policy.is_two_tier:
        return Verdict(False, _about("two_tier_off", second_partner, "is named, but this portal has no second partners"))
    if owner is not None and owner.id == second_partner.id:
        return Verdict(False, _about("second_partner_is_owner", second_partner, "is the owner company as well"))
    is_accepted = policy.unassociated == "accept"
    done = "accepted and flagged" if is_accepted else "put back"
    if second_partner.account_type is not AccountType.SECOND_PARTNER:
        return Verdict(is_accepted, _about("second_partner_wrong_type", second_partner, f"is a {second_partner.account_type}; {done}"))
    if not second_partner.takes_part:
        return Verdict(is_accepted, _about("second_partner_not_active", second_partner, f"is not active; {done}"))
    if all(option.id != second_partner.id for option in options):
        words = f"is not associated with {owner.name if owner else 'the owner company'}; {done}"
        return Verdict(is_accepted, _about("second_partner_not_associated", second_partner, words))
    return Verdict(True)


def _about(code: str, company: Company, words: str) -> Problem:
    return Problem(code, "second_partner", f"{company.name} {words}", company.crm_id or company.id)
