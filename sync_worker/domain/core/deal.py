"""A deal and its words: the lifecycle, the two approval tracks, who acts; and what follows from a change.

    draft → submitted → finalize_requested → quote_signed → completed       side exits: disabled withdrawn expired won lost

The tracks have no order. A change of terms sets both back to pending. What may be done with a deal, by whom and when, is one table:
`lifecycle.py`. Nothing here raises, writes or knows the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Literal

from sync_worker.domain.core.money import WITHOUT_CURRENCY
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import comparable
from sync_worker.domain.core.stamp import emptied
from sync_worker.domain.core.user import User
from sync_worker.domain.core.values import Value, plain


class VendorApproval(StrEnum):
    """The state of the vendor's approval."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"
    RENEWAL_PENDING = "renewal_pending"


class DistributorApproval(StrEnum):
    """The state of the second partner's approval."""

    NOT_REQUIRED = "not_required"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    RENEWAL_PENDING = "renewal_pending"


class Lifecycle(StrEnum):
    """The state of a deal."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    FINALIZE_REQUESTED = "finalize_requested"
    QUOTE_SIGNED = "quote_signed"
    COMPLETED = "completed"
    DISABLED = "disabled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    WON = "won"
    LOST = "lost"


class Outcome(StrEnum):
    """The result of the deal, by its stage in the CRM."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Track(StrEnum):
    """An approval track: the side that approves."""

    DISTRIBUTOR = "distributor"
    VENDOR = "vendor"


class Decision(StrEnum):
    """A decision on an approval track."""

    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"
    RENEW = "renew"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    **Shapes** `company_id` is `None` for an operator of the worker, who acts for no company. `user`: a person the portal knows, who acts
    for the companies and in the role that the portal gave; then `company_id` is the primary company.
    """

    name: str
    company_id: str | None
    side: Literal["portal", "crm", "worker"]
    user: User | None = None

    @property
    def is_operator(self) -> bool:
        """Somebody of the worker's own, who acts for no company."""
        return self.user is None and self.company_id is None

    def is_of(self, company_id: str | None) -> bool:
        """Whether the actor is a member of that company."""
        members = self.user.companies if self.user else {self.company_id}
        return company_id is not None and company_id in members


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, why not, and who or what would have been right. **Shapes** `allowed`: names people read."""

    code: str
    why: str
    who_may: str
    allowed: tuple[str, ...] = ()
    field: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """Yes: what becomes of the deal, the words for its history, and the reason that was given, which the other side is told.

    **Shapes** no changes: it was so before, which does no harm.
    """

    changes: Mapping[str, Value]
    note: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """How long a registration runs. **Units** days. **Shapes** `default` None: a type that is not listed has no last day."""

    default: int | None = None
    by_type: Mapping[str, int] = field(default_factory=dict)

    def days_of(self, deal_type: Value) -> int | None:
        """For deals of this type; None = without a last day."""
        return self.by_type.get(str(deal_type), self.default)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a portal has switched on.

    **Shapes** `approvals`: the tracks in use; `attribute_names`: the portal's own deal fields; `on_behalf`: a second partner registers
    for its partners. `amount_places`: decimals of an amount without a currency.
    """

    is_two_tier: bool = True
    on_behalf: bool = False
    approvals: frozenset[str] = frozenset(Track)
    unassociated: Literal["accept", "revert"] = "accept"
    second_partner_label: str = "Distributor"
    attribute_names: frozenset[str] = frozenset()
    amount_places: int = WITHOUT_CURRENCY
    period: Period = field(default_factory=Period)


@dataclass(frozen=True, slots=True)
class Deal:
    """A registration. **Shapes** `values`: canonical fields flat with attributes; companies by our id."""

    id: str
    values: Mapping[str, Value]

    @property
    def owner_company(self) -> str | None:
        """Our id of the company whose deal it is; `None` only while it waits for it."""
        return _text(self.values.get("owner_company"))

    @property
    def second_partner(self) -> str | None:
        """Our id of the second partner; `None` = single-tier."""
        return _text(self.values.get("second_partner"))

    @property
    def owner_user(self) -> str | None:
        """The deal owner, the rep: the portal's id; `None` where no user is named."""
        return _text(self.values.get("owner_user"))

    @property
    def registered_by(self) -> str | None:
        """The user who registered it, perhaps on behalf of another."""
        return _text(self.values.get("registered_by"))

    @property
    def vendor_approval(self) -> VendorApproval:
        """Unset counts as pending."""
        return VendorApproval(_text(self.values.get("vendor_approval")) or "pending")

    @property
    def distributor_approval(self) -> DistributorApproval:
        """Unset counts as pending with a second partner, else as not required."""
        given = _text(self.values.get("distributor_approval"))
        return DistributorApproval(given or ("pending" if self.second_partner else "not_required"))

    @property
    def lifecycle(self) -> Lifecycle:
        """Unset counts as submitted."""
        return Lifecycle(_text(self.values.get("lifecycle")) or "submitted")

    @property
    def outcome(self) -> Outcome:
        """Unset (a Lead has none) counts as open."""
        return Outcome(_text(self.values.get("outcome")) or "open")

    def changed(self, changes: Mapping[str, Value]) -> Deal:
        """The deal after `changes`; the very same where there are none."""
        return Deal(self.id, {**self.values, **changes}) if changes else self


@dataclass(frozen=True, slots=True)
class StaleVersion(Refusal):
    """No: the deal is another one by now. **Shapes** `deal` and `version` as they are."""

    deal: Deal | None = None
    version: int = 0


RESET_FIELDS: Final = frozenset({"deal_type", "licence_count", "billing_cycle", "owner_company", "prospect_name"})
"""The terms people approve: an edit of one sets both tracks back to pending."""

PRICED_FIELDS: Final = frozenset(
    {"owner_company", "second_partner", "deal_type", "licence_count", "term_years", "billing_cycle", "currency"}
)
"""What a quote is made of: once one of them changes, a quote that was sent is not an offer any more."""

LOCKED: Final = frozenset({Lifecycle.FINALIZE_REQUESTED, Lifecycle.QUOTE_SIGNED, Lifecycle.COMPLETED})
"""From here on the terms are locked in the portal and a decision stands."""

CLOSED: Final = frozenset({Lifecycle.COMPLETED, Lifecycle.WON, Lifecycle.LOST, Lifecycle.WITHDRAWN, Lifecycle.EXPIRED})
"""No user edits or decides these in the portal."""

UNDECIDED: Final = frozenset({"pending", "renewal_pending"})

_SALES_STATES: Final = frozenset({Lifecycle.SUBMITTED, Lifecycle.FINALIZE_REQUESTED, Lifecycle.QUOTE_SIGNED})
_UNREGISTERED: Final = frozenset({Lifecycle.DRAFT, Lifecycle.WITHDRAWN, Lifecycle.DISABLED, Lifecycle.EXPIRED})


# ── what follows from a change ───────────────────────────────────────────────────────────────────────────────────────


def consequences(before: Deal, changes: Mapping[str, Value], policy: Policy, *, vendor_moved: bool) -> dict[str, Value]:
    """What follows from these field changes: lifecycle by outcome, resets of the tracks, `is_registered`. Only what differs.

    **Shapes** `changes` came in from the CRM, or from an edit in the portal. `vendor_moved`: they carry the vendor's own move, counted
    by `vendor_move_in_crm`, which a change of terms in the same read does not undo.
    """
    if not changes and before.values.get("lifecycle") == _lifecycle(before).value and not with_derived(before, {}):
        return {}  # nearly all that are read again
    after = before.changed(changes)
    names = differing(before, changes)
    follows: dict[str, Value] = {"lifecycle": _lifecycle(after).value}
    if "owner_company" in names and "owner_user" not in changes:
        follows["owner_user"] = None  # the rep stays behind
    is_reset = bool(names & RESET_FIELDS) and follows["lifecycle"] not in ("completed", "won", "lost")
    if is_reset and not vendor_moved:
        follows["vendor_approval"] = VendorApproval.PENDING.value
    if names & PRICED_FIELDS and before.values.get("quote_state") == "sent":
        follows["quote_state"] = None
    if "second_partner" in names or is_reset:
        follows["distributor_approval"] = first_distributor_approval(after.second_partner, policy).value
    follows |= {name: None for name in _undecided(before, after.changed(follows)) if name not in names}
    return {name: value for name, value in with_derived(after, follows).items() if after.values.get(name) != value}


def _undecided(before: Deal, after: Deal) -> dict[str, Value]:
    """Who decided, when and why, of each track that waits again."""
    return {
        **emptied(Track.VENDOR, before.vendor_approval, after.vendor_approval),
        **emptied(Track.DISTRIBUTOR, before.distributor_approval, after.distributor_approval),
    }


def locked_changes(before: Deal, changes: Mapping[str, Value]) -> tuple[Problem, ...]:
    """The CRM changed terms that are locked in the portal. They are applied, because the vendor decides, and reported."""
    if before.lifecycle not in LOCKED:
        return ()
    names = sorted(differing(before, changes) & (RESET_FIELDS | {"second_partner"}))
    return tuple(
        Problem("locked_in_crm", name, f"{name} changed in the CRM while the deal is {before.lifecycle}", plain(changes[name]))
        for name in names
    )


def differing(before: Deal, changes: Mapping[str, Value]) -> frozenset[str]:
    """The names of those changes that change something; unset and cleared are the same emptiness."""
    return frozenset(n for n, value in changes.items() if comparable(value) != comparable(before.values.get(n)))


def first_distributor_approval(second_partner: str | None, policy: Policy) -> DistributorApproval:
    """Where the distributor track starts, and where it goes back to; also of a second partner from a time when the portal had them."""
    is_required = second_partner is not None and (has_distributor_track(policy) or not policy.is_two_tier)
    return DistributorApproval.PENDING if is_required else DistributorApproval.NOT_REQUIRED


def with_track_kept(deal: Deal, made: Move) -> Move:
    """A move of a deal whose second partner is hidden (`two_tier: false`). That approval starts again, in case it is shown again."""
    if deal.second_partner is None or made.changes.get("distributor_approval") != DistributorApproval.NOT_REQUIRED:
        return made
    changes = {**made.changes, "distributor_approval": DistributorApproval.PENDING.value}
    return replace(made, changes={name: changes[name] for name in differing(deal, changes)})


def is_registered(deal: Deal) -> bool:
    """True from submission until rejected, withdrawn, disabled or expired."""
    is_rejected = "rejected" in (deal.vendor_approval, deal.distributor_approval)
    return not is_rejected and deal.lifecycle not in _UNREGISTERED


def _lifecycle(after: Deal) -> Lifecycle:
    """Won and lost follow the outcome, and a reopened deal is submitted again; side exits and completion stay."""
    if after.outcome is Outcome.OPEN:
        return Lifecycle.SUBMITTED if after.lifecycle in (Lifecycle.WON, Lifecycle.LOST) else after.lifecycle
    if after.lifecycle in _SALES_STATES | {Lifecycle.WON, Lifecycle.LOST}:
        return Lifecycle(after.outcome.value)
    return after.lifecycle


def with_derived(deal: Deal, changes: Mapping[str, Value]) -> dict[str, Value]:
    """The changes and what is computed from them, where it turns: registered or not; a renewal ends when it needs no more decisions."""
    after, derived = deal.changed(changes), dict(changes)
    if after.values.get("is_registered") is not (registered := is_registered(after)):
        derived["is_registered"] = registered
    if after.values.get("renews_until") is not None and after.vendor_approval is not VendorApproval.RENEWAL_PENDING:
        derived["renews_until"] = None
    return derived


def has_distributor_track(policy: Policy) -> bool:
    """Whether this portal asks second partners at all."""
    return policy.is_two_tier and Track.DISTRIBUTOR in policy.approvals


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) and value else None
