"""Controls over webhooks: what the app is told, telling it now, twice, out of order or not at all, and what was told."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.hubspot.controls.route import control_route
from crm_sandbox.hubspot.push.outbox import MAX_BATCH, WebhookDelivery
from crm_sandbox.hubspot.push.subscriptions import MAX_CONCURRENT, Subscriptions, WebhookSettings
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import stamps
from crm_sandbox.hubspot.wire.routing import json_object

Body = dict[str, Any]


class WebhookControls:
    """`/__sandbox__/webhooks` and below."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def show(self, _: Request) -> Body:
        """Where notifications go, which, and what waits."""
        outbox = self._state.outbox
        return {
            "settings": None if outbox.settings is None else outbox.settings.to_dict(),
            "subscriptions": [one.to_dict() for one in outbox.subscriptions.by_id.values()],
            "queued": [one.to_dict() for one in outbox.queue.values()],
        }

    async def configure(self, request: Request) -> Body:
        """`{"url", "subscriptions": [{"eventType", "propertyName", "objectTypeId"}], "max_concurrent", "public_url", "auto": false}`."""
        body, portal = await json_object(request), self._state.portal
        settings = WebhookSettings(
            _address(body["url"]),
            portal.now_ms(),
            int(body.get("max_concurrent", MAX_CONCURRENT)),
            None if body.get("public_url") is None else _address(body["public_url"]),
            is_auto=bool(body.get("auto", False)),
        )
        wanted, singulars = Subscriptions(), [shelf.type.singular for shelf in portal.shelves.values()]
        for wish in body["subscriptions"]:
            wanted.add({"active": True, **wish}, singulars=singulars, now_ms=portal.now_ms())
        self._state.outbox.subscriptions = wanted
        self._state.outbox.configure(settings)
        return await self.show(request)

    async def clear(self, request: Request) -> Body:
        """No notification is sent any longer."""
        self._state.outbox.clear()
        return await self.show(request)

    async def deliver(self, request: Request) -> Body:
        """`{"batch_size": 99, "repeat": 1, "shuffle": false, "force": false, "event_id": null}`: send what is due, or with `force` all."""
        wish = WebhookDelivery(**await json_object(request))
        if not 1 <= wish.batch_size <= MAX_BATCH or wish.repeat < 1:
            raise ValueError(f"batch_size must be 1 to {MAX_BATCH}, repeat at least 1")
        return dict(await self._state.outbox.deliver(wish))

    async def lose(self, request: Request) -> Body:
        """`{"seconds": 86400}`: what waits and what happens until then is never told."""
        body, outbox = await json_object(request), self._state.outbox
        lost = len(outbox.queue)
        outbox.queue.clear()
        outbox.lost_until_ms = self._state.portal.now_ms() + int(float(body["seconds"]) * 1000)
        return {"lost": lost, "until": stamps.write(outbox.lost_until_ms)}

    async def deliveries(self, _: Request) -> list[Body]:
        """Every request that was made: when, to whom, what it said, and the status of the answer (null: none in time)."""
        return self._state.outbox.deliveries

    async def forget_deliveries(self, _: Request) -> list[Body]:
        """The log begins again."""
        self._state.outbox.deliveries.clear()
        return []


def _address(url: Any) -> str:
    parts = urlsplit(str(url))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"{url!r} is not an address")
    return str(url)


def webhook_controls(state: HubspotState) -> list[Route]:
    """The routes of these controls."""
    controls = WebhookControls(state)
    return [
        control_route("/webhooks", GET=controls.show, POST=controls.configure, DELETE=controls.clear),
        control_route("/webhooks/deliver", POST=controls.deliver),
        control_route("/webhooks/lose", POST=controls.lose),
        control_route("/webhooks/deliveries", GET=controls.deliveries, DELETE=controls.forget_deliveries),
    ]
