"""What a person may do with a deal now. Each move of the table is tried with all that it asks for. So a form offers what would pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from sync_worker.domain.core.deal import Move
from sync_worker.domain.core.move_context import Scene
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.lifecycle import MOVES, Verb, move

_ANYBODY: Final = "somebody else"  # no user's id: the portal's have no such name


def open_moves(scene: Scene) -> tuple[Verb, ...]:
    """The moves that this actor could make, with a reason, a last day, another name or a colleague where they ask for one."""
    given = replace(
        scene,
        reason="given",
        until=date.max,
        changes={"name": f"{scene.deal.values.get('name')} …"},
        colleague_id=_ANYBODY,
        colleague=User(_ANYBODY, "", _ANYBODY, Role.SALES, scene.deal.owner_company),
    )
    return tuple(verb for verb in MOVES if isinstance(made := move(verb, given), Move) and made.changes)
