"""The table of moves and the policy of sight as people read them: printed by `deals moves`, and kept in docs/deals.md."""

from __future__ import annotations

from collections.abc import Iterable

from sync_worker.domain.deals.lifecycle import MOVES, MoveRow, Verb
from sync_worker.domain.people.visibility import POLICY, VisibilityRow

_SIDES = {"any": "–", "owner_company": "owner company", "second_partner": "second partner"}


def moves_table() -> str:
    """Every move: from where, whose, what must hold, what becomes of the deal."""
    head = ("| move | from | who | must hold | what becomes of the deal |", "|---|---|---|---|---|")
    return "\n".join([*head, *(_move(verb, row) for verb, row in MOVES.items())]) + "\n"


def sight_table() -> str:
    """Every line of the policy: who, at which company, sees how much, and for whom they act."""
    head = ("| who | role | the company stands on the deal as | sees | acts for |", "|---|---|---|---|---|")
    return "\n".join([*head, *map(_line, POLICY)]) + "\n"


def _move(verb: Verb, row: MoveRow) -> str:
    cells = (
        f"`{verb}`",
        _listed(state.value for state in row.states),
        _listed(party.value for party in row.who),
        "; ".join(one.words for one in (*row.asks, *row.needs)) or "–",
        "; ".join(one.words for one in row.effects),
    )
    return f"| {' | '.join(cells)} |"


def _line(line: VisibilityRow) -> str:
    acts_for = line.acts_for.value if line.acts_for else "no company: may only look"
    return f"| {line.basis} | {line.role or 'any'} | {_SIDES[line.side]} | {line.scope} | {acts_for} |"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
