"""Controls over what an admin does to picklists, over fields that an answer leaves out, and over rows that are locked."""

from dataclasses import replace
from typing import Any, get_args

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.salesforce.controls.route import control_route
from crm_sandbox.salesforce.data.org import LookupLocks
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.routing import json_object

Body = dict[str, Any]


class SalesforceAdminControls:
    """`/__sandbox__/picklist`, `left_out` and `row_locks`."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def picklist(self, request: Request) -> Body:
        """`{"object", "field", "add": […], "retire": […], "delete": […], "restricted": true}`: records keep what they hold."""
        body = await json_object(request)
        sobject, field = self._found(body)
        if field.kind not in ("picklist", "multipicklist"):
            raise ValueError(f"{sobject.name}.{field.name} is a {field.kind}, not a picklist")
        changed = _changed(field, body)
        self._state.org.change_field(sobject, changed)
        return {"active": list(changed.values), "inactive": list(changed.retired)}

    async def left_out(self, request: Request) -> Body:
        """`{"empty": true}`: rows leave out fields without a value. `{"object", "field", "on": true}`: describe and rows leave it out."""
        body, org = await json_object(request), self._state.org
        org.leaves_out_empty = bool(body.get("empty", org.leaves_out_empty))
        if "field" in body:
            sobject, field = self._found(body)
            (org.left_out.add if body.get("on", True) else org.left_out.discard)((sobject.name, field.name))
        return {"empty": org.leaves_out_empty, "fields": [list(pair) for pair in sorted(org.left_out)]}

    async def row_locks(self, request: Request) -> Body:
        """`{"wait_s": 10, "lookups": "changed", "hold": [ids]}`, or any of them: rows that others hold, and how long a write waits."""
        body, org, locks = await json_object(request), self._state.org, self._state.row_locks
        if (lookups := body.get("lookups", org.lookup_locks)) not in get_args(LookupLocks):
            raise ValueError(f"lookups must be one of {list(get_args(LookupLocks))}, not {lookups!r}")
        org.lookup_locks, locks.wait_s = lookups, float(body.get("wait_s", locks.wait_s))
        if "hold" in body:
            locks.hold(map(str, body["hold"]))
        held = [] if locks.by_order is None else sorted(locks.by_order.ids)
        return {"wait_s": locks.wait_s, "lookups": org.lookup_locks, "hold": held}

    def _found(self, body: Body) -> tuple[SObject, Field]:
        sobject = self._state.org.objects.get(str(body["object"]).lower())
        field = sobject.field(str(body["field"])) if sobject else None
        if sobject is None or field is None:
            raise ValueError(f"there is no field {body['field']} of {body['object']}")
        return sobject, field


def _changed(field: Field, body: Body) -> Field:
    added, retired, deleted = (list(map(str, body.get(verb, ()))) for verb in ("add", "retire", "delete"))
    gone = {*retired, *deleted}
    values = tuple(value for value in dict.fromkeys([*field.values, *added]) if value not in gone)
    inactive = tuple(value for value in dict.fromkeys([*field.retired, *retired]) if value not in {*added, *deleted})
    return replace(field, values=values, retired=inactive, is_restricted=bool(body.get("restricted", field.is_restricted)))


def admin_controls(state: SalesforceState) -> list[Route]:
    """The routes of these controls."""
    controls = SalesforceAdminControls(state)
    return [
        control_route("/picklist", POST=controls.picklist),
        control_route("/left_out", POST=controls.left_out),
        control_route("/row_locks", POST=controls.row_locks),
    ]
