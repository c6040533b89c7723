"""`updated` and `deleted`: which ids, how far back, and up to when."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from simple_salesforce.api import Salesforce

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import NOW, Wire, table


def _ask(wire: Wire, which: str, start: datetime, end: datetime, name: str = "Account") -> Any:
    params = {"start": start.isoformat(), "end": end.isoformat()}
    return wire.ask("GET", f"sobjects/{name}/{which}/", params=params).json()


def test_what_was_changed_and_what_was_deleted(wire: Wire, remote: Remote, salesforce: Salesforce) -> None:
    # Given records made, changed, deleted and deleted for good, a minute apart
    made = remote.create("Account", {"Name": "Made"})
    changed, binned, gone = (remote.named("Account", name)["Id"] for name in ("Cedar IT", "Dogwood Networks", "Birch Systems"))
    remote.advance_clock(60)
    remote.edit("Account", changed, {"Phone": "1"})
    remote.advance_clock(60)
    remote.delete("Account", binned)
    remote.advance_clock(60)
    remote.hard_delete([gone])
    remote.advance_clock(60)
    # Then each is told of, and only in its stretch
    start, end = NOW, NOW + timedelta(minutes=4)
    assert _ask(wire, "updated", start, end)["ids"] == [made, changed]
    assert _ask(wire, "updated", start + timedelta(seconds=59), start + timedelta(seconds=61))["ids"] == [made]
    told = _ask(wire, "deleted", start, end)
    assert [(row["id"], row["deletedDate"][11:16]) for row in told["deletedRecords"]] == [(binned, "12:02"), (gone, "12:03")]
    assert told["latestDateCovered"] == "2026-05-20T12:04:00.000+0000"
    assert told["earliestDateAvailable"] == "2026-05-05T12:04:00.000+0000"
    assert table(salesforce, "Account").deleted(start, end) == told
    assert table(salesforce, "Account").updated(start, end)["ids"] == [made, changed]
    remote.undelete([binned])
    assert [row["id"] for row in _ask(wire, "deleted", start, end)["deletedRecords"]] == [gone]


def test_an_answer_that_lies_behind(wire: Wire, remote: Remote) -> None:
    remote.set_replication(lag_s=3600)
    told = _ask(wire, "updated", NOW - timedelta(hours=2), NOW)
    assert told["latestDateCovered"] == "2026-05-20T11:00:00.000+0000"


@pytest.mark.parametrize(
    ("which", "start_days", "end_days"),
    [("updated", 31, 0), ("deleted", 16, 0), ("updated", 0, 1), ("deleted", 1, 1)],
)
def test_stretches_that_cannot_be(wire: Wire, which: str, start_days: int, end_days: int) -> None:
    [refusal] = _ask(wire, which, NOW - timedelta(days=start_days), NOW - timedelta(days=end_days))
    assert refusal["errorCode"] == "INVALID_REPLICATION_DATE"


def test_a_purged_log_and_too_many_ids(wire: Wire, remote: Remote) -> None:
    remote.set_replication(deleted_since=NOW - timedelta(days=1), max_ids=3)
    assert _ask(wire, "deleted", NOW - timedelta(days=2), NOW)[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    assert _ask(wire, "deleted", NOW - timedelta(hours=2), NOW)["deletedRecords"] == []
    for number in range(4):
        remote.create("Account", {"Name": f"Many {number}"})
    assert _ask(wire, "updated", NOW, NOW + timedelta(minutes=1))[0]["errorCode"] == "EXCEEDED_ID_LIMIT"
