"""A small graph: one company in the middle, those that it may work with around it. Places only; `graph.html` draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

MOST_SPOKES: Final = 24  # more can neither be read nor clicked
MOST_LETTERS: Final = 28  # of a name that stands in the picture
WIDTH: Final = 900
ROW: Final = 26
MARGIN: Final = 24
NEAREST: Final = 130  # a spoke is so far from the middle at least
BULGE: Final = 90


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A company that the one in the middle may work with. **Shapes** `kind`: what its first reason is."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Spoke:
    """A neighbour in its place. **Shapes** `text_x`, `anchor`: where its name begins or ends."""

    neighbour: Neighbour
    label: str
    x: float
    y: float
    text_x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class AssociationGraph:
    """What is drawn. **Shapes** `more`: neighbours for whom there is no room. **Units** as the view box has them."""

    label: str
    width: int
    height: int
    spokes: Sequence[Spoke]
    more: int


def graph_of(name: str, neighbours: Sequence[Neighbour]) -> AssociationGraph:
    """The graph of a company: half of its neighbours on each side, from top to bottom in their order."""
    shown = neighbours[:MOST_SPOKES]
    right_count = (len(shown) + 1) // 2
    height = max(right_count, 2) * ROW + 2 * MARGIN
    spokes = [*_side(shown[:right_count], 1, height), *_side(shown[right_count:], -1, height)]
    return AssociationGraph(_label(name), WIDTH, height, spokes, len(neighbours) - len(shown))


def _side(neighbours: Sequence[Neighbour], way: int, height: int) -> list[Spoke]:
    """**Shapes** `way`: 1 to the right, -1 to the left."""
    spokes = []
    for row, neighbour in enumerate(neighbours):
        y = height / 2 + (row - (len(neighbours) - 1) / 2) * ROW
        x = WIDTH / 2 + way * (NEAREST + BULGE * sqrt(1 - (2 * y / height - 1) ** 2))
        anchor = "start" if way > 0 else "end"
        spokes.append(Spoke(neighbour, _label(neighbour.name), round(x, 1), round(y, 1), round(x + way * 12, 1), anchor))
    return spokes


def _label(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
