"""HubSpot's own client lists the records of a first load, as the vendor's manual shows, and nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.meter import metered
from benchmarks.readers import ASSOCIATION, Query

PAGE_COUNT = 100  # records a call, as many as the vendor gives


def listed(base_url: str, token: str, queries: Sequence[Query]) -> dict[str, Any]:
    """Returns the cost, and the records by record type. The client's own import is in no figure, as ours is in none."""
    from hubspot import HubSpot

    records: dict[str, int] = {}
    client = HubSpot(access_token=token)
    pages = client.crm.objects.basic_api
    pages.api_client.configuration.host = base_url
    with metered(lambda: 0.0) as cost:
        for query in queries:
            names = [name for name in query["columns"] if not name.startswith(ASSOCIATION)]
            more = {"associations": ["companies"]} if len(names) < len(query["columns"]) else {}
            records[query["native"]] = _count(pages, query, names, more)
    return {**vars(cost), "records": records}


def _count(pages: Any, query: Query, names: Sequence[str], more: dict[str, Any]) -> int:
    """How many records have what the load asks for."""
    found, after = 0, None
    while True:
        page = pages.get_page(query["native"], limit=PAGE_COUNT, properties=list(names), after=after, **more)
        found += sum(1 for record in page.results if _holds(record, query["only_with"]))
        if page.paging is None:
            return found
        after = page.paging.next.after


def _holds(record: Any, name: str) -> bool:
    """Whether the record has a value of this column."""
    if not name.startswith(ASSOCIATION):
        return bool(record.properties.get(name))
    companies = (record.associations or {}).get("companies")
    return companies is not None and any(ASSOCIATION + one.type == name for one in companies.results)
