"""Who may open the console, and for how long: one link, one session, one role.

A company's own log-in says what a person is there, in one claim. What each value of it lets the person do here stands in the environment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

EVERY_PORTAL: Final = ""
"""The portal of an operator who sees them all."""

LINK_LASTS: Final = timedelta(minutes=10)
LINK_LASTS_AT_MOST: Final = timedelta(hours=24)
LOG_IN_LASTS: Final = timedelta(minutes=10)  # on the page of the company's log-in
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


class Admission(NamedTuple):
    """As what a person is let in. **Shapes** `portal` EVERY_PORTAL: an operator of all of them."""

    role: ConsoleRole
    portal: str

    def __str__(self) -> str:
        return f"{self.role}@{self.portal}" if self.portal else str(self.role)


def admission_of(written: str) -> Admission:
    """`operator`, `operator@acme` or `vendor@acme`. **Raises** ValueError for anything else."""
    role, at, portal = written.partition("@")
    found = Admission(ConsoleRole(role), portal)
    if bool(at) != bool(portal) or not may_be_of(*found):
        raise ValueError
    return found


def claimed(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """What the company says of a person under this name: one text, or a list. A mail address counts only where it is verified there."""
    said = claims.get(claim)
    if claim == "email" and claims.get("email_verified") is not True:
        return frozenset()
    every = said if isinstance(said, list) else [said]
    return frozenset(one for one in every if isinstance(one, str))


def admitted(values: Collection[str], roles: Mapping[str, Admission], portals: Collection[str]) -> Admission | None:
    """The one that grants most, of those that are for a portal there is; among equals the one that is written first. None: not let in."""
    known = {EVERY_PORTAL, *portals}
    granted = [one for value, one in roles.items() if value in values and one.portal in known]
    return min(granted, key=_rank, default=None)


def _rank(one: Admission) -> tuple[bool, bool]:
    return one.role is not ConsoleRole.OPERATOR, one.portal != EVERY_PORTAL
