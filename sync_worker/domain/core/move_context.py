"""What a move is judged by: the deal, who acts and for whom, what they ask; and the shapes of the table of moves.

A guard says why not, an effect says what changes; both carry the words that people read of them in docs/deals.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Policy, Refusal
from sync_worker.domain.core.user import User
from sync_worker.domain.core.values import Value


class Party(StrEnum):
    """For whom somebody acts on a deal."""

    OWNER = "owner company"
    SECOND_PARTNER = "second partner"
    VENDOR = "vendor"
    MAKER = "person who made the draft on behalf"
    OPERATOR = "operator"
    CALENDAR = "calendar"
    CRM = "CRM's stage"


@dataclass(frozen=True, slots=True)
class Standing:
    """For whom the actor may speak on this deal; `idle`: for whom it could, were that company not inactive."""

    parties: frozenset[Party] = frozenset()
    idle: frozenset[Party] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One deal, one actor, one wish.

    **Shapes** `changes`: an edit's fields; `stuck`: why an edit of a field would never reach the CRM, by field. `owner`, `second_partner`,
    `options` (the owner's associated second partners) and `parent` (the distributor that a subgroup's deal keeps, unless the vendor let it
    go without) are those *after* it. `colleague`: to whom a deal is reassigned, as `colleague_id` asks. `until`: a renewal's last day.
    `today`: by the portal's calendar. `is_quote_sent`: a distributor-priced one that still stands. `is_licensed`: nothing of the signed
    quote is still to be issued.
    """

    deal: Deal
    actor: Actor
    standing: Standing
    policy: Policy
    today: date
    reason: str = ""
    changes: Mapping[str, Value] = field(default_factory=dict)
    stuck: Mapping[str, Refusal] = field(default_factory=dict)
    owner: Company | None = None
    second_partner: Company | None = None
    options: Sequence[Company] = ()
    parent: Company | None = None
    colleague: User | None = None
    colleague_id: str = ""
    until: date | None = None
    is_quote_sent: bool = False
    is_licensed: bool = False

    @property
    def gives_reason(self) -> bool:
        return bool(self.reason.strip())


Check: TypeAlias = Callable[[Scene], Refusal | None]
Changes: TypeAlias = Callable[[Scene], Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold."""

    words: str
    check: Check


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of the deal. Consequences (`deal.consequences`) follow of themselves."""

    words: str
    changes: Changes


def guard(words: str) -> Callable[[Check], Guard]:
    """Makes a guard of a function."""
    return lambda check: Guard(words, check)


def effect(words: str) -> Callable[[Changes], Effect]:
    """Makes an effect of a function."""
    return lambda changes: Effect(words, changes)
