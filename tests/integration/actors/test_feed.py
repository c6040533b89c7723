"""The feed goes on by itself: found by the schedule, delivered by a worker, also while the CRM rests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sync_worker.actors import attempt
from sync_worker.config.settings import Settings
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.tell.deliver import DELIVER
from sync_worker.store.core import companies, portals
from sync_worker.store.tell import deliveries
from tests.contract.store.samples import company
from tests.integration.actors.conftest import Build
from tests.integration.due import due
from tests.integration.feed.inbox import SECRET, Inbox
from tests.integration.feed.inbox import inbox as open_inbox


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as found:
        yield found


def test_events_are_delivered_while_the_portal_rests_after_an_error_of_its_crm(settings: Settings, build_on: Build, inbox: Inbox) -> None:
    # Given a portal with a feed, a change to tell of, and a CRM that is left alone for now
    path = settings.config_dir / "portals" / "acme.yaml"
    path.write_text(f'{path.read_text()}\nfeed: {{url: "{inbox.url}", secret: "${{FEED}}"}}\n')
    installation = build_on(FEED=SECRET)
    with installation.store.transaction("acme") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, tx.now + timedelta(hours=1), "the CRM refused the log-in")
        companies.save(tx, [company()])
    # When the schedule looks and a worker does what it finds
    with installation.store.reading("acme") as tx:
        assert deliveries.is_due(tx)
    assert attempt(installation, "acme", Work.PULL, "company") is None
    assert attempt(installation, "acme", DELIVER.work, DELIVER.record)
    # Then the portal has heard of it
    assert [event["type"] for event in inbox.seen] == ["company.added"]
    assert list(due(installation.tenant("acme"))) == []
