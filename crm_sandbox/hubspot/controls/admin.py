"""Controls over what an admin does to a property's options, over properties that an answer leaves out, and over answers to writes."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.hubspot.controls.route import control_route
from crm_sandbox.hubspot.data.answers import STAMPS
from crm_sandbox.hubspot.schema.schema import ObjectType, Option, Property
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire.routing import json_object

Body = dict[str, Any]
ALL = "*"


class HubspotAdminControls:
    """`/__sandbox__/options`, `archive_property`, `left_out` and `write_answers`."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def options(self, request: Request) -> Body:
        """`{"object", "field", "add": […], "hide": […], "delete": […]}`: records keep what they hold."""
        body = await json_object(request)
        kind, prop = self._found(body)
        changed = kind.change(prop.name, options=_changed(prop, body))
        return {"options": [option.to_dict() for option in changed.options]}

    async def archive(self, request: Request) -> Body:
        """`{"object", "field", "archived": true}`: an admin archives a property, the vendor's own too, or restores it."""
        body = await json_object(request)
        if not body.get("archived", True):
            kind = self._state.portal.shelf(str(body["object"])).type
            kind.properties[str(body["field"])] = kind.archived.pop(str(body["field"]))
            return {"restored": body["field"]}
        kind, prop = self._found(body)
        kind.archived[prop.name] = kind.properties.pop(prop.name)
        return {"archived": prop.name}

    async def left_out(self, request: Request) -> Body:
        """`{"empty": true, "ids": […]}`: answers leave out properties without a value, of these records or (without `ids`) of all."""
        body, portal = await json_object(request), self._state.portal
        ids = [str(one) for one in body.get("ids", [ALL])]
        portal.leaves_out_empty = portal.leaves_out_empty | set(ids) if body.get("empty", True) else portal.leaves_out_empty - set(ids)
        return {"ids": sorted(portal.leaves_out_empty)}

    async def write_answers(self, request: Request) -> Body:
        """`{"stamp": "seconds", "moves_on_ms": 5, "object", "field", "keeps": value}`; see `AnswerHabits`."""
        body, habits = await json_object(request), self._state.habits
        if (stamp := str(body.get("stamp", habits.stamp))) not in STAMPS:
            raise ValueError(f"unknown stamp {stamp}; known are {STAMPS}")
        habits.stamp, habits.moves_on_ms = stamp, int(body.get("moves_on_ms", habits.moves_on_ms))
        if "keeps" in body:
            kind, prop = self._found(body)
            habits.keeps[kind.name, prop.name] = str(body["keeps"])
        return {"stamp": habits.stamp, "moves_on_ms": habits.moves_on_ms, "keeps": sorted(map(list, habits.keeps))}

    def _found(self, body: Body) -> tuple[ObjectType, Property]:
        kind = self._state.portal.shelf(str(body["object"])).type
        if str(body["field"]) not in kind.properties:
            raise ValueError(f"{kind.name} have no property {body['field']}")
        return kind, kind.properties[str(body["field"])]


def _changed(prop: Property, body: Body) -> tuple[Option, ...]:
    added, hidden, deleted = ([str(one) for one in body.get(verb, ())] for verb in ("add", "hide", "delete"))
    kept = [replace(one, hidden=one.value in hidden or (one.hidden and one.value not in added)) for one in prop.options]
    known = {one.value for one in kept}
    new = [Option(value, value, len(kept) + place) for place, value in enumerate(added) if value not in known]
    return tuple(one for one in [*kept, *new] if one.value not in deleted)


def admin_controls(state: HubspotState) -> list[Route]:
    """The routes of these controls."""
    controls = HubspotAdminControls(state)
    return [
        control_route("/options", POST=controls.options),
        control_route("/archive_property", POST=controls.archive),
        control_route("/left_out", POST=controls.left_out),
        control_route("/write_answers", POST=controls.write_answers),
    ]
