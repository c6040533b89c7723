"""Mail on a real SMTP server: once per (event, person), tried again while it may help, known again after a crash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from dramatiq.brokers.stub import StubBroker
from pydantic import SecretStr

from sync_worker.actors import Actors, attempt
from sync_worker.bootstrap import build
from sync_worker.config.settings import Settings
from sync_worker.config.templates import Templates
from sync_worker.errors import ConfigError, RecordError, TransientError
from sync_worker.mail.letter import ROOM, Letter, compose
from sync_worker.mail.post import Post
from sync_worker.mail.smtp import server_of
from sync_worker.schedule import Scheduler
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.tell.mail import MOST_ATTEMPTS, MailsSent, send_mail
from sync_worker.store.core import failures, portals
from sync_worker.store.core.engine import Store
from sync_worker.store.tell import mails
from sync_worker.store.tell.mails import MailRow, OwedMail
from tests.mailbox import Mailbox
from tests.servers import MONDAY, Clock, sqlite_store

REPOSITORY = Path(__file__).parents[3]
WORDS = {"name": "Bo", "actor": "Ann", "deal": "Harbor Freight", "company": "Birch", "link": "https://portal.example.com/deals/d1"}
SAMPLES: dict[str, dict[str, Any]] = {
    "deal_registered": {},
    "deal_updated": {"changes": [{"field": "amount", "before": "1", "after": "2"}], "reason": "no budget"},
    "finalize_requested": {},
    "quote_sent": {"total": "4,285.32 EUR", "pricing": "distributor", "term": "3 years, annual"},
    "expires_soon": {"expires_on": "2026-03-31"},
    "approval_waits": {"since": "2026-03-01"},
    "journey": {
        "journey": "welcome",
        "version": 3,
        "subject": "Harbor Freight is yours",
        "paragraphs": [["Hello Bo,"], ["Harbor Freight:", "https://portal.example.com/deals/d1"]],
    },
    "decision_untaken": {"said": "approved", "why": "the terms in the CRM are not the portal's now"},
}


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with closing(sqlite_store(tmp_path, clock=clock)) as store:
        yield store


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    return Templates(ROOM, tmp_path / "config", "acme")


@pytest.fixture
def post(mailbox: Mailbox, templates: Templates) -> Post:
    return Post(server_of(mailbox.url).send, templates, "Acme Portal <portal@acme.example>", templates)


def write(store: Store, *written: OwedMail) -> None:
    with store.transaction("acme") as tx:
        mails.write(tx, written)


def mail(id_: str = "m1", template: str = "deal_registered", **context: Any) -> OwedMail:
    return OwedMail(id_, f"registered/{id_}", "bo@example.com", template, {**WORDS, **SAMPLES[template], **context})


def row(store: Store, id_: str = "m1") -> MailRow:
    with store.reading("acme") as tx:
        return next(found for found in mails.listed(tx) if found.mail.id == id_)


def parts(letter: EmailMessage) -> tuple[str, str]:
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


# ── letters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("template", sorted(SAMPLES))
def test_every_template_makes_a_letter_with_text_and_html(store: Store, post: Post, mailbox: Mailbox, template: str) -> None:
    # Given a mail of this kind, when it is sent
    write(store, mail(template=template))
    assert send_mail(store, "acme", post, Services()) == MailsSent(sent=1)

    # Then the server has one letter, to read in either form, with what it is about
    (letter,) = mailbox.letters
    assert (letter["To"], letter["From"], letter["Message-ID"]) == (
        "bo@example.com",
        "Acme Portal <portal@acme.example>",
        "<m1@acme.example>",
    )
    assert "Harbor Freight" in letter["Subject"]
    for body in parts(letter):
        assert "Harbor Freight" in body
        assert "Hello Bo" in body
        assert WORDS["link"] in body
        assert "{" not in body.replace("{margin", "")


def test_there_is_a_sample_of_every_template() -> None:
    assert {path.stem for path in (ROOM / "templates").glob("*.txt")} == set(SAMPLES)
    assert {path.stem for path in (ROOM / "templates").glob("*.html")} == {*SAMPLES, "letter"}


def test_what_a_person_wrote_is_text_in_the_html_and_makes_no_header(store: Store, post: Post, mailbox: Mailbox) -> None:
    write(store, mail(deal="<script>alert(1)</script>\r\nBcc: all@example.com"))
    send_mail(store, "acme", post, Services())
    (letter,) = mailbox.letters
    assert letter["Bcc"] is None
    assert "<script>" not in parts(letter)[1]
    assert "&lt;script&gt;" in parts(letter)[1]


def test_a_portals_own_template_counts_and_the_others_stay(store: Store, post: Post, mailbox: Mailbox, templates: Templates) -> None:
    templates.own.mkdir(parents=True)
    (templates.own / "deal_registered.txt").write_text("Neu: {{ deal }}\n\nGuten Tag {{ name }}\n")
    write(store, mail())
    send_mail(store, "acme", post, Services())
    (letter,) = mailbox.letters
    assert letter["Subject"] == "Neu: Harbor Freight"
    assert parts(letter)[0] == "Guten Tag Bo\r\n" or parts(letter)[0] == "Guten Tag Bo\n"
    assert "Hello Bo" in parts(letter)[1]


@pytest.mark.parametrize(("written", "words"), [("{{ nobody }}", "'nobody' is undefined"), ("{% if %}", "deal_registered.txt:1")])
def test_a_template_with_a_mistake_waits_for_whoever_wrote_it(
    store: Store, post: Post, mailbox: Mailbox, templates: Templates, written: str, words: str
) -> None:
    templates.own.mkdir(parents=True)
    (templates.own / "deal_registered.txt").write_text(written)
    write(store, mail())
    assert send_mail(store, "acme", post, Services()) == MailsSent(put_off=1)
    assert mailbox.letters == []
    assert words in row(store).error


def test_a_template_reaches_nothing_but_its_words(templates: Templates) -> None:
    templates.own.mkdir(parents=True)
    (templates.own / "deal_registered.txt").write_text("{{ name.__class__.__mro__ }}")
    with pytest.raises(ConfigError, match="unsafe"):
        templates.render("deal_registered.txt", WORDS)


# ── tries ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_that_says_later_is_asked_later(store: Store, post: Post, mailbox: Mailbox, clock: Clock) -> None:
    # Given a server that is busy twice
    mailbox.answers = ["451 busy", "452 still busy"]
    write(store, mail())

    # When the mail is tried when it is due
    for wait_s in (60, 120):
        assert send_mail(store, "acme", post, Services()) == MailsSent(put_off=1)
        assert send_mail(store, "acme", post, Services()) == MailsSent()
        assert re.fullmatch(r"the mail server 127\.0\.0\.1:\d+ said 45\d (still )?busy", row(store).error)
        clock.forward(seconds=wait_s)

    # Then it goes in the end, once
    assert send_mail(store, "acme", post, Services()) == MailsSent(sent=1)
    assert send_mail(store, "acme", post, Services()) == MailsSent()
    assert len(mailbox.letters) == 1
    assert row(store).outcome == "sent"


def test_what_the_server_will_never_take_is_given_up_and_said_and_the_others_go(store: Store, post: Post, mailbox: Mailbox) -> None:
    mailbox.answers = ["550 no such user"]
    write(store, mail("m1"), mail("m2"))
    assert send_mail(store, "acme", post, Services()) == MailsSent(sent=1, given_up=1)
    assert row(store, "m1").outcome == "given_up"
    with store.reading("acme") as tx:
        (failure,) = failures.listed(tx)
    assert failure.failure.code == "mail_refused"
    assert "550 no such user" in failure.failure.message


def test_an_address_that_is_none_is_given_up_at_once(store: Store, post: Post) -> None:
    write(store, OwedMail("m1", "e", "nobody", "deal_registered", WORDS))
    assert send_mail(store, "acme", post, Services()) == MailsSent(given_up=1)


def test_a_mail_is_given_up_after_two_days(store: Store, post: Post, mailbox: Mailbox, clock: Clock) -> None:
    mailbox.answers = ["451 busy"] * MOST_ATTEMPTS
    write(store, mail())
    for _ in range(MOST_ATTEMPTS - 1):
        assert send_mail(store, "acme", post, Services()) == MailsSent(put_off=1)
        clock.now = row(store).due_at
    assert send_mail(store, "acme", post, Services()) == MailsSent(given_up=1)
    assert timedelta(days=1) < clock.now - MONDAY < timedelta(days=3)


def test_a_worker_that_dies_after_the_send_sends_again_what_is_known_as_the_same(
    store: Store, post: Post, mailbox: Mailbox, clock: Clock
) -> None:
    # Given a worker that dies after the server took the letter
    def dying(letter: EmailMessage) -> None:
        post.send(letter)
        raise KeyboardInterrupt

    write(store, mail())
    with pytest.raises(KeyboardInterrupt):
        send_mail(store, "acme", Post(dying, post.templates, post.sender, post.documents), Services())

    # When another one comes by, before the claim is over and after
    assert send_mail(store, "acme", post, Services()) == MailsSent()
    clock.forward(minutes=11)
    assert send_mail(store, "acme", post, Services()) == MailsSent(sent=1)

    # Then both letters have one Message-ID and one date
    first, second = mailbox.letters
    assert (first["Message-ID"], first["Date"]) == (second["Message-ID"], second["Date"])


def test_a_server_that_is_not_there_is_waited_for(store: Store, post: Post, mailbox: Mailbox) -> None:
    nobody = server_of("smtp://127.0.0.1:1")
    write(store, mail())
    assert send_mail(store, "acme", Post(nobody.send, post.templates, post.sender, post.documents), Services()) == MailsSent(put_off=1)
    assert row(store).error == "the mail server 127.0.0.1:1 did not take the letter: connection refused"


# ── addresses and log-ins ────────────────────────────────────────────────────────────────────────────────────────────


def letter(templates: Templates) -> EmailMessage:
    return compose(
        templates,
        Letter(
            mail_id="m1", address="Bo <bo@example.com>", template="deal_registered", context={**WORDS, "portal": "acme"}, written_at=MONDAY
        ),
        sender="portal@acme.example",
    )


def test_a_name_begins_no_paragraph_of_a_letter_and_steers_nothing(templates: Templates) -> None:
    evil = "\r\n\r\nDear customer,\x1b log in at evil.example\u202e"
    for template in sorted(path.stem for path in (ROOM / "templates").glob("*.txt")):
        names = {"deal": f"Deal{evil}", "company": f"Birch{evil}", "actor": f"Mallory{evil}", "reason": "one\n\ntwo\x1b"}
        context = {**WORDS, **SAMPLES[template], **names, "portal": "acme"}
        asked = Letter("m1", "bo@example.com", template, context, written_at=MONDAY)
        made = compose(templates, asked, sender="portal@acme.example")
        parts = [part.get_content() for part in made.walk() if part.get_content_maintype() == "text"]
        for text in (made["Subject"], *parts):
            assert not {"\x1b", "\u202e"} & {*text}, template
            assert not any(line.startswith(("Dear", "Deal")) for line in text.splitlines()), template


def test_a_log_in_is_taken_from_the_address(mailbox: Mailbox, templates: Templates) -> None:
    server_of(mailbox.url.replace("//", "//ann:s3cret%2F@")).send(letter(templates))
    assert len(mailbox.letters) == 1


def test_a_refused_log_in_is_somebodys_to_mend_and_loses_no_letter(mailbox: Mailbox, templates: Templates) -> None:
    with pytest.raises(TransientError, match="535"):
        server_of(mailbox.url.replace("//", "//ann:wrong@")).send(letter(templates))


def test_a_refused_recipient_is_undeliverable(mailbox: Mailbox, templates: Templates) -> None:
    mailbox.answers = ["553 not here"]
    with pytest.raises(RecordError, match="553 not here"):
        server_of(mailbox.url).send(letter(templates))


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://host:0x1", "smtp://h/x", "smtp://u:top@h:9/x"]
)
def test_an_address_that_cannot_be_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError, match="SYNC_WORKER_SMTP_URL") as refused:
        server_of(url)
    assert "top" not in str(refused.value).replace("SYNC", "")


def test_ports_are_those_of_the_protocol_and_a_password_is_not_shown() -> None:
    assert (server_of("smtp://mail.example.com").port, server_of("smtps://mail.example.com").port) == (587, 465)
    assert "s3cret" not in repr(server_of("smtps://ann:s3cret@mail.example.com"))


# ── the actor ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_schedule_finds_mail_that_waits_and_an_actor_sends_it_while_the_portal_rests(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an installation with a mail server, whose portal is paused, and a letter
    config = tmp_path / "config" / "portals"
    config.mkdir(parents=True)
    (config / "acme.yaml").write_text((REPOSITORY / "config" / "examples" / "contracts.yaml").read_text())
    environ = dict.fromkeys(("ACME_SF_ID", "ACME_SF_SECRET", "ACME_SF_HOOK"), "x")
    sqlite_store(tmp_path).close()
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'sync-worker.db'}",
        config_dir=tmp_path / "config",
        mappings_dir=REPOSITORY / "mappings",
        smtp_url=SecretStr(mailbox.url),
        mail_from="portal@acme.example",
    )
    installation = build(settings, environ=environ)
    try:
        (portal,) = installation.portals
        with installation.store.transaction(portal.name) as tx:
            portals.enter(tx, "contracts")
            portals.pause(tx, tx.now + timedelta(hours=1), "the CRM refused the log-in")
            mails.write(tx, [mail()])

        # When the schedule looks
        sent: list[tuple[str, str]] = []
        actors = Actors(StubBroker(middleware=[]), installation)
        monkeypatch.setattr(actors, "send", lambda name, verb, *_: sent.append((name, verb)))
        Scheduler(installation, actors).tick()

        # Then it asks for a turn of mail and of nothing else, and the turn sends it
        assert sent == [(portal.name, "mail")]
        attempt(installation, portal.name, Work.MAIL, "")
        assert [one["To"] for one in mailbox.letters] == ["bo@example.com"]
    finally:
        installation.close()
