"""Which scopes a call asks for: any one of those named is enough, none named means every token will do.

Sources: the scopes listed with each endpoint of https://developers.hubspot.com/docs/api-reference/latest/crm, and recorded refusals.
"""

_TYPES = ("companies", "contacts", "deals")
EVERY_SCOPE = frozenset(
    {"oauth", "crm.objects.owners.read", "crm.schemas.custom.read"}
    | {f"crm.{room}.{kind}.{verb}" for room in ("objects", "schemas") for kind in _TYPES for verb in ("read", "write")}
)
Scopes = tuple[str, ...]


def needed(method: str, path: str, kind: str | None) -> Scopes:
    """The scopes of which a call needs one, by its address without version and the record type it is about (`deals`)."""
    room, *rest = path.strip("/").split("/")
    if room == "owners":
        return ("crm.objects.owners.read",)
    if room == "schemas":
        return ("crm.schemas.custom.read",)
    if kind not in _TYPES:  # also a type that there is not; the routes say so
        return ()
    verb = "read" if method in ("GET", "HEAD") or rest[-1] in ("search", "read") else "write"
    return _of_type("labels" if {"labels", "configurations"} & set(rest) else room, kind, verb)


def _of_type(room: str, kind: str, verb: str) -> Scopes:
    """Who may read records or definitions may read a definition; who may change definitions may change it."""
    schema, record = f"crm.schemas.{kind}.{verb}", f"crm.objects.{kind}.{verb}"
    sensitive = (f"crm.objects.{kind}.sensitive.{verb}.v2", f"crm.objects.{kind}.highly_sensitive.{verb}.v2")
    if room == "objects":
        return (record, *sensitive)
    if room == "associations":
        return (record,)
    if room == "labels":
        return (schema, record)
    return (schema, sensitive[0], record, sensitive[1]) if verb == "read" else (schema,)
