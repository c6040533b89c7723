"""One condition: a field, an operator and values. Which operators a field allows depends on its kind.

All conditions of a list hold together. A blank field fulfils only `is_blank`: it is not "not Gold", for nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from sync_worker.domain.core.values import values_of

ConditionKind: TypeAlias = Literal["text", "list", "set", "integer", "decimal", "boolean", "date", "reference"]
"""What a field holds. `list`: one of a list of values; `set`: several values; `reference`: a company, by our id."""


class Operator(StrEnum):
    """How a field's value is compared with the values of the condition."""

    IS = "is"
    IS_NOT = "is_not"
    ONE_OF = "one_of"
    NONE_OF = "none_of"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    CONTAINS_ANY = "contains_any"
    CONTAINS_ALL = "contains_all"
    CONTAINS_NONE = "contains_none"
    EQUALS = "equals"
    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    AT_LEAST = "at_least"
    BETWEEN = "between"
    ON = "on"
    BEFORE = "before"
    AFTER = "after"
    IS_BLANK = "is_blank"
    IS_NOT_BLANK = "is_not_blank"


_BLANKS: Final = (Operator.IS_BLANK, Operator.IS_NOT_BLANK)
_LISTED: Final = (Operator.IS, Operator.IS_NOT, Operator.ONE_OF, Operator.NONE_OF, *_BLANKS)
_NUMBERS: Final = (
    *(Operator.EQUALS, Operator.LESS_THAN, Operator.AT_MOST, Operator.MORE_THAN, Operator.AT_LEAST, Operator.BETWEEN),
    *_BLANKS,
)

OPERATORS: Final[Mapping[ConditionKind, tuple[Operator, ...]]] = {
    "text": (Operator.IS, Operator.IS_NOT, Operator.CONTAINS, Operator.STARTS_WITH, *_BLANKS),
    "list": _LISTED,
    "set": (Operator.CONTAINS_ANY, Operator.CONTAINS_ALL, Operator.CONTAINS_NONE, *_BLANKS),
    "integer": _NUMBERS,
    "decimal": _NUMBERS,
    "boolean": (Operator.IS, *_BLANKS),
    "date": (Operator.ON, Operator.BEFORE, Operator.AFTER, Operator.BETWEEN, *_BLANKS),
    "reference": _LISTED,
}
"""What a field of each kind allows."""

MOST_VALUES: Final = 200  # of one condition
_MANY: Final = (Operator.ONE_OF, Operator.NONE_OF, Operator.CONTAINS_ANY, Operator.CONTAINS_ALL, Operator.CONTAINS_NONE)
VALUE_COUNTS: Final[Mapping[Operator, tuple[int, int]]] = {
    **dict.fromkeys(Operator, (1, 1)),
    **dict.fromkeys(_MANY, (1, MOST_VALUES)),
    **dict.fromkeys(_BLANKS, (0, 0)),
    Operator.BETWEEN: (2, 2),
}
"""How many values each operator takes: (at least, at most)."""


@dataclass(frozen=True, slots=True)
class ConditionField:
    """A field that conditions may name. **Shapes** `values`: the only ones it can hold, None where any value is possible."""

    name: str
    kind: ConditionKind
    values: tuple[str, ...] | None = None

    @property
    def operators(self) -> tuple[Operator, ...]:
        """What it allows."""
        return OPERATORS[self.kind]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as a person wrote it; `check` says what is wrong with it.

    **Shapes** `values` as text: numbers as `1.5`, days as `2026-12-31`, yes and no as `true` and `false`, companies by our id.
    """

    field: str
    operator: str
    values: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """In words: `tier is one of Gold, Platinum`."""
        verb, joint = _WORDS.get(self.operator, (self.operator, ", "))
        return " ".join(filter(None, (self.field, verb, joint.join(self.values))))

    def to_document(self) -> dict[str, Any]:
        """JSON form."""
        return {"field": self.field, "operator": str(self.operator), "values": list(self.values)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Condition:
        """From JSON, or from a file: values may be texts, numbers, `true` and `false`, and a single value needs no list."""
        written = document.get("values", ())
        listed = written if isinstance(written, list | tuple) else [written]
        return cls(document["field"], document["operator"], tuple(text for value in listed for text in values_of(value) or ("",)))


def documents_of(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """A list of conditions in JSON form."""
    return [condition.to_document() for condition in conditions]


def conditions_of(documents: Iterable[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """The list again."""
    return tuple(map(Condition.from_document, documents))


_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    Operator.IS: ("is", ", "),
    Operator.IS_NOT: ("is not", ", "),
    Operator.ONE_OF: ("is one of", ", "),
    Operator.NONE_OF: ("is not one of", ", "),
    Operator.CONTAINS: ("contains", ", "),
    Operator.STARTS_WITH: ("starts with", ", "),
    Operator.CONTAINS_ANY: ("contains one of", ", "),
    Operator.CONTAINS_ALL: ("contains all of", ", "),
    Operator.CONTAINS_NONE: ("contains none of", ", "),
    Operator.EQUALS: ("equals", ", "),
    Operator.LESS_THAN: ("is less than", ", "),
    Operator.AT_MOST: ("is at most", ", "),
    Operator.MORE_THAN: ("is more than", ", "),
    Operator.AT_LEAST: ("is at least", ", "),
    Operator.BETWEEN: ("is between", " and "),
    Operator.ON: ("is on", ", "),
    Operator.BEFORE: ("is before", ", "),
    Operator.AFTER: ("is after", ", "),
    Operator.IS_BLANK: ("is blank", ", "),
    Operator.IS_NOT_BLANK: ("is not blank", ", "),
}
