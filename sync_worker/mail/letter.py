"""A letter: subject, text and HTML out of the templates `<name>.txt` and `<name>.html`. The first line of the text is the subject.

Its Message-ID is made of the mail's id, so that a second copy, sent after a crash, is known as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any, Final

from sync_worker.boundary.text import harmless, one_line
from sync_worker.config.templates import Templates

ROOM: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a letter."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What is written to whom. **Shapes** `template`: its name; `context`: the words that are filled in."""

    mail_id: str
    address: str
    template: str
    context: Mapping[str, Any]
    written_at: datetime
    enclosures: Sequence[Enclosure] = ()


def compose(templates: Templates, asked: Letter, *, sender: str) -> EmailMessage:
    """The letter as it is sent. **Raises** ConfigError for a template, ValueError for a malformed address."""
    context = {"link": "", "because": "", "changes": [], **_harmless(asked.context)}
    subject, _, text = templates.render(f"{asked.template}.txt", context).strip().partition("\n")
    letter = EmailMessage(SMTP)
    letter["Subject"] = " ".join(subject.split())
    letter["From"] = _address(sender)
    letter["To"] = _address(asked.address)
    letter["Date"] = format_datetime(asked.written_at)
    letter["Message-ID"] = f"<{asked.mail_id}@{_address(sender).domain}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notices do not answer it
    letter.set_content(text.strip() + "\n")
    letter.add_alternative(templates.render(f"{asked.template}.html", {**context, "subject": letter["Subject"]}), subtype="html")
    for one in asked.enclosures:
        kind, _, form = one.media_type.partition("/")
        letter.add_attachment(one.content, maintype=kind, subtype=form, filename=one.name)
    return letter


def _harmless(context: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a letter as data: a name is one line, so that it begins no paragraph of its own; only a reason may have several."""
    found = {name: _in_one_line(value) for name, value in context.items()}
    reason = context.get("reason")
    return {**found, "reason": harmless(reason)} if isinstance(reason, str) else found


def _in_one_line(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return {name: _in_one_line(part) for name, part in value.items()}
    return [_in_one_line(part) for part in value] if isinstance(value, list | tuple) else value


def _address(written: str) -> Address:
    name, spec = parseaddr(written)
    if "@" not in spec or any(character in written for character in "\r\n"):
        raise ValueError(f"{written!r} is not an address")
    return Address(name, addr_spec=spec)
