"""`tokens`, `feed` and `mail` as an operator types them."""

from __future__ import annotations

import re

import pytest

from tests.integration.cli.conftest import Terminal
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
    terminal.types("feed", "pause", "acme", "--reason", "the portal moves")
    assert terminal.types("feed", "show", "acme", "--json").json["paused because"] == "the portal moves"
    assert re.search(r"paused since +\d+ s ago \(\d{4}-\d\d-\d\d \d\d:\d\d UTC\)", terminal.types("feed", "show", "acme").out)
    terminal.types("feed", "resume", "acme")
    assert terminal.types("feed", "show", "acme", "--json").json["paused because"] is None
    assert terminal.types("feed", "list", "acme", "--json").json == []


def test_a_mail_server_is_tried_and_what_it_says_is_said(terminal: Terminal, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "set SYNC_WORKER_SMTP_URL" in terminal.types("mail", "test", "acme", "--to", "ann@example.com", code=2).err
    monkeypatch.setenv("SYNC_WORKER_SMTP_URL", mailbox.url)
    assert "took it" in terminal.types("mail", "test", "acme", "--to", "ann@example.com").out
    assert [letter["To"] for letter in mailbox.letters] == ["ann@example.com"]
    assert "no address" in terminal.types("mail", "test", "acme", "--to", "ann", code=2).err
    mailbox.answers.append("550 no such person")
    assert "550 no such person" in terminal.types("mail", "test", "acme", "--to", "bo@example.com", code=1).err
    assert terminal.types("mail", "list", "acme", "--json").json == []
