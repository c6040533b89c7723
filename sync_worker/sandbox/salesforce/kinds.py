"""What a request is, by our names, for counts and fault orders. Decided from the address and the body alone. `KINDS` lists them."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.types import Scope

from sync_worker.sandbox.calls import Call

CONTROLS = "/__sandbox__"
KINDS = frozenset(
    {
        *("token", "versions", "resources", "describe_global", "describe", "limits", "query", "query_all", "query_more"),
        *("row_read", "row_create", "row_update", "row_upsert", "row_delete", "collections_write", "retrieve", "other"),
    }
)
_FREE = frozenset({"token", "versions"})  # the vendor counts neither
_VERSION = re.compile(r"/services/data/v\d+\.\d+(/.*)?")
_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_TYPE = re.compile(rb'"type"\s*:\s*"(\w+)"')
_ROW_KINDS = {"GET": "row_read", "HEAD": "row_read", "PATCH": "row_update", "DELETE": "row_delete"}


def is_free(call: Call) -> bool:
    """Whether the vendor does not count the call against the day's limit."""
    return call.kind in _FREE


def classifier(object_of_locator: Callable[[str], str | None]) -> Callable[[Scope, bytes], Call | None]:
    """A function from a request to its name; None for the sandbox's own controls."""

    def classify(scope: Scope, body: bytes) -> Call | None:
        path, method = scope["path"].rstrip("/"), scope["method"]
        if path.startswith(CONTROLS):
            return None
        if path == "/services/oauth2/token":
            return Call("token", method, path)
        if path == "/services/data":
            return Call("versions", method, path)
        match = _VERSION.fullmatch(path)
        parts = (match[1] or "").strip("/").split("/") if match else ["?"]
        kind, sobject = _kind(method, parts, scope["query_string"], body)
        if kind == "query_more":
            sobject = object_of_locator(parts[-1])
        return Call(kind, method, path, sobject)

    return classify


def _kind(method: str, parts: list[str], query_string: bytes, body: bytes) -> tuple[str, str | None]:
    head = parts[0]
    if head in ("query", "queryAll"):
        if len(parts) > 1:
            return "query_more", None
        return ("query" if head == "query" else "query_all"), _from(query_string)
    if head == "sobjects":
        return _row(method, parts[1:])
    if parts[:2] == ["composite", "sobjects"]:
        return _collection(method, parts[2:], body)
    return {"": "resources", "limits": "limits"}.get(head, "other"), None


def _from(query_string: bytes) -> str | None:
    text = parse_qs(query_string.decode("latin-1")).get("q", [""])[0]
    match = _FROM.search(text)
    return match[1] if match else None


def _row(method: str, parts: list[str]) -> tuple[str, str | None]:
    if not parts:
        return "describe_global", None
    if parts[1:2] == ["describe"]:
        return "describe", parts[0]
    if len(parts) == 1:
        return ("row_create" if method == "POST" else "describe"), parts[0]
    if len(parts) > 2 and method == "PATCH":
        return "row_upsert", parts[0]
    return _ROW_KINDS.get(method, "other"), parts[0]


def _collection(method: str, parts: list[str], body: bytes) -> tuple[str, str | None]:
    sobject = parts[0] if parts else None
    if method == "GET" or (method == "POST" and sobject is not None):
        return "retrieve", sobject
    if sobject is None and (match := _TYPE.search(body)):
        sobject = match[1].decode()
    return "collections_write", sobject
