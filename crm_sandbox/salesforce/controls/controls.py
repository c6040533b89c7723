"""`/__sandbox__/`: what a person, an admin or bad luck does to the org. JSON, no token; not part of the vendor's API.

Edits by a person pass the same checks as the API's (a rule is a rule), under another user, and are not counted.
A control that means nothing is answered with 422 and what would mean something.
"""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, get_args

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.controls import SharedControls
from crm_sandbox.salesforce.controls.route import control_route
from crm_sandbox.salesforce.data.lifecycle import SalesforceLifecycle
from crm_sandbox.salesforce.data.org import RULE_OPS, ValidationRule
from crm_sandbox.salesforce.data.records import RecordWriter, SalesforceAuthor
from crm_sandbox.salesforce.schema import fields
from crm_sandbox.salesforce.schema.schema import Field, Kind, SObject
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire import stamps
from crm_sandbox.salesforce.wire.ids import to_18
from crm_sandbox.salesforce.wire.routing import json_object

Body = dict[str, Any]
CURRENCY = "CurrencyIsoCode"


class SalesforceControls:
    """The controls of one sandbox. Every method returns what is answered as JSON."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    # -- records, as a person edits them

    async def list_records(self, request: Request) -> list[Body]:
        """All records of a type, deleted ones too, with every field; `?ids=` for some."""
        sobject = self._sobject(request)
        listed = request.query_params.get("ids")
        if listed is None:
            return self._state.org.store.select(sobject, _names(sobject), tail='ORDER BY "Id"')
        return self._raw(sobject, [text for text in listed.split(",") if text])

    async def create_record(self, request: Request) -> Body:
        """A record entered by a person."""
        saved = self._records().create(self._sobject(request), await json_object(request))
        return {"id": saved.record_id}

    async def edit_record(self, request: Request) -> Body:
        """A record changed by a person; the record as it was, and as it is now."""
        fields, sobject, record_id = await json_object(request), self._sobject(request), request.path_params["id"]
        before = self._raw(sobject, [record_id])
        saved = self._records().update(sobject, record_id, fields)
        return {"id": saved.record_id, "before": before[0] if before else {}, "after": self._raw(sobject, [saved.record_id])[0]}

    async def delete_record(self, request: Request) -> Body:
        """A record put into the recycle bin by a person."""
        return {"id": self._records().delete(self._sobject(request), request.path_params["id"])}

    async def undelete(self, request: Request) -> Body:
        """`{"ids": […]}` out of the recycle bin."""
        body = await json_object(request)
        with self._whole():
            return {"ids": self._lifecycle().undelete(body["ids"])}

    async def hard_delete(self, request: Request) -> Body:
        """`{"ids": […]}` gone without a trace."""
        body = await json_object(request)
        with self._whole():
            return {"ids": self._lifecycle().hard_delete(body["ids"])}

    async def merge(self, request: Request) -> Body:
        """`{"master": id, "losers": [id, …]}`."""
        body = await json_object(request)
        with self._whole():
            return {"id": self._lifecycle().merge(body["master"], body["losers"])}

    async def convert_lead(self, request: Request) -> Body:
        """`{"id": lead, "copy_mapping": true, "omit": […], "create_opportunity": true, "account_id": …}`."""
        body = await json_object(request)
        with self._whole():
            return dict(self._lifecycle().convert_lead(body["id"], body))

    # -- the org's rules

    async def add_rule(self, request: Request) -> list[Body]:
        """`{"object", "field", "op", "value", "message"}`; ops are those of `org.RULE_OPS`."""
        body = await json_object(request)
        sobject = self._named(body["object"])
        field = self._field(sobject, body["field"])
        if body["op"] not in RULE_OPS:
            raise ValueError(f"op must be one of {list(RULE_OPS)}, not {body['op']!r}")
        if body["op"] in ("matches", "not_matches"):
            re.compile(body["value"])
        words = body.get("message", "Custom validation rule failed")
        self._state.org.rules.append(ValidationRule(sobject.name, field.name, body["op"], body.get("value"), words))
        return await self.list_rules(request)

    async def list_rules(self, _: Request) -> list[Body]:
        """The validation rules in force."""
        return [
            {"object": rule.sobject, "field": rule.field, "op": rule.op, "value": rule.value, "message": rule.message}
            for rule in self._state.org.rules
        ]

    async def drop_rules(self, _: Request) -> list[Body]:
        """No validation rules any more."""
        self._state.org.rules.clear()
        return []

    async def add_field(self, request: Request) -> Body:
        """`{"object", "name", "type", …}`: an admin adds a custom field; any other key of `schema.Field` may be said."""
        body = await json_object(request)
        sobject = self._named(body.pop("object"))
        name, kind = str(body.pop("name")), body.pop("type")
        if not re.fullmatch(r"[A-Za-z]\w*__c", name) or kind not in get_args(Kind):
            raise ValueError(f"a custom field has a name that ends in __c and one of the types {get_args(Kind)}")
        lists = {key: tuple(value) for key, value in body.items() if isinstance(value, list)}
        grown = self._state.org.add_field(sobject, fields.added(name, kind, **{**body, **lists}))
        return {"fields": [field.name for field in grown.fields]}

    async def currencies(self, request: Request) -> Body:
        """`{"codes": ["USD", "KWD"]}`: an admin turns several currencies on, and from then on these are the active ones."""
        codes = (await json_object(request))["codes"]
        org = self._state.org
        for native in ("Account", "Lead", "Opportunity"):
            sobject = self._named(native)
            field = fields.choice(CURRENCY, codes, restricted=True, label="Currency ISO Code")
            if sobject.field(CURRENCY) is None:
                org.add_field(sobject, field)
            else:
                org.put_field(sobject, field)
        return {"codes": codes}

    async def hide_field(self, request: Request) -> Body:
        """`{"object", "field", "hidden": true}`: field-level security takes the field from the client's sight."""
        body = await json_object(request)
        sobject = self._named(body["object"])
        self._state.org.hide(sobject, self._field(sobject, body["field"]), hidden=body.get("hidden", True))
        return {"hidden": [list(pair) for pair in sorted(self._state.org.hidden)]}

    async def duplicate_rule(self, request: Request) -> Body:
        """`{"object": "Lead", "on": true}`: same Company and LastName (Lead) or Name (others) on create."""
        body = await json_object(request)
        rules = self._state.org.duplicate_rules
        (rules.add if body.get("on", True) else rules.discard)(self._named(body["object"]).name)
        return {"on": sorted(rules)}

    async def assignment_rule(self, request: Request) -> Body:
        """`{"on": true}`: whether leads are re-routed to the queue for clients that do not say FALSE."""
        self._state.org.lead_assignment = bool((await json_object(request)).get("on", True))
        return {"on": self._state.org.lead_assignment}

    async def limit(self, request: Request) -> Body:
        """`{"daily": n, "used": n}`: the day's API calls. `{"long_calls": 5, "long_call_s": 20}`: how many long ones at once."""
        body, usage = await json_object(request), self._state.org.usage
        usage.limit = int(body.get("daily", usage.limit))
        usage.most_long_calls = int(body.get("long_calls", usage.most_long_calls))
        usage.long_call_s = float(body.get("long_call_s", usage.long_call_s))
        if "used" in body:
            usage.used, usage.since = int(body["used"]), self._state.clock.now()
        return {"daily": usage.limit, "used": usage.used, "long_calls": usage.most_long_calls, "long_call_s": usage.long_call_s}

    # -- time

    async def late(self, request: Request) -> Body:
        """`{"seconds": n, "times": 1}`: the next writes carry a stamp that far in the past, as if seen late."""
        body, org = await json_object(request), self._state.org
        org.late_by_s, org.late_writes = float(body["seconds"]), int(body.get("times", 1))
        return {"seconds": org.late_by_s, "times": org.late_writes}

    async def sharing(self, request: Request) -> Body:
        """`{"ids": […], "shared": false}`: hides these records as they stand, or shows them again: no stamp moves."""
        body, lifecycle = await json_object(request), self._lifecycle()
        with self._whole():
            (lifecycle.share if body.get("shared", False) else lifecycle.unshare)(body["ids"])
        return {"hidden": sorted(self._state.org.unshared)}

    async def replication(self, request: Request) -> Body:
        """`{"lag_s": 0, "max_ids": 600000, "deleted_since": iso}`: how far `updated` and `deleted` reach."""
        body, reach = await json_object(request), self._state.org.replication
        reach.lag_s, reach.max_ids = float(body.get("lag_s", reach.lag_s)), int(body.get("max_ids", reach.max_ids))
        if "deleted_since" in body:
            reach.deleted_since = stamps.read(str(body["deleted_since"]))
        return {"lag_s": reach.lag_s, "max_ids": reach.max_ids, "deleted_since": reach.deleted_since}

    # -- trouble and counts

    async def expire_tokens(self, _: Request) -> Body:
        """Every access token ends now."""
        return {"expired": self._state.auth.expire_all()}

    async def reset(self, request: Request) -> Body:
        """Everything as it was at the start; the clock stays."""
        self._state.reset()
        return await self.health(request)

    async def health(self, _: Request) -> Body:
        """Alive, and how much there is."""
        org = self._state.org
        counts = {sobject.name: org.store.count(sobject) for sobject in org.objects.values()}
        return {"status": "ok", "crm": "salesforce", "now": self._state.clock.now().isoformat(), "records": counts}

    def _raw(self, sobject: SObject, ids: Sequence[str]) -> list[Body]:
        """These records with every field."""
        marks = ", ".join("?" * len(ids))
        return self._state.org.store.select(
            sobject, _names(sobject), f'"Id" IN ({marks})', [to_18(one) or one for one in ids], 'ORDER BY "Id"'
        )

    def _whole(self) -> AbstractContextManager[None]:
        """All of a control, or nothing of it."""
        return self._state.org.store.transaction()

    def _author(self) -> SalesforceAuthor:
        return SalesforceAuthor(self._state.org.people.admin, auto_assign=False, allows_duplicates=True)

    def _records(self) -> RecordWriter:
        return RecordWriter(self._state.org, self._author())

    def _lifecycle(self) -> SalesforceLifecycle:
        return SalesforceLifecycle(self._state.org, self._author())

    def _sobject(self, request: Request) -> SObject:
        return self._named(request.path_params["object"])

    def _named(self, name: str) -> SObject:
        found = self._state.org.objects.get(name.lower())
        if found is None:
            raise ValueError(f"no record type {name!r}; there are {sorted(self._state.org.objects)}")
        return found

    @staticmethod
    def _field(sobject: SObject, name: str) -> Field:
        field = sobject.field(name)
        if field is None:
            raise ValueError(f"{sobject.name} has no field {name!r}")
        return field


def _names(sobject: SObject) -> list[str]:
    return [field.name for field in sobject.fields]


def control_routes(state: SalesforceState) -> list[Route]:
    """The routes of the controls."""
    controls = SalesforceControls(state)
    shared = SharedControls(state, lambda: {"used": state.org.usage.used, "limit": state.org.usage.limit})
    return [
        control_route("/health", GET=controls.health),
        control_route("/records/{object}", GET=controls.list_records, POST=controls.create_record),
        control_route("/records/{object}/{id}", PATCH=controls.edit_record, DELETE=controls.delete_record),
        control_route("/undelete", POST=controls.undelete),
        control_route("/hard_delete", POST=controls.hard_delete),
        control_route("/merge", POST=controls.merge),
        control_route("/convert_lead", POST=controls.convert_lead),
        control_route(
            "/validation_rules",
            GET=controls.list_rules,
            POST=controls.add_rule,
            DELETE=controls.drop_rules,
        ),
        control_route("/fields", POST=controls.add_field),
        control_route("/currencies", POST=controls.currencies),
        control_route("/hide_field", POST=controls.hide_field),
        control_route("/duplicate_rule", POST=controls.duplicate_rule),
        control_route("/assignment_rule", POST=controls.assignment_rule),
        control_route("/limit", POST=controls.limit),
        control_route("/clock", GET=shared.clock, POST=shared.clock),
        control_route("/late", POST=controls.late),
        control_route("/sharing", POST=controls.sharing),
        control_route("/replication", POST=controls.replication),
        control_route("/faults", GET=shared.list_faults, POST=shared.order_fault, DELETE=shared.clear_faults),
        control_route("/expire_tokens", POST=controls.expire_tokens),
        control_route("/latency", GET=shared.latency, POST=shared.latency),
        control_route("/calls", GET=shared.calls, DELETE=shared.reset_calls),
        control_route("/reset", POST=controls.reset),
    ]
