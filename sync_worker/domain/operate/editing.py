"""A file of a portal that a person edits: who may, and what of its lines is shown again."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from sync_worker.domain.people.console import EVERY_PORTAL

_SECRET: Final = re.compile(
    r"""(?:client_secret|private_key|refresh_token|token|previous_secret|secret)["']?[ \t]*:[ \t]*["']?(?!\$\{|null\b|~)[^\s"',}]"""
)


class EditedFile(StrEnum):
    """The files that the console can edit."""

    PORTAL = "portal"
    MAPPING = "mapping"


def may_edit(file: EditedFile, home: str, users: Collection[str]) -> bool:
    """Whether an operator of `home` may edit the file. **Shapes** `home` EVERY_PORTAL: of all; `users`: portals that use the file."""
    return home == EVERY_PORTAL or file is EditedFile.PORTAL or set(users) <= {home}


def holds_secret(text: str) -> bool:
    """Whether a secret itself seems to stand there, and not the name of its variable."""
    return _SECRET.search(text) is not None


def shown_line(text: str, line: int) -> str:
    """One line of the text, from 1 on; of a secret only its key."""
    lines = text.split("\n")
    found = lines[line - 1].rstrip() if 0 < line <= len(lines) else ""
    secret = _SECRET.search(found)
    return f"{found[: secret.end() - 1]}…" if secret else found
