"""Coming into the console and leaving it: a link works once and for minutes, a session ends, and neither stands in a log."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync_worker.domain.people.console import IDLE, SESSION_LASTS, ConsoleRole
from sync_worker.steps.people.console import Invited, invite
from sync_worker.store.people import console
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor, link_of, operator, stranger


def test_a_link_opens_a_page_and_only_its_button_uses_the_link_up(acme: Desk) -> None:
    # Given a link that the scanner of a mail server has opened, twice
    link, scanner, person = link_of(acme), stranger(acme), stranger(acme)
    for _ in range(2):
        assert "Ann" in scanner.open(link).words
    # When the person presses the button
    page = person.press(person.open(link), "Open the console")
    # Then the console is open, and the link is over for everybody
    assert page.words.count("acme") > 0
    assert person.open("/console/").status == 200
    assert scanner.open(link).status == 410
    again = scanner.send("/console/enter", {"link": link.rsplit("/", 1)[1]})
    assert again.status_code == 410
    assert "Set-Cookie" not in again.headers


def test_the_cookie_is_for_the_console_alone_and_no_script_reads_it(acme: Desk) -> None:
    # Given a link
    visitor = stranger(acme)
    link = link_of(acme).rsplit("/", 1)[1]
    # When its button is pressed on loopback
    answer = visitor.send("/console/enter", {"link": link})
    # Then the cookie has its limits; plain http on loopback is the one place where it need not be secure
    cookie = answer.headers["Set-Cookie"].lower()
    assert {"httponly", "path=/console", "samesite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie
    # And an address that is not loopback gets a secure one
    elsewhere = link_of(acme).rsplit("/", 1)[1]
    said, host = {"link": elsewhere}, {"Host": "sync.example.com"}
    answer = visitor.session.post(f"{acme.url}/console/enter", data=said, headers=host, allow_redirects=False)
    assert "secure" in answer.headers["Set-Cookie"].lower()


def test_a_link_is_over_when_its_time_has_passed(acme: Desk) -> None:
    # Given a link of ten minutes
    link = link_of(acme)
    # When eleven have passed
    acme.clock.forward(minutes=11)
    # Then it opens nothing, and the page says who makes another
    page = stranger(acme).open(link)
    assert page.status == 410
    assert "sync-worker console link" in page.words


@pytest.mark.parametrize("link", ["", "x", "acme.swl_0", ".swl_" + "0" * 82, "nowhere." + "x" * 90, "%00.x"])
def test_what_is_not_a_link_opens_nothing(acme: Desk, link: str) -> None:
    assert stranger(acme).open(f"/console/enter/{link}").status in (404, 410)
    assert stranger(acme).send("/console/enter", {"link": link}).status_code == 410


def test_a_token_of_the_api_is_no_session_and_a_link_is_no_session(acme: Desk) -> None:
    for text in (acme.token, link_of(acme).rsplit("/", 1)[1].lstrip(".")):
        visitor = stranger(acme)
        visitor.session.cookies.set("sync_worker_console", f".{text}", path="/console")
        assert visitor.open("/console/").status == 401


@pytest.mark.parametrize(("visits", "lasts"), [(False, IDLE), (True, SESSION_LASTS)], ids=["without a request", "with requests"])
def test_a_session_is_over_after_its_time(acme: Desk, ann: Visitor, visits: bool, lasts: timedelta) -> None:
    # Given a person in the console
    left_s = lasts.total_seconds() - 60
    # When they come again every ten minutes, or not at all, until shortly before the end
    while left_s > 0:
        step_s = min(left_s, 600)
        acme.clock.forward(seconds=step_s)
        left_s -= step_s
        if visits:
            assert ann.open("/console/").status == 200
    # Then the session is over soon after
    acme.clock.forward(seconds=61)
    assert ann.open("/console/").status == 401


def test_news_that_a_page_asks_for_by_itself_do_not_keep_a_session_alive(acme: Desk, ann: Visitor) -> None:
    # Given a page that was left open
    for _ in range(4):
        acme.clock.forward(seconds=IDLE.total_seconds() / 4 + 1)
        answer = ann.session.get(f"{acme.url}/console/", headers={"Accept": "text/event-stream"}, stream=True)
        answer.close()
    # Then the session is over as if nobody had been there
    assert ann.open("/console/").status == 401


def test_whoever_logs_out_is_out(acme: Desk, ann: Visitor) -> None:
    # Given the cookie of a session
    kept = ann.session.cookies.get("sync_worker_console") or ""
    # When the person logs out
    ann.press(ann.open("/console/"), "Log out")
    # Then the cookie is gone, and one that was copied before opens nothing
    assert not ann.session.cookies.get("sync_worker_console")
    other = stranger(acme)
    other.session.cookies.set("sync_worker_console", kept, path="/console")
    assert other.open("/console/").status == 401


def test_no_secret_of_the_console_is_kept_or_logged(acme: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    # Given a link and a session
    link = invite(acme.installation.store, Invited("acme", ConsoleRole.OPERATOR, "Ann", "root"), timedelta(minutes=5))
    visitor = operator(acme, home="acme")
    session = visitor.session.cookies.get("sync_worker_console") or ""
    # When somebody sends both to wrong places
    for path in (f"/console/enter/{link}x", f"/console/portals/{session}", f"/console/{session}"):
        visitor.open(path)
    # Then neither stands in the log, and the store knows their hashes alone
    said = capsys.readouterr()
    with acme.installation.store.reading("acme") as tx:
        kept = repr(console.sessions(tx))
    for secret in (link, session.partition(".")[2]):
        assert secret
        assert secret not in said.out + said.err + kept
