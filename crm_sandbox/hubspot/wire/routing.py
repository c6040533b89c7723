"""One address with an endpoint per method; what a request says is read here, in every spelling the vendor takes."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.wire import errors
from crm_sandbox.routing import AddressRoute

Endpoint = Callable[[Request], Awaitable[Response]]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
Body = dict[str, Any]


def route(path: str, **endpoints: Endpoint) -> Route:
    """One address with an endpoint per method; other methods are refused in the vendor's words."""

    async def serve(request: Request) -> Response:
        endpoint = endpoints.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            raise errors.method_not_allowed()
        request.scope["path_params"] = {name: unquote(value) for name, value in request.path_params.items()}
        return await endpoint(request)

    return AddressRoute(path, serve, methods=list(METHODS))


def version(request: Request) -> str:
    """The version that the request's address named."""
    return str(request.scope["hubspot.version"])


def listed(request: Request, name: str) -> list[str]:
    """A list parameter, repeated or joined by commas; nothing twice."""
    found = [part.strip() for text in request.query_params.getlist(name) for part in text.split(",")]
    return [part for part in dict.fromkeys(found) if part]


def flag(request: Request, name: str) -> bool:
    """A boolean parameter, `true` or `True`."""
    return request.query_params.get(name, "").strip().lower() == "true"


def number(request: Request, name: str, default: int) -> int:
    """A whole parameter.

    Raises: Refusal.
    """
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    if not text.strip().lstrip("-").isdigit():
        raise errors.invalid(f"{name} must be a number, not {text}", name=[text])
    return int(text)


async def json_object(request: Request) -> Body:
    """The body as a JSON object.

    Raises: Refusal.
    """
    found = await json_value(request)
    if not isinstance(found, dict):
        raise errors.bad_json("Cannot deserialize value, an object is needed")
    return found


async def json_value(request: Request) -> Any:
    """The body as JSON; an empty one is an empty object.

    Raises: Refusal.
    """
    body = await request.body()
    try:
        return orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise errors.bad_json(str(error)) from None
