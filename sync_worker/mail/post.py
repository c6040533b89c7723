"""One portal's way to its people: the server, the templates, the sender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from email.message import EmailMessage

from sync_worker.config.templates import Templates


@dataclass(frozen=True, slots=True)
class Post:
    """**Shapes** `send` hands one letter over, as `smtp.Server.send`; `sender`: name and address.

    `documents`: the templates of what goes with a letter; `zone` says which day stands on it.
    """

    send: Callable[[EmailMessage], None]
    templates: Templates
    sender: str
    documents: Templates
    zone: tzinfo = UTC
