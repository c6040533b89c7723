"""What the vendor says beside the body: usage, date, spelling of names; and the day's limit."""

import http.client
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import NOW, VERSION, Wire
from tests.patience import HANG_S


def test_names_are_spelled_as_the_vendor_spells_them(wire: Wire) -> None:
    connection = http.client.HTTPConnection(urlsplit(wire.base_url).netloc, timeout=HANG_S)
    token = str(wire.http.headers["Authorization"])
    connection.request("GET", f"/services/data/v{VERSION}/sobjects/Account/describe", headers={"Authorization": token})
    answer = connection.getresponse()
    names = [name for name, _ in answer.getheaders()]
    answer.read()
    connection.close()
    assert {"Sforce-Limit-Info", "Content-Type", "Date", "ETag", "Last-Modified"} <= set(names)
    assert len(names) == len({name.lower() for name in names})


def test_usage_on_200_and_201_only(wire: Wire, remote: Remote) -> None:
    created = wire.ask("POST", "sobjects/Account", json={"Name": "Usage"})
    record_id = created.json()["id"]
    changed = wire.ask("PATCH", f"sobjects/Account/{record_id}", json={"Name": "Used"})
    read = wire.ask("GET", f"sobjects/Account/{record_id}")
    assert created.headers["Sforce-Limit-Info"] == "api-usage=1/15000"
    assert "Sforce-Limit-Info" not in changed.headers
    assert changed.status_code == 204
    assert changed.content == b""
    assert read.headers["Sforce-Limit-Info"] == "api-usage=3/15000"
    assert read.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert remote.calls()["api_usage"] == {"used": 3, "limit": 15000}


def test_date_follows_the_sandboxs_clock(wire: Wire, remote: Remote) -> None:
    assert parsedate_to_datetime(wire.ask("GET", "limits").headers["Date"]) == NOW
    remote.advance_clock(90)
    assert (parsedate_to_datetime(wire.ask("GET", "limits").headers["Date"]) - NOW).total_seconds() == 90


def test_the_days_limit(wire: Wire, remote: Remote) -> None:
    # Given an org with two calls left
    remote.set_daily_limit(2)
    assert [wire.ask("GET", "limits").status_code for _ in range(3)] == [200, 200, 403]
    # Then the third is refused, and a day later there are calls again
    answer = wire.ask("GET", "limits")
    assert answer.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    remote.advance_clock(24 * 3600)
    wire.log_in()
    limits = wire.ask("GET", "limits").json()
    assert limits["DailyApiRequests"] == {"Max": 2, "Remaining": 1}


def test_an_address_beyond_16_kib_is_too_long(wire: Wire) -> None:
    ids = ",".join("'001Sb0000004C93IAE'" for _ in range(900))
    answer = wire.soql(f"SELECT Id FROM Account WHERE Id IN ({ids})")
    assert answer.status_code == 414
    assert answer.headers["Content-Type"].startswith("text/html")
