"""What a first load asks before its first page: all that does not need another's answer is asked at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from sync_worker.crm.salesforce.connection.wire import SalesforceWire
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.services import Services
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.pull import pull
from tests.integration.steps.world import World

LONG_S = 10  # no call waits so long for another
KINDS = {"token": "/oauth2/token", "describe": "/describe", "page": "/queryAll", "time": "/services/data"}


def kind_of(request: requests.PreparedRequest) -> str:
    return next(kind for kind, part in KINDS.items() if part in str(request.url))


def watch(monkeypatch: pytest.MonkeyPatch, meeting: threading.Barrier | None = None) -> list[str]:
    """The kinds of all calls, in the order in which they begin; describes and the question for the time wait at the meeting."""
    send, kinds = SalesforceWire.send, list[str]()

    def seen(wire: SalesforceWire, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        kinds.append(kind := kind_of(request))
        if meeting and kind in ("describe", "time"):
            meeting.wait(LONG_S)
        return send(wire, request, **options)

    monkeypatch.setattr(SalesforceWire, "send", seen)
    return kinds


def allow(world: World, most: int) -> None:
    connection: Any = world.tenant.crm._connection  # type: ignore[attr-defined]
    connection._tokens.turnstile = Turnstile(Limit(most, most), Services())


def test_the_clock_and_the_record_types_are_asked_for_at_once(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a CRM that answers none of the four before it has heard them all
    allow(empty_world, 4)
    kinds = watch(monkeypatch, threading.Barrier(4))
    # When the companies are loaded
    pull(empty_world.tenant, COMPANY)
    # Then the first page came last, after one log-in
    assert (sorted(kinds[:5]), kinds[5]) == (["describe"] * 3 + ["time", "token"], "page")
    assert empty_world.tenant.crm_clock_ahead is not None
    # and when nothing is to be described, then the clock is asked for by the thread that reads
    monkeypatch.undo()
    kinds = watch(monkeypatch)
    empty_world.forward(300)
    monkeypatch.setattr(empty_world.tenant.crm, "another_connection", None)
    pull(empty_world.tenant, COMPANY)
    assert kinds == ["time", "page"]


def test_one_call_at_a_time_is_made_in_the_old_order(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(empty_world, 1)
    kinds = watch(monkeypatch)
    pull(empty_world.tenant, COMPANY)
    assert kinds == ["token", "describe", "describe", "describe", "time", "page"]
