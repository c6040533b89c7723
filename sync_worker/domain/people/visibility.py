"""Who sees which deals, and for whom somebody may act on one: the policy table, and the one pair of functions that reads it.

What a user sees is a few shares (`DealShare`): companies on one side of the deal, and which of their deals. `can_see` asks them about one
deal; the store makes a filter of the same shares, so that a list never loads what is hidden. Lists, notifications, quotes, reports and
exports all use this. A third company has no share, so it sees nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import Actor, Deal, Lifecycle
from sync_worker.domain.core.move_context import Party, Standing
from sync_worker.domain.core.user import Role, User

Side: TypeAlias = Literal["any", "owner_company", "second_partner"]


class Basis(StrEnum):
    """Why a user has to do with the deals of a company."""

    ADMIN = "vendor admin"
    VENDOR_MEMBER = "member of the vendor's company"
    NAMED_OWNER = "user whose e-mail is in the company's account-owner field"
    MEMBER = "member of the company"
    PARENT = "member of the second partner that is the company's parent"


class Scope(StrEnum):
    """How many of those deals."""

    EVERY = "every deal"
    SUBMITTED = "every deal except other people's drafts"
    BELOW = "own, on behalf, without a deal owner, and those of lower roles"
    OWN = "own and on behalf"


@dataclass(frozen=True, slots=True)
class VisibilityRow:
    """One line of the policy. **Shapes** `role` None = any; `acts_for` None = looks only."""

    basis: Basis
    role: Role | None
    side: Side
    scope: Scope
    acts_for: Party | None

    @property
    def is_of_two_tiers(self) -> bool:
        """Whether it is about second partners."""
        return self.side == "second_partner" or self.basis is Basis.PARENT


POLICY: Final = (
    VisibilityRow(Basis.ADMIN, None, "any", Scope.EVERY, Party.VENDOR),
    VisibilityRow(Basis.VENDOR_MEMBER, None, "any", Scope.OWN, None),
    VisibilityRow(Basis.NAMED_OWNER, None, "owner_company", Scope.SUBMITTED, None),
    VisibilityRow(Basis.MEMBER, Role.ACCOUNT_OWNER, "owner_company", Scope.BELOW, Party.OWNER),
    VisibilityRow(Basis.MEMBER, Role.EXECUTIVE, "owner_company", Scope.BELOW, Party.OWNER),
    VisibilityRow(Basis.MEMBER, Role.MANAGER, "owner_company", Scope.BELOW, Party.OWNER),
    VisibilityRow(Basis.MEMBER, Role.SALES, "owner_company", Scope.OWN, Party.OWNER),
    VisibilityRow(Basis.NAMED_OWNER, None, "second_partner", Scope.SUBMITTED, None),
    VisibilityRow(Basis.MEMBER, Role.ACCOUNT_OWNER, "second_partner", Scope.SUBMITTED, Party.SECOND_PARTNER),
    VisibilityRow(Basis.MEMBER, Role.EXECUTIVE, "second_partner", Scope.SUBMITTED, Party.SECOND_PARTNER),
    VisibilityRow(Basis.MEMBER, Role.MANAGER, "second_partner", Scope.SUBMITTED, Party.SECOND_PARTNER),
    VisibilityRow(Basis.MEMBER, Role.SALES, "second_partner", Scope.OWN, Party.SECOND_PARTNER),
    VisibilityRow(Basis.PARENT, None, "owner_company", Scope.SUBMITTED, Party.SECOND_PARTNER),
)
"""The whole policy: what is not here is not seen. Printed into docs/deals.md."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A user and what must be known of companies to say what it sees.

    **Shapes** `as_account_owner`: companies whose account-owner field holds the user's e-mail. `parents`: subgroup → its parent.
    `is_two_tier`: whether the portal has second partners now; what deals still name from an earlier time shows them to none.
    `is_of_vendor`: whether the user belongs to the vendor's company.
    """

    user: User
    as_account_owner: frozenset[str] = frozenset()
    parents: Mapping[str, str] = field(default_factory=dict)
    is_two_tier: bool = True
    is_of_vendor: bool = False


@dataclass(frozen=True, slots=True)
class DealShare:
    """Deals with one of these companies on that side, as far as the scope goes. **Shapes** `companies` count unless `side` is any.

    `hides`: roles whose own deals stay theirs; a deal without an owner, or of a user we do not know, is not hidden.
    """

    user_id: str
    side: Side
    companies: frozenset[str]
    scope: Scope
    hides: frozenset[Role] = frozenset()
    acts_for: Party | None = None

    def covers(self, deal: Deal, rep: User | None) -> bool:
        """**Shapes** `rep`: the user that `deal.owner_user` names, None where there is none."""
        company = deal.owner_company if self.side == "owner_company" else deal.second_partner
        if self.side != "any" and company not in self.companies:
            return False
        if self.scope is Scope.EVERY or self.user_id in (deal.owner_user, deal.registered_by):
            return True
        if self.scope is Scope.SUBMITTED:
            return deal.lifecycle is not Lifecycle.DRAFT
        return self.scope is Scope.BELOW and (rep is None or rep.role not in self.hides)


def shares(viewer: Viewer) -> tuple[DealShare, ...]:
    """All that this user sees, one share per line of the policy that fits. Somebody inactive sees nothing."""
    user = viewer.user
    if not user.is_active:
        return ()
    fitting = [
        (line, companies) for line in POLICY if line.role in (None, user.role) and (companies := _companies(line, viewer)) is not None
    ]
    return tuple(
        DealShare(
            user.id, line.side, companies, line.scope, user.role.not_below if line.scope is Scope.BELOW else frozenset(), line.acts_for
        )
        for line, companies in fitting
    )


def can_see(viewer: Viewer, deal: Deal, rep: User | None) -> bool:
    """Whether this user may know of this deal. **Shapes** `rep`: the deal owner as a user, None where there is none."""
    return any(share.covers(deal, rep) for share in shares(viewer))


def may_act(
    actor: Actor, deal: Deal, *, companies: Mapping[str, Company], rep: User | None, parents: Mapping[str, str] | None = None
) -> Standing:
    """For whom the actor may speak on this deal: a user as the policy says, anybody else for the company it is of.

    **Shapes** `companies`: those on the deal and the actor's, by our id, as far as known.
    """
    if actor.is_operator:
        return Standing(frozenset({Party.OPERATOR}))
    parties = _parties_of_user(actor.user, deal, rep, parents or {}) if actor.user else _parties_of_company(actor, deal, companies)
    idle = frozenset(party for party in parties if _is_idle(_company_of(party, actor, deal), companies))
    return Standing(parties - idle, idle)


def _parties_of_user(user: User, deal: Deal, rep: User | None, parents: Mapping[str, str]) -> frozenset[Party]:
    seen = {share.acts_for for share in shares(Viewer(user, parents=parents)) if share.covers(deal, rep)}
    is_second = deal.second_partner in user.companies  # the parent of a subgroup whose deal names somebody else only looks
    is_makers = deal.lifecycle is Lifecycle.DRAFT and deal.registered_by == user.id
    parties = frozenset(party for party in seen if party and (party is not Party.SECOND_PARTNER or is_second))
    return parties | {Party.MAKER} if is_makers and parties & {Party.SECOND_PARTNER, Party.VENDOR} else parties


def _parties_of_company(actor: Actor, deal: Deal, companies: Mapping[str, Company]) -> frozenset[Party]:
    company = companies.get(actor.company_id or "")
    found = {
        Party.OWNER: actor.is_of(deal.owner_company),
        Party.SECOND_PARTNER: actor.is_of(deal.second_partner),
        Party.VENDOR: company is not None and company.account_type is AccountType.VENDOR,
    }
    return frozenset(party for party, is_so in found.items() if is_so)


def _company_of(party: Party, actor: Actor, deal: Deal) -> str | None:
    of_deal = {Party.OWNER: deal.owner_company, Party.SECOND_PARTNER: deal.second_partner, Party.MAKER: deal.second_partner}
    return of_deal.get(party, actor.company_id)


def _is_idle(company_id: str | None, companies: Mapping[str, Company]) -> bool:
    company = companies.get(company_id or "")
    return company is not None and company.is_inactive


def _companies(line: VisibilityRow, viewer: Viewer) -> frozenset[str] | None:
    """The companies a line is about for this user; None where it is not about this user."""
    user = viewer.user
    if line.is_of_two_tiers and not viewer.is_two_tier:
        return None
    if line.basis is Basis.ADMIN:
        return frozenset() if user.is_vendor_admin else None
    if line.basis is Basis.VENDOR_MEMBER:
        return frozenset() if viewer.is_of_vendor else None
    if line.basis is Basis.NAMED_OWNER:
        return viewer.as_account_owner or None
    if line.basis is Basis.PARENT:
        return frozenset(company for company, parent in viewer.parents.items() if parent in user.companies) or None
    return user.companies or None
