"""Standard clients extract everything: simple-salesforce by SOAP log-in, REST and Bulk 2.0, and plain HTTP as ETL clients speak it.

What they find is compared, field by field, with the controls' dump of the same org.
"""

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from simple_salesforce.api import Salesforce

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire
from tests.patience import HANG_S

Rows = dict[str, dict[str, Any]]


class Rewriting(requests.Session):
    """Any https host is the sandbox; the host that was meant travels beside."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(str(url))
        options["headers"] = {**(options.get("headers") or {}), "X-Orig-Host": parts.netloc}
        query = f"?{parts.query}" if parts.query else ""
        options.setdefault("timeout", 10)
        return super().request(method, f"{self._base_url}{parts.path}{query}", *args, **options)


@pytest.fixture
def org(remote: Remote) -> Remote:
    """An org with deleted, merged, converted and oddly named records in it; it has moved to a host of the vendor's own."""
    master, loser = (remote.named("Account", name)["Id"] for name in ("Cedar IT", "Dogwood Networks"))
    remote.merge(master, [loser])
    remote.delete("Account", remote.named("Account", "Birch Systems")["Id"])
    remote.create("Account", {"Name": 'Komma, "quote"; ümlaut', "Description": "two\nlines\r\nand more", "BillingCity": "Porto"})
    remote.convert_lead(remote.records("Lead")[0]["Id"])
    remote.move_instance("https://northwind.my.salesforce.com")
    return remote


def _soap(base_url: str, remote: Remote) -> Salesforce:
    login = remote.login()
    credentials = {name: login[name] for name in ("username", "password", "security_token")}
    return Salesforce(session=Rewriting(base_url), version="62.0", **credentials)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "attributes"}


def _dump(remote: Remote, name: str) -> Rows:
    return {record["Id"]: record for record in remote.records(name)}


def test_simple_salesforce_by_soap_login_and_rest(base_url: str, org: Remote) -> None:
    client = _soap(base_url, org)
    described: Any = client.describe()
    for name in [sobject["name"] for sobject in described["sobjects"]]:
        fields = [field["name"] for field in getattr(client, name).describe()["fields"]]
        found = client.query_all(f"SELECT {', '.join(fields)} FROM {name}", include_deleted=True)
        assert {row["Id"]: _plain(row) for row in found["records"]} == _dump(org, name), name
    assert client.sf_instance == "northwind.my.salesforce.com"


def test_simple_salesforce_by_bulk(base_url: str, org: Remote) -> None:
    client = _soap(base_url, org)
    org.set_bulk(polls=0)
    described: Any = client.describe()
    handler: Any = client.bulk2
    for name in [sobject["name"] for sobject in described["sobjects"]]:
        fields = {field["name"]: field["type"] for field in getattr(client, name).describe()["fields"] if field["type"] != "address"}
        pages = getattr(handler, name).query_all(f"SELECT {', '.join(fields)} FROM {name}", max_records=20, wait=0)
        rows = [row for page in pages for row in csv.DictReader(io.StringIO(page, newline=""))]
        dump = {key: {field: value for field, value in row.items() if field in fields} for key, row in _dump(org, name).items()}
        assert {row["Id"]: _typed(row, fields) for row in rows} == dump, name


def _typed(row: dict[str, str], kinds: dict[str, str]) -> dict[str, Any]:
    """CSV cells as JSON has them."""
    readers: dict[str, Any] = {
        "boolean": lambda cell: cell == "true",
        "datetime": lambda cell: cell.replace("Z", "+0000"),
        **dict.fromkeys(("currency", "double", "percent"), float),
        "int": int,
    }
    return {name: readers.get(kinds[name], str)(cell) if cell else None for name, cell in row.items()}


@dataclass
class Tap:
    """An ETL client in plain HTTP: a refresh token, describe, slices of SystemModstamp, queryAll, bulk; a new token on 401."""

    base_url: str
    login: dict[str, Any]
    token: str = ""
    instance: str = ""

    def log_in(self) -> None:
        form = {"grant_type": "refresh_token", **{name: self.login[name] for name in ("client_id", "client_secret", "refresh_token")}}
        body = requests.post(f"{self.base_url}/services/oauth2/token", data=form, timeout=HANG_S).json()
        self.login |= {"refresh_token": body.get("refresh_token", self.login["refresh_token"])}
        self.token, self.instance = body["access_token"], urlsplit(body["instance_url"]).netloc

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        for _ in range(2):
            headers = {"Authorization": f"Bearer {self.token}", "X-Orig-Host": self.instance, "Accept-Encoding": "gzip, deflate"}
            answer = requests.request(method, f"{self.base_url}{path}", headers=headers, timeout=HANG_S, **options)
            if answer.status_code != 401:
                break
            self.log_in()
        answer.raise_for_status()
        return answer

    def by_rest(self, name: str, since: datetime, until: datetime) -> Rows:
        fields = self._fields(name, without=())
        found: Rows = {}
        while since < until:
            end = min(since + timedelta(days=90), until)
            where = f"SystemModstamp >= {since.isoformat()} AND SystemModstamp < {end.isoformat()}"
            query = f"SELECT {','.join(fields)} FROM {name} WHERE {where} ORDER BY SystemModstamp ASC"
            page = self.ask("GET", "/services/data/v60.0/queryAll", params={"q": query}).json()
            while True:
                found |= {record["Id"]: _plain(record) for record in page["records"]}
                if page["done"]:
                    break
                page = self.ask("GET", page["nextRecordsUrl"]).json()
            since = end
        return found

    def by_bulk(self, name: str) -> list[dict[str, str]]:
        root, fields = "/services/data/v60.0/jobs/query", self._fields(name, without=("address", "base64"))
        wish = {
            "operation": "queryAll",
            "query": f"SELECT {', '.join(fields)} FROM {name}",
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        job = self.ask("POST", root, json=wish).json()
        while self.ask("GET", f"{root}/{job['id']}").json()["state"] != "JobComplete":
            pass
        rows: list[dict[str, str]] = []
        locator = None
        while locator != "null":
            params = {"maxRecords": 25} | ({} if locator is None else {"locator": locator})
            page = self.ask("GET", f"{root}/{job['id']}/results", params=params)
            rows += csv.DictReader(io.StringIO(page.content.decode(), newline=""))
            locator = page.headers["Sforce-Locator"]
        assert self.ask("DELETE", f"{root}/{job['id']}").status_code == 204
        return rows

    def _fields(self, name: str, *, without: tuple[str, ...]) -> list[str]:
        described = self.ask("GET", f"/services/data/v60.0/sobjects/{name}/describe").json()
        return [field["name"] for field in described["fields"] if field["type"] not in without]


def test_a_singer_like_client_in_plain_http(base_url: str, org: Remote, wire: Wire) -> None:
    tap = Tap(base_url, org.login(rotates_refresh_tokens=True))
    tap.log_in()
    now = org.now()
    names = [sobject["name"] for sobject in tap.ask("GET", "/services/data/v60.0/sobjects").json()["sobjects"]]
    for name in names:
        org.expire_tokens()  # and it goes on with a new one, by a refresh token that changes each time
        assert tap.by_rest(name, now - timedelta(days=800), now + timedelta(seconds=1)) == _dump(org, name), name
        assert {row["Id"] for row in tap.by_bulk(name)} == set(_dump(org, name))
    deleted = tap.ask("GET", "/services/data/v60.0/sobjects/Account/deleted", params=_stretch(now)).json()["deletedRecords"]
    gone = {row["Id"] for row in org.records("Account") if row["IsDeleted"]}
    assert {row["id"] for row in deleted} == gone
    assert len(gone) == 2


def _stretch(now: datetime) -> dict[str, str]:
    return {"start": (now - timedelta(days=1)).isoformat(), "end": (now + timedelta(minutes=1)).isoformat()}


def test_a_client_that_keeps_to_the_old_host_learns_that_it_is_gone(base_url: str, org: Remote) -> None:
    client = _soap(base_url, org)
    org.move_instance("https://na99.salesforce.com")
    with pytest.raises(Exception, match="URL No Longer Exists"):
        client.query("SELECT Id FROM Account")
