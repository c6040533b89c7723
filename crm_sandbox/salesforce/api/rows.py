"""Routes of single records: create, read, update, upsert, delete, with conditional headers.

ETag and its conditions are for Account only; Last-Modified is the SystemModstamp, for all.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire import errors, etags, stamps
from crm_sandbox.salesforce.wire.ids import to_18
from crm_sandbox.salesforce.wire.replies import answer, empty
from crm_sandbox.salesforce.wire.routing import json_object


class Rows:
    """`/sobjects/{object}` and below."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def create(self, request: Request) -> Response:
        """POST a new record: 201 and its id."""
        sobject = self._state.org.sobject(request.path_params["object"])
        body = await json_object(request)
        self._obey_order(request, sobject)
        saved = self._state.records(request).create(sobject, body)
        location = f"/services/data/v{request.path_params['version']}/sobjects/{sobject.name}/{saved.record_id}"
        return answer({"id": saved.record_id, "success": True, "errors": []}, 201, {"location": location})

    async def by_id(self, request: Request) -> Response:
        """GET, PATCH or DELETE one record by its id."""
        sobject = self._state.org.sobject(request.path_params["object"])
        record_id = request.path_params["id"]
        if request.method == "PATCH":
            return await self._update(request, sobject, record_id)
        if request.method == "DELETE":
            self._obey_order(request, sobject)
            self._state.records(request).delete(sobject, record_id)
            return empty(204)
        return self._read(request, sobject, record_id)

    async def by_key(self, request: Request) -> Response:
        """GET, PATCH (an upsert) or DELETE one record by an external id."""
        sobject = self._state.org.sobject(request.path_params["object"])
        name, value = request.path_params["field"], request.path_params["value"]
        if self._state.org.field(sobject, name) is None and to_18(name):
            raise errors.not_imitated(f"relationships in an address: {value} of {sobject.name} {name}")
        key = upsert_key(self._state, sobject, name)
        if request.method == "PATCH":
            body = await json_object(request)
            if any(name.lower() == key.name.lower() for name in body):
                words = f"The {key.name} field should not be specified in the sobject data."
                raise errors.SalesforceRefusal("INVALID_FIELD", words, fields=[key.name])
            self._obey_order(request, sobject)
            saved = self._state.records(request).upsert(sobject, key, value, body)
            shape = {"id": saved.record_id, "success": True, "errors": [], "created": saved.created}
            return answer(shape, 201 if saved.created else 200)
        record_id = value if key.kind == "id" else self._find(request, sobject, key, value)
        if request.method == "DELETE":
            self._state.records(request).delete(sobject, record_id)
            return empty(204)
        return self._read(request, sobject, record_id)

    async def _update(self, request: Request, sobject: SObject, record_id: str) -> Response:
        body = await json_object(request)
        self._obey_order(request, sobject)
        records = self._state.records(request)
        record = records.alive(sobject, record_id, missing=errors.bad_reference(404))
        if _is_stale(request.headers, sobject, record):
            return empty(412)
        records.update(sobject, record_id, body)
        return empty(204)

    def _find(self, request: Request, sobject: SObject, key: Field, value: str) -> str:
        found = self._state.org.store.ids_with(sobject, key, value)
        if not found:
            raise errors.not_found()
        if len(found) > 1:
            raise self._state.records(request).several(sobject, key, found)
        return found[0]

    def _read(self, request: Request, sobject: SObject, record_id: str) -> Response:
        missing = errors.not_found()
        try:
            record = self._state.records(request).alive(sobject, record_id, missing=missing)
        except errors.SalesforceRefusal as refusal:
            if refusal.code != "MALFORMED_ID":
                raise
            raise errors.not_found(f"Provided external ID field does not exist or is not accessible: {record_id}") from None
        names = _wanted(self._state, sobject, request.query_params.get("fields"))
        url = f"/services/data/v{request.path_params['version']}/sobjects/{sobject.name}/{record['Id']}"
        shape = {"attributes": {"type": sobject.name, "url": url}} | {name: record[name] for name in names}
        headers = {"last-modified": format_datetime(_modified(record), usegmt=True)}
        if sobject.name == "Account":
            headers["etag"] = etags.tag_of(record)
        if _is_stale(request.headers, sobject, record):
            return empty(412, headers)
        if _is_unchanged(request.headers, sobject, record):
            return empty(304, headers)
        return answer(shape, 200, headers)

    def _obey_order(self, request: Request, sobject: SObject) -> None:
        if ordered := self._state.refuse_by_order(request, sobject.name):
            raise ordered


def upsert_key(state: SalesforceState, sobject: SObject, name: str) -> Field:
    """The field that records are addressed by.

    Raises: Refusal NOT_FOUND when it is not one.
    """
    field = state.org.field(sobject, name)
    if field is None or not field.is_upsert_key:
        raise errors.not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return field


def _wanted(state: SalesforceState, sobject: SObject, listed: str | None) -> list[str]:
    if listed is None:
        return [field.name for field in state.org.fields(sobject)]
    return field_names(state, sobject, [name.strip() for name in listed.split(",") if name.strip()])


def field_names(state: SalesforceState, sobject: SObject, wanted: list[str]) -> list[str]:
    """The names as the schema spells them.

    Raises: Refusal INVALID_FIELD.
    """
    names = []
    for name in wanted:
        field = state.org.field(sobject, name)
        if field is None:
            raise errors.no_such_column(name, sobject.name)
        names.append(field.name)
    return list(dict.fromkeys(names))


def _modified(record: Values) -> datetime:
    return stamps.read(record["SystemModstamp"]) or datetime.fromtimestamp(0, UTC)


def _moment(text: str) -> datetime:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        raise errors.SalesforceRefusal("INVALID_CONDITION", f"invalid date in a conditional header: {text}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_unchanged(headers: Mapping[str, str], sobject: SObject, record: Values) -> bool:
    """Whether a read may be answered with 304."""
    if sobject.name == "Account" and "if-none-match" in headers:
        return etags.is_among(etags.tag_of(record), headers["if-none-match"])
    since = headers.get("if-modified-since")
    return since is not None and _modified(record) <= _moment(since)


def _is_stale(headers: Mapping[str, str], sobject: SObject, record: Values) -> bool:
    """Whether a request is about something older, and says so: 412."""
    if sobject.name == "Account" and "if-match" in headers:
        return not etags.is_among(etags.tag_of(record), headers["if-match"])
    since = headers.get("if-unmodified-since")
    return since is not None and _modified(record) > _moment(since)
