"""The doors of the console. A page names its door in its signature.

Entering   anyone: the page of a link, and the log-in with the company's account
Operating  an operator, in one portal; or in all of them where the address names none
Changing   the same, and the change was asked for on a page of ours: its form has the session's mark
Managing   the vendor's admin in the portal of the session; or an operator, who may see and do the same
Arranging  the same, and the change was asked for on a page of ours
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, Request, Response
from starlette.datastructures import FormData

from sync_worker.bootstrap import Installation
from sync_worker.domain.core.deal import Actor
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.people.console import EVERY_PORTAL, ConsoleRole, may_be_of
from sync_worker.provider import Provider
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.console import recognize
from sync_worker.store.people.console import ConsoleSession
from sync_worker.web.api.core.follow_up import FollowUps
from sync_worker.web.api.core.shapes import TEXT
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.pages import Pages, wants_events

COOKIE: Final = "sync_worker_console"
MOST_TEXT: Final = 1000
MOST_LINED: Final = 50_000
_IS_TEXT: Final = re.compile(TEXT).match
HOW_TO_ENTER: Final = (
    "An operator makes a link on the server: sync-worker console link --role operator --name YOUR-NAME; "
    "for an admin of the vendor: sync-worker console link --role vendor --portal PORTAL --name YOUR-NAME"
)
OPERATORS: Final = frozenset({ConsoleRole.OPERATOR})
EVERY_ROLE: Final = frozenset(ConsoleRole)


@dataclass(frozen=True, slots=True)
class Console:
    """What every page stands on."""

    installation: Installation
    follow_ups: FollowUps
    pages: Pages
    provider: Provider | None

    def refused(self, title: str, words: str, *, is_door: bool, status: int = 200) -> Response:
        """A page of words. **Shapes** `is_door`: the person may want to come in, so it shows the company's log-in where there is one."""
        context = {"title": title, "words": words, "log_in": is_door and self.provider is not None, "visit": None, "is_live": False}
        return self.pages.show("core/refused.html", context, status=status)


@dataclass(frozen=True, slots=True)
class ConsoleVisit:
    """One request of a person who is inside. **Shapes** `portal` EVERY_PORTAL: the page is about all of them; `mark`: see `mark_of`."""

    console: Console
    session: ConsoleSession
    home: str
    portal: str
    mark: str

    @property
    def tenant(self) -> Tenant:
        """The portal's, of the thread that asks."""
        return self.console.installation.tenant(self.portal, "live")

    @property
    def actor(self) -> str:
        """Who is written down with a change."""
        return f"{self.session.name} (console)"

    @property
    def admin(self) -> User:
        """The person as an admin of the vendor, whom no portal has to tell of: so both roles act on the vendor's pages."""
        return User(self.actor, "", self.actor, Role.ACCOUNT_OWNER, None, is_vendor_admin=True)

    @property
    def for_vendor(self) -> Actor:
        """The same as somebody who acts."""
        return Actor(self.actor, None, "portal", self.admin)

    @property
    def address(self) -> str:
        """Of the portal's pages."""
        return f"/console/portals/{self.portal}"

    @property
    def operates(self) -> bool:
        """Whether the person may see the operator's pages too."""
        return self.session.role is ConsoleRole.OPERATOR

    @property
    def portals(self) -> Sequence[str]:
        """The portals that this person may open."""
        return self.console.installation.names if self.home == EVERY_PORTAL else [self.home]

    def in_portal(self, portal: str) -> ConsoleVisit:
        """The same person, in one of the portals that this person may open."""
        return replace(self, portal=portal)

    def context(self, **more: Any) -> dict[str, Any]:
        """What the frame of a page shows, and more."""
        now = self.console.installation.services.clock()
        return {"visit": self, "portal": self.portal, "at": self.address, "now": now, "here": "", "is_live": False, **more}


def mark_of(session_text: str) -> str:
    """What a form of a session's page carries: it cannot be told without the cookie, which no other site can read."""
    return hmac.new(session_text.encode(), b"console form", hashlib.sha256).hexdigest()


def sealed(home: str, text: str) -> str:
    """A link or a session as it travels: the portal that it is for, and its text."""
    return f"{home}.{text}"


def opened(seal: str) -> tuple[str, str]:
    """The portal and the text. A name of a portal has no dot."""
    home, _, text = seal.partition(".")
    return home, text


def _visit(request: Request, roles: Collection[ConsoleRole], portal: str) -> ConsoleVisit:
    console: Console = request.app.state.console
    home, text = opened(request.cookies.get(COOKIE, ""))
    known = (EVERY_PORTAL, *console.installation.names)
    session = recognize(console.installation.store, home, text, is_visit=not wants_events(request)) if home in known else None
    if session is None or not may_be_of(session.role, home):
        raise TurnedAway(401, "You are not logged in", f"Your session is over, or you have not opened the console yet. {HOW_TO_ENTER}")
    if session.role not in roles:
        words = f"You are in the console as {session.role}. This page is for the {' and the '.join(sorted(roles))}."
        raise TurnedAway(403, "This page is not for your role", words)
    if portal and (portal not in known or home not in (EVERY_PORTAL, portal)):
        raise TurnedAway(404, "There is no such page", "There is no such portal, or your link was not made for it.")
    return ConsoleVisit(console, session, home, portal, mark_of(text))


def _operating(request: Request, portal: str = EVERY_PORTAL) -> ConsoleVisit:
    return _visit(request, OPERATORS, portal)


def _managing(request: Request, portal: str = EVERY_PORTAL) -> ConsoleVisit:
    return _visit(request, EVERY_ROLE, portal)


Operating: TypeAlias = Annotated[ConsoleVisit, Depends(_operating)]
Managing: TypeAlias = Annotated[ConsoleVisit, Depends(_managing)]


@dataclass(frozen=True, slots=True)
class ConsoleChange:
    """A change that a person asked for, with what the form says."""

    visit: ConsoleVisit
    form: FormData

    def text(self, name: str, *, is_required: bool = False) -> str:
        """What stands in a field, without blanks around it. **Raises** TurnedAway."""
        found = self.form.get(name, "")
        text = found.strip() if isinstance(found, str) else ""
        if len(text) > MOST_TEXT or not _IS_TEXT(text):
            raise TurnedAway(422, "Nothing was changed", f"{name.capitalize()}: write a text of {MOST_TEXT} characters at most.")
        if is_required and not text:
            raise TurnedAway(422, "Nothing was changed", f"{name.capitalize()}: say why. It is kept for the people who read the history.")
        return text

    def lines(self, name: str) -> str:
        """What stands in a field of several lines. **Raises** TurnedAway."""
        found = self.form.get(name, "")
        text = found.replace("\r\n", "\n") if isinstance(found, str) else ""
        if len(text) > MOST_LINED or not _IS_TEXT(text.replace("\n", " ")):
            raise TurnedAway(422, "Nothing was changed", f"{name.capitalize()}: write a text of {MOST_LINED} characters at most.")
        return text

    def texts(self, name: str) -> list[str]:
        """What stands in all fields of this name."""
        return [text for text in self.form.getlist(name) if isinstance(text, str) and text]


async def _form(request: Request) -> AsyncIterator[FormData]:
    async with request.form() as form:  # closes the files that are in it
        yield form


def _asked(visit: ConsoleVisit, form: FormData) -> ConsoleChange:
    mark = form.get("mark", "")
    if not isinstance(mark, str) or not hmac.compare_digest(mark.encode(), visit.mark.encode()):
        raise TurnedAway(403, "Nothing was changed", "The form was not one of this session. Open the page again, then send it.")
    return ConsoleChange(visit, form)


def _changing(visit: Operating, form: Annotated[FormData, Depends(_form)]) -> ConsoleChange:
    return _asked(visit, form)


def _arranging(visit: Managing, form: Annotated[FormData, Depends(_form)]) -> ConsoleChange:
    return _asked(visit, form)


Changing: TypeAlias = Annotated[ConsoleChange, Depends(_changing)]
Arranging: TypeAlias = Annotated[ConsoleChange, Depends(_arranging)]
