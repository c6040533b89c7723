"""What a SOQL text is made of, as a tree of values. What a name means is not known here."""

import re
from dataclasses import dataclass

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "N": "\n", "R": "\r", "T": "\t"}


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written, and where."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written: `kind` is string, datetime, date, date_word, number, int, boolean or null; a string is still escaped."""

    kind: str
    text: str
    start: int

    def plain(self) -> str:
        """The characters that a quoted string stands for."""
        return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), self.text[1:-1], flags=re.DOTALL)

    def pattern(self) -> str:
        r"""The same for LIKE, where `\%`, `\_` and `\\` keep their backslash."""

        def unescape(match: re.Match[str]) -> str:
            char = match[1]
            return f"\\{char}" if char in "%_\\" else _ESCAPES.get(char, char)

        return re.sub(r"\\(.)", unescape, self.text[1:-1], flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class SoqlComparison:
    """`field op value`; `op` in capitals."""

    name: Name
    op: str
    value: Literal


@dataclass(frozen=True, slots=True)
class SoqlMembership:
    """`field IN (…)` and its likes; `op` is IN, NOT IN, INCLUDES or EXCLUDES."""

    name: Name
    op: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Semijoin:
    """`field IN (SELECT …)`; `op` is IN or NOT IN."""

    name: Name
    op: str
    field: Name
    sobject: Name
    where: "Condition | None"


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by AND or OR."""

    op: str
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT."""

    part: "Condition"


Condition = SoqlComparison | SoqlMembership | Semijoin | Junction | Negation


@dataclass(frozen=True, slots=True)
class Item:
    """One thing selected: a field, or a function of one. `function` in capitals; FIELDS has ALL and the like as its name."""

    name: Name
    function: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDER BY term; nulls come first by default."""

    name: Name
    is_descending: bool
    nulls_last: bool
    function: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; `items` is empty for COUNT()."""

    text: str
    items: tuple[Item, ...]
    sobject: Name
    alias: str | None
    where: Condition | None
    groups: tuple[Name, ...]
    orders: tuple[Order, ...]
    limit: int | None
    offset: int
