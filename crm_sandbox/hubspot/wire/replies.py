"""Answers as the vendor sends them: JSON with its content type, refusals in the envelope."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from crm_sandbox.hubspot.wire.errors import HubspotRefusal

JSON_TYPE = "application/json;charset=utf-8"


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, {"content-type": JSON_TYPE, **(headers or {})})


def empty(status: int = 204) -> Response:
    """An answer without a body."""
    return Response(None, status)


def refuse(refusal: HubspotRefusal) -> Response:
    """A refusal of a whole request."""
    return answer(refusal.body(), refusal.status)
