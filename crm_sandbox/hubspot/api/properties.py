"""What records look like: `/properties/{type}` and below; an admin's, or an app's that may change definitions.

A PATCH with `options` replaces the whole list. Whether values are unique is said when a property is made, and never again.
Source: https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.api.batch import inputs_of
from crm_sandbox.hubspot.schema.property_bodies import changes_of, group_of, property_of
from crm_sandbox.hubspot.schema.schema import NAME, Group, ObjectType, Property
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors, stamps
from crm_sandbox.hubspot.wire.errors import HubspotRefusal
from crm_sandbox.hubspot.wire.replies import answer, empty
from crm_sandbox.hubspot.wire.routing import Body, flag, json_object, route

MAX_INPUTS = 100


class Properties:
    """The routes of properties."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def every(self, request: Request) -> Response:
        """GET every property of a type."""
        kind = self._kind(request)
        found = kind.archived if flag(request, "archived") else kind.properties
        return answer({"results": [self._state.portal.describe(prop) for prop in found.values()]})

    async def read(self, request: Request) -> Response:
        """GET one property."""
        return answer(self._state.portal.describe(_named(self._kind(request), request.path_params["name"])))

    async def create(self, request: Request) -> Response:
        """POST one property."""
        return answer(self._state.portal.describe(self._make(self._kind(request), await json_object(request))), 201)

    async def update(self, request: Request) -> Response:
        """PATCH one property; options that are not named are gone."""
        kind, body = self._kind(request), await json_object(request)
        prop = _named(kind, request.path_params["name"])
        changes = changes_of(kind, prop, body)
        return answer(self._state.portal.describe(kind.change(prop.name, **changes, updated_at=self._now())))

    async def archive(self, request: Request) -> Response:
        """DELETE one property: records do not show it any more."""
        kind = self._kind(request)
        kind.archive(_named(kind, request.path_params["name"]).name, self._now())
        return empty()

    async def read_batch(self, request: Request) -> Response:
        """POST names; the properties of those that there are."""
        kind, body, began = self._kind(request), await json_object(request), self._now()
        names = [str(one.get("name", "")) for one in inputs_of(body, MAX_INPUTS)]
        found = [self._state.portal.describe(kind.properties[name]) for name in names if name in kind.properties]
        missing = [name for name in names if name not in kind.properties]
        failures = [HubspotRefusal("Some properties do not exist", "OBJECT_NOT_FOUND", 404).in_batch({"name": missing})] if missing else []
        return self._answer(found, failures, began)

    async def create_batch(self, request: Request) -> Response:
        """POST properties; those that will not do are told one by one."""
        kind, began = self._kind(request), self._now()
        found: list[Body] = []
        failures: list[Body] = []
        for wish in inputs_of(await json_object(request), MAX_INPUTS):
            try:
                found.append(self._state.portal.describe(self._make(kind, wish)))
            except HubspotRefusal as refusal:
                failures.append(refusal.in_batch({"name": [str(wish.get("name", ""))]}))
        return self._answer(found, failures, began, 201)

    async def archive_batch(self, request: Request) -> Response:
        """POST names."""
        kind = self._kind(request)
        for wish in inputs_of(await json_object(request), MAX_INPUTS):
            if wish.get("name") in kind.properties:
                kind.archive(str(wish["name"]), self._now())
        return empty()

    # -- groups

    async def groups(self, request: Request) -> Response:
        """GET the headings that properties stand under."""
        return answer({"results": [group.to_dict() for group in self._kind(request).groups.values()]})

    async def group(self, request: Request) -> Response:
        """GET one heading."""
        return answer(group_of(self._kind(request), request.path_params["name"]).to_dict())

    async def create_group(self, request: Request) -> Response:
        """POST `{"name", "label", "displayOrder"}`."""
        kind, body = self._kind(request), await json_object(request)
        name = str(body.get("name", ""))
        if not NAME.fullmatch(name) or not body.get("label"):
            raise errors.invalid(f"A property group needs a label, and a name of small letters, digits and underscores: {name!r}")
        if name in kind.groups:
            raise errors.conflict(f"Property group {name} already exists")
        kind.groups[name] = Group(name, str(body["label"]), int(body.get("displayOrder", -1)))
        return answer(kind.groups[name].to_dict(), 201)

    async def update_group(self, request: Request) -> Response:
        """PATCH other words or another place for a heading."""
        group, body = group_of(self._kind(request), request.path_params["name"]), await json_object(request)
        group.label, group.order = str(body.get("label", group.label)), int(body.get("displayOrder", group.order))
        return answer(group.to_dict())

    async def archive_group(self, request: Request) -> Response:
        """DELETE a heading that nothing stands under."""
        kind = self._kind(request)
        name = group_of(kind, request.path_params["name"]).name
        if any(prop.group == name for prop in kind.properties.values()):
            raise errors.invalid(f"Property group {name} still has properties")
        del kind.groups[name]
        return empty()

    def _make(self, kind: ObjectType, body: Body) -> Property:
        made = property_of(kind, body, self._state.portal.now_ms())
        kind.add(made)
        return made

    def _answer(self, found: list[Body], failures: list[Body], began: str, status: int = 200) -> Response:
        shape: Body = {"status": "COMPLETE", "results": found}
        if failures:
            shape |= {"numErrors": len(failures), "errors": failures}
        return answer({**shape, "startedAt": began, "completedAt": self._now()}, 207 if failures else status)

    def _kind(self, request: Request) -> ObjectType:
        return self._state.portal.shelf(request.path_params["type"]).type

    def _now(self) -> str:
        return stamps.write(self._state.portal.now_ms())


def _named(kind: ObjectType, name: str) -> Property:
    found = kind.properties.get(name.lower())
    if found is None:
        raise errors.not_found(f"Property {name} does not exist")
    return found


def property_routes(state: HubspotState) -> list[Route]:
    """The routes of properties."""
    properties = Properties(state)
    one = "/properties/{type}"
    return [
        route(one, GET=properties.every, POST=properties.create),
        route(one + "/groups", GET=properties.groups, POST=properties.create_group),
        route(one + "/groups/{name}", GET=properties.group, PATCH=properties.update_group, DELETE=properties.archive_group),
        route(one + "/batch/read", POST=properties.read_batch),
        route(one + "/batch/create", POST=properties.create_batch),
        route(one + "/batch/archive", POST=properties.archive_batch),
        route(one + "/{name}", GET=properties.read, PATCH=properties.update, DELETE=properties.archive),
    ]
