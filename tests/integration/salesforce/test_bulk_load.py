"""A long scan by a bulk job: the same records as by pages, from any of its positions, and pages again where the job comes to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest
import responses

from crm_sandbox.salesforce.bulk import extract
from crm_sandbox.salesforce.soql import queries
from sync_worker.crm.faults import Patience
from sync_worker.crm.port import NativeRecord, OutOfOrder, Page, Range, Scan
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.ids import id_18
from sync_worker.crm.salesforce.connection.login import Credentials
from sync_worker.crm.salesforce.connection.session import Client, SalesforceConnection, Tokens
from sync_worker.crm.salesforce.reading import bulk
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.errors import AuthFailed, TransientError
from sync_worker.services import Services
from tests.integration.salesforce.conftest import NOW, Lab, ids

FIELDS = (
    *("Company", "LastName", "Description", "Email", "LeadSource", "Portal_Deal_Key__c", "Portal_Partner__c", "Portal_Amount__c"),
    *("Portal_Close_Date__c", "Portal_Licences__c", "Portal_Registered__c", "CreatedDate", "OwnerId"),
)
BULK_CALLS = ("bulk_query", "bulk_query_state", "bulk_query_results")


@pytest.fixture(autouse=True)
def small_answers(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> Iterator[None]:
    """Pages of 4 by REST and of 3 by job, 7 records an answer; jobs that are done when first asked for."""
    monkeypatch.setattr(queries, "_LONG_TEXT_PAGE_SIZE", 4)
    monkeypatch.setattr(bulk, "PAGE_COUNT", 3)
    monkeypatch.setattr(bulk, "ANSWER_COUNT", 7)
    lab.remote.set_bulk(polls=0)
    yield
    lab.remote.set_bulk(polls=1)


def connected(lab: Lab, bulk_above: int | None = 5) -> SalesforceCrm:
    return SalesforceCrm(
        SalesforceConnection(login=lab.credentials, tokens=lab.tokens, services=lab.services, patience=lab.patience),
        assigns_on_create=False,
        bulk_above=bulk_above,
    )


def scan_of(*fields: str, native: str = "Lead", position: str = "") -> Scan:
    return Scan(native, fields or ("Company",), NOW, NOW, position, read_no=7)


def odd_leads(lab: Lab) -> list[str]:
    """Leads with everything that CSV could spoil, among them deleted and merged ones."""
    account = lab.remote.records("Account")[0]["Id"]
    written: list[dict[str, Any]] = [
        {"Company": 'Say "so", he said', "Description": 'two\nlines\r\nand a third,\n"quoted"', "Portal_Amount__c": 1200.5},
        {"Company": "#N/A", "Description": "true", "Portal_Amount__c": 99999999.99},
        {"Company": "00042", "Email": "a@b.example", "Portal_Amount__c": 0, "Portal_Licences__c": 25},
        {"Company": "ключ-ü 🙂", "Portal_Partner__c": account, "Portal_Close_Date__c": "2026-06-30", "Portal_Registered__c": True},
        {"Company": " spaces ", "Description": "x" * 30_000},
        {"Company": "', \"", "Description": "\n", "Portal_Deal_Key__c": "key-1", "LeadSource": "Web"},
    ]
    created = [lab.remote.create("Lead", {"LastName": "Doe", **fields}) for fields in written]
    created += lab.leads(14)
    lab.remote.delete("Lead", created[8])
    lab.remote.merge(created[9], [created[10], created[11]])
    return created


def told(pages: Sequence[Page]) -> dict[str, NativeRecord]:
    return {record.crm_id: record for page in pages for record in page.records}


def test_a_job_brings_the_same_records_as_pages_do(lab: Lab) -> None:
    created = odd_leads(lab)
    by_pages = list(connected(lab, None).changed_since(scan_of(*FIELDS)))
    crm = connected(lab)

    by_job = list(crm.changed_since(scan_of(*FIELDS)))

    assert sorted(ids(by_job)) == sorted(ids(by_pages)) == sorted(created)
    assert told(by_job) == told(by_pages)
    for crm_id, record in told(by_job).items():  # 25 == 25.0, but a base keeps the spelling
        assert orjson.dumps(record.fields) == orjson.dumps(told(by_pages)[crm_id].fields)
    assert sum(record.is_deleted for record in told(by_job).values()) == 3
    assert {record.merged_into for record in told(by_job).values()} == {None, created[9]}
    assert [page.is_last for page in by_job] == [False] * (len(by_job) - 1) + [True]
    # and it says how much there is, how old its values are, and what it cost: the first page, the order, one question, three answers
    assert (by_job[0].total, [page.read_no for page in by_job]) == (20, [None] + [7] * (len(by_job) - 1))
    assert crm.calls == 1 + 1 + 1 + 3
    assert [lab.counted(kind) for kind in BULK_CALLS] == [1, 1, 3]


@pytest.mark.parametrize(("count", "jobs"), [(4, 0), (9, 0), (10, 1), (11, 1), (18, 1)])
def test_a_job_is_made_where_more_is_left_than_the_portal_says(lab: Lab, count: int, jobs: int) -> None:
    created = lab.leads(count)
    found = list(connected(lab).changed_since(scan_of()))
    assert sorted(ids(found)) == sorted(created)
    assert (len(ids(found)), found[-1].is_last) == (count, True)
    assert lab.counted("bulk_query") == jobs


@pytest.mark.parametrize("polls", [0, 2])
def test_it_goes_on_from_any_position_with_another_token(lab: Lab, polls: int) -> None:
    created = lab.leads(25)
    lab.remote.set_bulk(polls=polls)
    pages = list(connected(lab).changed_since(scan_of()))
    assert len(pages) > 8
    jobs = lab.counted("bulk_query")
    for place, page in enumerate(pages[:-1]):
        lab.remote.expire_tokens()
        rest = list(connected(lab, bulk_above=None if place else 5).changed_since(scan_of(position=page.position)))
        if place:  # the first position is one by pages: what is left after it may be a job's again
            assert ids(rest) == ids(pages[place + 1 :])
        assert sorted(ids(pages[: place + 1]) + ids(rest)) == sorted(created)
    assert lab.counted("bulk_query") == jobs + 1


def test_while_the_job_is_not_done_pages_without_records_come_after_each_wait(lab: Lab) -> None:
    lab.leads(25)
    lab.remote.set_bulk(polls=6)
    pages = list(connected(lab).changed_since(scan_of()))
    assert [len(page.records) for page in pages[:9]] == [4, 0, 0, 0, 0, 0, 0, 0, 3]
    assert lab.slept == [2, 4, 8, 16, 30, 30]
    assert len({page.position for page in pages[1:8]}) == 1


# ── in lanes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def many_answers(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> list[str]:
    """Twenty odd leads, so that the job names several answers: more than one call can name."""
    monkeypatch.setattr(extract, "RESULT_PAGE_SIZE", 2)
    return odd_leads(lab)


def several_at_once(lab: Lab) -> SalesforceCrm:
    """A connection of a portal with four calls in flight."""
    crm = connected(lab)
    lab.tokens.turnstile = Turnstile(Limit(4, 4), Services())
    return crm


def dealt(crm: SalesforceCrm, scan: Scan, most: int) -> tuple[list[Page], Sequence[Range]]:
    """The pages until the job is done, and the ranges in which its answers are read."""
    pages = list[Page]()
    for page in crm.changed_since(scan):
        pages.append(page)
        if page.left and page.position.startswith("{"):
            break
    return pages, crm.cuts(replace(scan, position=pages[-1].position), most, left=pages[-1].left)


def test_a_jobs_answers_are_read_in_lanes_each_from_its_own_place(lab: Lab, many_answers: list[str]) -> None:
    expected = told(list(connected(lab, None).changed_since(scan_of(*FIELDS))))
    crm, scan = several_at_once(lab), scan_of(*FIELDS)
    # When the job is done, then its answers are dealt out to three lanes
    before, ranges = dealt(crm, scan, 3)
    assert len(ranges) == 3
    lanes = [list(crm.changed_since(replace(scan, position=one.begin, up_to=one.up_to))) for one in ranges]
    assert [lane[-1].is_last for lane in lanes] == [True] * 3
    assert {page.read_no for lane in lanes for page in lane} == {7}, "as old as the job"
    # and together they hold each record once, as pages do
    behind = [record.crm_id for lane in lanes for page in lane for record in page.records]
    assert len(behind) == len(set(behind))
    assert told([*before, *(page for lane in lanes for page in lane)]) == expected
    # and each lane goes on from any of its pages, in another process
    for one, lane in zip(ranges, lanes, strict=True):
        for number, page in enumerate(lane[:-1], 1):
            rest = list(connected(lab).changed_since(replace(scan, position=page.position, up_to=one.up_to)))
            assert ids(rest) == ids(lane[number:])


@pytest.mark.parametrize("order", [{"status": 404, "error_code": "NOT_FOUND"}, {"status": 500, "times": 99}])
def test_a_job_that_does_not_say_where_its_answers_are_is_one_lane(lab: Lab, many_answers: list[str], order: dict[str, Any]) -> None:
    crm, scan = several_at_once(lab), scan_of()
    pages, _ = dealt(crm, scan, 3)
    position = pages[-1].position
    lab.remote.fault("bulk_query_results", **order)
    assert crm.cuts(replace(scan, position=position), 3, left=pages[-1].left) == [Range(position)]
    assert crm.cuts(replace(scan, position=position), 3, left=None) == [Range(position)], "it is not done yet"


def test_a_lane_whose_job_is_gone_says_that_the_scan_is_to_be_read_in_one_piece(lab: Lab, many_answers: list[str]) -> None:
    crm, scan = several_at_once(lab), scan_of()
    pages, ranges = dealt(crm, scan, 3)
    lab.remote.fault("bulk_query_results", status=404, error_code="NOT_FOUND", times=1)
    with pytest.raises(OutOfOrder, match="bulk job"):
        list(crm.changed_since(replace(scan, position=ranges[1].begin, up_to=ranges[1].up_to)))
    whole = [*pages, *crm.changed_since(replace(scan, position=pages[-1].position))]
    assert set(many_answers) <= set(ids(whole))


def test_with_one_call_at_a_time_a_job_makes_the_same_calls(lab: Lab, many_answers: list[str]) -> None:
    before = {kind: lab.counted(kind) for kind in BULK_CALLS}
    pages = list(connected(lab).changed_since(scan_of()))
    assert not [page for page in pages[2:] if not page.records]
    assert [lab.counted(kind) - before[kind] for kind in BULK_CALLS] == [1, 1, 3]


@pytest.mark.parametrize("place", [1, 2, 4])
def test_a_job_that_is_gone_is_pages_again_from_where_it_began(lab: Lab, place: int) -> None:
    created = lab.leads(25)
    pages = list(connected(lab).changed_since(scan_of()))
    forget_jobs(lab)
    rest = list(connected(lab).changed_since(scan_of(position=pages[place].position)))
    assert ids(pages[:1]) + ids(rest) == created
    assert "NOT_FOUND" in rest[0].warning
    assert rest[0].warning.endswith("; the rest is read by pages")
    assert not any(page.warning for page in rest[1:])


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"fail": "InternalServerError : Retried more than fifteen times"}, "has ended as Failed: InternalServerError : Retried more"),
        ({"kind": "bulk_query", "status": 403, "error_code": "FUNCTIONALITY_NOT_ENABLED"}, "FUNCTIONALITY_NOT_ENABLED"),
        ({"kind": "bulk_query", "status": 400, "error_code": "EXCEEDED_QUOTA", "message": "no more jobs today"}, "no more jobs today"),
        ({"kind": "bulk_query_results", "status": 400, "error_code": "INVALID_QUERY_LOCATOR"}, "INVALID_QUERY_LOCATOR"),
        ({"kind": "bulk_query_results", "status": 200, "body": "html"}, "does not say where it goes on"),
    ],
)
def test_a_job_that_comes_to_nothing_is_pages_again(lab: Lab, order: dict[str, Any], said: str) -> None:
    created = lab.leads(25)
    if "fail" in order:
        lab.remote.set_bulk(**order)
    else:
        lab.remote.fault(order.pop("kind"), **order)
    pages = list(connected(lab).changed_since(scan_of()))
    assert ids(pages) == created
    [warning] = [page.warning for page in pages if page.warning]
    assert said in warning
    assert lab.counted("query_more") == 6


def test_a_mapping_that_was_changed_meanwhile_is_pages_again(lab: Lab) -> None:
    created = lab.leads(25)
    pages = list(connected(lab).changed_since(scan_of("Company")))
    rest = list(connected(lab).changed_since(scan_of("LastName", position=pages[4].position)))
    assert ids(pages[:1]) + ids(rest) == created
    assert {record.fields["LastName"] for record in told(rest).values()} == {"Doe"}
    assert "was ordered for other fields of Lead than the mapping names now" in rest[0].warning


def test_an_aborted_job_is_pages_again(lab: Lab) -> None:
    created = lab.leads(25)
    lab.remote.set_bulk(polls=3)
    pages = connected(lab).changed_since(scan_of())
    seen = [next(pages), next(pages)]
    place = bulk.JobPlace.of(seen[1].position)
    assert place
    connected(lab)._connection.read(
        lambda client: client.restful(f"jobs/query/{place.job}", method="PATCH", json={"state": "Aborted"}), doing="aborting"
    )
    seen += list(pages)
    assert ids(seen) == created
    assert "has ended as Aborted" in seen[2].warning


def test_a_job_that_is_never_done_is_given_up_and_aborted(lab: Lab) -> None:
    created = lab.leads(25)
    lab.remote.set_bulk(polls=10_000)
    pages = list(connected(lab).changed_since(scan_of()))
    assert ids(pages) == created
    [warning] = [page.warning for page in pages if page.warning]
    assert "was not done after 60 minutes (InProgress)" in warning
    assert sum(lab.slept) < 3600 + 60


def test_what_no_job_can_select_is_read_by_pages(lab: Lab) -> None:
    created = [lab.remote.create("Account", {"Name": f"Company {number}"}) for number in range(25)]
    pages = list(connected(lab).changed_since(scan_of("Name", "BillingAddress", native="Account")))
    assert ids(pages) == created
    [warning] = [page.warning for page in pages if page.warning]
    assert warning == "a bulk job cannot read BillingAddress of Account; the rest is read by pages"
    assert lab.counted(*BULK_CALLS) == 0


@pytest.mark.parametrize("kind", BULK_CALLS)
@pytest.mark.parametrize(
    "order",
    [
        {"status": 401, "error_code": "INVALID_SESSION_ID"},
        {"status": 503, "error_code": "SERVER_UNAVAILABLE"},
        {"drop_connection": True},
    ],
)
def test_a_token_that_ends_and_a_busy_vendor_are_no_more_than_another_call(lab: Lab, kind: str, order: dict[str, Any]) -> None:
    created = lab.leads(25)
    lab.remote.fault(kind, **order)
    pages = list(connected(lab).changed_since(scan_of()))
    assert sorted(ids(pages)) == sorted(created)
    assert not any(page.warning for page in pages)


@pytest.mark.parametrize("skip", [0, 1])
def test_an_answer_that_is_cut_off_is_asked_for_again_whole(lab: Lab, skip: int) -> None:
    created = lab.leads(25)
    lab.remote.fault("bulk_query_results", cut_body=True, after=skip)
    assert sorted(ids(list(connected(lab).changed_since(scan_of())))) == sorted(created)


def test_a_vendor_that_stays_away_is_an_error_and_the_job_waits(lab: Lab) -> None:
    created = lab.leads(25)
    pages = connected(lab).changed_since(scan_of())
    seen = [next(pages) for _ in range(4)]
    lab.remote.fault("bulk_query_results", status=503, error_code="SERVER_UNAVAILABLE", times=99)
    with pytest.raises(TransientError):
        seen.extend(pages)
    lab.remote.clear_faults()
    rest = list(connected(lab).changed_since(scan_of(position=seen[-1].position)))
    assert sorted(ids(seen) + ids(rest)) == sorted(created)
    assert lab.counted("bulk_query") == 1


def test_refused_credentials_are_no_reason_to_try_pages(lab: Lab) -> None:
    lab.leads(25)
    pages = list(connected(lab).changed_since(scan_of()))
    lab.remote.fault("token", status=400, error_code="invalid_grant", times=99)
    stranger = replace(lab)
    with pytest.raises(AuthFailed):
        list(connected(stranger).changed_since(scan_of(position=pages[2].position)))


def forget_jobs(lab: Lab) -> None:
    """As after seven days."""
    connection = connected(lab)._connection

    def ask(client: Client) -> None:
        for job in (client.restful("jobs/query") or {})["records"]:
            client.restful(f"jobs/query/{job['id']}", method="DELETE")

    connection.read(ask, doing="forgetting jobs")


# ── answers as only the vendor, or a proxy before it, sends them ─────────────────────────────────────────────────────

HOST = "https://acme.my.salesforce.com"
ROOT = f"{HOST}/services/data/v62.0"
FIRST = {"Id": "001Sb0000000001AAA", "SystemModstamp": "2026-06-01T12:00:00.000+0000", "Name": "First", "IsDeleted": False}
HEADER = '"Id","SystemModstamp","LastModifiedById","IsDeleted","MasterRecordId","Name"\n'


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    """A job of two answers, at the vendor's true addresses."""
    types = {
        "Id": "id",
        "SystemModstamp": "datetime",
        "LastModifiedById": "reference",
        "IsDeleted": "boolean",
        "MasterRecordId": "reference",
        "Name": "string",
    }
    login = {"access_token": "t", "instance_url": HOST, "id": "https://login.salesforce.com/id/00DSb0000000001IAA/005Sb0000000001IAA"}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(f"{HOST}/services/oauth2/token", json=login)
        mock.get(f"{ROOT}/queryAll/", json={"totalSize": 20, "nextRecordsUrl": "/services/data/v62.0/query/0r8-1", "records": [FIRST]})
        mock.get(f"{ROOT}/query/0r8-1", json={"totalSize": 20, "done": True, "records": [FIRST]})
        mock.get(f"{ROOT}/sobjects/Account/describe", json={"fields": [{"name": name, "type": kind} for name, kind in types.items()]})
        mock.post(f"{ROOT}/jobs/query", json={"id": "750Sb0000000001AAA"})
        mock.get(f"{ROOT}/jobs/query/750Sb0000000001AAA", json={"state": "JobComplete"})
        yield mock


def answers(net: responses.RequestsMock, *bodies: str) -> list[Page]:
    """The scan over answers of these bodies."""
    for number, body in enumerate(bodies):
        following = str(number + 1) if number + 1 < len(bodies) else "null"
        net.get(f"{ROOT}/jobs/query/750Sb0000000001AAA/results", body=body, headers={"Sforce-Locator": following})
    services = Services(random=Random(7), sleep=lambda _seconds: None, monotonic=lambda: 0.0)
    login = Credentials("key", "secret", domain="acme.my")
    tokens = Tokens(login, services, Patience())
    crm = SalesforceCrm(
        SalesforceConnection(login=login, tokens=tokens, services=services, patience=Patience()), assigns_on_create=False, bulk_above=5
    )
    return list(crm.changed_since(Scan("Account", ("Name",), NOW, NOW)))


def row(name: str, number: int) -> str:
    """An id of 15 characters, as of old."""
    return f'"001Sb000000000{number}","2026-06-01T12:00:00.000Z","005Sb0000000001","false","","{name}"\n'


def names(pages: Sequence[Page]) -> list[Any]:
    return [record.fields["Name"] for page in pages for record in page.records]


@pytest.mark.parametrize("header", [HEADER, "", "\ufeff" + HEADER], ids=["with a header", "without one", "with a mark before it"])
def test_each_answer_may_have_its_header_and_short_ids(net: responses.RequestsMock, header: str) -> None:
    pages = answers(net, HEADER + row("a", 2) + row("b", 3), header + row("c", 4))
    assert names(pages) == ["First", "a", "b", "c"]
    assert ids(pages)[1:] == [id_18(f"001Sb000000000{number}") for number in (2, 3, 4)]
    assert [record.is_ours for page in pages for record in page.records] == [None, True, True, True]
    assert not any(page.warning for page in pages)


@pytest.mark.parametrize("bodies", [(HEADER,), (HEADER, HEADER), ("",), (HEADER + row("a", 2), "")])
def test_an_answer_may_be_empty(net: responses.RequestsMock, bodies: tuple[str, ...]) -> None:
    pages = answers(net, *bodies)
    assert names(pages) == ["First", "a"][: 1 + ('"a"' in "".join(bodies))]
    assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]


@pytest.mark.parametrize(
    "body",
    [
        "<html>\n<b>a,b</b>\n",
        HEADER + '"001Sb0000000002","2026"\n',
        HEADER + '"001Sb00000\n',
        HEADER.replace("Name", "Site") + row("a", 2),
        HEADER + "a\n",
    ],
)
def test_what_is_no_csv_of_ours_is_no_result(net: responses.RequestsMock, body: str) -> None:
    pages = answers(net, body)
    assert names(pages) == ["First", "First"]
    assert "750Sb0000000001AAA gave is not the CSV it should be" in pages[-1].warning
