"""What is wrong with the shape of a request, in our words: a code, the name of the field, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.registration import NOT_THEIRS
from sync_worker.web.api.core.problems import MistakeView, Refused

_BODY: Final = "body"


def refused_of(error: RequestValidationError) -> Refused:
    """One refusal for the most important mistake, with all mistakes beside it."""
    found = list(error.errors())
    refusals = sorted((_refusal(one, error.body) for one in found), key=lambda refusal: _RANK.get(refusal.code, len(_RANK)))
    mistakes = tuple(MistakeView(field=refusal.field, detail=refusal.why) for refusal in refusals) if len(refusals) > 1 else ()
    return Refused(refusals[0], errors=mistakes)


_RANK: Final = {"body_malformed": 0, "actor_missing": 1, "if_match_missing": 2}


def _refusal(mistake: Mapping[str, Any], body: Any) -> Refusal:
    place, kind = mistake["loc"], mistake["type"]
    name = _name(place, kind, body)
    if kind == "json_invalid" or (place == (_BODY,) and kind != "missing"):
        who = "a JSON object with Content-Type: application/json, as /docs shows it"
        return Refusal("body_malformed", _of_body(mistake), who, field=_BODY)
    if kind == "missing":
        return _missing(place, name)
    if kind == "extra_forbidden" and name in NOT_THEIRS:
        return Refusal(
            "field_not_registrable", f"{name} cannot be set here; it changes by approvals, by moves or in the CRM", "nobody", field=name
        )
    if kind == "extra_forbidden":
        return Refusal("field_unknown", f"there is no field {name}", "see /docs", field=name)
    return Refusal("value_malformed", f"{name}: {_words(mistake)}", "see /docs", _allowed(mistake), name)


def _of_body(mistake: Mapping[str, Any]) -> str:
    if mistake["type"] == "json_invalid":
        return f"the body is not JSON: {mistake['ctx']['error']}, at character {mistake['loc'][-1]}"
    if isinstance(mistake["input"], str | bytes):
        return "the body was not read as JSON, because its Content-Type is not application/json"
    return f"the body is not JSON of the right shape: {_words(mistake)}"


def _missing(place: Sequence[Any], name: str) -> Refusal:
    if name.lower() == "acting-user":
        return Refusal("actor_missing", "the request does not say who acts", "a user's id in the header Acting-User", field=name)
    if name.lower() == "if-match":
        return Refusal("if_match_missing", "the change does not say which version it means", "the ETag of your last read", field=name)
    what = "the request has no body" if place == (_BODY,) else f"{name} is missing"
    return Refusal("field_missing", what, "see /docs", field=name)


def _name(place: Sequence[Any], kind: str, body: Any) -> str:
    """The field as the caller spells it, dotted: what the body holds of the place, which names the steps of the check as well."""
    if place[0] != _BODY:
        return str(place[-1])
    names, held = [], body
    for part in place[1:]:
        if (isinstance(held, Mapping) and part in held and str(part).strip()) or (
            isinstance(held, list) and isinstance(part, int) and part < len(held)
        ):
            names.append(str(part))
            held = held[part]
    if kind == "missing":
        names.append(str(place[-1]))
    return ".".join(names) or _BODY


def _words(mistake: Mapping[str, Any]) -> str:
    words = str(mistake["msg"])
    return words[:1].lower() + words[1:]


def _allowed(mistake: Mapping[str, Any]) -> tuple[str, ...]:
    expected = str(mistake.get("ctx", {}).get("expected", ""))
    return (
        tuple(word.strip("'") for word in expected.replace(" or ", ", ").split(", "))
        if mistake["type"] in ("enum", "literal_error")
        else ()
    )
