"""Pages and what leads from one to the next."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simple_salesforce.api import Salesforce

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire

MANY = 450  # accounts: three pages of 200


def _grow(wire: Wire) -> None:
    have = wire.soql("SELECT COUNT() FROM Account").json()["totalSize"]
    for start in range(have, MANY, 150):
        records = [{"attributes": {"type": "Account"}, "Name": f"Grown {number}"} for number in range(start, min(start + 150, MANY))]
        wire.ask("POST", "composite/sobjects", json={"records": records})


def _pages(wire: Wire, query: str, size: int) -> list[list[str]]:
    page = wire.soql(query, **{"Sforce-Query-Options": f"batchSize={size}"}).json()
    pages = []
    while True:
        pages.append([record["Id"] for record in page["records"]])
        assert page["totalSize"] == MANY
        if page["done"]:
            assert "nextRecordsUrl" not in page
            return pages
        page = wire.ask("GET", page["nextRecordsUrl"]).json()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 500), order=st.sampled_from(["Id", "SystemModstamp, Id", "Name DESC, Id"]))
def test_pages_partition_the_result(wire: Wire, remote: Remote, size: int, order: str) -> None:
    _grow(wire)
    pages = _pages(wire, f"SELECT Id FROM Account ORDER BY {order}", size)
    flat = [record_id for page in pages for record_id in page]
    assert sorted(flat) == sorted(record["Id"] for record in remote.records("Account"))
    assert {len(page) for page in pages[:-1]} <= {max(200, size)}


def test_a_locator_looks_like_the_vendors_and_belongs_to_its_token(wire: Wire) -> None:
    # Given a result of several pages
    _grow(wire)
    page = wire.soql("SELECT Id FROM Account", **{"Sforce-Query-Options": "batchSize=200"}).json()
    url = page["nextRecordsUrl"]
    locator, _, start = url.rpartition("/")[2].partition("-")
    assert (locator[:3], len(locator), start) == ("0r8", 18, "200")
    # When another session asks for its next page
    old = wire.http.headers["Authorization"]
    wire.log_in()
    answer = wire.ask("GET", url)
    # Then it is refused, while its own session goes on
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")
    wire.http.headers["Authorization"] = old
    assert wire.ask("GET", url).status_code == 200


def test_a_locator_left_alone_expires(wire: Wire, remote: Remote) -> None:
    _grow(wire)
    url = wire.soql("SELECT Id FROM Account", **{"Sforce-Query-Options": "batchSize=200"}).json()["nextRecordsUrl"]
    remote.advance_clock(16 * 60)
    assert wire.ask("GET", url).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_long_text_makes_pages_smaller(wire: Wire) -> None:
    records = [{"attributes": {"type": "Lead"}, "LastName": f"L{n}", "Company": "C"} for n in range(200)]
    for _ in range(5):
        wire.ask("POST", "composite/sobjects", json={"records": records})
    short = wire.soql("SELECT Id FROM Lead").json()
    long = wire.soql("SELECT Id, Description FROM Lead").json()
    assert (short["done"], len(short["records"])) == (True, 1012)
    assert (long["done"], len(long["records"])) == (False, 1000)


def test_simple_salesforce_reads_all_pages(wire: Wire, salesforce: Salesforce) -> None:
    _grow(wire)
    every = salesforce.query_all("SELECT Id FROM Account", headers={"Sforce-Query-Options": "batchSize=200"})
    assert every["totalSize"] == MANY
    assert len({record["Id"] for record in every["records"]}) == MANY
    assert salesforce.api_usage["api-usage"].total == 15000
