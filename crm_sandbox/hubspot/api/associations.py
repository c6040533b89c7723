"""Associations: of one record below `/objects`, of many below `/associations`. Version 3 knows them by names, later ones by numbers.

What the vendor's own types are called, and which replace which: `associations.py`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.api.batch import inputs_of
from crm_sandbox.hubspot.data.associations import AssociationType
from crm_sandbox.hubspot.data.linking import Linking, named
from crm_sandbox.hubspot.data.records import RecordShelf
from crm_sandbox.hubspot.data.shapes import WantedFields
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors, stamps
from crm_sandbox.hubspot.wire.errors import HubspotRefusal
from crm_sandbox.hubspot.wire.replies import answer, empty
from crm_sandbox.hubspot.wire.routing import Body, json_object, json_value, number, route, version

MAX_PAGE = 500
MAX_CREATED, MAX_READ, MAX_ARCHIVED = 2_000, 1_000, 100
Far = list[tuple[int, list[AssociationType]]]


class _Side(NamedTuple):
    """One record, and the record type that it is associated with."""

    shelf: RecordShelf
    record_id: int
    other: RecordShelf


class AssociationRoutes:
    """The routes of associations."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    # -- of one record

    async def of_record(self, request: Request) -> Response:
        """GET who a record is associated with."""
        one, other = self._sides(request)
        record = self._linking(request).there(one, request.path_params["id"])
        limit = number(request, "limit", MAX_PAGE)
        if not 0 < limit <= MAX_PAGE:
            raise errors.invalid(f"limit must be between 1 and {MAX_PAGE}, not {limit}")
        page = self._page(request, _Side(one, record.id, other), number(request, "after", 0), limit)
        return answer({"results": page.pop("to"), **page})

    async def put(self, request: Request) -> Response:
        """PUT the labels of a pair: those that it had besides are gone."""
        one, other = self._sides(request)
        linking, wishes = self._linking(request), await json_value(request)
        type_ids = linking.types(one, other, wishes)
        from_id, to_id = linking.put(one, other, request.path_params["id"], request.path_params["to_id"], type_ids)
        return answer(self._labelled(one, other, from_id, to_id, type_ids), 201)

    async def put_default(self, request: Request) -> Response:
        """PUT an association without a label."""
        one, other = self._sides(request)
        began = self._state.portal.now_ms()
        pair = self._linking(request).add(one, other, request.path_params["id"], request.path_params["to_id"])
        return self._answer(self._default(one, other, pair), [], began)

    async def delete(self, request: Request) -> Response:
        """DELETE everything between a pair."""
        one, other = self._sides(request)
        self._linking(request).drop(one, other, request.path_params["id"], request.path_params["to_id"])
        return empty()

    async def add_named(self, request: Request) -> Response:
        """PUT one type, by its name or number, to those of a pair; the record with whom it is associated."""
        one, other = self._sides(request)
        linking, params = self._linking(request), request.path_params
        near, _ = linking.add(one, other, params["id"], params["to_id"], [linking.type_named(one, other, params["name"])])
        view = WantedFields(associations=[other.type.name])
        return answer(self._state.shapes.record(one, one.records[near], view))

    async def delete_named(self, request: Request) -> Response:
        """DELETE one type of a pair, by its name or number."""
        one, other = self._sides(request)
        linking, params = self._linking(request), request.path_params
        linking.drop(one, other, params["id"], params["to_id"], [linking.type_named(one, other, params["name"])])
        return empty()

    # -- of many

    async def read_batch(self, request: Request) -> Response:
        """POST ids; who each is associated with. A record without associations is reported as an error, although it is not one."""
        one, other = self._sides(request)
        began, results, failures = self._state.portal.now_ms(), [], []
        for wish in inputs_of(await json_object(request), MAX_READ):
            record_id = str(wish.get("id", "")).strip()
            if not record_id.isdigit():
                failures.append(_bad_id(record_id, one, other))
                continue
            record = one.find(int(record_id))
            after = str(wish.get("after") or "0")
            side = _Side(one, 0 if record is None else record.id, other)
            page = self._page(request, side, int(after), MAX_PAGE)
            if page["to"]:
                results.append({"from": {"id": record_id}, **page})
            else:
                failures.append(errors.no_associations(record_id, one.type.singular, other.type.singular))
        return self._answer(results, failures, began)

    async def create_batch(self, request: Request) -> Response:
        """POST pairs with their types: those that a pair had besides are gone."""
        if version(request) == "v3":
            return await self._create_batch_by_name(request)
        one, other = self._sides(request)
        linking = self._linking(request)

        def put(wish: Body) -> list[Body]:
            type_ids = linking.types(one, other, wish.get("types"))
            from_id, to_id = linking.put(one, other, _end(wish, "from"), _end(wish, "to"), type_ids)
            return [self._labelled(one, other, from_id, to_id, type_ids)]

        return await self._each(request, put, 201)

    async def _create_batch_by_name(self, request: Request) -> Response:
        """Version 3: POST pairs with the name of a type, which is added. One name that there is not refuses all."""
        one, other = self._sides(request)
        linking = self._linking(request)
        for wish in inputs_of(await json_object(request), MAX_CREATED):
            linking.type_named(one, other, wish.get("type"))

        def add(wish: Body) -> list[Body]:
            from_id, to_id = linking.add(one, other, _end(wish, "from"), _end(wish, "to"), [linking.type_named(one, other, wish["type"])])
            return [{"from": {"id": str(from_id)}, "to": {"id": str(to_id)}, "type": wish["type"]}]

        return await self._each(request, add, 201)

    async def create_default_batch(self, request: Request) -> Response:
        """POST pairs, to be associated without a label."""
        one, other = self._sides(request)
        linking = self._linking(request)

        def put(wish: Body) -> list[Body]:
            return self._default(one, other, linking.add(one, other, _end(wish, "from"), _end(wish, "to")))

        return await self._each(request, put, 200)

    async def _each(self, request: Request, put: Callable[[Body], list[Body]], status: int) -> Response:
        """Every pair by itself; those that will not do are told."""
        began = self._state.portal.now_ms()
        results: list[Body] = []
        failures: list[Body] = []
        for wish in inputs_of(await json_object(request), MAX_CREATED):
            ids = {"fromObjectId": [str(_end(wish, "from"))], "toObjectId": [str(_end(wish, "to"))]}
            try:
                results += put(wish)
            except HubspotRefusal as refusal:
                failures.append(refusal.in_batch(ids))
        return self._answer(results, failures, began, status)

    async def archive_batch(self, request: Request) -> Response:
        """POST records and those they are to be parted from."""
        one, other = self._sides(request)
        linking = self._linking(request)
        for wish in inputs_of(await json_object(request), MAX_ARCHIVED):
            ends = wish.get("to") or []
            types = [linking.type_named(one, other, wish["type"])] if version(request) == "v3" and wish.get("type") else None
            for end in ends if isinstance(ends, list) else [ends]:
                linking.drop(one, other, _end(wish, "from"), end.get("id"), types)
        return empty()

    async def archive_labels_batch(self, request: Request) -> Response:
        """POST pairs and the types to be taken from them."""
        one, other = self._sides(request)
        linking = self._linking(request)
        for wish in inputs_of(await json_object(request), MAX_CREATED):
            type_ids = linking.types(one, other, wish.get("types"))
            linking.drop(one, other, _end(wish, "from"), _end(wish, "to"), type_ids)
        return empty()

    # -- shapes

    def _page(self, request: Request, side: _Side, after: int, limit: int) -> Body:
        one, record_id, other = side
        far = [end for end in self._linking(request).far(one, other, record_id) if end[0] >= after]
        page: Body = {"to": _by_name(far[:limit], one, other) if version(request) == "v3" else _by_number(far[:limit])}
        if len(far) > limit:
            place, rest = f"{one.type.name}/{record_id}/associations/{other.type.name}", str(far[limit][0])
            page["paging"] = {"next": {"after": rest, "link": f"{self._state.base_url}/crm/v4/objects/{place}?after={rest}"}}
        return page

    def _labelled(self, one: RecordShelf, other: RecordShelf, from_id: int, to_id: int, type_ids: list[int]) -> Body:
        types = self._state.portal.associations.types(one.type.name, other.type.name)
        return {
            "fromObjectTypeId": one.type.type_id,
            "fromObjectId": from_id,
            "toObjectTypeId": other.type.type_id,
            "toObjectId": to_id,
            "labels": [label for type_id in type_ids if (label := types[type_id].label) is not None],
        }

    def _default(self, one: RecordShelf, other: RecordShelf, pair: tuple[int, int]) -> list[Body]:
        label = self._state.portal.associations.unlabelled(one.type.name, other.type.name)
        ends = ((label.type_id, *pair), (label.inverse_id, pair[1], pair[0]))
        return [
            {
                "from": {"id": str(from_id)},
                "to": {"id": str(to_id)},
                "associationSpec": {"associationCategory": label.category, "associationTypeId": type_id},
            }
            for type_id, from_id, to_id in ends
        ]

    def _answer(self, results: list[Any], failures: list[Body], began_ms: int, status: int = 200) -> Response:
        shape: Body = {"status": "COMPLETE", "results": results}
        if failures:
            shape |= {"numErrors": len(failures), "errors": failures}
        shape |= {"startedAt": stamps.write(began_ms), "completedAt": stamps.write(self._state.portal.now_ms())}
        return answer(shape, 207 if failures else status)

    def _sides(self, request: Request) -> tuple[RecordShelf, RecordShelf]:
        return self._state.portal.shelf(request.path_params["type"]), self._state.portal.shelf(request.path_params["to"])

    def _linking(self, request: Request) -> Linking:
        return self._state.linking(request)


def _by_number(far: Far) -> list[Body]:
    return [{"toObjectId": far_id, "associationTypes": [label.to_dict() for label in labels]} for far_id, labels in far]


def _by_name(far: Far, one: RecordShelf, other: RecordShelf) -> list[Body]:
    return [{"id": str(far_id), "type": named(label, one, other)} for far_id, labels in far for label in reversed(labels)]


def _end(wish: Body, side: str) -> Any:
    end = wish.get(side)
    found = end.get("id") if isinstance(end, dict) else None
    if found is None:
        raise errors.bad_json(f"{side} must be an object with an id")
    return found


def _bad_id(text: str, one: RecordShelf, other: RecordShelf) -> Body:
    context = {"fromObjectId": [text], "fromObjectType": [one.type.singular], "toObjectType": [other.type.singular]}
    return HubspotRefusal(f"{text} is not a valid object ID", sub_category="crm.associations.INVALID_IDENTIFIER").in_batch(context)


def association_routes(state: HubspotState) -> list[Route]:
    """The routes of associations."""
    associations = AssociationRoutes(state)
    one, many = "/objects/{type}/{id}/associations", "/associations/{type}/{to}/batch"
    return [
        route(one + "/default/{to}/{to_id}", PUT=associations.put_default),
        route(one + "/{to}", GET=associations.of_record),
        route(one + "/{to}/{to_id}", PUT=associations.put, DELETE=associations.delete),
        route(one + "/{to}/{to_id}/{name}", PUT=associations.add_named, DELETE=associations.delete_named),
        route(many + "/read", POST=associations.read_batch),
        route(many + "/create", POST=associations.create_batch),
        route(many + "/archive", POST=associations.archive_batch),
        route(many + "/labels/archive", POST=associations.archive_labels_batch),
        route(many + "/associate/default", POST=associations.create_default_batch),
    ]
