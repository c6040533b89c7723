"""The OpenAPI document: what FastAPI makes of the endpoints, completed with what their signatures do not say.

Client generators are its readers. So a schema has one name and no second title, a map says what its values are, a file is
`format: binary`, and every header that an answer may carry is declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

from sync_worker.actors import code_of
from sync_worker.domain.core.problem import CODES
from sync_worker.domain.tell.event import KINDS
from sync_worker.domain.tell.notification import Topic
from sync_worker.errors import RecordError, SyncError
from sync_worker.web.answers import HEADER
from sync_worker.web.api.core.codes import KNOWN
from sync_worker.web.api.core.problems import MEDIA_TYPE, STATUS
from sync_worker.web.api.core.route import WORDS

ABOUT: Final[Mapping[str, Any]] = {
    "title": "sync-worker",
    "version": version("sync-worker"),
    "summary": "The API of a partner portal: users, companies, deals, quotes and licences.",
    "description": "Keeps a partner portal and its CRM equal: companies, associations, deals and approvals.\n\n"
    "Every request carries a token of the portal: `Authorization: Bearer swk_…`. Deals are read and changed in the name of a user of the "
    "portal, who is named in the header `Acting-User`. An answer may get new members, and a code may be new: ignore what you do not know.",
    "contact": {"name": "The operators of this installation"},
    "license_info": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
    "openapi_tags": [
        {"name": "portal", "description": "What the portal's forms need to know."},
        {"name": "users", "description": "The people of the portal."},
        {"name": "notifications", "description": "What a user was told, read and unread."},
        {"name": "groups", "description": "Groups of users, by conditions over their companies."},
        {"name": "companies", "description": "Companies, and which of them may work together."},
        {"name": "distributors", "description": "Subgroups of a second partner, their members, terms and signed agreements."},
        {"name": "deals", "description": "Deals: register, read, edit, decide and move them."},
        {"name": "prices", "description": "The price list."},
        {"name": "journeys", "description": "Mails that the vendor makes up, sent when a deal is registered or updated."},
        {"name": "quotes", "description": "Quotes of a deal, and the licences that were issued for it."},
        {"name": "operator", "description": "What an operator looks at and decides: conflicts, failures and the events of the feed."},
        {"name": "feed", "description": "The events that are sent to the portal's receiver."},
        {"name": "health", "description": "Whether this process is alive and can work. These need no token."},
    ],
}
_PARAMETERS: Final[Mapping[str, str]] = {
    "role": "Only users with this role.",
    "account_type": "Only companies of this type.",
    "status": "Only companies with this status.",
    "agreement_id": "The id of one version of the agreement.",
    "lifecycle": "Only deals in this state.",
    "outcome": "Only deals with this outcome.",
    "vendor_approval": "Only deals with this state of the vendor's approval.",
    "distributor_approval": "Only deals with this state of the second partner's approval.",
    "stage": "Only deals in this stage of the CRM.",
    "owner_company": "Only deals of this owner company: our id, its CRM id, or its name if no other company has that name.",
    "second_partner": "Only deals with this second partner: our id, its CRM id, or its name if no other company has that name.",
    "owner_user": "Only deals of this owner, by the portal's id of the user.",
    "updated_since": "Only deals that changed at this moment or later.",
    "deal_id": "The id of the deal.",
    "quote_id": "The id of the quote.",
    "deal": "Only conflicts of this deal, by its id.",
    "resolved": "Whether those that are resolved are in the list as well.",
    "conflict_id": "The id of the conflict.",
    "code": "Only failures with this code.",
    "record": "Only failures of this record.",
    "replay_id": "The id of the replay.",
    "failure_id": "The id of the failure.",
    "run_id": "The id of the run.",
    "inquiry_id": "The id of the inquiry.",
    "kind": "Only inquiries of this kind.",
    "token_id": "The id of the token, as the list shows it.",
}
"""What a parameter means whose name and type do not say it in its endpoint."""
_UPLOADS: Final[Mapping[str, str]] = {"Body_upload_agreement": "AgreementUpload", "Body_upload_deal_file": "DealFileUpload"}
_SCHEMAS: Final[Mapping[str, str]] = dict.fromkeys(_UPLOADS.values(), "A form with the file that is uploaded.")
_AS_IT_IS: Final = frozenset({"default", "const", "enum", "examples"})
"""Keys of a schema whose value is data."""


def _header(description: str, **schema: Any) -> dict[str, Any]:
    """A header that always goes with its answer."""
    return {"description": description, "required": True, "schema": {"type": "string", **schema}}


def _maybe(header: Mapping[str, Any]) -> dict[str, Any]:
    """The same where only some of the answers have it."""
    return {**header, "required": False}


_RETRY: Final = _header("The number of seconds to wait before the next try.", pattern="^[0-9]+$")
_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "201": {"Location": _header("The address of what was created.", format="uri-reference")},
    "401": {"WWW-Authenticate": _header("How to authenticate.")},
    "412": {"ETag": _maybe(_header("The version of the deal as it is now."))},
    "405": {"Allow": _header("The methods that this address takes.")},
}
"""Status → the headers that go with it, besides the request's id."""


def _enum(description: str, values: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": sorted(set(values)), "description": description}


def _faults(kind: type[SyncError] = SyncError) -> Iterator[str]:
    """The codes of the errors that can stop a request."""
    yield code_of(kind.__new__(kind))
    for below in kind.__subclasses__():
        if below is not RecordError:
            yield from _faults(below)


_ENUMS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Code": _enum("The codes that are known today. `/codes/{code}` says what each one means and what to do.", CODES),
    "ProblemCode": _enum(
        "The codes of problems that are known today. `/codes/{code}` says what each one means and what to do.",
        ("bug", *STATUS, *_faults()),
    ),
    "NoticeTopic": _enum("The topics of notifications that are known today.", Topic),
    "EventType": _enum("The types of events that are known today.", KINDS),
}
_PROBLEM: Final = {"schema": {"$ref": "#/components/schemas/ProblemView"}}
_METHOD: Final = {"description": WORDS[405], "content": {"application/json": _PROBLEM}}
_EVERY: Final = {HEADER: _header("The id of the request. It stands in the operator's log.")}


_TAG: Final = _header("The tag of this answer. It changes with whatever is shown.")
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an answer that the caller holds. If it is still the answer, the status is 304.",
    "schema": {"type": "string"},
}
_UNCHANGED: Final = {"description": "The answer is the one that the caller holds.", "headers": {"ETag": _TAG}}


def completed(document: Mapping[str, Any]) -> dict[str, Any]:
    """FastAPI's document, as it is served."""
    paths = {
        path: {method: _operation(_look(one) if method == "get" else one) for method, one in operations.items()}
        for path, operations in document["paths"].items()
    }
    webhooks = {name: {method: _schema(one) for method, one in told.items()} for name, told in document.get("webhooks", {}).items()}
    named = {_name(name): _component(_name(name), one) for name, one in document["components"]["schemas"].items()}
    schemas = {**named, **{name: {"title": name, **one} for name, one in _ENUMS.items()}}
    return {
        **document,
        "paths": paths,
        "webhooks": webhooks,
        "components": {**document["components"], "schemas": dict(sorted(schemas.items()))},
    }


def _look(operation: Mapping[str, Any]) -> dict[str, Any]:
    """A GET: every answer has a tag, and an asker that holds it already is told so."""
    shown = operation["responses"]["200"]
    tagged = {**shown, "headers": {"ETag": _maybe(_TAG), **shown.get("headers", {})}}
    return {
        **operation,
        "parameters": [*operation.get("parameters", ()), _IF_NONE_MATCH],
        "responses": {**operation["responses"], "200": tagged, "304": _UNCHANGED},
    }


def _operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    """One operation. Its summary is its id in words, so that a list of operations reads alike everywhere."""
    by_key = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    answers = {**operation["responses"], "405": operation["responses"].get("405", _METHOD)}
    parameters = [_parameter(one) for one in operation.get("parameters", ())]
    return {
        **_schema(operation),
        **({"parameters": parameters} if parameters else {}),
        "summary": operation["operationId"].replace("_", " ").capitalize(),
        "responses": {status: _answer(status, answers[status], by_key=by_key) for status in sorted(answers)},
    }


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter. It is text in an address or a header, so it can be left out and cannot be null."""
    parameter = {"description": _PARAMETERS.get(parameter["name"], ""), **parameter}
    schema = _schema(parameter["schema"])
    given = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(given) != 1:
        return {**parameter, "schema": schema}
    return {**parameter, "schema": {**{name: value for name, value in schema.items() if name != "anyOf"}, **given[0]}}


def _answer(status: str, answer: Mapping[str, Any], *, by_key: bool) -> dict[str, Any]:
    """One answer, with its headers; a problem under its own media type."""
    content = answer.get("content", {})
    is_problem = content.get("application/json") == _PROBLEM
    headers = {**_EVERY, **_HEADERS.get(status, {}), **answer.get("headers", {})}
    if is_problem and status == "503":
        headers["Retry-After"] = _RETRY
    if status == "409" and by_key:
        headers["Retry-After"] = _maybe(_RETRY)
    words = answer["description"].replace("Successful Response", "The request was done.")
    found = {**_schema(answer), "description": words, "headers": headers}
    return {**found, "content": {MEDIA_TYPE: _schema(content["application/json"])}} if is_problem else found


def _name(theirs: str) -> str:
    """The name of a schema for clients. A view goes by its plain name; names that FastAPI makes of several words are mended."""
    if theirs in _UPLOADS:
        return _UPLOADS[theirs]
    if page := re.fullmatch(r"PageView_(\w+?)(View)?_", theirs):
        return f"{page[1]}Page"
    return theirs.removesuffix("View")


def _component(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that has a name: its title is that name."""
    words = "One page of a list." if name.endswith("Page") else _SCHEMAS.get(name, "")
    return {"title": name, "description": words, **_schema(schema)}


def _schema(node: Any) -> Any:
    """A node and all below it as generators take it."""
    if isinstance(node, list):
        return [_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("contentMediaType") == "application/octet-stream":
        return {"type": "string", "format": "binary", **{name: node[name] for name in ("description",) if name in node}}
    if KNOWN in node:
        return _known(node)
    return _map({name: _member(name, value) for name, value in node.items() if not _is_title(name, value)})


def _known(node: Mapping[str, Any]) -> dict[str, Any]:
    """A text with its enum beside it."""
    said = {name: node[name] for name in ("description", "examples") if name in node}
    return {"anyOf": [{"$ref": f"#/components/schemas/{node[KNOWN]}"}, {"type": "string"}], **said}


def _member(name: str, value: Any) -> Any:
    """One keyword of a schema, by what its value is: data, a reference, schemas by name, or a schema."""
    if name in _AS_IT_IS:
        return value
    if name == "$ref":
        return "/".join([*value.split("/")[:-1], _name(value.split("/")[-1])])
    if name == "properties":
        return {property_name: _schema(one) for property_name, one in value.items()}
    return _schema(value)


def _is_title(name: str, value: Any) -> bool:
    """Titles that were made of a property's name: some generators take them for the name of a schema."""
    return name == "title" and isinstance(value, str)


def _map(schema: dict[str, Any]) -> dict[str, Any]:
    """A map whose keys fit a pattern: its values are `additionalProperties`, which every generator knows."""
    if len(schema.get("patternProperties", ())) != 1:
        return schema
    ((pattern, values),) = schema["patternProperties"].items()
    kept = {name: value for name, value in schema.items() if name != "patternProperties"}
    return {**kept, "additionalProperties": values, "propertyNames": {**schema.get("propertyNames", {}), "pattern": pattern}}
