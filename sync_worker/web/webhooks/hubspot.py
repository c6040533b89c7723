"""HubSpot's webhooks: a list of events, in any order, some of them twice, each of one record of one account.

Source: https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from sync_worker.boundary.text import loads
from sync_worker.crm.hubspot.reading.records import is_id
from sync_worker.web.webhooks.heard import HeardNotices, Records, WebhookRefusal

_NATIVE: Final = {"company": "companies", "deal": "deals", "0-2": "companies", "0-3": "deals"}
_GENERIC: Final = "object"  # its events say the record type as a number
_OF_ONE_RECORD: Final = {"creation", "deletion", "restore", "propertyChange"}


def read_events(body: bytes, *, hub_id: str, records: Records) -> HeardNotices | WebhookRefusal:
    """The records these events name. Events of other accounts are skipped; a request without any of ours is refused."""
    try:
        events = loads(body)
    except orjson.JSONDecodeError:
        return WebhookRefusal(400, "the body is not JSON")
    if not isinstance(events, list):
        return WebhookRefusal(400, "not a list of events")
    ours = [event for event in events if isinstance(event, dict) and str(event.get("portalId")) == hub_id]
    if events and not ours:
        return WebhookRefusal(401, f"no event is from Hub ID {hub_id}")
    heard = HeardNotices(len(events))
    if others := len(events) - len(ours):
        heard.skip("another account", others)
    for event in ours:
        _hear(heard, event, records)
    return heard


def _hear(heard: HeardNotices, event: dict[str, Any], records: Records) -> None:
    room, _, what = str(event.get("subscriptionType") or event.get("eventType") or "").partition(".")
    kind = str(event.get("objectTypeId", "")) if room == _GENERIC else room
    if what == "associationChange":
        named = [(end, event.get(key)) for end, key in _ends(event, kind)]
    elif what == "merge":
        named = [(kind, crm_id) for crm_id in _merged(event)]
    elif what in _OF_ONE_RECORD:
        named = [(kind, event.get("objectId"))]
    else:
        return heard.skip("another event")
    kept = [(records[_NATIVE[kind]], crm_id) for kind, crm_id in named if _NATIVE.get(kind) in records]
    if not kept:
        return heard.skip("another record type")
    ids = [(record, str(crm_id)) for record, crm_id in kept if _is_id(crm_id)]
    if not ids:
        return heard.skip("no id")
    for record, crm_id in ids:
        heard.notice(record, [crm_id])
    return None


def _ends(event: dict[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    """The deals of an association: those of companies look the same. `DEAL_TO_COMPANY`, or with an ending for a label."""
    near, _, far = str(event.get("associationType", "")).partition("_TO_")
    if near == "DEAL" or (not far and _NATIVE.get(kind) == "deals"):
        yield "deal", "fromObjectId"
    if far.split("_")[0] == "DEAL":
        yield "deal", "toObjectId"


def _merged(event: dict[str, Any]) -> Iterator[Any]:
    """Winner, losers, and the record they became."""
    losers = event.get("mergedObjectIds")
    yield from losers if isinstance(losers, list) else ()
    for key in ("objectId", "primaryObjectId", "newObjectId"):
        if key in event:
            yield event[key]


def _is_id(value: object) -> bool:
    """Whether this can be a record's id. One that cannot is skipped: asked for together with others, it would spoil the reading of all."""
    if isinstance(value, str):
        return is_id(value)
    return isinstance(value, int) and not isinstance(value, bool) and is_id(str(value))
