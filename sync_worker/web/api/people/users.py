"""Users, as the portal tells of them. The portal itself speaks here, so a request names no acting user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Query, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.user import Role, User
from sync_worker.steps.operate.erase import erase
from sync_worker.steps.people.users import UserData, deactivate, put
from sync_worker.store.people import people
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import PRINTABLE, Reading, Telling, Word
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.references import company_of, group_of
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.people import user_shapes

router = portal_router("users")

Id: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE, description="The portal's own id of the user.")]


@dataclass(frozen=True, slots=True)
class UsersAsked:
    """Which users are asked for."""

    company: Annotated[
        Word, Query(description="Only members of this company: our id, its CRM id, or its name if no other company has that name.")
    ] = None
    role: Role | None = None
    text: Annotated[
        Word, Query(description="Only users with this text in their name or e-mail address. Upper and lower case are the same.")
    ] = None
    group: Annotated[Word, Query(description="Only members of this group, by its key. Inactive users are in no group.")] = None


@router.get("/users")
def list_users(asked: Annotated[UsersAsked, Depends()], visit: Reading, page: PageOf) -> shapes.PageView[user_shapes.UserView]:
    """Lists the users of the portal by id. Inactive users are in the list."""
    tenant = visit.tenant
    (after,) = page.place(1) or ("",)
    with tenant.store.reading(visit.portal) as tx:
        of = company_of(tx, tenant, asked.company, field="company").id if asked.company else None
        in_group = group_of(tx, asked.group).key if asked.group else None
        found = people.listed(tx, people.UserFilter(of, asked.role, asked.text, in_group), after=after, limit=page.looked_for)
    some = page.cut(found, lambda user: (user.id,))
    return shapes.PageView(items=[shown(user) for user in some.items], next=some.next)


@router.get("/users/{user_id}", responses=problems(404))
def get_user(visit: Reading, user_id: Id) -> user_shapes.UserView:
    """Returns one user."""
    with visit.tenant.store.reading(visit.portal) as tx:
        user = people.get(tx, user_id)
    if user is None:
        raise Refused(
            Refusal(
                "user_unknown",
                f"the portal has not sent a user {user_id} to sync-worker",
                "the portal, which sends the user first: PUT /users/{id}",
            )
        )
    return shown(user)


@router.put("/users/{user_id}")
def put_user(visit: Telling, user_id: Id, said: user_shapes.UserBody) -> user_shapes.UserView:
    """Creates the user, or replaces what is known of it."""
    told = UserData(
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
def deactivate_user(visit: Telling, user_id: Id) -> user_shapes.UserView:
    """Deactivates the user, who from then on can see and do nothing. What the user has done stays."""
    user = deactivate(visit.tenant, user_id)
    if isinstance(user, Refusal):
        raise Refused(user)
    return shown(user)


@router.post("/users/{user_id}/erase", status_code=204, response_class=Response, responses=problems(404, 409))
def erase_user(visit: Telling, user_id: Id, once: OnceOnly) -> Response:
    """Erases a person: the name, the e-mail address, the place on deals, the notes and files on them, and the name in their history."""

    def work(_keep: object) -> Answer:
        user = erase(visit.tenant, user_id)
        return of_refusal(Refused(user)) if isinstance(user, Refusal) else Answer(204, "")

    return once.answer(visit, work)


def shown(user: User) -> user_shapes.UserView:
    return user_shapes.UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        primary_company=user.primary_company,
        further_companies=sorted(user.further_companies),
        is_vendor_admin=user.is_vendor_admin,
        is_active=user.is_active,
    )
