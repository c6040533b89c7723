"""The feed and the mail in the console: what is owed, told again, paused with a reason, and tried against a real receiver and server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_worker.store.operate import interventions
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, console, operator
from tests.integration.feed.inbox import Inbox, inbox
from tests.integration.steps.world import Loaded

AT = "/console/portals/acme"


@pytest.fixture
def receiver() -> Iterator[Inbox]:
    with inbox() as found:
        yield found


@pytest.fixture
def ann(sandbox: str, loaded: Loaded, tmp_path: Path, receiver: Inbox) -> Iterator[Visitor]:
    """The operator of a portal that has a feed."""
    feed = {"url": receiver.url, "secret": "${FEED_SECRET}", "events": ["deal.registered"]}
    with console(tmp_path, sandbox, loaded, changes={"feed": feed}) as acme:
        visitor = operator(acme)
        with visitor.session:
            yield visitor


def test_the_feed_is_paused_with_a_reason_told_again_and_goes_on(ann: Visitor) -> None:
    # Given a portal whose feed owes the event of a deal
    acme: Desk = ann.desk
    acme.registered(name="Harbor deal")
    page = ann.open(f"{AT}/feed")
    assert "deal.registered" in page.words
    # When the operator pauses it, which needs a reason
    assert ann.press(page, "Pause the feed", reason=" ").status == 422
    paused = ann.press(page, "Pause the feed", reason="the portal moves")
    assert "Ann (console): the portal moves" in paused.words
    # And lets it go on
    acme.clock.forward(seconds=1)
    on = ann.press(paused, "Go on", reason="they have moved")
    assert "Paused" not in on.words
    # Then who did it, when and why is kept, and shown
    with acme.installation.store.reading("acme") as tx:
        acts = [(one.verb, one.actor, one.reason) for one in interventions.listed(tx, "pause_feed", "resume_feed")]
    assert acts == [("pause_feed", "Ann (console)", "the portal moves"), ("resume_feed", "Ann (console)", "they have moved")]
    assert "they have moved" in on.words
    # And everything is sent again
    again = ann.press(ann.open(f"{AT}/feed"), "Send again from there", **{"from": "1"})
    assert "1 event," in again.words
    acme.wakes("deliver")
    assert ann.press(page, "Send again from there", **{"from": "x"}).status == 422


def test_a_ping_shows_what_the_receiver_answered(ann: Visitor, receiver: Inbox) -> None:
    # Given a receiver, which believes no old signature, and an operator of today
    ann.desk.clock.now = datetime.now(UTC)
    ann = operator(ann.desk)
    taken = ann.press(ann.open(f"{AT}/feed"), "Send a ping")
    # Then the page says that it took the ping, or that it did not
    assert "It was taken" in taken.words
    assert [one["type"] for one in receiver.seen] == ["ping"]
    receiver.answer = lambda _event: (500, {})
    assert "It was not taken" in ann.press(ann.open(f"{AT}/feed"), "Send a ping").words


def test_without_a_mail_server_the_page_says_so_and_nothing_is_sent(ann: Visitor) -> None:
    page = ann.open(f"{AT}/mail")
    assert "SYNC_WORKER_SMTP_URL" in page.words
    assert "Send one letter" not in page.words
    mark = ann.open(f"{AT}/feed").form_of("Send a ping").fields[0][1]
    assert ann.send(f"{AT}/mail/test", {"mark": mark, "to": "ann@example.com"}).status_code == 409
