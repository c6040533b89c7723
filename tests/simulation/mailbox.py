"""The portal's mail server: what it has taken, and what goes wrong with it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sync_worker.config.templates import Templates
from sync_worker.documents import page
from sync_worker.errors import RecordError, TransientError
from sync_worker.mail import letter
from sync_worker.mail.post import Post
from sync_worker.store.tell import mails
from tests.simulation.gate import Gate

if TYPE_CHECKING:
    from tests.simulation.rules import AtRest

DOWN, REFUSING = "the mail server is down", "the mail server refuses a letter"
TAKEN = "the mail server has a letter, and its answer is lost"
TROUBLES = (DOWN, REFUSING, TAKEN)
SENDER = "Acme <portal@acme.example>"
NOWHERE = Path("/nonexistent")  # a portal's own templates: it has none


@dataclass
class Mailbox:
    """**Shapes** `letters`: id → address, subject, text; `orders`: troubles to come; `odd`: what must never arrive."""

    letters: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)

    def order(self, dice: random.Random) -> str:
        """Trouble for one to five letters, and what it is called."""
        name = dice.choice(TROUBLES)
        self.orders += [name] * dice.choice((1, 1, 2, 5))
        return name

    def take(self, message: EmailMessage) -> None:
        """**Raises** as a mail server's way out does."""
        trouble = self.orders.pop(0) if self.orders else ""
        if trouble:
            self.hits[trouble] += 1
        if trouble == REFUSING:
            raise RecordError("550 no such user", code="mail_refused")
        if trouble != DOWN:
            self._keep(message)
        if trouble:
            raise TransientError("the mail server did not answer")

    def _keep(self, message: EmailMessage) -> None:
        mail_id = str(message["Message-ID"]).strip("<>").partition("@")[0]
        body = message.get_body(("plain",))
        found = str(message["To"]), str(message["Subject"]), body.get_content() if body else ""
        if self.letters.setdefault(mail_id, found) != found:
            self.odd.append(f"letter {mail_id} came twice with another content")


def post(box: Mailbox, gate: Gate) -> Post:
    """One worker's way to it."""

    def send(message: EmailMessage) -> None:
        gate.pass_()
        gate.time.forward(0.2)
        box.take(message)
        gate.pass_()

    return Post(send, _templates(letter.ROOM), SENDER, _templates(page.ROOM))


@cache
def _templates(room: Path) -> Templates:
    return Templates(room, NOWHERE, "acme")


def posted(here: AtRest) -> Iterator[str]:
    """Each letter is sent, given up and told so, or held back; no letter is sent that nobody wrote."""
    box = here.world.mailbox
    with here.world.store.reading(here.world.portal.name) as tx:
        rows = mails.listed(tx, limit=None)
    for row in rows:
        if row.outcome == "sent" and row.mail.id not in box.letters:
            yield f"letter {row.mail.id} to {row.mail.address} was never sent, and counts as sent"
        if row.outcome == "given_up" and (("mail_refused", "") not in here.problems_of(row.mail.id)):
            yield f"letter {row.mail.id} to {row.mail.address} was given up, and nothing says so"
        if not row.outcome:
            yield f"letter {row.mail.id} to {row.mail.address} waits at rest: {row}"
    yield from (f"letter {id_} was sent, and nobody wrote it" for id_ in sorted(box.letters.keys() - {row.mail.id for row in rows}))
    yield from box.odd
