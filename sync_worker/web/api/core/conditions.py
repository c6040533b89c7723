"""Conditions in bodies, and what a request hears whose conditions are wrong: every mistake by its place, with what is allowed there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from sync_worker.domain.core.conditions.check import MOST_CONDITIONS, ConditionMistake
from sync_worker.domain.core.conditions.condition import MOST_VALUES, Condition, Operator
from sync_worker.domain.core.deal import Refusal
from sync_worker.web.api.core.problems import MistakeView, Refused
from sync_worker.web.api.core.shapes import Body, Name, Text, View

_CODES = {"field": "field_unknown", "operator": "value_malformed", "values": "value_malformed"}


class ConditionBody(Body):
    """One condition: a field, an operator that the field allows, and values."""

    field: Annotated[Name, Field(examples=["tier"])]
    operator: Annotated[Name, Field(description="One of the operators that the field allows.", examples=["one_of"])]
    values: Annotated[
        list[Text | bool | int | float],
        Field(description="As many as the operator takes; `is_blank` takes none.", max_length=MOST_VALUES, default_factory=list),
    ]

    @property
    def condition(self) -> Condition:
        return Condition.from_document(self.model_dump())


class ConditionView(View):
    """One condition, and the same in words."""

    field: str
    operator: Annotated[str, Field(examples=[Operator.ONE_OF])]
    values: list[str]
    words: Annotated[str, Field(examples=["tier is one of Gold, Platinum"])]


class ConditionFieldView(View):
    """A field that conditions may name."""

    name: str
    kind: Annotated[str, Field(description="What the field holds.", examples=["list"])]
    operators: Annotated[list[str], Field(description="The operators that it allows.")]
    values: Annotated[list[str] | None, Field(description="The only values that it can hold. It is null if any value is possible.")]


def shown(conditions: Iterable[Condition]) -> list[ConditionView]:
    """As they are answered."""
    return [ConditionView(**condition.to_document(), words=condition.words) for condition in conditions]


def refused_conditions(mistakes: Sequence[ConditionMistake], *, place: str = "conditions") -> Refused:
    """One refusal for the first mistake, and all of them beside it. **Shapes** `place`: of the list in the body."""
    first = mistakes[0]
    code = "value_not_listed" if first.part == "values" and first.allowed else _CODES[first.part]
    refusal = Refusal(code, first.what, first.remedy, first.allowed, f"{place}.{first.path}")
    every = tuple(MistakeView(field=f"{place}.{mistake.path}", detail=mistake.words) for mistake in mistakes)
    return Refused(refusal, 422, errors=every if len(every) > 1 else ())


Conditions = Annotated[
    list[ConditionBody],
    Field(description="All of them hold together. An empty list holds for every company.", max_length=MOST_CONDITIONS),
]
