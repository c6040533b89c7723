"""Any answer of a CRM at all: a piece of a good one is replaced by something else. It is read, or it is an error that says so; never a bug.

The same examples each time; `SYNC_WORKER_FUZZ=2000` tries as many others.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_worker.crm.port import RecordWrite, Scan
from sync_worker.errors import SyncError
from tests.integration.salesforce.conftest import NOW
from tests.integration.salesforce.test_strange_answers import BEFORE, LEAD_FIELDS, lead, page
from tests.integration.test_odd_wires import SECRET, Line, hubspot, salesforce
from tests.stranger import Reply, stranger

COUNT = int(os.environ.get("SYNC_WORKER_FUZZ", "0"))
fuzzed = settings(
    max_examples=COUNT or 15,
    derandomize=not COUNT,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["", "null", "0", "2026-06-01T12:00:00.000+0000", "99999-01-01T00:00:00Z", "-1", "\x00", "001"]),
)
ODD = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document, the whole of it first."""
    yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*at, key))


def replaced(good: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """The document with something else in one place."""
    if not place:
        return odd
    changed = copy.deepcopy(good)
    inside = changed
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = odd
    return changed


def odd_versions(good: Any) -> st.SearchStrategy[Any]:
    """The document with one or two pieces replaced."""
    one = st.sampled_from(sorted(places(good), key=repr))
    return st.builds(lambda place, odd: replaced(good, place, odd), one, ODD)


PROPERTY = {"name": "dealname", "type": "string", "fieldType": "text", "options": [{"label": "A", "value": "a", "hidden": False}]}
FIELD = {"name": "Company", "type": "picklist", "picklistValues": [{"value": "A", "active": True}], "updateable": True, "length": 9}
SF_SCAN, HS_SCAN = Scan("Lead", ("Company",), BEFORE, NOW), Scan("deals", ("dealname", "association:portal_partner"), BEFORE, NOW)
LABELLED = {"toObjectId": 51, "associationTypes": [{"category": "USER_DEFINED", "typeId": 11, "label": "portal_partner"}]}
ROW = {"id": "7", "properties": {"dealname": "X", "hs_lastmodifieddate": "2026-06-01T12:00:00Z"}, "archived": False}
ARCHIVED = ROW | {"archived": True, "archivedAt": "2026-06-01T12:00:00Z"}
REFUSED = {"category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": ["r1"]}, "errors": [{"code": "X", "in": "a"}]}
ALIKE = {"matchResults": [{"matchRecords": [{"record": {"Id": "00QSb0000000001"}}]}]}
SF_REFUSED = {"success": False, "errors": [{"statusCode": "X", "message": "no", "fields": ["Company"], "duplicateResult": ALIKE}]}

Use = Callable[[Line], object]


def fetched(line: Line) -> object:
    return line.crm.fetch(line.native, [line.crm_id], fields=(line.field,))


def scanned(scan: Scan) -> Use:
    return lambda line: list(line.crm.changed_since(scan))


def described(line: Line) -> object:
    return line.crm.describe(line.native)


def found_by_key(line: Line) -> object:
    return line.crm.find_by_key(line.native, line.key, ["k1"], fields=(line.field,))


def wrote(line: Line) -> object:
    changes = [RecordWrite("r1", {line.field: "X"}, crm_id=line.crm_id), RecordWrite("r2", {line.field: "X"}, key="k1")]
    return list(line.crm.write(line.native, line.key, changes, time_left_s=lambda: 60.0))


#  what is done, the method and the ending of the address that answers, a good answer
SALESFORCE: dict[str, tuple[Use, str, str, Any]] = {
    "fetch": (fetched, "POST", "/composite/sobjects/Lead", [lead(1, MasterRecordId=None, IsConverted=False)]),
    "scan": (scanned(SF_SCAN), "GET", "/queryAll/", page(lead(1), done=False, nextRecordsUrl="/services/data/v62.0/query/0r8-1")),
    "describe": (described, "GET", "/describe", {"name": "Lead", "fields": [*LEAD_FIELDS[:2], FIELD]}),
    "find": (found_by_key, "GET", "/queryAll/", page(lead(1))),
    "write": (wrote, "PATCH", "/composite/sobjects", [{"id": lead(1)["Id"], "success": True, "errors": []}]),
    "refused": (wrote, "PATCH", "/composite/sobjects", [SF_REFUSED]),
    "log in": (fetched, "POST", "/services/oauth2/token", {"access_token": SECRET, "instance_url": "http://127.0.0.1", "id": "x/y/z"}),
}
HUBSPOT: dict[str, tuple[Use, str, str, Any]] = {
    "fetch": (fetched, "POST", "/batch/read", {"status": "COMPLETE", "results": [ROW], "errors": [{"category": "OBJECT_NOT_FOUND"}]}),
    "scan": (scanned(HS_SCAN), "POST", "/search", {"total": 1, "results": [{"id": "7"}], "paging": {"next": {"after": "1"}}}),
    "list": (
        scanned(HS_SCAN),
        "GET",
        "/objects/2026-09/deals",
        {"results": [ROW | {"archived": True, "archivedAt": "2026-06-01T12:00:00Z"}]},
    ),
    "associations": (scanned(HS_SCAN), "POST", "/companies/batch/read", {"results": [{"from": {"id": "7"}, "to": [LABELLED]}]}),
    "describe": (described, "GET", "/deals", {"results": [PROPERTY]}),
    "labels": (described, "GET", "/labels", {"results": [{"category": "USER_DEFINED", "typeId": 11, "label": "portal_partner"}]}),
    "find": (found_by_key, "POST", "/batch/read", {"results": [ROW]}),
    "write": (wrote, "POST", "/batch/update", {"results": [{"id": "7", "objectWriteTraceId": "r1", "properties": {"a": "b"}}]}),
    "refused": (wrote, "POST", "/batch/update", {"results": [], "errors": [REFUSED]}),
}


@contextmanager
def lines(make: Callable[[Any], Line]) -> Iterator[Line]:
    with stranger() as told:
        yield make(told)


def meets(make: Callable[[Any], Line], case: tuple[Use, str, str, Any], odd: Any, status: int) -> None:
    """Something is done whose answer is odd. A new connection each time: what one has learnt does not hide the next."""
    use, method, ending, _ = case
    with lines(make) as line:
        line.told.on("POST", "/search", {"total": 1, "results": [{"id": "7"}]})
        line.told.on("GET", "/objects/2026-09/deals", {"results": []})
        line.told.on("GET", "/describe", {"name": "Lead", "fields": LEAD_FIELDS})
        line.told.on(*line.reading, Reply(line.found))
        line.told.on(method, ending, Reply(odd, status))
        assert SECRET not in told_by(line, use)


def told_by(line: Line, use: Use) -> str:
    """The words of our error, where it is one. Any other exception is a bug."""
    try:
        use(line)
    except SyncError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("what", SALESFORCE)
@fuzzed
@given(data=st.data())
def test_any_answer_of_salesforce_is_read_or_told(what: str, data: st.DataObject) -> None:
    case = SALESFORCE[what]
    meets(salesforce, case, data.draw(odd_versions(case[3])), data.draw(st.sampled_from([200, 201, 200, 207])))


@pytest.mark.parametrize("what", HUBSPOT)
@fuzzed
@given(data=st.data())
def test_any_answer_of_hubspot_is_read_or_told(what: str, data: st.DataObject) -> None:
    case = HUBSPOT[what]
    meets(hubspot, case, data.draw(odd_versions(case[3])), data.draw(st.sampled_from([200, 201, 207])))
