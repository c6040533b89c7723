"""Terms of a pair: whether the lower company may register deals under the upper one, and its percent off the list price per deal type.

The pairs are partner × second partner, and second partner × vendor. Terms are never edited: new ones begin, and those before stay as
history. The agreement gate stands here too: a subgroup that may register needs a signed agreement on file. It checks what partners
register in the portal. A deal that begins in the CRM was made by the vendor: it is checked when it is finalized.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import Actor, Refusal

PERCENT_PLACES: Final = 2  # 12.25 is as fine as anybody agrees on

_UNDER: Final[Mapping[AccountType, AccountType]] = {
    AccountType.PARTNER: AccountType.SECOND_PARTNER,
    AccountType.SECOND_PARTNER: AccountType.VENDOR,
}
"""Whose terms with whom: lower → upper."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two companies by our ids. **Shapes** `company_id` is the lower one, `upper_id` the one whose deals it registers."""

    company_id: str
    upper_id: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a pair has agreed. **Shapes** `percents`: deal type → percent off the list price, 0 to 100."""

    may_register: bool
    percents: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatedTerms:
    """Terms, since when, and who set them. **Units** `since_at`: aware UTC."""

    terms: Terms
    since_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Footing:
    """One pair on a deal, with what counts at its registration.

    **Shapes** `terms` is `None` where none were ever set: a partner outside the distributor's subgroups needs none.
    """

    company: Company
    upper: Company
    terms: Terms | None
    is_subgroup: bool = False
    has_agreement: bool = False


def read_terms(may_register: bool, written: Mapping[str, object], *, deal_types: Sequence[str]) -> Terms | Refusal:
    """What somebody wrote, as terms; or a refusal naming the first deal type whose percent cannot stand.

    **Shapes** `deal_types`: the portal file's list; empty = every name is one.
    """
    percents = {}
    for name, given in sorted(written.items()):
        if deal_types and name not in deal_types:
            return Refusal("deal_type_unknown", f"there is no deal type {name!r}", "the person who writes it", tuple(deal_types), name)
        percent = _percent(given)
        if percent is None:
            return Refusal("percent_malformed", f"{name}: {given!r} is not a percent from 0 to 100", "the person who writes it", (), name)
        percents[name] = percent
    return Terms(may_register, percents)


def pair_refusal(company: Company, upper: Company) -> Refusal | None:
    """Why these two have no terms with each other."""
    if _UNDER.get(company.account_type) is upper.account_type:
        return None
    why = f"{company.name} is a {company.account_type} and {upper.name} a {upper.account_type}"
    return Refusal("no_terms_between", why, "a partner with a second partner, or a second partner with the vendor", field="other_id")


def speaks_for(company: Company, actor: Actor) -> bool:
    """Whether this person is one of the company; of the vendor its admins are."""
    is_admin = actor.user is not None and actor.user.is_vendor_admin
    return actor.is_of(company.id) or (is_admin and company.account_type is AccountType.VENDOR)


def setting_refusal(company: Company, upper: Company, actor: Actor) -> Refusal | None:
    """Why this person may not set the terms of the two, or put their agreement on file: the upper one's members do."""
    if refused := pair_refusal(company, upper):
        return refused
    if speaks_for(upper, actor):
        return None
    return Refusal("not_a_member", f"{actor.name} is not a member of {upper.name}", f"a member of {upper.name}")


def looking_refusal(company: Company, upper: Company, actor: Actor) -> Refusal | None:
    """Why this person may not know the terms of the two: their members do, and the vendor's admins."""
    if refused := pair_refusal(company, upper):
        return refused
    is_admin = actor.user is not None and actor.user.is_vendor_admin
    if is_admin or speaks_for(upper, actor) or speaks_for(company, actor):
        return None
    who = f"a member of {company.name} or {upper.name}"
    return Refusal("not_a_member", f"{actor.name} is a member of neither {company.name} nor {upper.name}", who)


def download_refusal(company: Company, upper: Company, actor: Actor) -> Refusal | None:
    """Why this person may not have the agreement of the two: it is for the upper one's members, and the vendor's admins."""
    is_admin = actor.user is not None and actor.user.is_vendor_admin
    return pair_refusal(company, upper) if is_admin else setting_refusal(company, upper, actor)


def current(history: Sequence[DatedTerms], at: datetime) -> DatedTerms | None:
    """The terms that hold at this moment: the latest begun by then. **Shapes** `history` in any order; of two with one moment the last."""
    begun = [dated for dated in history if dated.since_at <= at]
    return max(reversed(begun), key=lambda dated: dated.since_at, default=None)


def registration_refusal(deal_type: str | None, footings: Sequence[Footing]) -> Refusal | None:
    """Why a deal of this type may not be registered in the portal; `None` when every pair's terms allow it.

    **Shapes** `footings`: the pairs on the deal. Not asked for a deal that begins in the CRM.
    """
    return next((refused for footing in footings if (refused := _refusal(deal_type, footing))), None)


def _refusal(deal_type: str | None, footing: Footing) -> Refusal | None:
    company, upper, terms = footing.company.name, footing.upper.name, footing.terms
    who = f"{upper} sets the terms of {company}"
    if terms is None:
        missing = f"{company} is a subgroup of {upper}, which has not set its terms yet"
        return Refusal("terms_missing", missing, who) if footing.is_subgroup else None
    if not terms.may_register:
        return Refusal("may_not_register", f"the terms of {company} with {upper} do not let it register deals", who)
    if deal_type not in terms.percents:
        why = f"{company} has no percent for deal type {deal_type!r} with {upper}" if deal_type else "the deal has no deal type"
        return Refusal("percent_missing", why, who, tuple(sorted(terms.percents)), "deal_type")
    if footing.is_subgroup and not footing.has_agreement:
        return Refusal("agreement_missing", f"no signed agreement of {company} with {upper} is on file", f"a member of {upper} uploads it")
    return None


def _percent(given: object) -> Decimal | None:
    """An exact percent, or `None`. A float is taken by its shortest text, a flag is not one."""
    if isinstance(given, bool):
        return None
    try:
        percent = Decimal(str(given))
    except InvalidOperation:
        return None
    if not percent.is_finite() or not 0 <= percent <= 100 or percent != round(percent, PERCENT_PLACES):
        return None
    return round(abs(percent), PERCENT_PLACES)
