"""Every answer of the API is held against its OpenAPI: status, media type, headers and body. A session does it by itself.

The document lets answers have members that it does not name, for a later version may add some. This version adds none: here an
answer must hold nothing but what the document names.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import schemathesis
from fastapi import FastAPI
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS: Final = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
OF_HTTP: Final = frozenset({"content-length", "content-type", "date", "server", "transfer-encoding", "connection"})
OF_SAFETY: Final = frozenset({"content-security-policy", "x-content-type-options", "cache-control", "referrer-policy"})
"""Headers that no client reads by hand."""
_known: dict[str, Any] = {}  # one for all tests: every application serves the same document


def session(app: FastAPI) -> requests.Session:
    """A session that fails where an answer is not as the application documents it."""
    made = requests.Session()
    made.hooks["response"].append(lambda answer, **_: check(app, answer))
    return made


def check(app: FastAPI, answer: requests.Response) -> None:
    """Holds one answer against the document. What has no place in it is left alone: unknown addresses, webhooks, `/docs`."""
    method, path = str(answer.request.method), urlsplit(str(answer.request.url)).path
    operation = _schema(app).find_operation_by_path(method, path)
    if operation is None:
        assert answer.status_code in (404, 405) or not path.startswith("/portals/"), f"{method} {path} is not documented"
        return
    places = dict.fromkeys(re.findall(r"{(\w+)}", operation.path), "x")
    operation.Case(path_parameters=places).validate_response(answer, checks=CHECKS)
    declared = {name.lower() for name in operation.definition.raw["responses"][str(answer.status_code)].get("headers", {})}
    undeclared = {name.lower() for name in answer.headers} - declared - OF_HTTP - OF_SAFETY
    assert not undeclared, f"{method} {path}: {answer.status_code} has headers that are not declared: {undeclared}"


def _schema(app: FastAPI) -> Any:
    if not _known:
        document = app.openapi()
        components = {name: _closed(one) for name, one in document["components"]["schemas"].items()}
        strict = {**document, "components": {**document["components"], "schemas": components}}
        _known["schema"] = schemathesis.openapi.from_dict(strict)
    return _known["schema"]


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The same without room for members that it does not name, and with no code but those that it knows."""
    properties = {name: _closed_code(one) for name, one in schema.get("properties", {}).items()}
    return {"additionalProperties": False, **schema, "properties": properties} if properties else schema


def _closed_code(member: dict[str, Any]) -> dict[str, Any]:
    """A member whose enum is open: closed. It may be empty."""
    options = member.get("anyOf", [])
    is_open = {"type": "string"} in options and "$ref" in options[0]
    return {"anyOf": [{"const": ""} if one == {"type": "string"} else one for one in options]} if is_open else member
