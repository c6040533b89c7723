"""How a deal begins, in the portal or in the CRM, and how it is edited in the portal.

The pair of companies is checked here, on the server, whatever the form offered: `options` are the owner's associated second partners,
from `association.associates`. A refusal names who would be allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sync_worker.domain.company import AccountType, Company, PortalStatus
from sync_worker.domain.deal import (
    CLOSED,
    LOCKED,
    RESET_FIELDS,
    Actor,
    Deal,
    Move,
    Policy,
    Refusal,
    VendorApproval,
    consequences,
    differing,
    first_distributor_approval,
)
from sync_worker.domain.problem import Problem
from sync_worker.domain.values import Value

REGISTRABLE: Final = frozenset(
    {
        "name",
        "prospect_name",
        "contact_first_name",
        "contact_last_name",
        "contact_email",
        "amount",
        "currency",
        "expected_close_on",
        "deal_type",
        "licence_count",
        "term_years",
        "billing_cycle",
    }
)
"""What a partner may write, beside the portal's own attributes."""

COMPANIES: Final = frozenset({"owner_company", "second_partner"})
NOT_THEIRS: Final = frozenset(
    {
        "stage",
        "outcome",
        "vendor_approval",
        "distributor_approval",
        "lifecycle",
        "is_registered",
        "quote_state",
        "expires_on",
        "crm_owner",
    }
)
_OURS_ALONE: Final = frozenset({"distributor_approval", "lifecycle", "is_registered", "quote_state"})
"""Fields the CRM only shows: what it says of them never starts a deal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a second partner the CRM names. **Shapes** not accepted = keep the portal's, which is then owed to the CRM."""

    is_accepted: bool
    problem: Problem | None = None


def register(
    values: Mapping[str, Value],
    *,
    deal_id: str,
    owner: Company | None,
    second_partner: Company | None,
    options: Sequence[Company],
    policy: Policy,
    actor: Actor,
) -> Deal | Refusal:
    """A new deal, submitted, or a refusal that says what would be right.

    **Shapes** `values`: canonical fields flat with attributes; `owner_company` and `second_partner` may stand among them, but the
    companies given count. `options`: the owner's associated second partners.
    """
    refused = (
        _owner_refusal(values, owner, actor)
        or _pair_refusal(values, owner, second_partner, options, policy)
        or _field_refusal(values, policy)
        or _name_refusal(values)
    )
    if refused:
        return refused
    second_id = second_partner.id if second_partner else None
    begun: dict[str, Value] = {
        **values,
        "name": values.get("name") or values.get("prospect_name"),
        "owner_company": owner.id if owner else None,
        "second_partner": second_id,
        "vendor_approval": VendorApproval.PENDING.value,
        "distributor_approval": first_distributor_approval(second_id, policy).value,
        "lifecycle": "submitted",
        "outcome": "open",
        "is_registered": True,
    }
    return Deal(deal_id, begun)


def arrive_from_crm(values: Mapping[str, Value], *, deal_id: str, policy: Policy) -> Deal:
    """A deal that begins in the CRM: the vendor's track as its field says, the distributor's from the start.

    **Shapes** `values`: as normalized, companies already by our id; a second partner that was not accepted is left out by the caller.
    """
    kept = {name: value for name, value in values.items() if name not in _OURS_ALONE}
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


def edit(
    deal: Deal,
    changes: Mapping[str, Value],
    *,
    actor: Actor,
    actor_company: Company | None,
    policy: Policy,
    owner: Company | None,
    second_partner: Company | None,
    options: Sequence[Company],
) -> Move | Refusal:
    """An edit in the portal, with all that follows from it, or a refusal.

    **Shapes** `owner`, `second_partner` and `options` are those *after* the change; `changes` name companies by our id. What does not
    differ is dropped: no change is a move without changes.
    """
    names = differing(deal, changes)
    real = {name: value for name, value in changes.items() if name in names}
    refused = (
        _unknown_field(changes, REGISTRABLE | COMPANIES | policy.attribute_names)
        or _editor_refusal(deal, names, actor, actor_company)
        or _locked_refusal(deal, names)
        or (_edited_pair_refusal(real, owner, second_partner, options, policy) if names & COMPANIES else None)
        or _name_refusal({**deal.values, **real})
    )
    if refused:
        return refused
    if not real:
        return Move({}, f"{actor.name} changed nothing")
    follows = consequences(deal, real, policy, vendor_moved=False)
    return Move({**real, **follows}, f"{actor.name} edited {', '.join(sorted(real))}")


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
    if second_partner.is_deleted or second_partner.status is not PortalStatus.ACTIVE:
        return Verdict(is_accepted, _about("second_partner_not_active", second_partner, f"is not active; {done}"))
    if all(option.id != second_partner.id for option in options):
        words = f"is not associated with {owner.name if owner else 'the owner company'}; {done}"
        return Verdict(is_accepted, _about("second_partner_not_associated", second_partner, words))
    return Verdict(True)


def _about(code: str, company: Company, words: str) -> Problem:
    return Problem(code, "second_partner", f"{company.name} {words}", company.crm_id or company.id)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _owner_refusal(values: Mapping[str, Value], owner: Company | None, actor: Actor) -> Refusal | None:
    refused = _unfit_owner(values.get("owner_company"), owner)
    if refused or owner is None:
        return refused
    if actor.company_id is not None and actor.company_id != owner.id:
        why = f"{actor.name} is no member of {owner.name}"
        return Refusal("not_a_party", why, f"a member of {owner.name}", field="owner_company")
    return None


def _unfit_owner(named: Value, owner: Company | None) -> Refusal | None:
    who = "an active partner, or an active second partner for itself"
    if owner is None:
        return Refusal("owner_unknown", f"owner company {named or ''} is not in this portal".replace("  ", " "), who, field="owner_company")
    if owner.account_type is AccountType.VENDOR:
        return Refusal("owner_is_vendor", f"{owner.name} is the vendor", who, field="owner_company")
    if owner.is_deleted or owner.status is not PortalStatus.ACTIVE:
        state = "deleted in the CRM" if owner.is_deleted else owner.status.value
        return Refusal("owner_not_active", f"{owner.name} is {state}", who, field="owner_company")
    return None


def _pair_refusal(
    values: Mapping[str, Value],
    owner: Company | None,
    second_partner: Company | None,
    options: Sequence[Company],
    policy: Policy,
) -> Refusal | None:
    """Whether these two may stand on one deal; a submitted value is never silently dropped."""
    label, field = policy.second_partner_label, "second_partner"
    named = values.get(field)
    if second_partner is None and not named:
        return None
    if not policy.is_two_tier:
        return Refusal("two_tier_off", "this portal has no second partners", "nobody", field=field)
    allowed = tuple(sorted(option.name for option in options))
    who = f"one of: {', '.join(allowed)}" if allowed else f"nobody: no {label} is associated, so leave the field out"
    if second_partner is None:
        return Refusal("second_partner_unknown", f"{label} {named} is not in this portal", who, allowed, field)
    if owner is not None and owner.id == second_partner.id:
        return Refusal("second_partner_is_owner", f"{owner.name} cannot be its own {label}", who, allowed, field)
    if owner is not None and owner.account_type is AccountType.SECOND_PARTNER:
        return Refusal("second_partner_single_tier", f"{owner.name} registers for itself, without a {label}", "nobody", (), field)
    if second_partner.is_deleted or second_partner.status is not PortalStatus.ACTIVE:
        return Refusal("second_partner_not_active", f"{second_partner.name} is not active", who, allowed, field)
    if all(option.id != second_partner.id for option in options):
        why = f"{second_partner.name} is not associated with {owner.name if owner else 'the owner company'}"
        return Refusal("second_partner_not_associated", why, who, allowed, field)
    return None


def _edited_pair_refusal(
    real: Mapping[str, Value],
    owner: Company | None,
    second_partner: Company | None,
    options: Sequence[Company],
    policy: Policy,
) -> Refusal | None:
    refused = _unfit_owner(real.get("owner_company"), owner) if "owner_company" in real else None
    return refused or _pair_refusal(real, owner, second_partner, options, policy)


def _field_refusal(values: Mapping[str, Value], policy: Policy) -> Refusal | None:
    return _unknown_field(values, REGISTRABLE | COMPANIES | policy.attribute_names)


def _unknown_field(values: Mapping[str, Value], known: frozenset[str]) -> Refusal | None:
    """The first field that is not the partner's to write, by name; a typo is not an attribute."""
    allowed = tuple(sorted(known))
    for name in sorted(values.keys() - known):
        if name in NOT_THEIRS:
            return Refusal("field_not_registrable", f"{name} is not the partner's to set", "nobody", allowed, name)
        return Refusal("field_unknown", f"there is no deal field {name}", "nobody", allowed, name)
    return None


def _name_refusal(values: Mapping[str, Value]) -> Refusal | None:
    for name in ("name", "prospect_name"):
        value = values.get(name)
        if isinstance(value, str) and value.strip():
            return None
    return Refusal("name_missing", "a deal needs a name or a prospect_name", "the owner company", ("name", "prospect_name"), "name")


def _editor_refusal(deal: Deal, names: frozenset[str], actor: Actor, company: Company | None) -> Refusal | None:
    """The owner company's members and the vendor edit; the vendor alone gives a deal away. An operator acts for nobody and may."""
    is_vendor = company is not None and company.id == actor.company_id and company.account_type is AccountType.VENDOR
    if actor.company_id is None or is_vendor:
        return None
    who = "a member of the owner company, or the vendor"
    if actor.company_id != deal.owner_company:
        return Refusal("not_a_party", f"{actor.name} is no member of the owner company", who)
    if "owner_company" in names:
        return Refusal("owner_by_vendor_only", "a deal is given to another company by the vendor", "the vendor", (), "owner_company")
    return None


def _locked_refusal(deal: Deal, names: frozenset[str]) -> Refusal | None:
    if names and deal.lifecycle in CLOSED:
        return Refusal("deal_closed", f"the deal is {deal.lifecycle}", "nobody")
    locked = sorted(names & (RESET_FIELDS | COMPANIES)) if deal.lifecycle in LOCKED else []
    if locked:
        return Refusal("terms_locked", f"{', '.join(locked)}: locked, the deal is {deal.lifecycle}", "nobody", field=locked[0])
    return None
