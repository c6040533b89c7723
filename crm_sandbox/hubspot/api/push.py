"""`/webhooks/{version}/{appId}`: an app's subscriptions and settings, as its developer reaches them, with `?hapikey=`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.login.credentials import SANDBOX_APP_ID, SANDBOX_DEVELOPER_KEY
from crm_sandbox.hubspot.push.outbox import WebhookOutbox
from crm_sandbox.hubspot.push.subscriptions import MAX_CONCURRENT, WebhookSettings
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors
from crm_sandbox.hubspot.wire.replies import answer, empty
from crm_sandbox.hubspot.wire.routing import Endpoint, json_object, route


class WebhookRoutes:
    """The endpoints."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    def _outbox(self, request: Request) -> WebhookOutbox:
        if request.query_params.get("hapikey") != SANDBOX_DEVELOPER_KEY:
            raise errors.unauthenticated()
        if request.path_params["app"] != str(SANDBOX_APP_ID):
            raise errors.not_found(f"No app with ID {request.path_params['app']}")
        return self._state.outbox

    async def every(self, request: Request) -> Response:
        """GET every subscription."""
        return answer({"results": [one.to_dict() for one in self._outbox(request).subscriptions.by_id.values()]})

    async def create(self, request: Request) -> Response:
        """POST a subscription; it rests unless it says `active`."""
        outbox, portal = self._outbox(request), self._state.portal
        singulars = [shelf.type.singular for shelf in portal.shelves.values()]
        made = outbox.subscriptions.add(await json_object(request), singulars=singulars, now_ms=portal.now_ms())
        return answer(made.to_dict(), 201)

    async def show(self, request: Request) -> Response:
        """GET a subscription."""
        return answer(self._outbox(request).subscriptions.get(_id(request)).to_dict())

    async def switch(self, request: Request) -> Response:
        """PATCH `{"active"}`."""
        outbox, body = self._outbox(request), await json_object(request)
        return answer(outbox.subscriptions.switch(_id(request), on=bool(body.get("active"))).to_dict())

    async def switch_many(self, request: Request) -> Response:
        """POST `{"inputs": [{"id", "active"}]}`."""
        outbox, body = self._outbox(request), await json_object(request)
        done = [outbox.subscriptions.switch(int(one["id"]), on=bool(one["active"])).to_dict() for one in body.get("inputs", [])]
        return answer({"status": "COMPLETE", "results": done})

    async def drop(self, request: Request) -> Response:
        """DELETE a subscription."""
        subscriptions = self._outbox(request).subscriptions
        del subscriptions.by_id[subscriptions.get(_id(request)).id]
        return empty()

    async def show_settings(self, request: Request) -> Response:
        """GET where notifications go."""
        settings = self._outbox(request).settings
        if settings is None:
            raise errors.not_found("This app has no webhook settings")
        return answer(settings.to_dict())

    async def put_settings(self, request: Request) -> Response:
        """PUT `{"targetUrl", "throttling": {"maxConcurrentRequests"}}`; from then on notifications leave by themselves."""
        outbox, body = self._outbox(request), await json_object(request)
        outbox.configure(_settings(body, self._state.portal.now_ms()))
        return await self.show_settings(request)

    async def drop_settings(self, request: Request) -> Response:
        """DELETE them: no notification is sent any longer."""
        self._outbox(request).configure(None)
        return empty()


def _settings(body: dict[str, Any], now_ms: int) -> WebhookSettings:
    url, most = body.get("targetUrl"), body.get("throttling", {}).get("maxConcurrentRequests", MAX_CONCURRENT)
    if not isinstance(url, str) or not isinstance(most, int) or most <= 5:
        raise errors.invalid("targetUrl must be an address, and maxConcurrentRequests be greater than five")
    return WebhookSettings(url, now_ms, most, is_auto=True)


def _id(request: Request) -> int:
    text = request.path_params["subscription"]
    if not text.isdigit():
        raise errors.not_found(f"No subscription with ID {text}")
    return int(text)


def webhook_routes(state: HubspotState) -> list[Route]:
    """The routes of this package."""
    webhooks = WebhookRoutes(state)
    of_settings: dict[str, Endpoint] = {"GET": webhooks.show_settings, "PUT": webhooks.put_settings, "DELETE": webhooks.drop_settings}
    return [
        route("/webhooks/{app}/subscriptions", GET=webhooks.every, POST=webhooks.create),
        route("/webhooks/{app}/subscriptions/batch/update", POST=webhooks.switch_many),
        route("/webhooks/{app}/subscriptions/{subscription}", GET=webhooks.show, PATCH=webhooks.switch, DELETE=webhooks.drop),
        route("/webhooks/{app}/settings", **of_settings),
    ]
