"""Routes of many records in one call: create, update, upsert, delete, retrieve. 200 at most, 2000 to retrieve.

The call succeeds even if every record fails; with allOrNone one failure undoes the others, and each of them says so.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crm_sandbox.salesforce.api.rows import field_names, upsert_key
from crm_sandbox.salesforce.data.records import PassedWrite
from crm_sandbox.salesforce.schema.schema import SObject
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire import errors
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.ids import to_18
from crm_sandbox.salesforce.wire.replies import answer
from crm_sandbox.salesforce.wire.routing import json_object

MAX_RECORDS = 200  # written in one call
MAX_RETRIEVED = 2000  # ids in one retrieve by POST
MAX_CHUNKS = 10  # runs of one record type in one call

Item = dict[str, Any]
Act = Callable[[Item], PassedWrite]


class UndoneRows(Exception):
    """Carries the results of an all-or-none call out of its transaction."""


class Collections:
    """`/composite/sobjects` and below."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def write(self, request: Request) -> Response:
        """POST creates, PATCH updates, DELETE deletes."""
        if request.method == "DELETE":
            return self._delete(request)
        body = await json_object(request)
        items = _records(body)
        is_create = request.method == "POST"
        act = self._creating(request) if is_create else self._updating(request)
        seen = None if is_create else (lambda item: to_18(str(_member(item, "Id") or "")))
        return answer(self._run(items, act, all_or_none=_flag(body), identity=seen))

    async def by_type(self, request: Request) -> Response:
        """GET or POST on a record type: retrieve by ids, in their order, null for what is not there."""
        sobject = self._state.org.sobject(request.path_params["object"])
        if request.method == "GET":
            query = request.query_params
            ids, wanted = query.get("ids", "").split(","), query.get("fields", "").split(",")
        else:
            body = await json_object(request)
            ids, wanted = body.get("ids") or [], body.get("fields") or []
        return answer(self._retrieve(sobject, ids, wanted, request.path_params["version"]))

    async def upsert(self, request: Request) -> Response:
        """PATCH by an external id; one record type."""
        sobject = self._state.org.sobject(request.path_params["object"])
        key = upsert_key(self._state, sobject, request.path_params["field"])
        body = await json_object(request)
        records = self._state.records(request)

        def act(item: Item) -> PassedWrite:
            self._check_type(item, sobject)
            self._obey_order(request, sobject)
            value = _member(item, key.name)
            rest = {name: given for name, given in item.items() if name.lower() not in (key.name.lower(), "id")}
            if key.kind == "id" and value is None:
                return records.create(sobject, rest)
            if value is None:
                raise SalesforceRefusal("MISSING_ARGUMENT", f"{key.name} not specified", fields=[])
            return records.upsert(sobject, key, value, rest)

        def identity(item: Item) -> str | None:
            value = _member(item, key.name)
            return None if value is None else str(value).strip().lower() if key.kind != "id" else to_18(str(value))

        results = self._run(_records(body), act, all_or_none=_flag(body), identity=identity, says_created=True)
        return answer(results)

    def _delete(self, request: Request) -> Response:
        ids = [text for text in request.query_params.get("ids", "").split(",") if text]
        _refuse_too_many(ids, MAX_RECORDS)
        records = self._state.records(request)

        def act(item: Item) -> PassedWrite:
            sobject = self._sobject_of(item["Id"])
            self._obey_order(request, sobject)
            return PassedWrite(records.delete(sobject, item["Id"]), created=False)

        all_or_none = request.query_params.get("allOrNone", "false").lower() == "true"
        return answer(self._run([{"Id": text} for text in ids], act, all_or_none=all_or_none, identity=None))

    def _creating(self, request: Request) -> Act:
        records = self._state.records(request)

        def act(item: Item) -> PassedWrite:
            sobject = self._type_of(item)
            self._obey_order(request, sobject)
            return records.create(sobject, item)

        return act

    def _updating(self, request: Request) -> Act:
        records = self._state.records(request)

        def act(item: Item) -> PassedWrite:
            sobject = self._type_of(item)
            self._obey_order(request, sobject)
            record_id = _member(item, "Id")
            if record_id is None:
                raise SalesforceRefusal("MISSING_ARGUMENT", "Id not specified in an update call", fields=[])
            return records.update(sobject, str(record_id), {k: v for k, v in item.items() if k.lower() != "id"})

        return act

    def _run(
        self,
        items: list[Item],
        act: Act,
        *,
        all_or_none: bool,
        identity: Callable[[Item], str | None] | None,
        says_created: bool = False,
    ) -> list[Item]:
        outcomes: list[PassedWrite | SalesforceRefusal] = []
        seen: set[str] = set()
        try:
            with self._state.org.store.transaction():
                for item in items:
                    outcomes.append(self._one(item, act, identity, seen))  # noqa: PERF401 - an outcome may matter to the next
                if all_or_none and any(isinstance(outcome, SalesforceRefusal) for outcome in outcomes):
                    raise UndoneRows
        except UndoneRows:
            outcomes = [one if isinstance(one, SalesforceRefusal) else errors.rolled_back() for one in outcomes]
        return [_result(outcome, says_created=says_created) for outcome in outcomes]

    def _one(self, item: Item, act: Act, identity: Callable[[Item], str | None] | None, seen: set[str]) -> PassedWrite | SalesforceRefusal:
        name = None if identity is None else identity(item)
        if name is not None and name in seen:
            return SalesforceRefusal("DUPLICATE_VALUE", f"Duplicate external id specified: {name}", fields=[])
        if name is not None:
            seen.add(name)
        try:
            with self._state.org.store.transaction():
                return act(item)
        except SalesforceRefusal as refusal:
            return refusal

    def _retrieve(self, sobject: SObject, ids: list[str], wanted: list[str], version: str) -> list[Item | None]:
        if not ids or not wanted:
            raise SalesforceRefusal("MALFORMED_REQUEST" if ids else "MISSING_ARGUMENT", "ids and fields must be specified")
        _refuse_too_many(ids, MAX_RETRIEVED)
        names = field_names(self._state, sobject, wanted)
        full_ids = [to_18(str(text)) for text in ids]
        marks = ", ".join("?" * len(full_ids))
        columns = list(dict.fromkeys(["Id", *names]))
        where = f'"Id" IN ({marks})' + (' AND "IsDeleted" = 0' if sobject.field("IsDeleted") else "")
        rows = {row["Id"]: row for row in self._state.org.store.select(sobject, columns, where, full_ids)}
        url = f"/services/data/v{version}/sobjects/{sobject.name}/"

        def shape(record_id: str | None) -> Item | None:
            row = rows.get(record_id or "")
            if row is None:
                return None
            head = {"attributes": {"type": sobject.name, "url": url + row["Id"]}}
            return head | self._state.org.shown(sobject, {name: row[name] for name in names})

        return [shape(record_id) for record_id in full_ids]

    def _type_of(self, item: Item) -> SObject:
        attributes = item.get("attributes")
        name = attributes.get("type") if isinstance(attributes, dict) else None
        found = self._state.org.objects.get(str(name).lower()) if name else None
        if found is None:
            words = f"sObject type '{name}' is not supported." if name else "Must send a concrete entity type."
            raise SalesforceRefusal("INVALID_TYPE", words, fields=[])
        return found

    def _check_type(self, item: Item, sobject: SObject) -> None:
        if self._type_of(item).name != sobject.name:
            raise SalesforceRefusal("INVALID_TYPE", f"All records must be of type {sobject.name}", fields=[])

    def _sobject_of(self, record_id: str) -> SObject:
        full_id = to_18(record_id)
        sobject = None if full_id is None else self._state.org.sobject_of(full_id)
        if sobject is None:
            raise errors.malformed_id("Record ID", record_id)
        return sobject

    def _obey_order(self, request: Request, sobject: SObject) -> None:
        if ordered := self._state.refuse_by_order(request, sobject.name):
            raise ordered


def _member(item: Item, name: str) -> Any:
    """A member of a record, whatever its name's case."""
    return next((value for key, value in item.items() if key.lower() == name.lower()), None)


def _flag(body: Item) -> bool:
    return body.get("allOrNone") is True


def _records(body: Item) -> list[Item]:
    items = body.get("records")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise errors.bad_json("The records member must be a list of objects at [line:1, column:1]")
    _refuse_too_many(items, MAX_RECORDS)
    types = [str(item.get("attributes", {}).get("type")) for item in items if isinstance(item.get("attributes"), dict)]
    chunks = sum(one != other for one, other in pairwise(types)) + 1
    if chunks > MAX_CHUNKS:
        words = f"Cannot have more than {MAX_CHUNKS} chunks in a single operation. Please rearrange the data."
        raise SalesforceRefusal("LIMIT_EXCEEDED", words)
    return items


def _refuse_too_many(things: Iterable[Any], most: int) -> None:
    count = len(list(things))
    if count > most:
        raise SalesforceRefusal("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records into this call")


def _result(outcome: PassedWrite | SalesforceRefusal, *, says_created: bool) -> Item:
    if isinstance(outcome, PassedWrite):
        shape: Item = {"id": outcome.record_id, "success": True, "errors": []}
        return shape | ({"created": outcome.created} if says_created else {})
    shape = {"success": False, "errors": [outcome.in_collection()]}
    return shape | ({"created": False} if says_created else {})
