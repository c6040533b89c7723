"""One control with a function per method. A control that means nothing is 422, one that the portal refuses 409; both say why."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.wire import errors
from crm_sandbox.hubspot.wire.errors import HubspotRefusal
from crm_sandbox.hubspot.wire.kinds import CONTROLS
from crm_sandbox.hubspot.wire.replies import answer, refuse
from crm_sandbox.routing import AddressRoute

Control = Callable[[Request], Awaitable[Any]]


def control_route(path: str, **controls: Control) -> Route:
    """The route of a control."""

    async def serve(request: Request) -> Response:
        control = controls.get(request.method)
        if control is None:
            return refuse(errors.method_not_allowed())
        try:
            done = await control(request)
        except (ValueError, TypeError, KeyError) as error:
            return answer({"error": f"{type(error).__name__}: {error}"}, 422)
        except HubspotRefusal as refusal:
            return answer({"error": str(refusal), "refusal": refusal.body()}, 409)
        return answer(done)

    return AddressRoute(CONTROLS + path, serve, methods=["GET", "POST", "PATCH", "DELETE"])
