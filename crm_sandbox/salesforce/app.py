"""The imitation put together: routes inside, then their latency, row locks, the door, the wire."""

from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crm_sandbox.latency import SlowCalls
from crm_sandbox.salesforce.api.bulk import bulk_routes
from crm_sandbox.salesforce.api.collections import Collections
from crm_sandbox.salesforce.api.composite import Composite
from crm_sandbox.salesforce.api.describe import describe, describe_global, resources, versions
from crm_sandbox.salesforce.api.lead_mapping import lead_mapping_routes
from crm_sandbox.salesforce.api.limits import limits
from crm_sandbox.salesforce.api.login import login_routes
from crm_sandbox.salesforce.api.not_imitated import not_imitated_routes
from crm_sandbox.salesforce.api.replication import ReplicationRoutes
from crm_sandbox.salesforce.api.rows import Rows
from crm_sandbox.salesforce.api.tooling import tooling_routes
from crm_sandbox.salesforce.controls.admin import admin_controls
from crm_sandbox.salesforce.controls.bulk import bulk_controls
from crm_sandbox.salesforce.controls.controls import control_routes
from crm_sandbox.salesforce.controls.login import login_controls
from crm_sandbox.salesforce.controls.push import push_controls
from crm_sandbox.salesforce.door import SalesforceDoor
from crm_sandbox.salesforce.locking import RowLocking
from crm_sandbox.salesforce.soql.queries import PAGE_SIZE
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire import errors, etags
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.kinds import classifier
from crm_sandbox.salesforce.wire.replies import answer, empty, ordered_reply, refuse
from crm_sandbox.salesforce.wire.routing import DATA, METHODS, route
from crm_sandbox.salesforce.wire.zipping import Zip
from crm_sandbox.wire import VendorHabits, VendorWire


class GeneralRoutes:
    """The routes that are about no single record."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def versions(self, _: Request) -> Response:
        """GET the API versions."""
        return answer(versions())

    async def resources(self, request: Request) -> Response:
        """GET what there is under a version."""
        return answer(resources(request.path_params["version"]))

    async def describe_global(self, request: Request) -> Response:
        """GET the record types."""
        return answer(describe_global(self._state.org, request.path_params["version"]))

    async def basic(self, request: Request) -> Response:
        """GET a record type in short."""
        version = request.path_params["version"]
        sobject = self._state.org.sobject(request.path_params["object"])
        every = describe_global(self._state.org, version)["sobjects"]
        brief = next(shape for shape in every if shape["name"] == sobject.name)
        return answer({"objectDescribe": brief, "recentItems": []})

    async def describe(self, request: Request) -> Response:
        """GET a record type whole, or 304 when the client has it."""
        org = self._state.org
        sobject = org.sobject(request.path_params["object"])
        shape = describe(org, sobject, request.path_params["version"], self._state.base_url)
        tag = etags.tag_of(shape)
        changed = format_datetime(org.schema_changed_at, usegmt=True)
        headers = {"etag": tag, "last-modified": changed}
        known = request.headers.get("if-none-match")
        is_known = etags.is_among(tag, known) if known is not None else request.headers.get("if-modified-since") == changed
        return empty(304, headers) if is_known else answer(shape, 200, headers)

    async def limits(self, _: Request) -> Response:
        """GET the org's limits."""
        return answer(limits(self._state.org.usage))

    async def recent(self, _: Request) -> Response:
        """GET what the user has looked at lately: an integration user looks at nothing."""
        return answer([])

    async def query(self, request: Request) -> Response:
        """GET the first page of a query, without deleted records."""
        return self._query(request, include_deleted=False)

    async def query_all(self, request: Request) -> Response:
        """GET the first page of a query, with those in the recycle bin."""
        return self._query(request, include_deleted=True)

    def _query(self, request: Request, *, include_deleted: bool) -> Response:
        if "explain" in request.query_params:
            raise errors.not_imitated("the plan of a query (explain)")
        text = request.query_params.get("q")
        if text is None:
            raise SalesforceRefusal("MALFORMED_QUERY", "A query string has to be specified")
        page = self._state.queries.first(
            text,
            token=self._state.session(request).token,
            version=request.path_params["version"],
            batch_size=_batch_size(request.headers.get("sforce-query-options")),
            include_deleted=include_deleted,
        )
        return answer(page)

    async def query_more(self, request: Request) -> Response:
        """GET a later page."""
        token, version = self._state.session(request).token, request.path_params["version"]
        return answer(self._state.queries.more(request.path_params["locator"], token=token, version=version))


def _batch_size(header: str | None) -> int:
    for option in (header or "").split(","):
        name, _, size = option.partition("=")
        if name.strip().lower() == "batchsize" and size.strip().isdigit():
            return int(size)
    return PAGE_SIZE


def salesforce_app(state: SalesforceState) -> ASGIApp:
    """The whole imitation as an ASGI application."""
    api, rows, many, several, changes = GeneralRoutes(state), Rows(state), Collections(state), Composite(state), ReplicationRoutes(state)
    routes = [
        *control_routes(state),
        *admin_controls(state),
        *login_controls(state),
        *bulk_controls(state),
        *push_controls(state),
        *login_routes(state),
        *bulk_routes(state),
        *tooling_routes(state),
        *lead_mapping_routes(state),
        *not_imitated_routes(state),
        route("/services/data", GET=api.versions),
        route(DATA, GET=api.resources),
        route(DATA + "/limits", GET=api.limits),
        route(DATA + "/recent", GET=api.recent),
        route(DATA + "/query", GET=api.query),
        route(DATA + "/queryAll", GET=api.query_all),
        route(DATA + "/query/{locator}", GET=api.query_more),
        route(DATA + "/queryAll/{locator}", GET=api.query_more),
        route(DATA + "/composite", POST=several.composite),
        route(DATA + "/composite/batch", POST=several.batch),
        route(DATA + "/composite/sobjects", POST=many.write, PATCH=many.write, DELETE=many.write),
        route(DATA + "/composite/sobjects/{object}", GET=many.by_type, POST=many.by_type),
        route(DATA + "/composite/sobjects/{object}/{field}", PATCH=many.upsert),
        route(DATA + "/sobjects", GET=api.describe_global),
        route(DATA + "/sobjects/{object}", GET=api.basic, POST=rows.create),
        route(DATA + "/sobjects/{object}/describe", GET=api.describe),
        route(DATA + "/sobjects/{object}/updated", GET=changes.updated),
        route(DATA + "/sobjects/{object}/deleted", GET=changes.deleted),
        route(DATA + "/sobjects/{object}/{id}", GET=rows.by_id, PATCH=rows.by_id, DELETE=rows.by_id),
        route(DATA + "/sobjects/{object}/{field}/{value:path}", GET=rows.by_key, PATCH=rows.by_key, DELETE=rows.by_key),
    ]
    handlers: dict[Any, Any] = {SalesforceRefusal: _refused, HTTPException: _lost, Exception: _broken}
    routed = Starlette(routes=routes, exception_handlers=handlers)
    routed.router.redirect_slashes = False
    several.app = routed
    working = RowLocking(SlowCalls(routed, state.latency, state.clock, state.waits), state)
    habits = VendorHabits(classifier(state.object_of_locator), ordered_reply)
    return _Plain(VendorWire(Zip(SalesforceDoor(working, state)), habits, clock=state.clock, calls=state.calls, faults=state.faults))


class _Plain:
    """Two freedoms of the vendor's, taken away before anybody looks: a slash at the end, and POST with `_HttpMethod` for PATCH."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if len(scope["path"]) > 1:
                scope["path"] = scope["path"].removesuffix("/")
            wanted = parse_qs(scope["query_string"].decode("latin-1")).get("_HttpMethod", [""])[0].upper()
            if scope["method"] == "POST" and wanted in METHODS:
                scope["method"] = wanted
        await self._app(scope, receive, send)


async def _refused(_: Request, error: SalesforceRefusal) -> Response:
    return refuse(error)


async def _lost(request: Request, error: HTTPException) -> Response:
    return refuse(errors.method_not_allowed(request.method, METHODS) if error.status_code == 405 else errors.not_found())


async def _broken(_: Request, error: Exception) -> Response:
    """A fault of the sandbox's own; said aloud, so that it is not taken for an ordered one."""
    return refuse(SalesforceRefusal("UNKNOWN_EXCEPTION", f"the sandbox itself failed: {error!r}", status=500))
