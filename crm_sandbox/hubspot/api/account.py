"""What there is besides records: owners, pipelines and their stages, the record types themselves, the account."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.hubspot.data.portal import PORTAL_ID, HubspotAccount, Owner, Pipeline, Stage
from crm_sandbox.hubspot.data.records import RecordShelf
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors, stamps
from crm_sandbox.hubspot.wire.replies import answer
from crm_sandbox.hubspot.wire.routing import Body, flag, number, route

MAX_OWNERS = 500
FOUNDED = "2024-01-08T09:00:00.000Z"


class Account:
    """The routes of everything that is not a record."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def owners(self, request: Request) -> Response:
        """GET the users that records can belong to."""
        email, is_archived = request.query_params.get("email"), flag(request, "archived")
        limit, after = number(request, "limit", 100), number(request, "after", 0)
        if not 0 < limit <= MAX_OWNERS:
            raise errors.invalid(f"limit must be between 1 and {MAX_OWNERS}, not {limit}")
        found = [one for one in self._portal.owners if one.is_archived is is_archived and email in (None, "", one.email)]
        page: Body = {"results": [_owner(one) for one in found[after : after + limit]]}
        if after + limit < len(found):
            rest = str(after + limit)
            page["paging"] = {"next": {"after": rest, "link": f"{self._state.base_url}{request.scope['hubspot.path']}?after={rest}"}}
        return answer(page)

    async def owner(self, request: Request) -> Response:
        """GET one of them, by id or, with `idProperty=userId`, by user."""
        by_user = request.query_params.get("idProperty") == "userId"
        for one in self._portal.owners:
            if request.path_params["id"] == (str(one.user_id) if by_user else one.id):
                return answer(_owner(one))
        raise errors.not_found()

    async def pipelines(self, request: Request) -> Response:
        """GET the ways that records go."""
        return answer({"results": [_pipeline(one) for one in self._pipelines(request).values()]})

    async def pipeline(self, request: Request) -> Response:
        """GET one of them."""
        return answer(_pipeline(self._pipeline(request)))

    async def stages(self, request: Request) -> Response:
        """GET the steps of one."""
        return answer({"results": [_stage(stage) for stage in self._pipeline(request).stages]})

    async def stage(self, request: Request) -> Response:
        """GET one step."""
        for stage in self._pipeline(request).stages:
            if stage.id == request.path_params["stage"]:
                return answer(_stage(stage))
        raise errors.not_found()

    async def schemas(self, _: Request) -> Response:
        """GET the account's own record types: it has none."""
        return answer({"results": []})

    async def schema(self, request: Request) -> Response:
        """GET one record type, with its properties and who it can be associated with."""
        return answer(self._schema(self._portal.shelf(request.path_params["type"])))

    async def details(self, _: Request) -> Response:
        """GET the account."""
        offset = self._state.clock.now().astimezone(ZoneInfo(self._portal.time_zone)).strftime("%z")
        return answer(
            {
                "portalId": PORTAL_ID,
                "accountType": "STANDARD",
                "timeZone": self._portal.time_zone,
                "companyCurrency": "USD",
                "additionalCurrencies": ["EUR", "GBP"],
                "utcOffset": f"{offset[:3]}:{offset[3:]}",
                "utcOffsetMilliseconds": int(f"{offset[0]}1") * (int(offset[1:3]) * 60 + int(offset[3:])) * 60_000,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            }
        )

    async def usage(self, _: Request) -> Response:
        """GET how many calls private apps have made today."""
        limits, zone = self._state.limits, ZoneInfo(self._portal.time_zone)
        tomorrow = self._state.clock.now().astimezone(zone).date() + timedelta(days=1)
        used = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": limits.daily,
            "currentUsage": limits.used_today,
            "collectedAt": stamps.write(self._portal.now_ms()),
            "fetchStatus": "SUCCESS",
            "resetsAt": stamps.write(stamps.ms_of(datetime.combine(tomorrow, time(), zone))),
        }
        return answer({"results": [used]})

    def _schema(self, shelf: RecordShelf) -> Body:
        kind, labels = shelf.type, self._portal.associations.labels
        return {
            "id": kind.type_id,
            "objectTypeId": kind.type_id,
            "fullyQualifiedName": kind.upper,
            "name": kind.upper,
            "labels": {"singular": kind.label, "plural": kind.name.capitalize()},
            "primaryDisplayProperty": kind.primary,
            "requiredProperties": [],
            "searchableProperties": [kind.primary],
            "secondaryDisplayProperties": [],
            "archived": False,
            "properties": [self._portal.describe(prop) for prop in kind.properties.values()],
            "associations": [
                {
                    "id": str(label.type_id),
                    "fromObjectTypeId": kind.type_id,
                    "toObjectTypeId": self._portal.shelf(other).type.type_id,
                    "name": label.name or f"{kind.upper}_TO_{self._portal.shelf(other).type.upper}",
                }
                for (one, other), types in labels.items()
                if one == kind.name
                for label in types.values()
            ],
        }

    def _pipelines(self, request: Request) -> dict[str, Pipeline]:
        return self._portal.pipelines.get(self._portal.shelf(request.path_params["type"]).type.name, {})

    def _pipeline(self, request: Request) -> Pipeline:
        found = self._pipelines(request).get(request.path_params["id"])
        if found is None:
            raise errors.not_found()
        return found

    @property
    def _portal(self) -> HubspotAccount:
        return self._state.portal


def _owner(one: Owner) -> Body:
    return {
        "id": one.id,
        "email": one.email,
        "type": "PERSON",
        "firstName": one.first_name,
        "lastName": one.last_name,
        "userId": one.user_id,
        "userIdIncludingInactive": one.user_id,
        "createdAt": FOUNDED,
        "updatedAt": FOUNDED,
        "archived": one.is_archived,
    }


def _pipeline(one: Pipeline) -> Body:
    return {**_placed(one), "stages": [_stage(stage) for stage in one.stages]}


def _stage(one: Stage) -> Body:
    return {**_placed(one), "metadata": one.metadata, "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT"}


def _placed(one: Pipeline | Stage) -> Body:
    stamped = {"createdAt": FOUNDED, "updatedAt": FOUNDED, "archived": False}
    return {"id": one.id, "label": one.label, "displayOrder": one.order, **stamped}


def account_routes(state: HubspotState) -> list[Route]:
    """The routes of everything that is not a record."""
    account = Account(state)
    pipelines = "/pipelines/{type}"
    own: dict[str, Callable[[Request], Any]] = {
        "/owners": account.owners,
        "/owners/{id}": account.owner,
        pipelines: account.pipelines,
        pipelines + "/{id}": account.pipeline,
        pipelines + "/{id}/stages": account.stages,
        pipelines + "/{id}/stages/{stage}": account.stage,
        "/schemas": account.schemas,
        "/schemas/{type}": account.schema,
        "/account-info/details": account.details,
        "/account-info/api-usage/daily/private-apps": account.usage,
    }
    return [route(path, GET=read) for path, read in own.items()]
