"""One address with an endpoint per method, and what is said to other methods and to other addresses."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.salesforce import errors
from crm_sandbox.salesforce.describe import check_version

Endpoint = Callable[[Request], Awaitable[Response]]
DATA = "/services/data/v{version}"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def route(path: str, **endpoints: Endpoint) -> Route:
    """One address with an endpoint per method; other methods are refused in the vendor's words."""

    async def serve(request: Request) -> Response:
        if "version" in request.path_params:
            check_version(request.path_params["version"])
        method = "GET" if request.method == "HEAD" else request.method
        endpoint = endpoints.get(method)
        if endpoint is None:
            raise errors.method_not_allowed(request.method, list(endpoints))
        return await endpoint(request)

    return Route(path, serve, methods=list(METHODS))
