"""One address with an endpoint per method, what is said to other methods and to other addresses, and the body of a request."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.routing import AddressRoute
from crm_sandbox.salesforce.wire import errors

Endpoint = Callable[[Request], Awaitable[Response]]
OLDEST, NEWEST = 31, 67  # Summer '14 and Summer '26
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

    return AddressRoute(path, serve, methods=list(METHODS))


def check_version(version: str) -> None:
    """Raises: Refusal NOT_FOUND for a version that there is not."""
    number, _, minor = version.partition(".")
    if minor != "0" or not number.isdigit() or not OLDEST <= int(number) <= NEWEST:
        raise errors.not_found()


async def json_body(request: Request) -> Any:
    """The body as JSON.

    Raises: Refusal JSON_PARSER_ERROR.
    """
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise errors.bad_json(f"Unexpected character or end of input: {error.msg} at [line:1, column:1]") from None


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises: Refusal JSON_PARSER_ERROR.
    """
    body = await json_body(request)
    if not isinstance(body, dict):
        raise errors.bad_json("The JSON body must be an object at [line:1, column:1]")
    return body
