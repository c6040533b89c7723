"""Controls over what an admin does to picklists, and over fields that an answer leaves out."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.salesforce.controls.route import control_route
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.routing import json_object

Body = dict[str, Any]


class SalesforceAdminControls:
    """`/__sandbox__/picklist` and `left_out`."""

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
    return [control_route("/picklist", POST=controls.picklist), control_route("/left_out", POST=controls.left_out)]
