"""The OpenAPI as client generators read it: valid, with short ids, one name for each schema, and words for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import jsonschema
import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from sync_worker.domain.core.problem import CODES
from sync_worker.domain.tell.event import (
    KINDS,
    By,
    Event,
    Subject,
    associations_events,
    attached_event,
    company_event,
    deal_event,
    difference_event,
    group_event,
    group_move_event,
    loaded_event,
    notification_event,
    prices_event,
)
from sync_worker.domain.tell.event import document as told
from tests import documented
from tests.contract.store.samples import company
from tests.integration.api.desk import Desk
from tests.patience import HANG_S

VERBS: Final = (
    "add check compare create deactivate decide disable disassociate discard download edit enable erase export finalize get list mark "
    "pause plan preview promote put reassign register release remove rename repair replay resolve resume revoke send set sign stop "
    "submit upload withdraw"
)
COMPONENT: Final = "#/components/schemas/"


@pytest.fixture(scope="module")
def document(shared: Desk) -> Any:
    """The document as it is served."""
    return shared.session.get(f"{shared.url}/openapi.json", timeout=HANG_S).json()


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Every operation: method, path, and what is said of it."""
    for path, of_path in document["paths"].items():
        for method, operation in of_path.items():
            yield method, path, operation


def answers(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Every answer of every operation: the operation's id, the status, and what is said of it."""
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            yield operation["operationId"], status, answer


def schemas_below(document: Any, node: Any) -> set[str]:
    """The names of all schemas that a node leads to."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            name = str(one.get("$ref", "")).removeprefix(COMPONENT)
            if name and name not in found:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
            waiting += one.values()
    return found


# ── the document ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_valid(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_it_says_whose_it_is_where_it_is_and_under_which_licence(document: Any) -> None:
    info = document["info"]
    assert (info["title"], info["license"]) == ("sync-worker", {"name": "Apache License 2.0", "identifier": "Apache-2.0"})
    assert info["contact"]["name"]
    assert [one["url"] for one in document["servers"]] == ["/"]
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]} | {"feed"}
    assert used == {tag["name"] for tag in document["tags"] if tag["description"]}


def test_an_operation_id_is_short_and_says_what_is_done_to_what(document: Any) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert {one for one in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", one) or len(one) > 30} == set()
    assert {one.split("_")[0] for one in ids} <= set(VERBS.split())
    assert {method for method, _, operation in operations(document) if operation["operationId"].startswith(("get_", "list_"))} == {"get"}


def test_a_schema_has_one_name_that_no_other_has_in_other_letters(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert {name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z]+", name)} == set()
    assert len({name.lower() for name in schemas}) == len(schemas)
    assert {name: one["title"] for name, one in schemas.items()} == {name: name for name in schemas}
    below = [member for one in schemas.values() for member in one.get("properties", {}).values()]
    assert [member for member in below if "title" in member] == []
    assert schemas_below(document, [document["paths"], document["webhooks"]]) == set(schemas)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_may_get_members_and_a_request_may_not(document: Any) -> None:
    schemas = document["components"]["schemas"]
    shown = schemas_below(document, [answer for _, _, answer in answers(document)])
    said = schemas_below(document, [operation.get("requestBody", {}) for _, _, operation in operations(document)])
    assert {name for name in shown if schemas[name].get("additionalProperties") is False} == set()
    is_object = {name for name in said if "properties" in schemas[name]} - {"AgreementUpload", "DealFileUpload"}
    assert {name for name in is_object if schemas[name].get("additionalProperties") is not False} == set()
    # and what an answer leaves out has no default, which a client would take for what was said
    assert {name for name in shown for member in schemas[name].get("properties", {}).values() if "default" in member} == set()


def test_a_problem_has_few_members_that_are_always_there(document: Any) -> None:
    problem = document["components"]["schemas"]["Problem"]
    assert problem["required"] == ["type", "title", "status", "code", "detail"]
    assert problem["properties"]["current"]["$ref"] == COMPONENT + "Deal"
    media = {
        tuple(answer["content"])
        for _, status, answer in answers(document)
        if status >= "400" and "Problem" in str(answer.get("content", ""))
    }
    assert media == {("application/problem+json",)}


def test_a_code_is_an_enum_that_leaves_room_for_a_new_one(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert set(schemas["Code"]["enum"]) == set(CODES)
    shown = schemas_below(document, [answer for _, _, answer in answers(document)])
    members = [(name, schemas[name]["properties"]["code"]) for name in shown if "code" in schemas[name].get("properties", {})]
    assert {name for name, _ in members} >= {"Problem", "Flag", "Failure", "Conflict", "Warning", "NotAssociated"}
    for name, member in members:
        enum = "ProblemCode" if name == "Problem" else "Code"
        assert member["anyOf"] == [{"$ref": COMPONENT + enum}, {"type": "string"}], name


def test_headers_are_declared_where_they_are_sent(document: Any) -> None:
    always = {"201": "Location", "401": "WWW-Authenticate", "405": "Allow", "428": "X-Request-ID"}
    for operation, status, answer in answers(document):
        headers = {name for name, header in answer["headers"].items() if header.get("required")}
        assert {"X-Request-ID", always.get(status, "X-Request-ID")} <= headers, (operation, status)
        is_problem = "application/problem+json" in answer.get("content", {})
        assert ("Retry-After" in headers) == (status == "503" and is_problem), (operation, status)


def test_files_are_binary(document: Any) -> None:
    binary = {"type": "string", "format": "binary"}
    for name in ("AgreementUpload", "DealFileUpload"):
        assert document["components"]["schemas"][name]["properties"]["file"] == binary
    files = {
        (operation, media_type)
        for operation, _, answer in answers(document)
        for media_type, content in answer.get("content", {}).items()
        if content["schema"] == binary
    }
    types = ("application/pdf", "image/png", "image/jpeg")
    downloads = ("download_agreement", "download_deal_file")
    assert files == {("export_deals", "text/csv"), ("get_quote_sheet", "application/pdf"), *product(downloads, types)}


def test_money_is_text_with_a_pattern(document: Any) -> None:
    names = re.compile(r"(^|_)(amount|price|total|percent)$")
    found = [
        (f"{name}.{member}", schema)
        for name, one in document["components"]["schemas"].items()
        for member, schema in one.get("properties", {}).items()
        if names.search(member)
    ]
    assert len(found) > 12
    for place, schema in found:
        (decimal,) = [one for one in schema.get("anyOf", [schema]) if one != {"type": "null"}]
        assert (decimal["type"], decimal["format"]) == ("string", "decimal"), place
        assert re.search(decimal["pattern"], decimal["examples"][0]), place
        assert not re.search(decimal["pattern"], "1E+3"), place


def test_health_needs_no_token_and_says_when_it_cannot_work(document: Any) -> None:
    health = {path: of_path["get"] for path, of_path in document["paths"].items() if path.startswith("/health/")}
    assert {path: operation["security"] for path, operation in health.items()} == {"/health/live": [], "/health/ready": []}
    assert health["/health/ready"]["responses"]["503"]["content"]["application/json"]["schema"] == {"$ref": COMPONENT + "NotReady"}
    others = [operation for _, path, operation in operations(document) if not path.startswith("/health/")]
    assert [operation["operationId"] for operation in others if not operation["security"]] == []


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def described(document: Any) -> Iterator[tuple[str, str]]:
    """Everything that a generated client shows to a person: where it stands, and the words."""
    every = [*operations(document), *(("post", name, one["post"]) for name, one in document["webhooks"].items())]
    for method, path, operation in every:
        place = f"{method} {path}"
        yield place, operation.get("description", "")
        yield from ((f"{place} {one['name']}", one.get("description", "")) for one in operation.get("parameters", ()))
        yield from ((f"{place} {status}", one["description"]) for status, one in operation["responses"].items())
    for name, schema in document["components"]["schemas"].items():
        yield name, schema.get("description", "")
        members = schema.get("properties", {}).items()
        yield from ((f"{name}.{member}", one["description"]) for member, one in members if "description" in one)


def test_whatever_a_person_reads_is_made_of_whole_sentences(document: Any) -> None:
    wrong = {place: words for place, words in described(document) if not re.fullmatch(r"[A-Z`].+[.]", words, re.DOTALL)}
    assert wrong == {}


def test_whatever_a_person_reads_is_plain(document: Any) -> None:
    riddles = re.compile(r"\b(whoever|nobody|whatever|it has not|is no|are no|none of|else|meanwhile|so many)\b", re.IGNORECASE)
    assert {place: words for place, words in described(document) if riddles.search(words)} == {}


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def events() -> dict[str, dict[str, Any]]:
    """One event of each type as it is sent, by type."""
    by, before, after = By("crm", "CRM", "r1"), company().company, company(name="Acme Ltd").company
    gone = company(is_deleted=True).company
    found = [
        company_event(None, after, by),
        company_event(before, after, by),
        company_event(before, gone, by),
        *associations_events(["c1"], By("worker", "associations")),
        deal_event("d1", 1, {"": (None, {"name": "A deal"})}, by),
        deal_event("d1", 2, {"licence_count": (None, 30)}, by),
        *(
            attached_event(f"deal.{what}_{move}", "d1", 2, {f"{what}_id": "x1", "user_id": "ann"}, by)
            for what, move in (("note", "added"), ("note", "changed"), ("note", "removed"), ("file", "added"), ("file", "removed"))
        ),
        notification_event("n1", {"user_id": "ann", "topic": "deal_registered", "text": "Bo registered a deal"}, by),
        loaded_event("company", by),
        group_move_event("ann", "gold", "joined", by),
        group_move_event("ann", "gold", "left", by),
        group_event("gold", {}, {"name": "Gold"}, by),
        prices_event(by),
        difference_event("journey.changed", Subject("journey", "welcome"), {}, {"name": "Welcome", "enabled": True}, by),
        difference_event("user.changed", Subject("user", "ann"), {"primary_company": "c1"}, {"primary_company": "c2"}, by),
        *_of_distributors(by),
    ]
    sent = {one.kind: told(one, portal="acme", seq=7) for one in found if one}
    return {**sent, "ping": {"schema": 1, "portal": "acme", "seq": 0}}


def _of_distributors(by: By) -> Iterator[Event | None]:
    """Those of quotes, licences, subgroups, terms and agreements."""
    company, deal, pair = Subject("company", "c1"), {"deal_id": "d1"}, {"company_id": "c1", "upper_id": "c2"}
    yield from (
        difference_event(f"subgroup.{verb}", company, {"parent_id": "c2"}, {"parent_id": "c3"}, by)
        for verb in ("added", "changed", "ended")
    )
    for record, others, verbs in (
        ("quote", deal, ("made", "sent", "signed")),
        ("licence", deal, ("issued", "changed")),
        ("terms", pair, ("changed",)),
        ("agreement", pair, ("added", "changed")),
    ):
        yield from (difference_event(f"{record}.{verb}", Subject(record, "x1", others), {}, {"of": "x"}, by) for verb in verbs)


def test_every_event_of_the_feed_is_a_webhook_and_is_sent_as_it_says(document: Any) -> None:
    assert set(document["webhooks"]) == {*KINDS, "ping"} == set(events())
    for kind, data in events().items():
        message = {"type": kind, "timestamp": "2026-03-02T09:00:00Z", "data": data}
        schema = document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["schema"]
        whole = {**document["components"]["schemas"][schema["$ref"].removeprefix(COMPONENT)], "components": document["components"]}
        jsonschema.Draft202012Validator(whole).validate(message)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(whole).validate({**message, "type": "deal.renamed"})


# ── how answers are held against it ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"body": b'{"items": [], "next": null, "more": 1}'}, "Additional properties"),
        ({"body": b'{"items": []}'}, "required"),
        ({"status": 202}, "status"),
        ({"headers": {"Content-Type": "application/json"}}, "headers"),
        ({"headers": {"Content-Type": "text/plain", "X-Request-ID": "r"}}, "ontent"),
        ({"headers": {"Content-Type": "application/json", "X-Request-ID": "r", "X-New": "1"}}, "x-new"),
    ],
)
def test_an_answer_that_is_not_as_documented_fails_the_test_that_got_it(shared: Desk, change: dict[str, Any], words: str) -> None:
    # Given an answer that is as documented
    answer = shared.send("GET", "/users?limit=1")
    documented.check(shared.app, answer)
    # When it is another
    other = requests.Response()
    other.request, other.headers = answer.request, CaseInsensitiveDict(change.get("headers", answer.headers))
    other.status_code, other._content = change.get("status", 200), change.get("body", answer.content)
    other.raw = HTTPResponse(headers=dict(other.headers))
    # Then it is told
    with pytest.raises(BaseException, match=words):  # an assertion, or a group of them
        documented.check(shared.app, other)
