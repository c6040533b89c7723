"""Who may open the console, and for how long: one link, one session, one role."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

EVERY_PORTAL: Final = ""
"""The portal of an operator who sees them all."""

LINK_LASTS: Final = timedelta(minutes=10)
LINK_LASTS_AT_MOST: Final = timedelta(hours=24)
IDLE: Final = timedelta(minutes=30)  # a session without a request is over
SESSION_LASTS: Final = timedelta(hours=12)  # and so is one of that age
KEPT: Final = timedelta(days=30)  # links and sessions that are over


class ConsoleRole(StrEnum):
    """What a visitor of the console may see and do."""

    OPERATOR = "operator"
    VENDOR = "vendor"


def may_be_of(role: ConsoleRole, portal: str) -> bool:
    """Whether a person of this role may be let into that portal. The vendor's admin is always let into one alone."""
    return role is ConsoleRole.OPERATOR or portal != EVERY_PORTAL
