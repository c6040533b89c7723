"""How a deal begins in the portal, and what an edit in the portal needs.

The pair of companies is checked here, on the server, whatever the form offered: `options` are the owner's associated second partners,
from `association.associates`. A refusal names who would be allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import (
    LOCKED,
    RESET_FIELDS,
    Actor,
    Deal,
    Lifecycle,
    Policy,
    Refusal,
    VendorApproval,
    differing,
    first_distributor_approval,
)
from sync_worker.domain.core.money import is_currency, misfit, rounded
from sync_worker.domain.core.move_context import Party, Scene, effect, guard
from sync_worker.domain.core.stamp import STAMPS
from sync_worker.domain.core.user import User
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.last_day import first_last_day
from sync_worker.domain.deals.quotes.quote import CYCLES
from sync_worker.domain.distributors.parenthood import COMPANIES, other_parent

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

MONEY: Final = frozenset({"amount", "currency"})
NOT_THEIRS: Final = frozenset(
    {
        "stage",
        "outcome",
        "vendor_approval",
        "distributor_approval",
        *STAMPS,
        "lifecycle",
        "is_registered",
        "quote_state",
        "expires_on",
        "renews_until",
        "crm_owner",
        "owner_user",
        "registered_by",
    }
)
"""What has ways of its own: decisions, moves, the CRM."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a new deal is judged by, beside what it says of itself.

    **Shapes** `owner`, `second_partner`: the companies that it names. `options`: the owner's associated second partners. `parent`: the
    distributor that a subgroup's deal names. `owner_user`: for whom it is registered; None means the actor. `vendor`: the vendor's own
    company, whose people register for any owner company.
    """

    deal_id: str
    policy: Policy
    actor: Actor
    owner: Company | None
    second_partner: Company | None
    options: Sequence[Company]
    parent: Company | None = None
    owner_user: User | None = None
    vendor: Company | None = None

    @property
    def is_by_vendor(self) -> bool:
        """Whether one of the vendor's people registers it."""
        is_admin = self.actor.user is not None and self.actor.user.is_vendor_admin
        return is_admin or (self.vendor is not None and self.actor.is_of(self.vendor.id))


def register(values: Mapping[str, Value], asked: Registration) -> Deal | Refusal:
    """A new deal, submitted, or a refusal that says what would be right.

    **Shapes** `values`: canonical fields flat with attributes; `owner_company` and `second_partner` may stand among them, but the
    companies given count.
    """
    begun = draft(values, asked)
    if isinstance(begun, Refusal):
        return begun
    return _nameless(values) or begun.changed({"lifecycle": Lifecycle.SUBMITTED.value, "is_registered": True})


def draft(values: Mapping[str, Value], asked: Registration) -> Deal | Refusal:
    """A new deal that is not submitted yet: only its own people see it, and it may still lack its name. **Shapes** as `register`."""
    owner, second_partner, policy, actor, owner_user = asked.owner, asked.second_partner, asked.policy, asked.actor, asked.owner_user
    refused = (
        _unfit_owner(values.get("owner_company"), owner)
        or (None if asked.is_by_vendor else _not_a_party(owner, second_partner, actor, policy))
        or other_parent(owner, second_partner, asked.parent, policy)
        or _unfit_pair(values.get("second_partner"), owner, second_partner, asked.options, policy)
        or _unknown_field(values, REGISTRABLE | COMPANIES | policy.attribute_names)
        or _unfit_term(values)
        or _unfit_money(values, policy)
        or (owner_user and owner and _no_colleague(owner_user, owner_user.id, owner))
    )
    if refused:
        return refused
    owner_id, second_id = (owner.id if owner else None), (second_partner.id if second_partner else None)
    rep = owner_user or (actor.user if actor.is_of(owner_id) else None)
    people: dict[str, Value] = {"owner_user": rep.id if rep else None, "registered_by": actor.user.id if actor.user else None}
    begun: dict[str, Value] = {
        **values,
        **_amount(values, policy),
        "name": values.get("name") or values.get("prospect_name"),
        "owner_company": owner_id,
        "second_partner": second_id,
        **{name: value for name, value in people.items() if value},
        "vendor_approval": VendorApproval.PENDING.value,
        "distributor_approval": first_distributor_approval(second_id, policy).value,
        "lifecycle": Lifecycle.DRAFT.value,
        "outcome": "open",
        "is_registered": False,
    }
    return Deal(asked.deal_id, begun)


def names_oneself(values: Mapping[str, Value], owner: Company | None, options: Sequence[Company], actor: Actor) -> dict[str, Value]:
    """The values of a new deal that a second partner registers on behalf of another company: it means itself unless it names somebody."""
    mine = [option.id for option in options if actor.is_of(option.id)]
    if values.get("second_partner") or owner is None or actor.is_operator or actor.is_of(owner.id) or len(mine) != 1:
        return dict(values)
    return {**values, "second_partner": mine[0]}


# ── what a submission or an edit needs ───────────────────────────────────────────────────────────────────────────────


@guard("the edit has only fields that a partner may set")
def known_fields(scene: Scene) -> Refusal | None:
    return _unknown_field(scene.changes, REGISTRABLE | COMPANIES | scene.policy.attribute_names)


@guard("only the vendor gives the deal to another owner company")
def given_by_vendor(scene: Scene) -> Refusal | None:
    if "owner_company" not in differing(scene.deal, scene.changes) or scene.standing.parties & {Party.VENDOR, Party.OPERATOR}:
        return None
    return Refusal("owner_by_vendor_only", "a deal is given to another company by the vendor", "the vendor", (), "owner_company")


@guard("draft on behalf: the portal still allows it, and the company of the person who made the draft stays on the deal")
def still_on_behalf(scene: Scene) -> Refusal | None:
    """The same as when it was made; its owner company's people are free."""
    if Party.MAKER not in scene.standing.parties or scene.standing.parties & {Party.OWNER, Party.VENDOR, Party.OPERATOR}:
        return None
    refused = _not_a_party(scene.owner, scene.second_partner, scene.actor, scene.policy)
    return replace(refused, field="second_partner") if refused and "second_partner" in scene.changes else refused


@guard("from finalize_requested on, the terms and the companies stay as they are")
def unlocked(scene: Scene) -> Refusal | None:
    deal = scene.deal
    locked = sorted(differing(deal, scene.changes) & (RESET_FIELDS | COMPANIES)) if deal.lifecycle in LOCKED else []
    if locked:
        return Refusal("terms_locked", f"{', '.join(locked)}: locked, the deal is {deal.lifecycle}", "nobody", field=locked[0])
    return None


@guard("if a company changes: the two companies may work together")
def fit_change(scene: Scene) -> Refusal | None:
    changed = differing(scene.deal, scene.changes) & COMPANIES
    if not changed:
        return None
    refused = _unfit_owner(scene.changes.get("owner_company"), scene.owner) if "owner_company" in changed else None
    named = scene.changes.get("second_partner", scene.deal.second_partner)
    return refused or _unfit_pair(named, scene.owner, scene.second_partner, scene.options, scene.policy)


@guard("if term or billing cycle changes: the term is 1 to 3 years, and the billing cycle fits it")
def fit_term(scene: Scene) -> Refusal | None:
    changed = differing(scene.deal, scene.changes) & {"term_years", "billing_cycle"}
    return _unfit_term(scene.deal.changed(scene.changes).values) if changed else None


@guard("if the money changes: the currency is in ISO 4217, and the amount has no more decimals than the currency")
def fit_money(scene: Scene) -> Refusal | None:
    changed = differing(scene.deal, scene.changes) & MONEY
    return _unfit_money({**scene.deal.values, **scene.changes}, scene.policy) if changed else None


@guard("the owner company is active; the second partner is associated with it and active")
def fit_pair(scene: Scene) -> Refusal | None:
    refused = _unfit_owner(scene.deal.owner_company, scene.owner)
    return refused or _unfit_pair(scene.deal.second_partner, scene.owner, scene.second_partner, scene.options, scene.policy)


@guard("the deal has a name or a prospect")
def named(scene: Scene) -> Refusal | None:
    if scene.deal.lifecycle is Lifecycle.DRAFT and scene.changes:
        return None  # a draft may still lack it
    return _nameless({**scene.deal.values, **scene.changes})


@guard("the new deal owner is an active member of the owner company")
def colleague(scene: Scene) -> Refusal | None:
    if scene.owner is None:
        return _unfit_owner(scene.deal.owner_company, None)
    return _no_colleague(scene.colleague, scene.colleague_id, scene.owner)


@effect(
    "the fields change; new terms set both tracks to pending; a new second partner sets its track to pending; "
    "a new owner company removes the deal owner"
)
def edited(scene: Scene) -> Mapping[str, Value]:
    written = scene.changes
    if MONEY & written.keys():
        written = {**written, **_amount({**scene.deal.values, **written}, scene.policy)}
    changed = differing(scene.deal, written)
    return {name: value for name, value in written.items() if name in changed}


@effect(
    "submitted; both tracks begin; the deal gets the last day of the portal's registration period; "
    "a subgroup's deal gets its distributor as second partner"
)
def submitted(scene: Scene) -> Mapping[str, Value]:
    if scene.deal.lifecycle is Lifecycle.SUBMITTED:
        return {}
    values = scene.deal.values
    second = scene.deal.second_partner or (scene.parent.id if scene.parent else None)
    return {
        "lifecycle": Lifecycle.SUBMITTED.value,
        "name": values.get("name") or values.get("prospect_name"),
        "second_partner": second,
        "vendor_approval": VendorApproval.PENDING.value,
        "distributor_approval": first_distributor_approval(second, scene.policy).value,
        **first_last_day(scene.deal, scene.policy, scene.today),
    }


@effect("the deal has the new deal owner")
def reassigned(scene: Scene) -> Mapping[str, Value]:
    return {"owner_user": scene.colleague_id}


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _not_a_party(owner: Company | None, second_partner: Company | None, actor: Actor, policy: Policy) -> Refusal | None:
    """The owner's members register, the vendor for any of them, and its second partner on its behalf where the portal lets it."""
    if owner is None or actor.is_operator or actor.is_of(owner.id):
        return None
    if second_partner and actor.is_of(second_partner.id):
        if policy.on_behalf:
            return None
        why = (
            f"{actor.name} is not a member of {owner.name}, and this portal does not let a {policy.second_partner_label} register on behalf"
        )
        return Refusal("on_behalf_off", why, f"a member of {owner.name}", field="owner_company")
    why = f"{actor.name} is not a member of {owner.name}"
    second = f", of the {policy.second_partner_label} that the deal names," if policy.on_behalf else ""
    who = f"a member of {owner.name}{second} or of the vendor"
    return Refusal("not_a_party", why, who, field="owner_company")


def _no_colleague(user: User | None, user_id: str, owner: Company) -> Refusal | None:
    who = f"an active member of {owner.name}"
    if user is None:
        return Refusal("user_unknown", f"the portal has not sent a user {user_id} to sync-worker", who, field="owner_user")
    if not user.is_active or owner.id not in user.companies:
        state = f"not a member of {owner.name}" if user.is_active else "inactive"
        return Refusal("not_a_colleague", f"{user.name} is {state}", who, field="owner_user")
    return None


def _unfit_owner(named: Value, owner: Company | None) -> Refusal | None:
    who = "an active partner, or an active second partner for itself"
    if owner is None:
        return Refusal("owner_unknown", f"owner company {named or ''} is not in this portal".replace("  ", " "), who, field="owner_company")
    if owner.account_type is AccountType.VENDOR:
        return Refusal("owner_is_vendor", f"{owner.name} is the vendor", who, field="owner_company")
    if not owner.takes_part:
        state = "deleted in the CRM" if owner.is_deleted else owner.status.value
        return Refusal("owner_not_active", f"{owner.name} is {state}", who, field="owner_company")
    return None


def _unfit_pair(
    named: Value,
    owner: Company | None,
    second_partner: Company | None,
    options: Sequence[Company],
    policy: Policy,
) -> Refusal | None:
    """Whether these two may stand on one deal; a submitted value is never silently dropped."""
    label, field = policy.second_partner_label, "second_partner"
    if second_partner is None and not named:
        return None
    if not policy.is_two_tier:
        return Refusal("two_tier_off", "this portal has no second partners", "nobody", field=field)
    allowed = tuple(sorted(option.name for option in options))
    who = f"one of: {', '.join(allowed)}" if allowed else f"no company: no {label} is associated, so leave the field out"
    if second_partner is None:
        return Refusal("second_partner_unknown", f"{label} {named} is not in this portal", who, allowed, field)
    if owner is not None and owner.id == second_partner.id:
        return Refusal("second_partner_is_owner", f"{owner.name} cannot be its own {label}", who, allowed, field)
    if owner is not None and owner.account_type is AccountType.SECOND_PARTNER:
        return Refusal("second_partner_single_tier", f"{owner.name} registers for itself, without a {label}", "nobody", (), field)
    if not second_partner.takes_part:
        return Refusal("second_partner_not_active", f"{second_partner.name} is not active", who, allowed, field)
    if all(option.id != second_partner.id for option in options):
        why = f"{second_partner.name} is not associated with {owner.name if owner else 'the owner company'}"
        return Refusal("second_partner_not_associated", why, who, allowed, field)
    return None


def _unknown_field(values: Mapping[str, Value], known: frozenset[str]) -> Refusal | None:
    """The first field that is not the partner's to write, by name; a typo is not an attribute."""
    allowed = tuple(sorted(known))
    for name in sorted(values.keys() - known):
        if name in NOT_THEIRS:
            return Refusal("field_not_registrable", f"a partner may not set {name}", "nobody", allowed, name)
        return Refusal("field_unknown", f"there is no deal field {name}", "nobody", allowed, name)
    return None


def _unfit_term(values: Mapping[str, Value]) -> Refusal | None:
    """A term that is not sold, or one that is not paid that way. What is not said yet is not a mistake."""
    years, cycle, who = values.get("term_years"), values.get("billing_cycle"), "the person who writes it"
    if years is not None and years not in CYCLES:
        return Refusal("term_unknown", f"a term has 1, 2 or 3 years, not {years}", who, tuple(map(str, CYCLES)), "term_years")
    if isinstance(years, int) and cycle is not None and cycle not in CYCLES[years]:
        allowed = tuple(sorted(CYCLES[years]))
        why = f"a term of {years} year{'s' if years > 1 else ''} is paid {' or '.join(allowed)}, not {cycle}"
        return Refusal("billing_not_for_term", why, who, allowed, "billing_cycle")
    return None


def _unfit_money(values: Mapping[str, Value], policy: Policy) -> Refusal | None:
    """A currency that does not exist, or an amount that cannot be paid in it. The CRM's own list is asked before (`register.py`)."""
    currency = values.get("currency")
    if currency and not is_currency(str(currency)):
        why = f"{currency!r} is not a currency: ISO 4217 has no such code"
        return Refusal("currency_unknown", why, "three capital letters, as EUR or USD", field="currency")
    wrong = _misfit(values, policy)
    return Refusal("amount_misfit", wrong, "an amount with fewer decimals", field="amount") if wrong else None


def _misfit(values: Mapping[str, Value], policy: Policy) -> str:
    amount, currency = values.get("amount"), str(values.get("currency") or "")
    return misfit(amount, currency, otherwise=policy.amount_places) if isinstance(amount, Decimal) else ""


def _amount(values: Mapping[str, Value], policy: Policy) -> Mapping[str, Value]:
    """The amount with the decimals of its currency; nothing where there is none, or where it is to be refused as it is."""
    amount, currency = values.get("amount"), str(values.get("currency") or "")
    if not isinstance(amount, Decimal) or _misfit(values, policy):
        return {}
    return {"amount": rounded(amount, currency, otherwise=policy.amount_places)}


def _nameless(values: Mapping[str, Value]) -> Refusal | None:
    for name in ("name", "prospect_name"):
        value = values.get(name)
        if isinstance(value, str) and value.strip():
            return None
    return Refusal("name_missing", "a deal needs a name or a prospect_name", "the owner company", ("name", "prospect_name"), "name")
