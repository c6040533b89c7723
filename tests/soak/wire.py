"""Trouble on the wire: what a sandbox is ordered to do to calls. None of it lasts longer than a soak's rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.simulation.desk import times
from tests.simulation.hubspot import PENDING
from tests.soak.places import Place

READS: Final = {
    "salesforce": ("query", "query_all", "query_more", "retrieve", "describe"),
    "hubspot": ("search", "list", "batch_read", "associations_read"),
}
WRITES: Final = {"salesforce": ("collections_write",), "hubspot": ("batch_upsert", "batch_update", "associations_write")}
LOCKED: Final = {"salesforce": "UNABLE_TO_LOCK_ROW", "hubspot": "LOCKED"}
REFUSED: Final = {"salesforce": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "hubspot": "VALIDATION_ERROR"}
READ_FIRST: Final = {"salesforce": "retrieve", "hubspot": "batch_read"}
LATE_S: Final = (2, 8, 20)
SLOW_MS: Final = (500, 2000, 6000)


def _reads(place: Place) -> str:
    return place.dice.choice(READS[place.desk.kind])


def a_write(place: Place) -> str:
    return place.dice.choice(WRITES[place.desk.kind])


def _order(kind: Callable[[Place], str], **words: Any) -> Callable[[Place], None]:
    def order(place: Place) -> None:
        place.remote.fault(kind(place), times=times(place), **words)

    return order


def slow(place: Place, kind: str, *, when: Any = "before") -> None:
    place.remote.fault(kind, times=times(place), latency_ms=place.dice.choice(SLOW_MS), when=when)


def _late(place: Place) -> None:
    place.remote.fault(a_write(place), times=times(place), when="late", late_s=place.dice.choice(LATE_S), drop_connection=True)


def _storm(place: Place) -> None:
    place.remote.fault(a_write(place), times=place.dice.choice((2, 12)), status=503, body="html")


def _limited(place: Place) -> None:
    if place.desk.kind == "hubspot":
        place.remote.fault(place.dice.choice(("*", "search", a_write(place))), times=times(place), error_code="TEN_SECONDLY_ROLLING")
        return
    words = "ConcurrentPerOrgLongTxn Limit exceeded."
    place.remote.fault("*", times=times(place), status=403, error_code="REQUEST_LIMIT_EXCEEDED", message=words)


def _row_fails(codes: dict[str, str]) -> Callable[[Place], None]:
    def order(place: Place) -> None:
        place.remote.fault(a_write(place), times=1, record=True, error_code=codes[place.desk.kind], message="no")

    return order


def _session_ends(place: Place) -> None:
    if place.desk.kind == "salesforce":
        place.remote.expire_tokens()
    else:
        place.remote.fault(_reads(place), times=1, error_code="EXPIRED_AUTHENTICATION")


def _lags(place: Place) -> None:
    if isinstance(place.remote, HubspotRemote):
        place.remote.lag_search(place.dice.choice((0, 2, 10)))


def _half_a_write(place: Place) -> None:
    """The second call of a write fails, or is put off."""
    ways: tuple[dict[str, Any], ...] = (
        {"status": 504, "body": "html"},
        {"status": 504, "body": "html", "when": "after_commit"},
        {"status": 200, "body": PENDING},
    )
    if place.desk.kind == "hubspot":
        place.remote.fault("associations_write", times=times(place), **place.dice.choice(ways))


ON_THE_WIRE: Final = (
    ("reads answer 503", _order(_reads, status=503, body="html")),
    ("answers break off in the middle", _order(_reads, cut_body=True)),
    ("reads are slow", lambda place: slow(place, _reads(place))),
    ("writes are slow", lambda place: slow(place, a_write(place))),
    ("replies to writes are lost", _order(a_write, when="after_commit", drop_connection=True)),
    ("replies to writes are lost", _order(a_write, when="after_commit", drop_connection=True)),
    ("writes are dropped before they arrive", _order(a_write, drop_connection=True)),
    ("writes are committed after they were given up", _late),
    ("writes answer 503", _storm),
    ("rows are locked", _row_fails(LOCKED)),
    ("a row is refused", _row_fails(REFUSED)),
    ("limits are hit", _limited),
    ("the session ends", _session_ends),
    ("search lags behind (HubSpot)", _lags),
    ("half of a write fails (HubSpot)", _half_a_write),
)
