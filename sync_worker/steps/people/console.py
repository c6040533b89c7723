"""CONSOLE: a link is made for a person, opens the console once, and begins a session there. So does the company's own log-in.

Nothing of a link or a session is kept but a hash.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sync_worker.boundary import tokens as texts
from sync_worker.domain.people.console import SESSION_LASTS, Admission, ConsoleRole
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.people import console
from sync_worker.store.people.console import SEEN_EVERY, ConsoleLink, ConsoleSession


class Invited(NamedTuple):
    """Who gets a link. **Shapes** `portal` EVERY_PORTAL: all of them; `by`: who made it."""

    portal: str
    role: ConsoleRole
    name: str
    by: str


def invite(store: Store, guest: Invited, lasts: timedelta) -> str:
    """The text of a link, which is shown once. **Raises** StoreDown."""
    made = texts.make(texts.LINK)
    with store.side_transaction(guest.portal) as tx:
        console.add_link(tx, ConsoleLink(made.id, made.hash, guest.role, guest.name, guest.by, tx.now + lasts))
    return made.text


def invited(store: Store, portal: str, text: str) -> ConsoleLink | None:
    """The link, if it still opens the console. It is not used up: scanners of mails open links."""
    with store.reading(portal) as tx:
        return _link(tx, text)


def enter(store: Store, portal: str, text: str) -> str | None:
    """Uses the link up and begins a session; returns the session's text. None: the link does not open the console any more."""
    made = texts.make(texts.SESSION)
    with store.side_transaction(portal) as tx:
        link = _link(tx, text)
        if link is None or not console.use_link(tx, link.id):
            return None
        _begin(tx, made, link.role, link.name)
    return made.text


def admit(store: Store, admission: Admission, name: str) -> str:
    """Begins a session of a person whom the company's log-in has named; returns the session's text."""
    made = texts.make(texts.SESSION)
    with store.side_transaction(admission.portal) as tx:
        _begin(tx, made, admission.role, name)
    return made.text


def recognize(store: Store, portal: str, text: str, *, is_visit: bool) -> ConsoleSession | None:
    """Whose session this is; None where there is none, or it is over. **Shapes** `is_visit`: a person asked, not the page by itself."""
    session_id = texts.id_of(text, texts.SESSION)
    if session_id is None:
        return None
    with store.reading(portal) as tx:
        found, now = console.session(tx, session_id), tx.now
    if found is None or not texts.is_same(text, found.hash):
        return None
    if is_visit and found.seen_at <= now - SEEN_EVERY:
        with store.side_transaction(portal) as tx:
            console.note_visit(tx, found.id)
    return found


def leave(store: Store, portal: str, session_id: str) -> bool:
    """The session is over from the next request on. False: it was before."""
    with store.side_transaction(portal) as tx:
        return console.end(tx, session_id)


def _begin(tx: Tx, made: texts.Made, role: ConsoleRole, name: str) -> None:
    console.begin(tx, ConsoleSession(made.id, made.hash, role, name, tx.now, tx.now + SESSION_LASTS, tx.now))


def _link(tx: Tx, text: str) -> ConsoleLink | None:
    link_id = texts.id_of(text, texts.LINK)
    found = console.link(tx, link_id) if link_id else None
    return found if found and texts.is_same(text, found.hash) else None
