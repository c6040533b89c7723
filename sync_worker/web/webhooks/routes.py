"""`POST /webhooks/salesforce/{portal}/{secret}` and `POST /webhooks/hubspot/{portal}`: refuse, or store and only then answer.

A sender without proof gets 401 and nothing else, whether the portal exists or not; the log says why, with the source. A portal that is
disabled answers 503 to everybody, because its secret may be what is missing: the CRM sends the same again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from sync_worker.bootstrap import Installation
from sync_worker.boundary.headers import whole
from sync_worker.config.portal import Portal
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.errors import StoreDown
from sync_worker.telemetry import logs
from sync_worker.web.webhooks import hubspot, salesforce, signature
from sync_worker.web.webhooks.debounce import Bell, Send
from sync_worker.web.webhooks.heard import DISABLED_S, HeardNotices, Records, WebhookRefusal
from sync_worker.web.webhooks.inbox import Inbox

MOST_BYTES = 4 << 20  # a hundred events with a long text each; our CRM sends less
GONE = WebhookRefusal(400, "the sender hung up")
TOO_LARGE = WebhookRefusal(413, f"more than {MOST_BYTES} bytes")
MOST_HELD_BYTES = 64 << 20  # of all bodies that are being read: a signature is proven only when the whole body is there
BUSY = WebhookRefusal(503, "too many large requests at once; the CRM sends this one again")
NO_PORTAL = "no such portal, or it takes no webhooks"


@dataclass(frozen=True, slots=True)
class Hook:
    """How one portal's CRM proves itself.

    **Shapes** `sender`: the organization in 18 characters, or the Hub ID; `url`: how HubSpot reaches us, b"" where the file asks for v1.
    """

    secret: bytes = b""
    sender: str = ""
    url: bytes = b""
    records: Records = field(default_factory=dict)


NOBODY = Hook()


class WebhookAddresses:
    """The two addresses, for every portal whose file has `webhooks`.

    **Shapes** `counts`: (portal, what) → requests `taken`, `refused` and `disabled`, events `heard` and `skipped`; refusals of portals that
    are not ours stand under "".
    """

    def __init__(self, installation: Installation, send: Send) -> None:
        self._disabled = frozenset({*installation.disabled, *_never_proven(installation)})
        self._clock: Callable[[], datetime] = installation.services.clock
        self._salesforce = {portal.name: _salesforce_hook(installation, portal) for portal in self._hooked(installation, "salesforce")}
        self._hubspot = {portal.name: _hubspot_hook(installation, portal) for portal in self._hooked(installation, "hubspot")}
        self._held_bytes = 0
        self._inbox = Inbox(installation.store)
        self._bell = Bell(send)
        self.counts: Counter[tuple[str, str]] = Counter()

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/webhooks/salesforce/{portal}/{secret}", self._of_salesforce, methods=["POST"]),
            Route("/webhooks/hubspot/{portal}", self._of_hubspot, methods=["POST"]),
        ]

    def close(self) -> None:
        self._bell.close()
        self._inbox.close()

    async def _of_salesforce(self, request: Request) -> Response:
        portal, secret = request.path_params["portal"], request.path_params["secret"]
        if portal in self._disabled:
            return self._not_now(portal, salesforce.NOT_NOW)
        hook = self._salesforce.get(portal, NOBODY)
        if not _is_secret(secret, hook.secret):
            return self._refused(request, WebhookRefusal(401, "the secret is wrong" if hook.secret else NO_PORTAL))
        if _is_too_long(request):
            return self._refused(request, TOO_LARGE)
        body = await self._body(request)
        if isinstance(body, WebhookRefusal):
            return self._refused(request, body)
        heard = salesforce.read_message(body, organization_id=hook.sender, records=hook.records)
        if isinstance(heard, WebhookRefusal):
            return self._refused(request, heard, salesforce.NOT_UNDERSTOOD if heard.status == 400 else "")
        is_taken = await self._take(portal, heard)
        return Response(salesforce.TAKEN if is_taken else salesforce.NOT_NOW, 200 if is_taken else 503, media_type="text/xml")

    async def _of_hubspot(self, request: Request) -> Response:
        portal = request.path_params["portal"]
        if portal in self._disabled:
            return self._not_now(portal)
        hook = self._hubspot.get(portal, NOBODY)
        if _is_too_long(request):
            return self._refused(request, TOO_LARGE)
        if fault := self._head_fault(request, hook):
            return self._refused(request, WebhookRefusal(401, fault if hook.secret else NO_PORTAL))
        body = await self._body(request)
        if isinstance(body, WebhookRefusal):
            return self._refused(request, body)
        if fault := self._fault(request, hook, body):
            return self._refused(request, WebhookRefusal(401, fault))
        heard = hubspot.read_events(body, hub_id=hook.sender, records=hook.records)
        if isinstance(heard, WebhookRefusal):
            return self._refused(request, heard)
        return Response(status_code=204 if await self._take(portal, heard) else 503)

    async def _body(self, request: Request) -> bytes | WebhookRefusal:
        """What was sent, as it was sent. We keep at most `MOST_BYTES` of one request, and `MOST_HELD_BYTES` of all together."""
        body = bytearray()
        try:
            async for part in request.stream():
                if len(body) + len(part) > MOST_BYTES:
                    return TOO_LARGE
                if self._held_bytes + len(part) > MOST_HELD_BYTES:
                    return BUSY
                self._held_bytes += len(part)
                body += part
        except ClientDisconnect:
            return GONE
        finally:
            self._held_bytes -= len(body)
        return bytes(body)

    def _head_fault(self, request: Request, hook: Hook) -> str:
        if not hook.url:
            return signature.v1_head_fault(hook.secret, request.headers)
        return signature.v3_head_fault(hook.secret, request.headers, self._clock())

    def _fault(self, request: Request, hook: Hook, body: bytes) -> str:
        if not hook.url:
            return signature.v1_fault(hook.secret, body, request.headers)
        return signature.v3_fault(hook.secret, hook.url + _target(request), body, request.headers, self._clock())

    async def _take(self, portal: str, heard: HeardNotices) -> bool:
        """Stores what was heard, then wakes its reader. False: the database is out of reach, and the CRM must send it again."""
        try:
            await self._inbox.put(portal, heard)
        except StoreDown as error:
            logs.get().error("a webhook could not be stored; the CRM sends it again", portal=portal, error=str(error))
            return False
        self._bell.ring(portal, heard.noticed)
        self.counts.update({(portal, "taken"): 1, (portal, "heard"): heard.events, (portal, "skipped"): heard.skipped.total()})
        return True

    def _not_now(self, portal: str, answer: str = "") -> Response:
        self.counts[portal, "disabled"] += 1
        logs.get().warning("a webhook came for a portal that is disabled; the CRM sends it again", portal=portal)
        return Response(answer, 503, headers={"Retry-After": str(DISABLED_S)}, media_type="text/xml" if answer else None)

    def _hooked(self, installation: Installation, kind: str) -> list[Portal]:
        portals = [portal for portal in installation.portals if portal.name not in self._disabled]
        return [portal for portal in portals if portal.crm.kind == kind and portal.crm.webhooks.secret]

    def _refused(self, request: Request, refusal: WebhookRefusal, answer: str = "") -> Response:
        portal = request.path_params["portal"]
        known = portal if portal in self._salesforce or portal in self._hubspot else ""
        self.counts[known, "refused"] += 1
        source = request.client.host if request.client else ""
        logs.get().warning("webhook refused", portal=portal[:64], source=source, status=refusal.status, reason=refusal.reason)
        return Response(answer, refusal.status, media_type="text/xml" if answer else None)


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_too_long(request: Request) -> bool:
    """Whether the length that is announced is more than we keep, or no number."""
    announced = whole(request.headers.get("content-length", "0"))
    return announced is None or announced > MOST_BYTES


def _target(request: Request) -> bytes:
    """The path and query as they were sent; the host before them is the one people told HubSpot, never the one the request claims."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def _is_secret(given: str, secret: bytes) -> bool:
    """Takes the same time for every answer, also for a portal that does not exist."""
    is_same = hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(secret).digest())
    return is_same and bool(secret)


# ── portals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _never_proven(installation: Installation) -> Iterator[str]:
    """The portals whose v3 signatures need what this process does not know: the public address. The log says so, and the others go on."""
    for portal in installation.working:
        webhooks = portal.crm.webhooks
        if portal.crm.kind == "hubspot" and webhooks.secret and webhooks.signature == "v3" and not installation.settings.public_url:
            remedy = "set SYNC_WORKER_PUBLIC_URL to how HubSpot reaches us: https://sync.example.com"
            mistake = portal.source.mistake(("crm", "webhooks"), "a v3 signature is of the public address", remedy, at_key=True)
            logs.get().error("the webhooks of this portal are closed; all else goes on", portal=portal.name, mistakes=str(mistake))
            yield portal.name


def _salesforce_hook(installation: Installation, portal: Portal) -> Hook:
    organization_id = canonical(portal.crm.webhooks.organization_id or "") or ""
    return Hook(_secret(portal), organization_id, records=_records(installation, portal))


def _hubspot_hook(installation: Installation, portal: Portal) -> Hook:
    webhooks, public_url = portal.crm.webhooks, installation.settings.public_url
    url = (public_url or "").encode() if webhooks.signature == "v3" else b""
    return Hook(_secret(portal), webhooks.hub_id or "", url, _records(installation, portal))


def _secret(portal: Portal) -> bytes:
    secret = portal.crm.webhooks.secret
    return secret.get_secret_value().encode() if secret else b""


def _records(installation: Installation, portal: Portal) -> Mapping[str, str]:
    tenant = installation.tenant(portal.name)
    return {tenant.plain_mapping.records[name].native: name for name in tenant.readable_records()}
