"""The labels that associations may have: `/associations/{from}/{to}/labels`. An admin's own ones want a paid tier.

How many records an admin allows under each: `/associations/definitions/configurations/{from}/{to}`; set by a control.
"""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.data.associations import HubspotAssociations
from crm_sandbox.hubspot.data.linking import named
from crm_sandbox.hubspot.data.records import RecordShelf
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors
from crm_sandbox.hubspot.wire.replies import answer, empty
from crm_sandbox.hubspot.wire.routing import json_object, route

_NAME = re.compile(r"[A-Za-z_]\w*")
MAX_LABELS = 50  # an admin's own, between two record types


class Labels:
    """The routes of labels."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def list(self, request: Request) -> Response:
        """GET every type between two record types."""
        types = self._associations.types(*self._sides(request))
        return answer({"results": [label.to_dict() for label in types.values()]})

    async def limits(self, request: Request) -> Response:
        """GET what an admin allows of each type; types without a limit are not named."""
        sides = self._sides(request)
        types, limits = self._associations.types(*sides), self._associations.limits.get(sides, {})
        return answer({"results": [types[type_id].to_dict() | {"userEnforcedMaxToObjectIds": most} for type_id, most in limits.items()]})

    async def types(self, request: Request) -> Response:
        """GET the same as version 3 has them: by their older names."""
        one, other = self._shelves(request)
        types = self._associations.types(one.type.name, other.type.name).values()
        return answer({"results": [{"id": str(label.type_id), "name": named(label, one, other)} for label in types]})

    async def create(self, request: Request) -> Response:
        """POST `{"name", "label", "inverseLabel"}`: a new label, from both sides."""
        self._check_tier()
        body, sides = await json_object(request), self._sides(request)
        name, label = str(body.get("name") or ""), str(body.get("label") or "")
        if not _NAME.fullmatch(name) or not label:
            raise errors.invalid(f"name must not begin with a number nor contain a hyphen, label must not be blank: {name!r}, {label!r}")
        if any(known.name == name or known.label == label for known in self._associations.types(*sides).values()):
            raise errors.conflict(f"An association label named {name} or {label} already exists")
        if sum(known.is_own for known in self._associations.types(*sides).values()) >= MAX_LABELS:
            raise errors.invalid(f"The limit of {MAX_LABELS} association labels between {sides[0]} and {sides[1]} has been reached")
        inverse = body.get("inverseLabel")
        near, far = self._associations.add_label(*sides, name, label, None if inverse is None else str(inverse))
        return answer({"results": [far.to_dict(), near.to_dict()]})

    async def rename(self, request: Request) -> Response:
        """PUT `{"associationTypeId", "label", "inverseLabel"}`: other words for a label."""
        self._check_tier()
        body, inverse = await json_object(request), None
        if body.get("inverseLabel") is not None:
            inverse = str(body["inverseLabel"])
        self._associations.rename(*self._sides(request), int(body.get("associationTypeId", 0)), str(body.get("label", "")), inverse)
        return empty()

    async def delete(self, request: Request) -> Response:
        """DELETE a label; the records stay associated."""
        type_id = request.path_params["type_id"]
        self._associations.remove_label(*self._sides(request), int(type_id) if type_id.isdigit() else 0)
        return empty()

    @property
    def _associations(self) -> HubspotAssociations:
        return self._state.portal.associations

    def _check_tier(self) -> None:
        if self._state.portal.tier == "free":
            raise errors.not_paid_for("association labels")

    def _sides(self, request: Request) -> tuple[str, str]:
        one, other = self._shelves(request)
        return one.type.name, other.type.name

    def _shelves(self, request: Request) -> tuple[RecordShelf, RecordShelf]:
        shelf = self._state.portal.shelf
        return shelf(request.path_params["type"]), shelf(request.path_params["to"])


def label_routes(state: HubspotState) -> list[Route]:
    """The routes of labels."""
    labels = Labels(state)
    return [
        route("/associations/definitions/configurations/{type}/{to}", GET=labels.limits),
        route("/associations/{type}/{to}/labels", GET=labels.list, POST=labels.create, PUT=labels.rename),
        route("/associations/{type}/{to}/types", GET=labels.types),
        route("/associations/{type}/{to}/labels/{type_id}", DELETE=labels.delete),
    ]
