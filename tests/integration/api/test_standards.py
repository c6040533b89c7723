"""HTTP as its standards say, at every address of the OpenAPI: HEAD, `Allow`, 304, `Idempotency-Key`, `If-Match`, and 422 with its field."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sync_worker.web.api.core.problems import STATUS
from tests.integration.api.desk import Desk, desk
from tests.integration.api.test_distributors import AGREED, ARROW, PDF
from tests.integration.api.test_lists import PORTAL, asked, filled
from tests.integration.api.test_quotes import approved, quote
from tests.integration.steps.world import TERMS, Loaded
from tests.patience import HANG_S

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def full(sandbox: str, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, dict[str, str]]]:
    with desk(tmp_path_factory.mktemp("full"), sandbox, loaded) as made:
        yield made, {**filled(made), "user_id": "rita"}


def operations(acme: Desk) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of everything the OpenAPI tells."""
    for path, told in acme.app.openapi()["paths"].items():
        for method, operation in told.items():
            if method in METHODS:
                yield method.upper(), path, operation


def looks(full: tuple[Desk, dict[str, str]]) -> Iterator[tuple[str, dict[str, str]]]:
    """(URL, headers) of every GET that shows something here."""
    acme, places = full
    for method, path, _ in operations(acme):
        if method != "GET":
            continue
        address, user = asked(path, places)
        url = f"{acme.url}/portals/acme{address}" if path.startswith(PORTAL) else f"{acme.url}{path}"
        headers = {"Authorization": f"Bearer {acme.token}", "Acting-User": user}
        if acme.session.get(url, headers=headers, timeout=HANG_S).status_code == 200:
            yield url, headers


def names(operation: dict[str, Any]) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", ())}


def test_head_answers_at_every_get_as_get_does_without_a_body(full: tuple[Desk, dict[str, str]]) -> None:
    tried = 0
    for url, headers in looks(full):
        shown, told = (requests.request(method, url, headers=headers, timeout=HANG_S) for method in ("GET", "HEAD"))
        assert (told.status_code, told.content) == (200, b""), url
        for name in ("Content-Type", "Content-Length"):
            assert told.headers.get(name) == shown.headers.get(name), (url, name)
        tried += 1
    assert tried > 20
    refused = requests.head(f"{full[0].url}/portals/acme/companies", timeout=HANG_S)
    assert (refused.status_code, refused.content) == (401, b"")


def test_a_method_that_an_address_does_not_take_is_told_all_that_it_takes(full: tuple[Desk, dict[str, str]]) -> None:
    acme, _ = full
    taken: dict[str, set[str]] = {}
    for method, path, _operation in operations(acme):
        taken.setdefault(path, set()).update({method, "HEAD"} if method == "GET" else {method})
    for path, methods in taken.items():
        url = acme.url + path.replace("{portal}", "acme").replace("{", "").replace("}", "")
        for method in {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
            answer = acme.session.request(method, url, timeout=HANG_S)
            assert answer.status_code == 405, (method, path)
            assert methods <= set(answer.headers["Allow"].split(", ")), (method, path)
            assert method not in answer.headers["Allow"].split(", ")


def test_what_the_asker_holds_already_is_not_sent_again(full: tuple[Desk, dict[str, str]]) -> None:
    tried = 0
    for url, headers in looks(full):
        first = requests.get(url, headers=headers, timeout=HANG_S)
        if "ETag" not in first.headers or "sheet" in url:
            continue
        for tag in (first.headers["ETag"], f"W/{first.headers['ETag']}", f'"other", {first.headers["ETag"]}', "*"):
            again = requests.get(url, headers={**headers, "If-None-Match": tag}, timeout=HANG_S)
            assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"]), url
        assert requests.get(url, headers={**headers, "If-None-Match": '"other"'}, timeout=HANG_S).content == first.content
        tried += 1
    assert tried > 20


def test_a_deal_that_another_person_sees_otherwise_or_that_changed_is_sent(acme: Desk) -> None:
    deal = acme.registered()
    place = f"/deals/{deal['id']}"
    tag = acme.send("GET", place, user="rita").headers["ETag"]
    assert acme.send("GET", place, user="rita", more={"If-None-Match": tag}).status_code == 304
    assert acme.send("GET", place, user="vera", more={"If-None-Match": tag}).status_code == 200, "other moves are open to the vendor"
    changed = acme.send("PATCH", place, {"amount": "1.00"}, user="rita", more={"If-Match": tag})
    assert changed.status_code == 200, "the tag of a look names the version"
    assert acme.send("GET", place, user="rita", more={"If-None-Match": tag}).status_code == 200
    assert acme.send("PATCH", place, {"amount": "2.00"}, user="rita", more={"If-Match": tag}).status_code == 412


def test_every_post_takes_an_idempotency_key(full: tuple[Desk, dict[str, str]]) -> None:
    posts = [(path, operation) for method, path, operation in operations(full[0]) if method == "POST" and path.startswith(PORTAL)]
    assert len(posts) > 15
    assert [path for path, operation in posts if "Idempotency-Key" not in names(operation)] == []


def test_a_file_that_is_sent_again_with_its_key_is_one_version(acme: Desk) -> None:
    acme.post(f"{ARROW}/subgroups", {"name": "Delta IT", **AGREED}, user="arlo", status=201)
    url = f"{acme.url}/portals/acme/companies/Delta IT/agreements/Arrow Electronics"
    headers = {"Authorization": f"Bearer {acme.token}", "Acting-User": "arlo", "Idempotency-Key": "one"}

    def upload(content: bytes) -> requests.Response:
        return requests.post(url, files={"file": ("Signed.pdf", content)}, headers=headers, timeout=HANG_S)

    first, again, other = upload(PDF), upload(PDF), upload(PDF + b" again")
    assert (first.status_code, again.content) == (201, first.content)
    assert (other.status_code, other.json()["code"]) == (422, "key_of_other_request")
    assert len(acme.get("/companies/Delta IT/agreements/Arrow Electronics", user="arlo")["items"]) == 1


def test_every_change_of_a_deal_takes_the_version_it_means(full: tuple[Desk, dict[str, str]]) -> None:
    place = f"{PORTAL}/deals/{{deal_id}}"
    beside = (f"{place}/notes", f"{place}/files")  # they change no deal
    every = [(path, one) for method, path, one in operations(full[0]) if method != "GET" and path.startswith(place)]
    changes = [(path, one) for path, one in every if not path.startswith(beside)]
    assert len(changes) > 8
    assert [path for path, one in changes if "If-Match" not in names(one)] == [f"{place}/quotes"], "a new quote changes no deal"


def test_a_quote_is_sent_and_signed_only_for_the_version_that_is_named(acme: Desk) -> None:
    deal_id = approved(acme)
    made = acme.post(f"/deals/{deal_id}/quotes", quote(), user="vera", status=201)
    for move in ("send", "sign"):
        answer = acme.send("POST", f"/deals/{deal_id}/quotes/{made['id']}/{move}", user="vera", version=1)
        assert (answer.status_code, answer.json()["code"]) == (412, "stale_version")
        assert answer.json()["current"]["id"] == deal_id


# ── 422 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

WRONG = [
    ("PUT", f"{ARROW}/terms/Birch Systems", {"may_register": True, "percents": {"": "1"}}, "percents"),
    ("PUT", f"{ARROW}/terms/Birch Systems", {"may_register": True, "percents": {"new": [1]}}, "percents.new"),
    ("POST", "/deals", {**TERMS, "attributes": {"segment": {"a": 1}}}, "attributes.segment"),
    ("POST", "/deals", {**TERMS, "attributes": {"": "x"}}, "attributes"),
    (
        "POST",
        "/prices",
        {"prices": [{"product": "P", "currency": "EUR", "unit_price": "x", "valid_from": "2026-01-01"}]},
        "prices.0.unit_price",
    ),
    ("POST", "/prices", {"prices": [{"product": "P"}]}, "prices.0.currency"),
    ("POST", "/prices", [], "body"),
    ("POST", "/prices", None, "body"),
    ("PUT", "/users/ann", {"email": "a@b.example", "name": "Ann", "role": "boss"}, "role"),
    ("PUT", "/users/ann", {"email": "a@b.example", "name": "Ann", "role": "sales"}, "primary_company"),
    ("PUT", "/users/ann", {"email": "a@b.example", "name": "Ann", "role": "sales", "further_companies": ["", "x"]}, "further_companies.0"),
    ("GET", "/deals?limit=0", None, "limit"),
    ("GET", "/deals?updated_since=yesterday", None, "updated_since"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), WRONG)
def test_what_is_wrong_is_named_as_the_caller_spelled_it(shared: Desk, method: str, path: str, body: Any, field: str) -> None:
    answer = shared.send(method, path, body, user="vera")
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


def refusals() -> Iterator[tuple[Path, ast.Call, str]]:
    """Every refusal that is made with a code in the source."""
    for path in Path("sync_worker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal" and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant) and code.value in STATUS:
                    yield path, node, str(code.value)


def test_every_refusal_with_422_names_its_field() -> None:
    found = list(refusals())
    assert len(found) > 100
    bare = [
        f"{path}:{call.lineno} {code}"
        for path, call, code in found
        if STATUS[code] == 422 and len(call.args) < 5 and all(keyword.arg != "field" for keyword in call.keywords)
    ]
    assert bare == []
