"""`/__sandbox__/`: what a person, an admin or bad luck does to the portal. JSON, no token; not part of the vendor's API.

Edits by a person pass the same checks as the API's, under another source, and are not counted.
"""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.controls import SharedControls
from crm_sandbox.hubspot.controls.route import control_route
from crm_sandbox.hubspot.data.lifecycle import HubspotLifecycle
from crm_sandbox.hubspot.data.linking import Linking
from crm_sandbox.hubspot.data.portal import HubspotAccount
from crm_sandbox.hubspot.data.records import HubspotAuthor, Record, RecordShelf, value_of
from crm_sandbox.hubspot.data.writing import RecordWrites
from crm_sandbox.hubspot.schema.object_types import options_of
from crm_sandbox.hubspot.schema.property_bodies import property_of
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire.routing import json_object

Body = dict[str, Any]
PERSON = HubspotAuthor("CRM_UI", "userId:76023669", keeps_rules=True)
USUAL: dict[str, Body] = {  # how an admin in a hurry fills in the form
    "string": {"fieldType": "text"},
    "number": {"fieldType": "number"},
    "bool": {"fieldType": "booleancheckbox"},
    "enumeration": {"fieldType": "select"},
    "date": {"fieldType": "date"},
    "datetime": {"fieldType": "date"},
}


class HubspotControls:
    """The controls of one sandbox. Every method returns what is answered as JSON."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    # -- records, as a person edits them

    async def list_records(self, request: Request) -> list[Body]:
        """All records of a type with every property, archived ones too; `?ids=` for some."""
        shelf, wanted = self._shelf(request), request.query_params.get("ids")
        if wanted is None:
            return [_raw(shelf, record) for _, record in sorted(shelf.records.items())]
        ids = sorted({int(text) for text in wanted.split(",") if text.isdigit()})
        return [_raw(shelf, shelf.records[one]) for one in ids if one in shelf.records]

    async def create_record(self, request: Request) -> Body:
        """A record entered by a person."""
        return {"id": str(self._writing().create(self._shelf(request), await json_object(request)).id)}

    async def edit_record(self, request: Request) -> Body:
        """A record changed by a person; the record as it was, and as it is now."""
        fields, shelf = await json_object(request), self._shelf(request)
        record = self._record(shelf, request)
        before = _raw(shelf, record)
        saved = self._writing().update(shelf, record, fields)
        return {"id": str(saved.id), "before": before, "after": _raw(shelf, saved)}

    async def delete_record(self, request: Request) -> Body:
        """A record archived by a person."""
        shelf = self._shelf(request)
        record = self._record(shelf, request)
        self._writing().archive(shelf, record)
        return {"id": str(record.id)}

    async def edit_many(self, request: Request) -> Body:
        """`{"object", "fields", "ids": […] or "count": n}`: a person's bulk edit; every record gets the same stamp."""
        body = await json_object(request)
        shelf = self._portal.shelf(body["object"])
        chosen = (
            shelf.from_id(0, int(body["count"]), archived=False) if "count" in body else [self._there(shelf, one) for one in body["ids"]]
        )
        writing = RecordWrites(self._portal, PERSON, at_ms=self._portal.now_ms())
        return {"ids": [str(writing.update(shelf, record, body["fields"]).id) for record in chosen]}

    async def undelete(self, request: Request) -> Body:
        """`{"ids": […]}` restored."""
        ids = [self._holding(one) for one in (await json_object(request))["ids"]]
        return {"ids": [str(self._lifecycle().restore(shelf, record_id).id) for shelf, record_id in ids]}

    async def hard_delete(self, request: Request) -> Body:
        """`{"ids": […]}` gone without a trace."""
        ids = [self._holding(one) for one in (await json_object(request))["ids"]]
        for shelf, record_id in ids:
            self._lifecycle().hard_delete(shelf, record_id)
        return {"ids": [str(record_id) for _, record_id in ids]}

    async def sharing(self, request: Request) -> Body:
        """`{"ids": […], "shared": false}`: the client may not see these records, as they stand, or sees them again: no stamp moves."""
        body = await json_object(request)
        for one in map(int, body["ids"]):
            if not body.get("shared", False):
                self._portal.unshare(*self._holding(one))
            elif one in self._portal.unshared:
                self._portal.share(one)
        return {"hidden": [str(one) for one in sorted(self._portal.unshared)]}

    async def merge(self, request: Request) -> Body:
        """`{"master": id, "losers": [id, …]}`, one after the other; the id of the survivor."""
        body = await json_object(request)
        shelf, survivor = self._holding(body["master"])
        for loser in body["losers"]:
            survivor = self._lifecycle().merge(shelf, survivor, int(loser)).id
        return {"id": str(survivor)}

    async def merging(self, request: Request) -> Body:
        """`{"keeps_id": true}`: from now on a merge keeps the primary's id instead of making a new one."""
        self._portal.keeps_merged_id = bool((await json_object(request))["keeps_id"])
        return {"keeps_id": self._portal.keeps_merged_id}

    # -- associations and definitions

    async def list_associations(self, request: Request) -> list[Body]:
        """`?object=deals&to=companies`: `{"id", "to_id", "labels"}` of every pair of records that are not archived."""
        one, other = (self._portal.shelf(request.query_params[name]) for name in ("object", "to"))
        return [
            {"id": str(record.id), "to_id": str(far_id), "labels": [label.label for label in labels if label.label]}
            for record in one.from_id(0, one.count(), archived=False)
            for far_id, labels in self._linking().far(one, other, record.id)
        ]

    async def associate(self, request: Request) -> Body:
        """`{"object", "id", "to", "to_id", "labels": ["Portal partner"]}`: the pair's labels; the others that it had are gone."""
        body = await json_object(request)
        one, other = self._portal.shelf(body["object"]), self._portal.shelf(body["to"])
        known = self._portal.associations.types(one.type.name, other.type.name)
        ids = {label.label: type_id for type_id, label in known.items() if label.label is not None}
        wanted = [ids[label] for label in body.get("labels", ())]
        from_id, to_id = self._linking().put(one, other, body["id"], body["to_id"], wanted)
        return {"id": str(from_id), "to_id": str(to_id)}

    async def part(self, request: Request) -> Body:
        """`{"object", "id", "to", "to_id"}`: nothing between the two any more."""
        body = await json_object(request)
        self._linking().drop(self._portal.shelf(body["object"]), self._portal.shelf(body["to"]), body["id"], body["to_id"])
        return {"id": str(body["id"]), "to_id": str(body["to_id"])}

    async def limit_label(self, request: Request) -> Body:
        """`{"object", "to", "label": "Portal partner" or null, "most": 1 or null}`: how many such a record may have from now on.

        The label null is every association of the two types; what stands there already stays.
        """
        body = await json_object(request)
        sides = self._portal.shelf(body["object"]).type.name, self._portal.shelf(body["to"]).type.name
        type_id = {label.label: type_id for type_id, label in self._portal.associations.types(*sides).items()}[body["label"]]
        limits = self._portal.associations.limits.setdefault(sides, {})
        limits.pop(type_id, None)
        if body["most"] is not None:
            limits[type_id] = int(body["most"])
        return {"typeId": type_id, "most": body["most"]}

    async def add_field(self, request: Request) -> Body:
        """`{"object", "name", "type", …}`: an admin adds a property; the other keys are the vendor's (`fieldType`, `options`, …)."""
        body = await json_object(request)
        kind = self._portal.shelf(body.pop("object")).type
        made = property_of(kind, {**USUAL[body["type"]], "label": body["name"], "groupName": "portal", **body}, self._portal.now_ms())
        kind.add(made)
        return self._portal.describe(made)

    async def currencies(self, request: Request) -> Body:
        """`{"codes": ["USD", "KWD"]}`: the currencies that the account's deals may be in from now on."""
        codes = (await json_object(request))["codes"]
        kind = self._portal.shelf("deals").type
        kind.add(replace(kind.properties["deal_currency_code"], options=options_of(codes)))
        return {"codes": codes}

    # -- time

    async def lag(self, request: Request) -> Body:
        """`{"seconds": n}`: how much later search sees a write."""
        self._portal.lag_s = float((await json_object(request))["seconds"])
        return {"seconds": self._portal.lag_s}

    async def reset(self, request: Request) -> Body:
        """Everything as it was at the start; the clock stays."""
        self._state.reset()
        return await self.health(request)

    async def health(self, _: Request) -> Body:
        """Alive, and how much there is."""
        counts = {name: shelf.count() for name, shelf in self._state.portal.shelves.items() if shelf.count()}
        return {"status": "ok", "crm": "hubspot", "now": self._state.clock.now().isoformat(), "records": counts}

    @property
    def _portal(self) -> HubspotAccount:
        return self._state.portal

    def _writing(self) -> RecordWrites:
        return RecordWrites(self._portal, PERSON)

    def _lifecycle(self) -> HubspotLifecycle:
        return HubspotLifecycle(self._portal, PERSON)

    def _linking(self) -> Linking:
        return Linking(self._portal, PERSON)

    def _shelf(self, request: Request) -> RecordShelf:
        return self._portal.shelf(request.path_params["object"])

    def _record(self, shelf: RecordShelf, request: Request) -> Record:
        return self._there(shelf, request.path_params["id"])

    @staticmethod
    def _there(shelf: RecordShelf, record_id: Any) -> Record:
        found = shelf.find(int(record_id))
        if found is None:
            raise ValueError(f"no {shelf.type.singular} {record_id}")
        return found

    def _holding(self, record_id: Any) -> tuple[RecordShelf, int]:
        """Where a record is, by its id alone."""
        for shelf in self._portal.shelves.values():
            found = shelf.find(int(record_id))
            if found is not None:
                return shelf, found.id
        raise ValueError(f"no record {record_id}")


def _raw(shelf: RecordShelf, record: Record) -> Body:
    """Every property with a value, the id and whether it is archived."""
    names = dict.fromkeys((*shelf.type.properties, *record.values))
    values = {name: value_of(shelf.type, record, name) for name in names}
    return {"id": str(record.id), "archived": record.archived_ms is not None, **values}


def control_routes(state: HubspotState) -> list[Route]:
    """The routes of the controls."""
    controls = HubspotControls(state)
    shared = SharedControls(state, lambda: {"used": state.limits.used_today, "limit": state.limits.daily})
    return [
        control_route("/health", GET=controls.health),
        control_route("/records/{object}", GET=controls.list_records, POST=controls.create_record),
        control_route("/records/{object}/{id}", PATCH=controls.edit_record, DELETE=controls.delete_record),
        control_route("/edit_many", POST=controls.edit_many),
        control_route("/undelete", POST=controls.undelete),
        control_route("/hard_delete", POST=controls.hard_delete),
        control_route("/sharing", POST=controls.sharing),
        control_route("/merge", POST=controls.merge),
        control_route("/merging", POST=controls.merging),
        control_route("/associations", GET=controls.list_associations, POST=controls.associate, DELETE=controls.part),
        control_route("/label_limits", POST=controls.limit_label),
        control_route("/fields", POST=controls.add_field),
        control_route("/currencies", POST=controls.currencies),
        control_route("/clock", GET=shared.clock, POST=shared.clock),
        control_route("/lag", POST=controls.lag),
        control_route("/faults", GET=shared.list_faults, POST=shared.order_fault, DELETE=shared.clear_faults),
        control_route("/latency", GET=shared.latency, POST=shared.latency),
        control_route("/calls", GET=shared.calls, DELETE=shared.reset_calls),
        control_route("/reset", POST=controls.reset),
    ]
