"""The imitation put together: routes inside, then their latency, locks, the door, the wire, and one spelling for all addresses."""

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crm_sandbox.hubspot.api.account import account_routes
from crm_sandbox.hubspot.api.associations import association_routes
from crm_sandbox.hubspot.api.batch import batch_routes
from crm_sandbox.hubspot.api.labels import label_routes
from crm_sandbox.hubspot.api.login import login_routes
from crm_sandbox.hubspot.api.objects import object_routes
from crm_sandbox.hubspot.api.old_properties import old_property_routes
from crm_sandbox.hubspot.api.properties import property_routes
from crm_sandbox.hubspot.api.push import webhook_routes
from crm_sandbox.hubspot.api.search import search_routes
from crm_sandbox.hubspot.controls.admin import admin_controls
from crm_sandbox.hubspot.controls.controls import control_routes
from crm_sandbox.hubspot.controls.login import login_controls
from crm_sandbox.hubspot.controls.push import webhook_controls
from crm_sandbox.hubspot.controls.rules import rule_controls
from crm_sandbox.hubspot.door import HubspotDoor
from crm_sandbox.hubspot.locking import RecordLocking
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors
from crm_sandbox.hubspot.wire.errors import HubspotRefusal
from crm_sandbox.hubspot.wire.kinds import CONTROLS, classify
from crm_sandbox.hubspot.wire.paths import address_of
from crm_sandbox.hubspot.wire.replies import refuse
from crm_sandbox.hubspot.wire.trouble import ordered_reply
from crm_sandbox.latency import SlowCalls
from crm_sandbox.wire import VendorHabits, VendorWire


def hubspot_app(state: HubspotState) -> ASGIApp:
    """The whole imitation as an ASGI application."""
    routes = [
        *control_routes(state),
        *admin_controls(state),
        *login_controls(state),
        *rule_controls(state),
        *webhook_controls(state),
        *login_routes(state),
        *webhook_routes(state),
        *account_routes(state),
        *property_routes(state),
        *old_property_routes(state),
        *association_routes(state),
        *label_routes(state),
        *batch_routes(state),
        *search_routes(state),
        *object_routes(state),
    ]
    handlers: dict[Any, Any] = {HubspotRefusal: _refused, HTTPException: _lost, Exception: _broken}
    routed = Starlette(routes=routes, exception_handlers=handlers)
    routed.router.redirect_slashes = False
    working = RecordLocking(SlowCalls(routed, state.latency, state.clock, state.waits), state)
    habits = VendorHabits(classify, ordered_reply)
    return _Plain(VendorWire(HubspotDoor(working, state), habits, clock=state.clock, calls=state.calls, faults=state.faults))


class _Plain:
    """Gives every request our own address (`paths.py`); one that means nothing goes to `/`, where nothing is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(CONTROLS):
            asked = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
            address = address_of(asked)
            scope["hubspot.path"] = asked
            scope["path"] = "/" if address is None else address.path
            scope["hubspot.version"] = "" if address is None else address.version
        await self._app(scope, receive, send)


async def _refused(_: Request, error: HubspotRefusal) -> Response:
    return refuse(error)


async def _lost(_: Request, error: HTTPException) -> Response:
    return refuse(errors.method_not_allowed() if error.status_code == 405 else errors.no_address())


async def _broken(_: Request, error: Exception) -> Response:
    """A fault of the sandbox's own; said aloud, so that it is not taken for an ordered one."""
    return refuse(HubspotRefusal(f"the sandbox itself failed: {error!r}", "INTERNAL_ERROR", 500))
