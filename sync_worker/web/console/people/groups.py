"""Dynamic groups: which there are, and whom conditions would reach. One is made or changed after a preview, and deleted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.core.conditions.condition import Condition, Operator
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.people.group import UserGroup, reach_problem
from sync_worker.steps.people import groups as steps
from sync_worker.steps.people.groups import GroupPreview, WantedGroup
from sync_worker.steps.people.regroup import REGROUP
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import groups
from sync_worker.web.api.people.group_shapes import KEY
from sync_worker.web.api.people.groups import RESERVED
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Arranging, ConsoleChange, ConsoleVisit, Managing
from sync_worker.web.console.core.named import conditions_of_form, row_count
from sync_worker.web.console.core.route import console_router

router = console_router()

FIRST_COUNT: Final = 50
MOST_NAME: Final = 200


@router.get("/groups")
def show_groups(visit: Managing) -> Response:
    """Every group with its size, and the form for another."""
    return visit.console.pages.show("people/groups.html", _context(visit))


@router.post("/groups/preview")
def preview_group(change: Arranging) -> Response:
    """Whom these conditions reach now. Nothing is kept."""
    return _preview(change, _wanted(change, change.text("key")))


@router.post("/groups")
def make_group(change: Arranging) -> Response:
    """The group is there at once, and its members are in a moment."""
    wanted = _wanted(change, change.text("key"))
    _refuse_mistakes(change.visit, wanted)
    return _done(change.visit, steps.make(change.visit.tenant, wanted, by=change.visit.actor, finish=_no_more))


@router.get("/groups/{group_key}")
def show_group(visit: Managing, group_key: str) -> Response:
    """One group, in the form that changes it."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = _found(tx, group_key)
    wanted = WantedGroup(found.key, found.name, found.conditions)
    return visit.console.pages.show("people/groups.html", _context(visit, wanted, key=found.key))


@router.post("/groups/{group_key}/preview")
def preview_edited_group(change: Arranging, group_key: str) -> Response:
    """Whom these conditions reach now, in place of the group's own. Nothing is kept."""
    return _preview(change, _wanted(change, group_key), key=group_key)


@router.post("/groups/{group_key}")
def change_group(change: Arranging, group_key: str) -> Response:
    """Another name counts at once; other conditions count when they are evaluated."""
    wanted = _wanted(change, group_key)
    _refuse_mistakes(change.visit, wanted)
    return _done(change.visit, steps.edit(change.visit.tenant, wanted, by=change.visit.actor))


@router.post("/groups/{group_key}/delete")
def delete_group(change: Arranging, group_key: str) -> Response:
    """The group is gone at once."""
    return _done(change.visit, steps.delete(change.visit.tenant, group_key, by=change.visit.actor))


def _preview(change: ConsoleChange, wanted: WantedGroup, *, key: str = "") -> Response:
    visit = change.visit
    if wrong := [one.words for one in steps.mistakes(visit.tenant, wanted.conditions)]:
        return visit.console.pages.show("people/groups.html", _context(visit, wanted, key=key, wrong=wrong), status=422)
    with visit.tenant.store.reading(visit.portal) as tx:
        found = steps.preview(tx, wanted.conditions, first_count=FIRST_COUNT)
    return visit.console.pages.show("people/groups.html", _context(visit, wanted, key=key, found=found))


def _refuse_mistakes(visit: ConsoleVisit, wanted: WantedGroup) -> None:
    if wrong := [one.words for one in steps.mistakes(visit.tenant, wanted.conditions)]:
        raise TurnedAway(422, "Nothing was changed", "; ".join(wrong))


def _done(visit: ConsoleVisit, done: UserGroup | Refusal) -> Response:
    if isinstance(done, Refusal):
        raise TurnedAway(404 if done.code == "group_unknown" else 409, "Nothing was changed", f"{done.why}.")
    visit.console.follow_ups(visit.portal, [REGROUP])
    return RedirectResponse(f"{visit.address}/groups", 303)


def _found(tx: Tx, key: str) -> UserGroup:
    found = steps.group_named(tx, key)
    if isinstance(found, Refusal):
        raise TurnedAway(404, "There is no such group", f"{found.why}.")
    return found


def _wanted(change: ConsoleChange, key: str) -> WantedGroup:
    """What the form says. **Raises** TurnedAway for a key that cannot be one."""
    name = change.text("name")
    if not re.fullmatch(KEY, key) or key in RESERVED:
        words = "Key: write small letters, digits, - and _, at most 63, beginning with a letter or digit. It stays as it is."
        raise TurnedAway(422, "This is not a key of a group", words)
    if not name or len(name) > MOST_NAME:
        raise TurnedAway(422, "The group has no name", f"Name: write a text of {MOST_NAME} characters at most.")
    return WantedGroup(key, name, conditions_of_form(change))


def _context(
    visit: ConsoleVisit,
    wanted: WantedGroup | None = None,
    *,
    key: str = "",
    found: GroupPreview | None = None,
    wrong: Sequence[str] = (),
) -> dict[str, Any]:
    """**Shapes** `key`: of the group that is being changed, "" for a new one."""
    fields = sorted(steps.fields(visit.tenant).values(), key=lambda field: field.name)
    with visit.tenant.store.reading(visit.portal) as tx:
        rows = [_row(tx, group) for group in groups.listed(tx)]
    problem = reach_problem(found.reach) if found else None
    written: Sequence[Condition] = wanted.conditions if wanted else ()
    return visit.context(
        here="Groups", rows=rows, fields=fields, operators=list(Operator), wanted=wanted, written=written, found=found, wrong=wrong,
        key=key,
        row_count=row_count(written), warning=problem[1] if problem else "",
    )  # fmt: skip


def _row(tx: Tx, group: UserGroup) -> dict[str, Any]:
    company_count, user_count = groups.counts(tx, group.key, group.stood_no)
    return {"group": group, "companies": company_count, "users": user_count}


def _no_more(_tx: Tx, _group: UserGroup) -> None:
    """A page keeps nothing beside the group."""
