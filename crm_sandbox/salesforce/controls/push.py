"""Controls over outbound messages: who is told of what, and telling them now, twice, or out of order."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.salesforce.controls.route import control_route
from crm_sandbox.salesforce.push.outbox import MAX_BATCH, MessageDelivery
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.ids import to_18
from crm_sandbox.salesforce.wire.routing import json_object

Body = dict[str, Any]


class PushControls:
    """`/__sandbox__/outbound_messages` and below."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def show(self, _: Request) -> list[Body]:
        """Every subscription with what waits for it."""
        outbox = self._state.outbox
        outbox.collect()
        return [
            {
                "action_id": one.action_id,
                "object": one.sobject,
                "url": one.url,
                "queued": [waiting.record_id for waiting in outbox.queue if waiting.subscription is one],
            }
            for one in outbox.subscriptions
        ]

    async def subscribe(self, request: Request) -> list[Body]:
        """`{"object", "fields", "url", "organization_id", "auto": false, "deleted": "empty", "ignores_integration_user": false}`."""
        body = await json_object(request)
        sobject = self._state.org.objects.get(str(body["object"]).lower())
        if sobject is None:
            raise ValueError(f"no record type {body['object']!r}")
        if unknown := [name for name in body.get("fields", ()) if sobject.field(name) is None]:
            raise ValueError(f"{sobject.name} has no fields {unknown}")
        url, deleted = str(body["url"]), body.get("deleted", "empty")
        if urlsplit(url).scheme not in ("http", "https") or deleted not in ("empty", "id"):
            raise ValueError("url must be an address, and deleted be empty or id")
        self._state.outbox.subscribe(
            sobject.name,
            tuple(body.get("fields", ())),
            url,
            to_18(str(body["organization_id"])) if body.get("organization_id") else None,
            is_auto=bool(body.get("auto", False)),
            deleted=deleted,
            ignores_integration_user=bool(body.get("ignores_integration_user", False)),
        )
        return await self.show(request)

    async def clear(self, _: Request) -> list[Body]:
        """No notification is sent any longer."""
        self._state.outbox.clear()
        return []

    async def deliver(self, request: Request) -> Body:
        """`{"batch_size": 100, "repeat": 1, "shuffle": false, "force": false}`: send what is due, or with `force` everything."""
        body = await json_object(request)
        wish = MessageDelivery(**body)
        if not 1 <= wish.batch_size <= MAX_BATCH or wish.repeat < 1:
            raise ValueError(f"batch_size must be 1 to {MAX_BATCH}, repeat at least 1")
        return dict(await self._state.outbox.deliver(wish))


def push_controls(state: SalesforceState) -> list[Route]:
    """The routes of these controls."""
    controls = PushControls(state)
    return [
        control_route("/outbound_messages", GET=controls.show, POST=controls.subscribe, DELETE=controls.clear),
        control_route("/outbound_messages/deliver", POST=controls.deliver),
    ]
