"""Controls over bulk jobs: how long they take, and which fail."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.salesforce.bulk.jobs import Book
from crm_sandbox.salesforce.controls.route import control_route
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.routing import json_object


def bulk_controls(state: SalesforceState) -> list[Route]:
    """The routes of these controls."""

    async def change(request: Request) -> dict[str, Any]:
        """`{"polls": 1}`: how often a job says InProgress; `{"fail": words, "family": "query"}`: the next job fails."""
        body = await json_object(request)
        books: dict[str, Book[Any]] = {"query": state.extracts.book, "ingest": state.loads.book}
        if "polls" in body:
            for book in books.values():
                book.polls = int(body["polls"])
        if "fail" in body:
            books[body.get("family", "query")].fails_with.append(str(body["fail"]))
        return {name: {"polls": book.polls, "fails_with": book.fails_with} for name, book in books.items()}

    return [control_route("/bulk", POST=change)]
