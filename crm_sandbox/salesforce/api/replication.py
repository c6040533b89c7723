"""`updated` and `deleted`: ids that changed in a stretch of time, by whole minutes, and how far the answer can be trusted.

`latestDateCovered` lies behind as long as transactions are open on the instance, which an order can lengthen.
Source: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getdeleted.htm
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crm_sandbox.salesforce.schema.schema import SObject
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire import stamps
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.replies import answer

UPDATED_DAYS, DELETED_DAYS = 30, 15  # how far back a client may ask


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` on and before `end`, and up to when the answer is whole."""

    start: datetime
    end: datetime
    covered: datetime

    def bounds(self) -> tuple[str, str]:
        """As the columns keep moments."""
        return stamps.write(self.start), stamps.write(self.end)


class ReplicationRoutes:
    """`/sobjects/{object}/updated` and `/deleted`."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def updated(self, request: Request) -> Response:
        """GET ids of records that were made or changed."""
        sobject, stretch = self._asked(request, UPDATED_DAYS)
        alive = ' AND "IsDeleted" = 0' if sobject.field("IsDeleted") else ""
        where = f'"SystemModstamp" >= ? AND "SystemModstamp" < ?{alive}'
        rows = self._state.org.store.select(sobject, ["Id"], where, stretch.bounds(), 'ORDER BY "SystemModstamp", "Id"')
        self._refuse_too_many(len(rows))
        return answer({"ids": [row["Id"] for row in rows], "latestDateCovered": stamps.write(stretch.covered)})

    async def deleted(self, request: Request) -> Response:
        """GET ids of records that were deleted, for good or into the bin."""
        sobject, stretch = self._asked(request, DELETED_DAYS)
        gone = self._binned(sobject, stretch) | {
            record_id: moment for record_id, moment in self._state.org.store.removed(sobject) if self._is_within(moment, stretch)
        }
        self._refuse_too_many(len(gone))
        shapes = [
            {"deletedDate": moment, "id": record_id} for record_id, moment in sorted(gone.items(), key=lambda pair: (pair[1], pair[0]))
        ]
        told: dict[str, Any] = {
            "deletedRecords": shapes,
            "earliestDateAvailable": stamps.write(self._earliest()),
            "latestDateCovered": stamps.write(stretch.covered),
        }
        return answer(told)

    def _binned(self, sobject: SObject, stretch: Stretch) -> dict[str, str]:
        if sobject.field("IsDeleted") is None:
            return {}
        where = '"IsDeleted" = 1 AND "SystemModstamp" >= ? AND "SystemModstamp" < ?'
        rows = self._state.org.store.select(sobject, ["Id", "SystemModstamp"], where, stretch.bounds())
        return {row["Id"]: row["SystemModstamp"] for row in rows}

    @staticmethod
    def _is_within(moment: str, stretch: Stretch) -> bool:
        start, end = stretch.bounds()
        return start <= moment < end

    def _asked(self, request: Request, days: int) -> tuple[SObject, Stretch]:
        sobject = self._state.org.sobject(request.path_params["object"])
        start, end = (_minute(request.query_params.get(name)) for name in ("start", "end"))
        now = self._state.clock.now()
        if start >= end:
            raise _bad_date("startDate must be before endDate")
        if start < _to_minute(now - timedelta(days=days)):
            raise _bad_date(f"startDate cannot be more than {days} days ago")
        if days == DELETED_DAYS and start < self._earliest():
            raise _bad_date("startDate is before the earliest date available")
        lag = timedelta(seconds=self._state.org.replication.lag_s)
        return sobject, Stretch(start, end, _to_minute(min(end, now - lag)))

    def _earliest(self) -> datetime:
        since = self._state.org.replication.deleted_since
        return _to_minute(since or self._state.clock.now() - timedelta(days=DELETED_DAYS))

    def _refuse_too_many(self, count: int) -> None:
        most = self._state.org.replication.max_ids
        if count > most:
            raise SalesforceRefusal("EXCEEDED_ID_LIMIT", f"The number of ids exceeds {most}; ask for a shorter stretch")


def _minute(text: str | None) -> datetime:
    moment = stamps.read(text or "")
    if moment is None:
        raise SalesforceRefusal(
            "MALFORMED_QUERY" if text is None else "INVALID_REPLICATION_DATE", f"start and end must be moments, not {text}"
        )
    return _to_minute(moment)


def _to_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _bad_date(words: str) -> SalesforceRefusal:
    return SalesforceRefusal("INVALID_REPLICATION_DATE", words)
