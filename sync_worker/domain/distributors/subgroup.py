"""A distributor's subgroup: a partner company under exactly one parent second partner.

                 who may                                             what it needs
    create       a member of the parent                              a name that is not yet in use
    promote      a member of the parent and of the company           an active partner company without a parent
    rename       a member of the parent                              a name that is not yet in use
    disassociate a member of the parent                              -        its deals keep their history, the pending ones are flagged
    add member   a member of the subgroup; of the parent while it has none
    remove one   a member of the subgroup                            its primary company is another

Who creates a subgroup does not become a member of it. Decisions are values, as in `deal.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import CLOSED, Actor, Deal, Refusal
from sync_worker.domain.core.names import folded, spelled
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.user import User


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One company under its parent: how it came there, since when, and until when. **Units** aware UTC.

    **Shapes** `until_at` is `None` while it lasts; of one company at most one lasts.
    """

    company_id: str
    parent_id: str
    how: Literal["created", "promoted"]
    since_at: datetime
    since_by: str
    until_at: datetime | None = None
    until_by: str | None = None


def create_refusal(name: str, *, parent: Company, actor: Actor, namesakes: Sequence[Company]) -> Refusal | None:
    """Why no subgroup of this name may be made under the parent; `None` = make it."""
    refused = parent_refusal(parent, actor)
    if refused:
        return refused
    return unfit_name(name, parent, namesakes, otherwise="promote it" if len(namesakes) == 1 else "promote the one that is meant")


def rename_refusal(company: Company, *, parent: Company, actor: Actor, its_parent: Company | None) -> Refusal | None:
    """Why this person may not rename the subgroup, whatever its new name is. **Shapes** `its_parent`: the one it has now."""
    refused = parent_refusal(parent, actor) or disassociate_refusal(company, parent=parent, actor=actor, its_parent=its_parent)
    if refused:
        return refused
    if company.is_deleted:
        return Refusal("company_inactive", f"the record of {company.name} was deleted in the CRM", "a person who restores it in the CRM")
    return None


def unfit_name(name: str, parent: Company, namesakes: Sequence[Company], *, otherwise: str) -> Refusal | None:
    """Why no subgroup may have this name. **Shapes** `otherwise`: what to do where another company has the name."""
    if not folded(name):
        return Refusal("subgroup_name_missing", "a subgroup needs a name", f"a member of {parent.name}", field="name")
    if namesakes:
        held = " and ".join(f"{spelled(known.name)} ({known.id})" for known in namesakes)
        number = "is" if len(namesakes) == 1 else "are"
        words = f"{held} {number} in this portal already; {otherwise}"
        return Refusal("company_exists", words, f"a member of {parent.name}", field="name")
    return None


def promote_refusal(company: Company, *, parent: Company, actor: Actor, its_parent: Company | None) -> Refusal | None:
    """Why this company may not become the parent's subgroup. **Shapes** `its_parent`: the one it has now."""
    refused = parent_refusal(parent, actor)
    if refused:
        return refused
    if its_parent is not None:
        why = f"{company.name} is a subgroup of {its_parent.name}"
        return Refusal("has_parent", why, f"a member of {its_parent.name} disassociates it first")
    if company.account_type is not AccountType.PARTNER:
        return Refusal(
            "subgroup_not_a_partner", f"{company.name} is a {company.account_type}", "an active partner company", field="other_id"
        )
    if not company.takes_part:
        return Refusal("company_inactive", f"{company.name} is not active", "an active partner company")
    if not actor.is_of(company.id):
        return Refusal(
            "not_a_member", f"{actor.name} is not a member of {company.name}", f"a member of both {company.name} and {parent.name}"
        )
    return None


def promotable(candidates: Iterable[Company], *, parent: Company, actor: Actor, parents: Mapping[str, Company]) -> tuple[Company, ...]:
    """The companies this person may promote under the parent, by name. **Shapes** `parents`: company id → its parent now."""
    fitting = [one for one in candidates if not promote_refusal(one, parent=parent, actor=actor, its_parent=parents.get(one.id))]
    return tuple(sorted(fitting, key=lambda company: (company.name.casefold(), company.id)))


def disassociate_refusal(company: Company, *, parent: Company, actor: Actor, its_parent: Company | None) -> Refusal | None:
    """Why this person may not let the company go from under the parent."""
    refused = membership_refusal(parent, actor)
    if refused:
        return refused
    if its_parent is None or its_parent.id != parent.id:
        whose = f"a subgroup of {its_parent.name}" if its_parent else "not a subgroup"
        return Refusal("not_a_subgroup", f"{company.name} is {whose}, not one of {parent.name}", "nobody")
    return None


def left_behind(company: Company, parent: Company, deals: Iterable[Deal]) -> Mapping[str, Problem]:
    """Deal id → what to say of it, for the deals that were pending when the company left; those that are over stay as they are."""
    message = f"{company.name} is not a subgroup of {parent.name} any more; the deal stays as it is"
    return {
        deal.id: Problem("parent_gone", "second_partner", message, parent.id)
        for deal in deals
        if (deal.owner_company, deal.second_partner) == (company.id, parent.id) and deal.lifecycle not in CLOSED
    }


def add_member_refusal(company: Company, *, parent: Company, actor: Actor, member_ids: Collection[str]) -> Refusal | None:
    """Why this person may not add a member to the subgroup. **Shapes** `member_ids`: those it has."""
    if actor.is_of(company.id) or (actor.is_of(parent.id) and not member_ids):
        return None
    who = f"a member of {company.name}" if member_ids else f"a member of {parent.name}, the first one"
    return Refusal("not_a_member", f"{actor.name} is not a member of {company.name}", who)


def remove_member_refusal(company: Company, *, parent: Company, actor: Actor, user: User | None) -> Refusal | None:
    """Why this person may not take that member from the subgroup. **Shapes** `user` is None where it is not a member."""
    if not actor.is_of(company.id):
        return Refusal("not_a_member", f"{actor.name} is not a member of {company.name}", f"a member of {company.name}")
    if user is None:
        return Refusal("user_unknown", f"{company.name} has no such member", f"a member of {company.name}")
    if user.primary_company == company.id:
        why = f"{company.name} is the primary company of {user.name}"
        return Refusal("primary_member", why, f"the portal, which says where {user.name} belongs")
    return None


def parent_refusal(parent: Company, actor: Actor) -> Refusal | None:
    """Why this person may put nothing under this parent: an active second partner has subgroups, and its members see to them."""
    if parent.account_type is not AccountType.SECOND_PARTNER:
        return Refusal(
            "parent_not_a_second_partner", f"{parent.name} is a {parent.account_type}", "an active second partner", field="company_id"
        )
    if not parent.takes_part:
        return Refusal("company_inactive", f"{parent.name} is not active", "an active second partner")
    return membership_refusal(parent, actor)


def membership_refusal(parent: Company, actor: Actor) -> Refusal | None:
    """Only members of a second partner see and manage its subgroups."""
    if actor.is_of(parent.id):
        return None
    return Refusal("not_a_member", f"{actor.name} is not a member of {parent.name}", f"a member of {parent.name}")
