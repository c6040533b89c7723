"""What a request is, by our names, for counts and fault orders. Decided from the address and the body alone. `KINDS` lists them."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.types import Scope

from crm_sandbox.calls import Call

CONTROLS = "/__sandbox__"
_LOGIN_KINDS = frozenset({"authorize", "token", "soap_login", "identity", "revoke", "introspect"})
KINDS = _LOGIN_KINDS | {
    "metadata",
    "bulk_v1",
    *("versions", "resources", "describe_global", "describe", "limits", "query", "query_all", "query_more"),
    *("row_read", "row_create", "row_update", "row_upsert", "row_delete", "collections_write", "retrieve"),
    *("composite", "composite_batch", "updated", "deleted"),
    *("bulk_query", "bulk_query_state", "bulk_query_results", "bulk_ingest", "bulk_ingest_upload"),
    *("bulk_ingest_state", "bulk_ingest_results", "other"),
    *("tooling_query", "tooling_read", "tooling_create", "tooling_update"),
}
_FREE = _LOGIN_KINDS | {"versions", "metadata", "bulk_v1"}  # the vendor counts the last two; they bring their token in another place
_VERSION = re.compile(r"/services/data/v\d+\.\d+(/.*)?")
_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_TYPE = re.compile(rb'"type"\s*:\s*"(\w+)"')
_JOB_OBJECT = {"ingest": re.compile(rb'"object"\s*:\s*"(\w+)"'), "query": re.compile(rb"\bFROM\s+(\w+)", re.IGNORECASE)}
_ROW_KINDS = {"GET": "row_read", "HEAD": "row_read", "PATCH": "row_update", "DELETE": "row_delete"}
_LOGIN_PATHS = {  # what an address begins with → its kind
    "/services/oauth2/authorize": "authorize",
    "/services/oauth2/token": "token",
    "/services/async/": "bulk_v1",
    "/services/Soap/m/": "metadata",
    "/services/Soap/": "soap_login",
    "/services/oauth2/userinfo": "identity",
    "/id/": "identity",
    "/services/oauth2/revoke": "revoke",
    "/services/oauth2/introspect": "introspect",
}
Named = tuple[str, str | None]


def is_free(call: Call) -> bool:
    """Whether the vendor does not count the call against the day's limit."""
    return call.kind in _FREE


def classifier(object_of_locator: Callable[[str], str | None]) -> Callable[[Scope, bytes], Call | None]:
    """A function from a request to its name; None for the sandbox's own controls. Locators and bulk jobs know their object."""

    def classify(scope: Scope, body: bytes) -> Call | None:
        path, method = scope["path"].rstrip("/"), scope["method"]
        if path.startswith(CONTROLS):
            return None
        if kind := next((kind for start, kind in _LOGIN_PATHS.items() if path.startswith(start)), None):
            return Call(kind, method, path)
        if path == "/services/data":
            return Call("versions", method, path)
        match = _VERSION.fullmatch(path)
        parts = (match[1] or "").strip("/").split("/") if match else ["?"]
        kind, sobject = _kind(method, parts, scope["query_string"], body)
        if kind == "query_more" or (sobject is None and kind.startswith("bulk")):
            sobject = object_of_locator(parts[2] if kind.startswith("bulk") and len(parts) > 2 else parts[-1])
        return Call(kind, method, path, sobject)

    return classify


def _kind(method: str, parts: list[str], query_string: bytes, body: bytes) -> Named:
    head = parts[0]
    if head in ("query", "queryAll"):
        if len(parts) > 1:
            return "query_more", None
        return ("query" if head == "query" else "query_all"), _from(query_string)
    if head == "sobjects":
        return _row(method, parts[1:])
    if head == "composite":
        return _composite(method, parts[1:], body)
    if head == "jobs" and len(parts) > 1:
        return _job(parts[1], parts[2:], body)
    if head == "tooling":
        return _tooling(method, parts[1:])
    return {"": "resources", "limits": "limits"}.get(head, "other"), None


def _tooling(method: str, parts: list[str]) -> Named:
    if parts[:1] == ["query"]:
        return "tooling_query", None
    return {"GET": "tooling_read", "POST": "tooling_create", "PATCH": "tooling_update"}.get(method, "other"), "CustomField"


def _from(query_string: bytes) -> str | None:
    text = parse_qs(query_string.decode("latin-1")).get("q", [""])[0]
    match = _FROM.search(text)
    return match[1] if match else None


def _row(method: str, parts: list[str]) -> Named:
    if not parts:
        return "describe_global", None
    if parts[1:2] == ["describe"]:
        return "describe", parts[0]
    if parts[1:] in (["updated"], ["deleted"]):
        return parts[1], parts[0]
    if len(parts) == 1:
        return ("row_create" if method == "POST" else "describe"), parts[0]
    if len(parts) > 2 and method == "PATCH":
        return "row_upsert", parts[0]
    return _ROW_KINDS.get(method, "other"), parts[0]


def _composite(method: str, parts: list[str], body: bytes) -> Named:
    if parts[:1] != ["sobjects"]:
        return {"": "composite", "batch": "composite_batch"}.get("/".join(parts), "other"), None
    sobject = parts[1] if len(parts) > 1 else None
    if method == "GET" or (method == "POST" and sobject is not None):
        return "retrieve", sobject
    if sobject is None and (match := _TYPE.search(body)):
        sobject = match[1].decode()
    return "collections_write", sobject


def _job(family: str, parts: list[str], body: bytes) -> Named:
    if family not in _JOB_OBJECT:
        return "other", None
    if not parts:
        match = _JOB_OBJECT[family].search(body)
        return f"bulk_{family}", None if match is None else match[1].decode()
    if len(parts) == 1:
        return f"bulk_{family}_state", None
    return f"bulk_{family}_{'upload' if parts[1] == 'batches' else 'results'}", None
