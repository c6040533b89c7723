"""`tokens`, `feed` and `mail` as an operator types them."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from sync_worker.domain.tell.event import KINDS, By, Event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Store
from tests.integration.cli.conftest import Terminal
from tests.integration.feed.inbox import SECRET
from tests.mailbox import Mailbox


def test_a_token_is_shown_once_and_ends_when_it_is_revoked(terminal: Terminal) -> None:
    made = terminal.types("tokens", "create", "acme", "--scope", "read", "--name", "export", "--json").json
    assert made["token"].startswith(f"swk_{made['id']}_")

    listed = terminal.types("tokens", "list", "acme", "--json")
    assert made["token"] not in listed.out
    assert [(row["id"], row["name"], row["scopes"], row["state"]) for row in listed.json] == [(made["id"], "export", ["read"], "active")]

    terminal.types("tokens", "revoke", "acme", made["id"])
    assert [row["state"] for row in terminal.types("tokens", "list", "acme", "--json").json] == ["revoked"]


def test_what_is_wrong_about_tokens_and_the_feed_is_said(terminal: Terminal) -> None:
    assert "allowed: read, write, operate" in terminal.types("tokens", "create", "acme", "--scope", "all", code=2).err
    assert "this moment is over" in terminal.types("tokens", "create", "acme", "--scope", "read", "--expires", "2020-01-01", code=2).err
    assert "sync-worker tokens list acme" in terminal.types("tokens", "revoke", "acme", "nobody", code=2).err
    assert "see docs/feed.md" in terminal.types("feed", "test", "acme", code=2).err
    assert "either --from NUMBER or --since MOMENT" in terminal.types("feed", "replay", "acme", code=2).err


def test_a_feed_is_paused_and_goes_on(terminal: Terminal) -> None:
    terminal.types("feed", "pause", "acme", "--reason", "the portal moves", "--actor", "Ann")
    assert terminal.types("feed", "show", "acme", "--json").json["paused because"] == "Ann: the portal moves"
    assert re.search(r"paused since +\d+ s ago \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\)", terminal.types("feed", "show", "acme").out)
    terminal.types("feed", "resume", "acme")
    assert terminal.types("feed", "show", "acme", "--json").json["paused because"] is None
    assert terminal.types("feed", "list", "acme", "--json").json == []


def test_a_place_of_the_feed_that_is_no_longer_kept_is_refused_with_the_oldest_one(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a portal with a feed of five events, one a day, of which the first three are no longer kept
    monkeypatch.setenv("FEED", SECRET)
    with terminal.portal_file.open("a") as file:
        file.write('\nfeed: {url: "http://127.0.0.1:9/events", secret: "${FEED}"}\n')
    for day in range(1, 6):
        noon = partial(datetime, 2026, 9, day, 12, tzinfo=UTC)
        with closing(Store(terminal.installation.database_url, clock=noon)) as store, store.side_transaction("acme") as tx:
            feed.tell(replace(tx, events=frozenset(KINDS)), [Event("company.changed", "company", "c1", By("crm", "CRM", "r1"))])
            feed.forget(tx, [1, 2, 3] if day == 5 else [])
    # When a person asks for one of those, by its number or by a moment, then it is refused with the option that begins with the oldest one
    gone = "is older than feed.keep and is gone; the oldest event there is has the number 4"
    assert f"event 3 {gone} — write --from 4" in terminal.types("feed", "replay", "acme", "--from", "3", code=2).err
    assert f"event 2 {gone} — write --after 3" in terminal.types("feed", "list", "acme", "--after", "1", code=2).err
    said = terminal.types("feed", "replay", "acme", "--since", "2026-09-02", code=2).err
    assert "events since 2026-09-02 00:00 UTC are older than feed.keep and are gone" in said
    assert "has the number 4, from 2026-09-04 12:00 UTC — write --from 4" in said
    # and what the messages say to write is taken
    assert [row["seq"] for row in terminal.types("feed", "list", "acme", "--after", "3", "--json").json] == [4, 5]
    assert "2 events are owed again" in terminal.types("feed", "replay", "acme", "--from", "4").out
    assert "1 events are owed again" in terminal.types("feed", "replay", "acme", "--since", "2026-09-05").out


def test_a_mail_server_is_tried_and_what_it_says_is_said(terminal: Terminal, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "set SYNC_WORKER_SMTP_URL" in terminal.types("mail", "test", "acme", "--to", "ann@example.com", code=2).err
    monkeypatch.setenv("SYNC_WORKER_SMTP_URL", mailbox.url)
    assert "took it" in terminal.types("mail", "test", "acme", "--to", "ann@example.com").out
    assert [letter["To"] for letter in mailbox.letters] == ["ann@example.com"]
    assert "not an address" in terminal.types("mail", "test", "acme", "--to", "ann", code=2).err
    mailbox.answers.append("550 no such person")
    assert "550 no such person" in terminal.types("mail", "test", "acme", "--to", "bo@example.com", code=1).err
    assert terminal.types("mail", "list", "acme", "--json").json == []
