"""A Salesforce written by others: everything that the vendor's promises leave open, answered otherwise than by our own sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from sync_worker.crm.faults import Patience
from sync_worker.crm.port import RecordWrite, Scan, WriteOutcome, Wrote
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.ids import id_18
from sync_worker.crm.salesforce.connection.login import Credentials
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.errors import AuthFailed, ConnectionDown, TransientError, UncertainWrite, WriteRejected
from sync_worker.services import Services
from tests.integration.salesforce.conftest import KEY, NOW, ids
from tests.stranger import Reply, Stranger, stranger

STAMP = "2026-06-01T12:00:00.000+0000"
BEFORE = NOW - timedelta(minutes=5)
SCAN = Scan("Lead", ("Company",), BEFORE, NOW)
QUERY, MORE = "/queryAll/", "/0r8000000000001-2000"
FIELDS = [{"name": name, "type": kind} for name, kind in (("Id", "id"), ("Company", "string"), ("IsDeleted", "boolean"))]
LEAD_FIELDS = [
    *FIELDS,
    {"name": "SystemModstamp", "type": "datetime"},
    {"name": "LastModifiedById", "type": "reference"},
    {"name": "MasterRecordId", "type": "reference"},
    {"name": "IsConverted", "type": "boolean"},
    {"name": "ConvertedOpportunityId", "type": "reference"},
]


@pytest.fixture
def org() -> Iterator[Stranger]:
    with stranger() as told:
        told.on("POST", "/services/oauth2/token", {"access_token": "00D!token", "instance_url": told.base_url})
        told.on("GET", "/describe", {"name": "Lead", "fields": LEAD_FIELDS})
        yield told


def connect(told: Stranger, *, bulk_above: int | None = None) -> SalesforceCrm:
    services = Services(random=Random(7), sleep=lambda _: None, monotonic=lambda: 0.0, clock=lambda: NOW)
    login = Credentials("id", "secret", domain="", base_url=told.base_url)
    tokens = Tokens(login, services, Patience())
    return SalesforceCrm(
        SalesforceConnection(login=login, tokens=tokens, services=services, patience=Patience()),
        assigns_on_create=False,
        bulk_above=bulk_above,
    )


def id_of(number: int) -> str:
    return id_18(f"00QSb00000{number:05}")


def lead(number: int, **more: Any) -> dict[str, Any]:
    return {"Id": id_of(number), "SystemModstamp": STAMP, "Company": f"Prospect {number}", "IsDeleted": False, **more}


def page(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"totalSize": 2, "done": True, "records": list(rows), **more}


def written(crm: SalesforceCrm, *changes: RecordWrite) -> list[WriteOutcome]:
    return [outcome for batch in crm.write("Lead", KEY, changes, time_left_s=lambda: 60.0) for outcome in batch]


# ── queries ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "locator",
    [
        "/services/data/v62.0/query/0r8000000000001-2000",
        "https://acme.my.salesforce.com/services/data/v62.0/query/0r8000000000001-2000",
        "services/data/v62.0/query/0r8000000000001-2000",
        "0r8000000000001-2000",
    ],
)
def test_a_locator_is_followed_however_it_is_spelled(org: Stranger, locator: str) -> None:
    org.on("GET", QUERY, page(lead(1), done=False, nextRecordsUrl=locator))
    org.on("GET", MORE, page(lead(2)))
    assert ids(list(connect(org).changed_since(SCAN))) == [id_of(1), id_of(2)]
    assert org.asked(MORE)[0].path.startswith("/services/data/v62.0/query")


@pytest.mark.parametrize(
    "end", [{"nextRecordsUrl": None}, {"nextRecordsUrl": ""}, {"nextRecordsUrl": "/services/data/v62.0/query/0r8-9"}], ids=str
)
def test_what_is_done_is_done_whatever_stands_beside_it(org: Stranger, end: dict[str, Any]) -> None:
    org.on("GET", QUERY, page(lead(1), lead(2), **end))
    assert ids(list(connect(org).changed_since(SCAN))) == [id_of(1), id_of(2)]
    assert len(org.asked(QUERY)) == 1


def test_an_empty_page_that_is_not_the_last_is_passed_over(org: Stranger) -> None:
    org.on("GET", QUERY, page(lead(1), done=False, nextRecordsUrl="/services/data/v62.0/query/0r8-1"))
    org.on("GET", "/0r8-1", page(done=False, nextRecordsUrl="/services/data/v62.0/query/0r8-2"))
    org.on("GET", "/0r8-2", page(lead(2)))
    assert ids(list(connect(org).changed_since(SCAN))) == [id_of(1), id_of(2)]


def test_a_page_that_is_not_the_last_and_has_no_locator_goes_on_from_its_last_record(org: Stranger) -> None:
    org.on("GET", QUERY, page(lead(1), done=False), page(lead(2)))
    assert ids(list(connect(org).changed_since(SCAN))) == [id_of(1), id_of(2)]
    assert id_of(1) in org.asked(QUERY)[1].query


@pytest.mark.parametrize("rows", [[], [lead(1)]], ids=["nothing", "the same"])
def test_a_scan_that_never_ends_is_given_up(org: Stranger, rows: list[dict[str, Any]]) -> None:
    org.on("GET", QUERY, page(*rows, done=False, nextRecordsUrl=f"/services/data/v62.0/query{MORE}"))
    org.on("GET", MORE, page(*rows, done=False, nextRecordsUrl=f"/services/data/v62.0/query{MORE}"))
    with pytest.raises(TransientError):
        list(connect(org).changed_since(SCAN))
    assert len(org.seen) < 30


def test_a_scan_asked_in_small_parts_ends_where_no_size_is_told(org: Stranger) -> None:
    slow = Reply([{"errorCode": "QUERY_TIMEOUT", "message": "too slow"}], 400)
    rest = [page(lead(1)), page()]
    for answer in rest:
        del answer["totalSize"]
    org.on("GET", QUERY, slow, *rest)
    assert ids(list(connect(org).changed_since(SCAN))) == [id_of(1)]


@pytest.mark.parametrize(
    "row",
    [
        lead(1, SystemModstamp="2026-06-01T12:00:00Z"),
        lead(1, SystemModstamp="2026-06-01T12:00:00.000Z"),
        lead(1, SystemModstamp="2026-06-01T14:00:00.000+02:00"),
        lead(1, SystemModstamp="2026-06-01T12:00:00"),
        lead(1, Id=id_of(1)[:15]),
        lead(1, attributes={"type": "Lead"}),
        {key: value for key, value in lead(1).items() if key != "IsDeleted"},
    ],
    ids=str,
)
def test_a_row_is_read_however_it_is_spelled(org: Stranger, row: dict[str, Any]) -> None:
    org.on("GET", QUERY, page(row))
    [found] = next(iter(connect(org).changed_since(SCAN))).records
    assert (found.crm_id, found.modified_at, found.is_deleted) == (id_of(1), datetime(2026, 6, 1, 12, tzinfo=UTC), False)


@pytest.mark.parametrize(
    "row", [{}, {"Id": id_of(1)}, lead(1, SystemModstamp=None), lead(1, SystemModstamp="soon"), lead(1, Id=None), "row", None], ids=str
)
def test_a_row_that_does_not_say_whose_it_is_or_how_old_is_no_answer(org: Stranger, row: Any) -> None:
    org.on("GET", QUERY, page(row))
    with pytest.raises(TransientError, match="Salesforce"):
        list(connect(org).changed_since(SCAN))


def test_a_merged_and_a_converted_record_lead_to_one_spelling_of_an_id(org: Stranger) -> None:
    org.on(
        "GET",
        QUERY,
        page(lead(1, IsDeleted=True, MasterRecordId=id_of(2)[:15]), lead(3, IsConverted=True, ConvertedOpportunityId="006Sb0000000001")),
    )
    [found] = connect(org).changed_since(SCAN)
    assert found.records[0].merged_into == id_of(2)
    assert found.records[1].converted_to == id_18("006Sb0000000001")


# ── by id ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "rows", [[lead(2), None, lead(1)], [lead(1), lead(2), lead(1)], [lead(1, Id=id_of(1)[:15]), lead(2)]], ids=["nulls", "doubled", "short"]
)
def test_records_are_fetched_each_once_in_any_order(org: Stranger, rows: list[Any]) -> None:
    org.on("POST", "/composite/sobjects/Lead", rows)
    org.on("GET", QUERY, page())
    found = connect(org).fetch("Lead", [id_of(1), id_of(2)], fields=("Company",))
    assert sorted(record.crm_id for record in found) == [id_of(1), id_of(2)]


@pytest.mark.parametrize("answer", [Reply(""), Reply("null"), Reply(status=204), Reply({}), Reply(["odd"])], ids=str)
def test_no_answer_leaves_nothing_for_deleted(org: Stranger, answer: Reply) -> None:
    org.on("POST", "/composite/sobjects/Lead", answer)
    org.on("GET", QUERY, page())
    with pytest.raises(TransientError):
        connect(org).fetch("Lead", [id_of(1)], fields=("Company",))


def test_a_search_for_keys_that_is_cut_short_is_no_answer(org: Stranger) -> None:
    org.on("GET", QUERY, page(lead(1), done=False))
    with pytest.raises(TransientError):
        connect(org).find_by_key("Lead", KEY, ["k1", "k2"], fields=())


# ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", [{"success": True}, {"success": True, "id": None}, {"success": True, "id": "", "errors": None}], ids=str)
def test_a_create_without_id_is_uncertain(org: Stranger, row: dict[str, Any]) -> None:
    org.on("PATCH", KEY, [row])
    [outcome] = written(connect(org), RecordWrite("r1", {"Company": "X"}, key="k1"))
    assert outcome.wrote is Wrote.UNCERTAIN
    assert isinstance(outcome.error, UncertainWrite)


@pytest.mark.parametrize("rows", [[{"success": True, "errors": []}], [{"success": True, "id": id_of(1)[:15]}]], ids=str)
def test_an_update_knows_its_record(org: Stranger, rows: list[Any]) -> None:
    org.on("PATCH", "/composite/sobjects", rows)
    [outcome] = written(connect(org), RecordWrite("r1", {"Company": "X"}, crm_id=id_of(1)))
    assert (outcome.wrote, outcome.crm_id) == (Wrote.WRITTEN, id_of(1))


def test_updates_answered_in_another_order_are_uncertain(org: Stranger) -> None:
    refused = {"success": False, "errors": [{"statusCode": "REQUIRED_FIELD_MISSING", "message": "no"}]}
    org.on("PATCH", "/composite/sobjects", [{"id": id_of(2), "success": True}, refused])
    first, second = written(connect(org), *(RecordWrite(f"r{number}", {"Company": "X"}, crm_id=id_of(number)) for number in (1, 2)))
    assert (first.wrote, second.wrote) == (Wrote.UNCERTAIN, Wrote.UNCERTAIN)


@pytest.mark.parametrize(
    "errors",
    [
        [{"errorCode": "STRING_TOO_LONG", "message": "too long", "fields": None}],
        {"statusCode": "STRING_TOO_LONG", "message": "too long"},
        [{"statusCode": "STRING_TOO_LONG", "message": None, "fields": "Company"}],
        [{"statusCode": "STRING_TOO_LONG", "duplicateResult": {"matchResults": [{"matchRecords": [{"record": {}}, {}]}]}}],
        [{"statusCode": "STRING_TOO_LONG", "duplicateResult": None}],
    ],
    ids=str,
)
def test_a_refused_record_is_told_whatever_its_shape(org: Stranger, errors: Any) -> None:
    org.on("PATCH", "/composite/sobjects", [{"success": False, "errors": errors}])
    [outcome] = written(connect(org), RecordWrite("r1", {"Company": "X"}, crm_id=id_of(1)))
    assert outcome.wrote is Wrote.REJECTED
    assert isinstance(outcome.error, WriteRejected)
    assert outcome.error.code == "STRING_TOO_LONG"


@pytest.mark.parametrize("errors", [None, [], "no", ["no"], {}], ids=str)
def test_a_refusal_without_words_is_one(org: Stranger, errors: Any) -> None:
    org.on("PATCH", "/composite/sobjects", [{"success": False, "errors": errors}])
    [outcome] = written(connect(org), RecordWrite("r1", {"Company": "X"}, crm_id=id_of(1)))
    assert outcome.wrote is Wrote.REJECTED


@pytest.mark.parametrize(
    "body", ["", "<html>Bad</html>", [], {}, ["https://x/1", "https://x/2"], {"message": None}, "null", [{"errorCode": None}]], ids=str
)
@pytest.mark.parametrize("status", [300, 400, 404, 409])
def test_an_answer_of_any_shape_never_crashes(org: Stranger, status: int, body: Any) -> None:
    org.on("PATCH", "/composite/sobjects", Reply(body, status))
    try:
        [outcome] = written(connect(org), RecordWrite("r1", {"Company": "X"}, crm_id=id_of(1)))
        assert outcome.wrote in (Wrote.REJECTED, Wrote.UNCERTAIN)
    except ConnectionDown:
        pass


# ── log-in, time, description ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url", [None, "", "acme.my.salesforce.com", "https://acme.my.salesforce.com/", "http://acme.my.salesforce.com:8443/path"], ids=str
)
def test_an_instance_is_found_however_it_is_spelled(org: Stranger, url: str | None) -> None:
    org.on("POST", "/services/oauth2/token", {"access_token": "00D!token", **({} if url is None else {"instance_url": url})})
    org.on("GET", QUERY, page(lead(1)))
    assert ids(list(connect(org).changed_since(SCAN))) == [id_of(1)]
    assert org.asked(QUERY)[0].path == "/services/data/v62.0/queryAll/"


@pytest.mark.parametrize(
    "body", ["", [], "<html/>", [{"error": "invalid_grant"}], {"error": "invalid_client", "error_description": None}], ids=str
)
def test_a_refused_log_in_is_told_to_people_whatever_its_body(org: Stranger, body: Any) -> None:
    org.on("POST", "/services/oauth2/token", Reply(body, 400))
    with pytest.raises(AuthFailed):
        list(connect(org).changed_since(SCAN))


@pytest.mark.parametrize(
    "answer", [Reply([], is_dated=False), Reply("", 401, is_dated=False), Reply([], headers={"Date": "yesterday"})], ids=str
)
def test_without_a_date_our_own_clock_tells_the_time(org: Stranger, answer: Reply) -> None:
    org.on("GET", "/services/data", answer)
    assert connect(org).now() == NOW


def test_the_time_is_told_by_whichever_answer_there_is(org: Stranger) -> None:
    org.on("GET", "/services/data", Reply("", 401, {"Date": "Tue, 02 Jun 2026 08:30:00 GMT"}))
    assert connect(org).now() == datetime(2026, 6, 2, 8, 30, tzinfo=UTC)


def test_a_field_that_is_described_in_few_words_is_one(org: Stranger) -> None:
    values = [{"value": "A"}, {"label": "B"}, {"value": "C", "active": False}]
    org.on("GET", "/describe", {"fields": [{"name": "Company"}, {"name": "Status", "type": "picklist", "picklistValues": values}, {}]})
    catalog = connect(org).describe("Lead")
    assert catalog.fields.keys() == {"Company", "Status"}
    assert catalog.fields["Status"].values == ("A",)
    assert catalog.fields["Company"].is_updateable


# ── bulk ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

HEADER = "Id,SystemModstamp,LastModifiedById,IsDeleted,MasterRecordId,IsConverted,ConvertedOpportunityId,Company"


def cells(number: int) -> str:
    return f"{id_of(number)},2026-06-01T12:00:00.000Z,005Sb0000000001IAA,false,,false,,Prospect {number}"


def by_job(org: Stranger, *answers: Reply, count: int = 3) -> list[str]:
    first = page(lead(1), totalSize=30_000, done=False, nextRecordsUrl=f"/services/data/v62.0/query{MORE}")
    org.on("GET", QUERY, first)
    org.on("POST", "/jobs/query", {"id": "750000000000001", "state": "UploadComplete"})
    org.on("GET", "/jobs/query/750000000000001", {"state": "JobComplete", "numberRecordsProcessed": count})
    org.on("GET", "/results", *answers)
    pages = list(connect(org, bulk_above=10_000).changed_since(SCAN))
    assert [one.warning for one in pages if one.warning] == []
    return ids(pages)


@pytest.mark.parametrize(
    "text",
    [
        "\r\n".join([HEADER, cells(2), cells(3), ""]),
        "\ufeff" + "\n".join([HEADER, cells(2), cells(3)]),
        "\n".join([HEADER, "", cells(2), cells(3), "", ""]),
        "\n".join(['"' + HEADER.replace(",", '","') + '"', cells(2), cells(3)]),
        "\n".join([HEADER.lower(), cells(2), cells(3)]),
        "\n".join([cells(2), cells(3)]),
        "\n".join([f"Company,{HEADER.removesuffix(',Company')}", *(f"P,{cells(number).rpartition(',')[0]}" for number in (2, 3))]),
    ],
    ids=["crlf", "bom", "blank lines", "quoted", "lower", "no header", "other order"],
)
def test_csv_is_read_however_it_is_spelled(org: Stranger, text: str) -> None:
    assert by_job(org, Reply(text, headers={"Sforce-Locator": "null", "Content-Type": "text/csv"}), count=2) == [
        id_of(1),
        id_of(2),
        id_of(3),
    ]


@pytest.mark.parametrize("last", [{"Sforce-Locator": "null"}, {"sforce-locator": ""}], ids=str)
def test_the_last_answer_of_a_job_is_known_however_it_says_so(org: Stranger, last: dict[str, str]) -> None:
    first = Reply("\n".join([HEADER, cells(2)]), headers={"SFORCE-LOCATOR": "MTAw"})
    second = Reply("\n".join([HEADER, cells(3)]), headers=last)
    assert by_job(org, first, second, count=2) == [id_of(1), id_of(2), id_of(3)]


@pytest.mark.parametrize("text", ["", "\n", HEADER, f"{HEADER}\r\n"], ids=repr)
def test_a_job_may_find_nothing(org: Stranger, text: str) -> None:
    assert by_job(org, Reply(text, headers={"Sforce-Locator": "null"}), count=0) == [id_of(1)]


def test_an_answer_that_lost_its_locator_on_the_way_loses_no_record(org: Stranger) -> None:
    org.on("GET", MORE, page(lead(2), lead(3)))
    org.on("POST", "/jobs/query", {"id": "750000000000001"})
    org.on("GET", "/jobs/query/750000000000001", {"state": "JobComplete", "numberRecordsProcessed": 2})
    org.on("GET", "/results", Reply("\n".join([HEADER, cells(2)])))
    org.on("GET", QUERY, page(lead(1), totalSize=30_000, done=False, nextRecordsUrl=f"/services/data/v62.0/query{MORE}"))
    found = set(ids(list(connect(org, bulk_above=10_000).changed_since(SCAN))))
    assert found == {id_of(1), id_of(2), id_of(3)}
