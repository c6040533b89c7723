"""What stands in bodies: pydantic models, from which the OpenAPI is made, and which name every field that is refused.

Money is a decimal as text, a day is `YYYY-MM-DD`, a moment is UTC. Where two-tier is off, nothing of second partners is in any answer:
those fields are left out, so none is required here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

T = TypeVar("T")

MOST_COUNT = 2**31 - 1
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"  # no control character but tabs and line ends
LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+$"  # nor these, and nothing that turns the order of letters
Text: TypeAlias = Annotated[str, StringConstraints(max_length=1000, pattern=TEXT)]
Name: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=LINE)]
Reference: TypeAlias = Annotated[
    Name, Field(description="Our id of the company, its CRM id, or its name if no other company has that name.", examples=["Birch Systems"])
]
Count: TypeAlias = Annotated[int, Field(ge=0, le=MOST_COUNT)]


def decimal_text(pattern: str, example: str) -> dict[str, Any]:
    """The schema of a decimal, which goes over HTTP as text."""
    return {"type": "string", "format": "decimal", "pattern": pattern, "examples": [example]}


Money: TypeAlias = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=6),
    WithJsonSchema(decimal_text(r"^-?[0-9]{1,18}(\.[0-9]{1,6})?$", "48000.00")),
]
_WHOLE = PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json")  # never 1E+3
ShownMoney: TypeAlias = Annotated[Decimal, _WHOLE, WithJsonSchema(decimal_text(r"^-?[0-9]+(\.[0-9]+)?$", "48000.00"))]
ShownPercent: TypeAlias = Annotated[Decimal, _WHOLE, WithJsonSchema(decimal_text(r"^[0-9]+(\.[0-9]+)?$", "12.50"))]
Attribute: TypeAlias = Text | bool | Count | Annotated[float, Field(allow_inf_nan=False)] | list[Text] | None


class Body(BaseModel):
    """What somebody sends: no field but the named ones."""

    model_config = ConfigDict(extra="forbid")


def _as_answered(schema: dict[str, Any]) -> None:
    """An answer may get new members in a later version, and a member that it leaves out has no default."""
    schema.pop("additionalProperties", None)
    for member in schema.get("properties", {}).values():
        member.pop("default", None)


class View(BaseModel):
    """What we answer. We write no member that has no name here."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_as_answered)


class ListView(View):
    """A page of a list."""

    next: Annotated[str | None, Field(description="The cursor of the next page. It is null on the last page.")]


class PageView(ListView, Generic[T]):
    """One page of a list."""

    items: list[T]
