"""An admin's rules about what a record may say: enforced for people, and for the API by the addresses of 2026-09 and later.

A rule refuses a record whose property `op`s the value: on every write or on create alone, always or `when` other properties say so.
Required on create: {"op": "is_blank", "on": "create"}. Required from a stage on: {"op": "is_blank", "when": {"dealstage": "closedwon"}}.

Source: https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from crm_sandbox.hubspot.wire.errors import BadValue, HubspotRefusal, invalid_values


def _compared(value: str | None, bound: Any, sign: int) -> bool:
    try:
        found = float(value or "")
    except ValueError:
        return False
    return (found > float(bound)) - (found < float(bound)) == sign


_CONDITIONS: dict[str, Callable[[str | None, Any], bool]] = {
    "matches": lambda value, pattern: value is not None and re.search(pattern, value) is not None,
    "not_matches": lambda value, pattern: value is None or re.search(pattern, value) is None,
    "in": lambda value, values: value in values,
    "not_in": lambda value, values: value not in values,
    "is_blank": lambda value, _: not value,
    "gt": lambda value, bound: _compared(value, bound, 1),
    "lt": lambda value, bound: _compared(value, bound, -1),
}
RULE_OPS = tuple(_CONDITIONS)


@dataclasses.dataclass(frozen=True, slots=True)
class PropertyRule:
    """One rule. Without a `message` and an `error` the vendor's are said."""

    object: str
    field: str
    op: str
    value: Any = None
    message: str | None = None
    error: str | None = None
    on: Literal["write", "create"] = "write"
    when: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.op not in _CONDITIONS or self.on not in ("write", "create"):
            raise ValueError(f"op must be one of {list(RULE_OPS)}, on be write or create; not {self.op!r}, {self.on!r}")
        if self.op in ("matches", "not_matches"):
            _check_pattern(self.value)

    def refuses(self, values: Mapping[str, str], *, is_new: bool) -> bool:
        """Whether the record, as it would be saved, breaks the rule."""
        if self.on == "create" and not is_new:
            return False
        holds = all(values.get(name) == value for name, value in self.when.items())
        return holds and _CONDITIONS[self.op](values.get(self.field), self.value)

    def bad_value(self) -> BadValue:
        """A value that will not do, as the refusal's message lists it."""
        return BadValue(self.field, self.error or "INVALID_VALUE", self.message or f"{self.field} does not meet its rule", is_listed=False)

    def missing(self) -> dict[str, Any]:
        """A value that there must be, as the refusal's `errors` list it."""
        words, code = f"A value for {self.field} must be provided", "MISSING_REQUIRED_PROPERTY"
        if self.when:
            words = f"{self.field} is required because of a conditional property rule based on [{', '.join(self.when)}]"
            code = "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
        return {"message": self.message or words, "code": self.error or code, "context": {"propertyName": [self.field]}}


def _check_pattern(pattern: Any) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"value is not a pattern: {error}") from None


def broken(rules: Iterable[PropertyRule], object_name: str, values: Mapping[str, str], *, is_new: bool) -> HubspotRefusal | None:
    """What is said of a record that would break rules; what is missing is said first."""
    found = [rule for rule in rules if rule.object == object_name and rule.refuses(values, is_new=is_new)]
    missing = [rule.missing() for rule in found if rule.op == "is_blank"]
    if missing:
        return HubspotRefusal("The property values provided are invalid", errors=missing, tells_rows=True)
    return invalid_values([rule.bad_value() for rule in found]) if found else None
