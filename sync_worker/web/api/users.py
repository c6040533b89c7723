"""Users, as the portal tells of them. The portal itself speaks here, so nobody else is named who acts."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Query, Response

from sync_worker.domain.deal import Refusal
from sync_worker.domain.people import Role, User
from sync_worker.steps.people import Told, deactivate, erase, put
from sync_worker.store import people
from sync_worker.store.answers import Answer
from sync_worker.web.api import shapes
from sync_worker.web.api.companies import company_of
from sync_worker.web.api.doors import PRINTABLE, Reading, Telling, Word
from sync_worker.web.api.once import OnceOnly
from sync_worker.web.api.paging import PageOf
from sync_worker.web.api.problems import Refused, of_refusal
from sync_worker.web.api.route import portal_router, problems

router = portal_router("users")

Id: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE, description="The portal's own id of the user.")]


@router.get("/users")
def list_users(
    visit: Reading,
    page: PageOf,
    company: Annotated[Word, Query(description="Its members: by our id, its CRM id, or a name that only it has.")] = None,
    role: Role | None = None,
    text: Annotated[Word, Query(description="In the user's name or e-mail, whatever its case.")] = None,
) -> shapes.Page[shapes.User]:
    """Users by id, those that are inactive too."""
    tenant = visit.tenant
    (after,) = page.place(1) or ("",)
    with tenant.store.reading(visit.portal) as tx:
        of = company_of(tx, tenant, company, field="company").id if company else None
        found = people.listed(tx, people.Wanted(company=of, role=role, text=text), after=after, limit=page.looked_for)
    some = page.cut(found, lambda user: (user.id,))
    return shapes.Page(items=[shown(user) for user in some.items], next=some.next)


@router.get("/users/{user_id}", responses=problems(404))
def get_user(visit: Reading, user_id: Id) -> shapes.User:
    """One user."""
    with visit.tenant.store.reading(visit.portal) as tx:
        user = people.get(tx, user_id)
    if user is None:
        raise Refused(Refusal("user_unknown", f"the portal has told of no user {user_id}", "the portal, by telling of the user first"))
    return shown(user)


@router.put("/users/{user_id}")
def put_user(visit: Telling, user_id: Id, said: shapes.UserSaid) -> shapes.User:
    """The user as it is from now on, new or known."""
    told = Told(
        user_id,
        said.email,
        said.name,
        said.role,
        said.primary_company,
        said.further_companies,
        is_vendor_admin=said.is_vendor_admin,
        is_active=said.is_active,
    )
    user = put(visit.tenant, told)
    if isinstance(user, Refusal):
        raise Refused(user, 422)
    return shown(user)


@router.delete("/users/{user_id}", responses=problems(404))
def deactivate_user(visit: Telling, user_id: Id) -> shapes.User:
    """From now on the user sees nothing and does nothing. What was done stays."""
    user = deactivate(visit.tenant, user_id)
    if isinstance(user, Refusal):
        raise Refused(user)
    return shown(user)


@router.post("/users/{user_id}/erase", status_code=204, response_class=Response, responses=problems(404, 409))
def erase_user(visit: Telling, user_id: Id, once: OnceOnly) -> Response:
    """Forgets a person: name and e-mail, the place on deals, and the name in their history."""

    def work(_keep: object) -> Answer:
        user = erase(visit.tenant, user_id)
        return of_refusal(Refused(user)) if isinstance(user, Refusal) else Answer(204, "")

    return once.answer(visit, work)


def shown(user: User) -> shapes.User:
    return shapes.User(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        primary_company=user.primary_company,
        further_companies=sorted(user.further_companies),
        is_vendor_admin=user.is_vendor_admin,
        is_active=user.is_active,
    )
