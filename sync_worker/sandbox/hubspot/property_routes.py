"""What records look like: `/properties/{type}` and below."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sync_worker.sandbox.hubspot import errors
from sync_worker.sandbox.hubspot.replies import answer
from sync_worker.sandbox.hubspot.routing import route
from sync_worker.sandbox.hubspot.state import State


class Properties:
    """The routes of properties."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def list(self, request: Request) -> Response:
        """GET every property of a type."""
        portal = self._state.portal
        kind = portal.shelf(request.path_params["type"]).type
        return answer({"results": [portal.describe(prop) for prop in kind.properties.values()]})

    async def read(self, request: Request) -> Response:
        """GET one property."""
        portal = self._state.portal
        prop = portal.shelf(request.path_params["type"]).type.properties.get(request.path_params["name"])
        if prop is None:
            raise errors.not_found(f"Property {request.path_params['name']} does not exist")
        return answer(portal.describe(prop))


def property_routes(state: State) -> list[Route]:
    """The routes of properties."""
    properties = Properties(state)
    return [
        route("/properties/{type}", GET=properties.list),
        route("/properties/{type}/{name}", GET=properties.read),
    ]
