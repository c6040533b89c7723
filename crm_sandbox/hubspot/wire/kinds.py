"""What a request is, by our names, for counts and fault orders. Decided from the address alone. `KINDS` lists them."""

from urllib.parse import unquote

from starlette.types import Scope

from crm_sandbox.calls import Call
from crm_sandbox.hubspot.wire.type_names import PLURALS

CONTROLS = "/__sandbox__"
_BATCHES = {name: f"batch_{name}" for name in ("create", "read", "update", "upsert", "archive")}
_ROWS = {"GET": "read", "HEAD": "read", "PATCH": "update", "DELETE": "archive"}
_ROOMS = {
    "properties": "properties",
    "old-properties": "properties",
    "owners": "owners",
    "pipelines": "pipelines",
    "schemas": "schemas",
    "account-info": "account",
    "oauth": "token",
    "webhooks": "webhooks",
}
KINDS = frozenset(
    {"list", "create", "merge", "search", "associations_read", "associations_write", "labels", "authorize", "other"}
    | set(_BATCHES.values())
    | set(_ROWS.values())
    | set(_ROOMS.values())
)


def classify(scope: Scope, _: bytes) -> Call | None:
    """A request's name; None for the sandbox's own controls. `hubspot.path` is the address as it was asked for."""
    path, method = scope["path"], scope["method"]
    asked = str(scope.get("hubspot.path", path))
    if asked.startswith(CONTROLS):
        return None
    room, *parts = [unquote(part) for part in path.strip("/").split("/")]
    kind, named = _kind(method, room, parts)
    return Call(kind, method, asked, None if named is None else PLURALS.get(named.lower(), named))


def _kind(method: str, room: str, parts: list[str]) -> tuple[str, str | None]:
    if room == "objects" and parts:
        return _object(method, parts), parts[0]
    if room == "associations" and parts[:2] == ["definitions", "configurations"]:
        return "labels", parts[2] if len(parts) > 2 else None
    if room == "associations" and len(parts) > 1:
        return _association(method, parts[2:]), parts[0]
    if room == "oauth" and parts == ["authorize"]:
        return "authorize", None
    if room in ("properties", "old-properties", "pipelines", "schemas"):
        return _ROOMS[room], parts[0] if parts else None
    return _ROOMS.get(room, "other"), None


def _object(method: str, parts: list[str]) -> str:
    rest = parts[1:]
    if not rest:
        return "create" if method == "POST" else "list"
    if rest[0] in ("search", "merge"):
        return rest[0]
    if rest[0] == "batch":
        return _BATCHES.get(rest[-1], "other")
    if len(rest) == 1:
        return _ROWS.get(method, "other")
    return "associations_read" if method == "GET" else "associations_write"


def _association(method: str, rest: list[str]) -> str:
    if rest[:1] in (["labels"], ["types"]):
        return "labels"
    return "associations_read" if rest == ["batch", "read"] else "associations_write"
