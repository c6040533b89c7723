"""`/jobs/query` and `/jobs/ingest`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.salesforce.bulk.extract import QueryJob
from crm_sandbox.salesforce.bulk.jobs import Book
from crm_sandbox.salesforce.bulk.load import RESULTS, IngestJob
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal, not_found
from crm_sandbox.salesforce.wire.replies import answer, empty
from crm_sandbox.salesforce.wire.routing import DATA, json_object, route

CSV_TYPE = "text/csv; charset=UTF-8"
_QUERY, _INGEST = DATA + "/jobs/query", DATA + "/jobs/ingest"


class Jobs:
    """The routes of both families."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    # -- query

    async def create_query(self, request: Request) -> Response:
        """POST a query."""
        job = self._state.extracts.create(await json_object(request), **self._who(request))
        return answer(job.created())

    async def list_queries(self, _: Request) -> Response:
        """GET every query job."""
        return _listed(self._state.extracts.book)

    async def query(self, request: Request) -> Response:
        """GET how far a job is."""
        return answer((await self._state.extracts.poll(request.path_params["job"])).told())

    async def abort_query(self, request: Request) -> Response:
        """PATCH a job to Aborted."""
        job = self._state.extracts.book.get(request.path_params["job"])
        _wanted_state(await json_object(request), "Aborted")
        self._state.extracts.book.abort(job)
        return answer(job.created())

    async def delete_query(self, request: Request) -> Response:
        """DELETE a job that has ended."""
        book = self._state.extracts.book
        book.delete(book.get(request.path_params["job"]))
        return empty(204)

    async def results(self, request: Request) -> Response:
        """GET a page of a result."""
        locator, most = request.query_params.get("locator"), request.query_params.get("maxRecords")
        if most is not None and (not most.isdigit() or int(most) == 0):
            raise SalesforceRefusal("API_ERROR", f"maxRecords must be a positive number, not {most}")
        page = self._state.extracts.page(request.path_params["job"], locator or None, int(most) if most else None)
        headers = {"content-type": CSV_TYPE, "sforce-locator": page.locator, "sforce-numberofrecords": str(page.count)}
        return Response(page.csv, 200, headers)

    async def result_pages(self, request: Request) -> Response:
        """GET where the pages of a result are."""
        params = request.path_params
        return answer(self._state.extracts.pages(params["job"], request.query_params.get("locator"), params["version"]))

    # -- ingest

    async def create_ingest(self, request: Request) -> Response:
        """POST what is going to be loaded."""
        job = self._state.loads.create(await json_object(request), **self._who(request))
        return answer(job.created())

    async def list_ingests(self, _: Request) -> Response:
        """GET every ingest job."""
        return _listed(self._state.loads.book)

    async def ingest(self, request: Request) -> Response:
        """GET how far a job is."""
        return answer((await self._state.loads.poll(request.path_params["job"])).told())

    async def upload(self, request: Request) -> Response:
        """PUT the data."""
        self._state.loads.upload(request.path_params["job"], await request.body())
        return empty(201)

    async def change_ingest(self, request: Request) -> Response:
        """PATCH a job to UploadComplete or Aborted."""
        loads = self._state.loads
        job = loads.book.get(request.path_params["job"])
        if _wanted_state(await json_object(request), "UploadComplete", "Aborted") == "Aborted":
            loads.book.abort(job)
        else:
            loads.close(job)
        return answer(job.created())

    async def delete_ingest(self, request: Request) -> Response:
        """DELETE a job that has ended."""
        book = self._state.loads.book
        book.delete(book.get(request.path_params["job"]))
        return empty(204)

    async def ingest_results(self, request: Request) -> Response:
        """GET the rows of one kind."""
        which = RESULTS.get(request.path_params["which"].lower())
        if which is None:
            raise not_found()
        return Response(self._state.loads.results(request.path_params["job"], which), 200, {"content-type": CSV_TYPE})

    def _who(self, request: Request) -> dict[str, str]:
        return {"user_id": self._state.session(request).user_id, "version": request.path_params["version"]}


def _listed(book: Book[QueryJob] | Book[IngestJob]) -> Response:
    told = [job.told() for job in book.listed()]
    return answer({"done": True, "records": told, "nextRecordsUrl": None})


def _wanted_state(body: dict[str, Any], *states: str) -> str:
    wanted = body.get("state")
    if wanted not in states:
        raise SalesforceRefusal("API_ERROR", f"state must be {' or '.join(states)}, not {wanted!r}")
    return str(wanted)


def bulk_routes(state: SalesforceState) -> list[Route]:
    """The routes of this package."""
    jobs = Jobs(state)
    return [
        route(_QUERY, GET=jobs.list_queries, POST=jobs.create_query),
        route(_QUERY + "/{job}", GET=jobs.query, PATCH=jobs.abort_query, DELETE=jobs.delete_query),
        route(_QUERY + "/{job}/results", GET=jobs.results),
        route(_QUERY + "/{job}/resultPages", GET=jobs.result_pages),
        route(_INGEST, GET=jobs.list_ingests, POST=jobs.create_ingest),
        route(_INGEST + "/{job}", GET=jobs.ingest, PATCH=jobs.change_ingest, DELETE=jobs.delete_ingest),
        route(_INGEST + "/{job}/batches", PUT=jobs.upload),
        route(_INGEST + "/{job}/{which}", GET=jobs.ingest_results),
    ]
