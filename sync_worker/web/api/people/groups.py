"""Dynamic groups: who is in them, who would be, and whether a user may see what is restricted to some of them."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from fastapi import Path, Query, Response
from starlette.convertors import StringConvertor, register_url_convertor

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.user import User
from sync_worker.domain.people.group import UserGroup, reach_problem
from sync_worker.steps.people import groups as steps
from sync_worker.steps.people.answer import Keep
from sync_worker.steps.people.groups import GroupPreview, WantedGroup
from sync_worker.steps.people.regroup import REGROUP
from sync_worker.steps.people.users import unknown_user
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import groups, people
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import conditions as shown_conditions
from sync_worker.web.api.core import deal_shape, shapes, views
from sync_worker.web.api.core.authentication import Reading, Telling, Visit
from sync_worker.web.api.core.conditions import ConditionFieldView, refused_conditions
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.people import group_shapes, user_shapes
from sync_worker.web.api.people.users import Id
from sync_worker.web.api.people.users import shown as shown_user

router = portal_router("groups")

FIRST_COUNT: Final = 50  # companies and users of a preview
MOST_CHECKED: Final = 100
RESERVED: Final = frozenset({"fields", "preview"})  # addresses of their own
Key: TypeAlias = Annotated[str, Path(min_length=1, max_length=63, pattern=group_shapes.KEY, description="The key of the group.")]
Checked: TypeAlias = Annotated[
    str,
    Query(
        min_length=1, max_length=MOST_CHECKED * 64, pattern=r"^[a-z0-9_,-]+$", examples=["gold-partners,emea"],
        description="The keys of the groups to which the content is restricted, with commas between them.",
    ),
]  # fmt: skip


class GroupKeyConvertor(StringConvertor):
    """A key in an address. The addresses beside the keys are not keys, so they take no method of a group."""

    regex = f"(?!(?:{'|'.join(sorted(RESERVED))})(?:/|$))[^/]+"


register_url_convertor("group_key", GroupKeyConvertor())


@router.get("/groups")
def list_groups(visit: Reading, page: PageOf) -> group_shapes.GroupsView:
    """Lists the groups of the portal by key."""
    with visit.tenant.store.reading(visit.portal) as tx:
        some = page.rising(groups.listed(tx), lambda group: (group.key,))
    return group_shapes.GroupsView(items=[_shown(group) for group in some.items], next=some.next)


@router.get("/groups/fields")
def list_group_fields(visit: Reading, page: PageOf) -> group_shapes.GroupFieldsView:
    """Lists the fields that the conditions of a group may name, with the operators and values that each allows."""
    some = page.rising(steps.fields(visit.tenant).values(), lambda field: (field.name,))
    items = [
        ConditionFieldView(
            name=field.name,
            kind=field.kind,
            operators=list(field.operators),
            values=None if field.values is None else list(field.values),
        )
        for field in some.items
    ]
    return group_shapes.GroupFieldsView(items=items, next=some.next)


@router.post("/groups/preview", response_model=group_shapes.GroupPreviewView)
def preview_group(visit: Telling, said: group_shapes.ConditionsBody, once: OnceOnly) -> Response:
    """Tells whom conditions reach now. It changes nothing."""
    conditions = _checked(visit, said)
    return once.answer(visit, lambda _keep: Answer(200, _preview(visit, conditions).model_dump_json(), views.JSON))


def _preview(visit: Visit, conditions: tuple[Condition, ...]) -> group_shapes.GroupPreviewView:
    with visit.tenant.store.reading(visit.portal) as tx:
        found = steps.preview(tx, conditions, first_count=FIRST_COUNT)
        first = sorted(groups.user_ids_of(tx, found.company_ids))[:FIRST_COUNT]
        users = people.by_ids(tx, first)
    return group_shapes.GroupPreviewView(
        company_count=found.reach.company_count,
        user_count=found.reach.user_count,
        companies=[_named(company) for company in found.first],
        users=[shown_user(users[user_id]) for user_id in first],
        warnings=_warnings(found),
    )


@router.post("/groups", status_code=201, response_model=group_shapes.WrittenGroupView, responses=problems(409))
def add_group(visit: Telling, said: group_shapes.GroupBody, once: OnceOnly) -> Response:
    """Makes a group. Its members are there in a moment, and the portal is told by the event `group.changed`."""
    conditions = _checked(visit, said)
    if said.key in RESERVED:
        raise Refused(Refusal("value_malformed", f"key: {said.key!r} is an address of its own", "another key", field="key"))
    warnings = _warned(visit, conditions)

    def work(keep: Keep) -> Answer:
        made: list[Answer] = []

        def finish(tx: Tx, group: UserGroup) -> None:
            shown = group_shapes.WrittenGroupView(**_shown(group).model_dump(), warnings=warnings)
            headers = {**views.JSON, **views.location_of(visit.portal, "groups", group.key)}
            made.append(Answer(201, shown.model_dump_json(), headers))
            keep(tx, made[-1])

        wanted = WantedGroup(said.key, said.name, conditions)
        group = steps.make(visit.tenant, wanted, by=visit.token.name, finish=finish)
        if isinstance(group, Refusal):
            return of_refusal(Refused(group))
        visit.api.follow_ups(visit.portal, [REGROUP])
        return made[-1]

    return once.answer(visit, work)


@router.get("/groups/{group:group_key}", responses=problems(404))
def get_group(visit: Reading, group: Key) -> group_shapes.GroupSizeView:
    """Returns one group, with the numbers of its companies and users."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = _group(tx, group)
        company_count, user_count = groups.counts(tx, found.key, found.stood_no)
    return group_shapes.GroupSizeView(**_shown(found).model_dump(), company_count=company_count, user_count=user_count)


@router.put("/groups/{group:group_key}", responses=problems(404))
def put_group(visit: Telling, group: Key, said: group_shapes.GroupEditBody) -> group_shapes.WrittenGroupView:
    """Gives a group another name or other conditions. New conditions count in a moment; until then its members stay as they are."""
    conditions = _checked(visit, said)
    warnings = _warned(visit, conditions)
    edited = steps.edit(visit.tenant, WantedGroup(group, said.name, conditions), by=visit.token.name)
    if isinstance(edited, Refusal):
        raise Refused(edited)
    visit.api.follow_ups(visit.portal, [REGROUP])
    return group_shapes.WrittenGroupView(**_shown(edited).model_dump(), warnings=warnings)


@router.delete("/groups/{group:group_key}", status_code=204, response_class=Response, responses=problems(404))
def remove_group(visit: Telling, group: Key) -> Response:
    """Deletes a group. No user is in it from then on."""
    gone = steps.delete(visit.tenant, group, by=visit.token.name)
    if isinstance(gone, Refusal):
        raise Refused(gone)
    visit.api.follow_ups(visit.portal, [REGROUP])
    return Response(status_code=204)


@router.get("/groups/{group:group_key}/users", responses=problems(404))
def list_group_users(visit: Reading, group: Key, page: PageOf) -> shapes.PageView[user_shapes.UserView]:
    """Lists the members of a group by id: the active users of the companies that meet its conditions."""
    (after,) = page.place(1) or ("",)
    with visit.tenant.store.reading(visit.portal) as tx:
        ids = groups.member_ids(tx, _group(tx, group).key, after=after, limit=page.looked_for)
        known = people.by_ids(tx, ids)
    some = page.cut([known[user_id] for user_id in ids], lambda user: (user.id,))
    return shapes.PageView(items=[shown_user(user) for user in some.items], next=some.next)


@router.get("/users/{user_id}/groups", responses=problems(404))
def list_user_groups(visit: Reading, user_id: Id, page: PageOf) -> group_shapes.UserGroupsView:
    """Lists the groups that a user is in, by key, with the companies through which the user is in each."""
    with visit.tenant.store.reading(visit.portal) as tx:
        _user(tx, visit, user_id)
        found = groups.of_users(tx, [user_id]).get(user_id, {})
        names = {group.key: group.name for group in groups.listed(tx)}
        known = companies.by_ids(tx, {company_id for ids in found.values() for company_id in ids})
    some = page.rising(found, lambda key: (key,))
    items = [
        group_shapes.UserGroupView(key=key, name=names[key], companies=[_named(known[one]) for one in sorted(found[key])])
        for key in some.items
    ]
    return group_shapes.UserGroupsView(items=items, next=some.next)


@router.get("/users/{user_id}/groups/check", responses=problems(404))
def check_user_groups(visit: Reading, user_id: Id, restricted_to: Annotated[Checked, Query(alias="groups")]) -> group_shapes.GroupCheckView:
    """Tells whether a user may see content that is restricted to these groups: whether the user is in one of them."""
    asked = sorted(set(filter(None, restricted_to.split(","))))
    if not asked or len(asked) > MOST_CHECKED:
        raise Refused(Refusal("value_malformed", f"groups: names {len(asked)} groups", f"1 to {MOST_CHECKED} keys", field="groups"))
    with visit.tenant.store.reading(visit.portal) as tx:
        user = _user(tx, visit, user_id)
        mine = groups.of_users(tx, [user_id]).get(user_id, {})
        known = {group.key for group in groups.listed(tx)}
    held = [key for key in asked if key in mine]
    unknown = [key for key in asked if key not in known]
    return group_shapes.GroupCheckView(may_see=bool(held), groups=held, unknown=unknown, words=_why(user, held, asked))


def _why(user: User, held: list[str], asked: list[str]) -> str:
    if not user.is_active:
        return f"{user.name} is inactive, and an inactive user is in no group"
    return f"{user.name} is in {', '.join(held)}" if held else f"{user.name} is not in {' or '.join(asked)}"


def _checked(visit: Visit, said: group_shapes.ConditionsBody | group_shapes.GroupEditBody) -> tuple[Condition, ...]:
    """The conditions of a body. **Raises** Refused."""
    written = tuple(one.condition for one in said.conditions)
    if found := steps.mistakes(visit.tenant, written):
        raise refused_conditions(found)
    return written


def _warned(visit: Visit, conditions: tuple[Condition, ...]) -> list[deal_shape.WarningView]:
    with visit.tenant.store.reading(visit.portal) as tx:
        return _warnings(steps.preview(tx, conditions, first_count=0))


def _warnings(preview: GroupPreview) -> list[deal_shape.WarningView]:
    problem = reach_problem(preview.reach)
    return [deal_shape.WarningView(code=problem[0], field="conditions", message=problem[1])] if problem else []


def _group(tx: Tx, key: str) -> UserGroup:
    found = steps.group_named(tx, key)
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


def _user(tx: Tx, visit: Visit, user_id: str) -> User:
    user = people.get(tx, user_id)
    if user is None:
        raise Refused(unknown_user(visit.tenant, user_id))
    return user


def _named(company: Company) -> group_shapes.GroupCompanyView:
    return group_shapes.GroupCompanyView(id=company.id, name=company.name)


def _shown(group: UserGroup) -> group_shapes.GroupView:
    return group_shapes.GroupView(
        key=group.key,
        name=group.name,
        conditions=shown_conditions.shown(group.conditions),
        is_evaluated=group.is_evaluated,
        changed_by=group.changed_by,
        changed_at=group.changed_at,
    )
