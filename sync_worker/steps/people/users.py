"""PEOPLE: users as the portal tells of them, and the person who acts in a request."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sync_worker.domain.core.company import AccountType
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.core.names import folded
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.people.visibility import Viewer
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.naming import company_named
from sync_worker.steps.people.wording import address_misfit
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.distributors import subgroups
from sync_worker.store.people import people


@dataclass(frozen=True, slots=True)
class UserData:
    """A user as the portal tells it. **Shapes** companies by our id, CRM id or name."""

    id: str
    email: str
    name: str
    role: Role
    primary_company: str | None
    further_companies: Sequence[str] = ()
    is_vendor_admin: bool = False
    is_active: bool = True


def put(tenant: Tenant, told: UserData) -> User | Refusal:
    """The user as told, new or known. A company the portal does not have is refused by name, and so is an address that is not one."""
    if wrong := address_misfit(told.email.strip()):
        return Refusal("value_malformed", f"email: {told.email!r} is not an e-mail address. {wrong}", "name@company.example", field="email")
    if not folded(told.name):
        return Refusal("value_malformed", f"name: {told.name!r} has no character that can be seen", "the name of the person", field="name")
    with tenant.store.transaction(tenant.name) as tx:
        found = _companies(tx, tenant, told)
        if isinstance(found, Refusal):
            return found
        if told.primary_company is None and not told.is_vendor_admin:
            return Refusal(
                "company_missing",
                f"user {told.id} belongs to no company",
                "the portal, which names the company; only a vendor's admin needs none",
                field="primary_company",
            )
        primary = found[0] if told.primary_company else None
        user = User(
            told.id,
            told.email.strip(),
            told.name.strip(),
            told.role,
            primary,
            frozenset(found) - {primary or ""},
            told.is_vendor_admin,
            told.is_active,
        )
        people.save(tx, [user])
        return user


def deactivate(tenant: Tenant, user_id: str) -> User | Refusal:
    """Deactivates a user, who then sees nothing and does nothing. What the user did stays."""
    with tenant.store.transaction(tenant.name) as tx:
        user = people.get(tx, user_id)
        if user is None:
            return unknown_user(tenant, user_id)
        gone = replace(user, is_active=False)
        people.save(tx, [gone])
        return gone


def actor_of(tenant: Tenant, user_id: str) -> Actor | Refusal:
    """The user as somebody who acts."""
    with tenant.store.reading(tenant.name) as tx:
        user = people.get(tx, user_id)
    return acting(user) if user else unknown_user(tenant, user_id)


def acting(user: User) -> Actor:
    """**Shapes** the name as history keeps it: what stands in brackets at its end is found again when the person is erased."""
    return Actor(f"{user.name} ({user.id})", user.primary_company, "portal", user)


def viewer_of(tx: Tx, tenant: Tenant, user: User) -> Viewer:
    """The user, the companies it is account owner of, and the subgroups of its own, for `sight`."""
    parents = {subgroup.company_id: parent_id for parent_id in sorted(user.companies) for subgroup in subgroups.under(tx, parent_id)}
    as_account_owner = frozenset(companies.ids_by_account_owner(tx, user.email))
    is_of_vendor = any(company.account_type is AccountType.VENDOR for company in companies.by_ids(tx, user.companies).values())
    return Viewer(user, as_account_owner, parents, tenant.portal.two_tier, is_of_vendor)


def reps_of(tx: Tx, owner_users: Collection[str | None]) -> dict[str, User]:
    """The users that deals name as theirs, by id."""
    return people.by_ids(tx, {user_id for user_id in owner_users if user_id})


def _companies(tx: Tx, tenant: Tenant, told: UserData) -> list[str] | Refusal:
    """Our id of each company that is named, the primary one first."""
    found: list[str] = []
    for reference in filter(None, (told.primary_company, *told.further_companies)):
        field = "primary_company" if reference == told.primary_company else "further_companies"
        company = company_named(tx, tenant, reference, field=field)
        if isinstance(company, Refusal):
            return company
        if company is None:
            who = "a person who gives it a portal status in the CRM"
            return Refusal("company_unknown", f"company {reference} is not in this portal", who, field=field)
        found.append(company.id)
    return found


def unknown_user(tenant: Tenant, user_id: str) -> Refusal:
    return Refusal(
        "user_unknown",
        f"portal {tenant.name} has not sent a user {user_id} to sync-worker",
        "the portal, which sends the user first: PUT /users/{id}",
    )
