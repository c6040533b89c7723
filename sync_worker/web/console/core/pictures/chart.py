"""Columns, lines and strips out of numbers. Pure: it says where each shape stands, and in words what it shows.

A picture is 100 units wide and is stretched to its place. No text stands in it, so nothing of it becomes too small to read.
What is drawn stands in a table too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

WIDTH: Final = 100.0
HEIGHT: Final = 30.0
GAP: Final = 0.2  # of a column's width, between two columns
Words: TypeAlias = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers with one meaning. **Shapes** `look`: its class in the style sheet; `values` None: nothing is known there."""

    name: str
    look: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle of a picture, and what it says."""

    look: str
    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A line through points that follow each other. **Shapes** `points`: as SVG has them."""

    look: str
    points: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture with its words. **Shapes** `id`: of this page; `top`: what its upper edge means; `labels`: one for each place."""

    id: str
    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    top: float
    shapes: Sequence[Shape]
    traces: Sequence[Trace]
    said: Words

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not self.shapes and not self.traces

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The same as a table: of each place what each series says."""
        cells = [["—" if value is None else self.said(value) for value in one.values] for one in self.series]
        return list(zip(self.labels, map(list, zip(*cells, strict=True)), strict=True))


@dataclass(frozen=True, slots=True)
class StripPart:
    """A part of a strip. **Shapes** `words`: what it says beside its name."""

    name: str
    look: str
    size: float
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A whole in its parts, from left to right."""

    id: str
    title: str
    parts: Sequence[StripPart]
    shapes: Sequence[Shape]


def columns(id_: str, title: str, labels: Sequence[str], series: Sequence[Series], *, said: Words = "{:,.0f}".format) -> Chart:
    """A column for each label, in which the series stand on each other."""
    heights = [sum(one.values[place] or 0.0 for one in series) for place in range(len(labels))]
    top = max(heights, default=0.0)
    return Chart(id_, title, labels, series, top, list(_columns(labels, series, top, said)), (), said)


def _columns(labels: Sequence[str], series: Sequence[Series], top: float, said: Words) -> Iterator[Shape]:
    step = WIDTH / max(len(labels), 1)
    for place, label in enumerate(labels):
        y = HEIGHT
        for one in series:
            value = one.values[place]
            if value:
                height = HEIGHT * value / top
                y -= height
                yield Shape(
                    one.look,
                    _round(place * step),
                    _round(y),
                    _round(step * (1 - GAP)),
                    _round(height),
                    f"{label}, {one.name}: {said(value)}",
                )


def lines(id_: str, title: str, labels: Sequence[str], series: Sequence[Series], *, said: Words = "{:,.0f}".format) -> Chart:
    """A line for each series. It is broken where nothing is known."""
    top = max((value for one in series for value in one.values if value is not None), default=0.0)
    traces = [Trace(one.look, " ".join(points)) for one in series for points in _stretches(one.values, top)]
    return Chart(id_, title, labels, series, top, (), traces, said)


def _stretches(values: Sequence[float | None], top: float) -> Iterator[list[str]]:
    """The points of each stretch without a break. A value alone is a short level line."""
    step = WIDTH / max(len(values), 1)
    stretch: list[str] = []
    for place, value in enumerate(values):
        if value is None:
            if stretch:
                yield stretch
            stretch = []
            continue
        y = _round(HEIGHT - (HEIGHT * value / top if top else 0.0))
        stretch += [f"{_round(place * step)},{y}", f"{_round((place + 1) * step)},{y}"]
    if stretch:
        yield stretch


def strip(id_: str, title: str, parts: Sequence[StripPart]) -> Strip:
    """The parts side by side, each as wide as its size. Parts of no size are in its words alone."""
    whole = sum(part.size for part in parts)
    return Strip(id_, title, parts, list(_side_by_side(parts, whole)) if whole else [])


def _side_by_side(parts: Sequence[StripPart], whole: float) -> Iterator[Shape]:
    x = 0.0
    for part in parts:
        width = WIDTH * part.size / whole
        if part.size:
            yield Shape(part.look, _round(x), 0.0, _round(width), HEIGHT, f"{part.name}: {part.words}")
        x += width


def share(value: float, top: float) -> float:
    """How wide a bar of this value is, where the longest is of `top`."""
    return _round(WIDTH * value / top) if top else 0.0


def _round(place: float) -> float:
    return round(place, 2)
