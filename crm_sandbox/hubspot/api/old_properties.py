"""Properties as versions 1 and 2 show them, which some clients still read: bare lists, flat shapes, nothing to write.

    GET /properties/v2/{type}/properties, …/properties/named/{name}, …/groups        GET /properties/v1/contacts/…

Source: https://developers.hubspot.com/docs/reference/api/legacy/crm/properties/company-properties (and those of deals and contacts)
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.schema.schema import ObjectType, Property
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors
from crm_sandbox.hubspot.wire.replies import answer
from crm_sandbox.hubspot.wire.routing import Body, route


class OldProperties:
    """The routes of properties in their older shape."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def every(self, request: Request) -> Response:
        """GET every property of a type."""
        return answer([self._told(prop) for prop in self._kind(request).properties.values()])

    async def one(self, request: Request) -> Response:
        """GET one property."""
        found = self._kind(request).properties.get(request.path_params["name"].lower())
        if found is None:
            raise errors.not_found(f"Property {request.path_params['name']} does not exist")
        return answer(self._told(found))

    async def groups(self, request: Request) -> Response:
        """GET the headings that properties stand under."""
        told = (group.to_dict() for group in self._kind(request).groups.values())
        return answer([{"name": one["name"], "displayName": one["label"], "displayOrder": one["displayOrder"]} for one in told])

    def _kind(self, request: Request) -> ObjectType:
        return self._state.portal.shelf(request.path_params["type"]).type

    def _told(self, prop: Property) -> Body:
        """The newer shape without its inner object, and with the older names of what stood there."""
        shape = self._state.portal.describe(prop)
        inner = shape.pop("modificationMetadata")
        later = ("archived", "dataSensitivity", "hasUniqueValue", "createdAt", "updatedAt", "archivedAt")
        options = [{**option, "readOnly": False, "doubleData": 0.0} for option in shape["options"]]
        return {name: value for name, value in shape.items() if name not in later} | {
            "options": options,
            "readOnlyValue": inner["readOnlyValue"],
            "readOnlyDefinition": inner["readOnlyDefinition"],
            "deleted": False,
        }


def old_property_routes(state: HubspotState) -> list[Route]:
    """The routes of properties in their older shape."""
    properties = OldProperties(state)
    one = "/old-properties/{type}"
    return [
        route(one + "/properties", GET=properties.every),
        route(one + "/properties/named/{name}", GET=properties.one),
        route(one + "/groups", GET=properties.groups),
    ]
