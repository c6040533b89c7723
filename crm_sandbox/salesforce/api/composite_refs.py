"""`@{ref.field}` in a composite's parts → the value from an earlier answer; `@{ref.records[0].Id}` reaches into lists."""

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class BadReference(ValueError):
    """A reference to what there is not."""


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """The value with every reference in it replaced. A text that is only one takes the value's own type.

    Raises: BadReference.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        return _looked_up(whole, known) if whole else _REFERENCE.sub(lambda match: str(_looked_up(match, known)), value)
    if isinstance(value, list):
        return [filled(one, known) for one in value]
    if isinstance(value, dict):
        return {name: filled(one, known) for name, one in value.items()}
    return value


def _looked_up(match: re.Match[str], known: Mapping[str, Any]) -> Any:
    name, path = match[1], match[2]
    words = f"Invalid reference specified. No value for {name}{path} found in {name}. Validate that the reference is correct."
    if name not in known:
        raise BadReference(words)
    value = known[name]
    for field, place in _STEP.findall(path):
        try:
            value = value[field] if field else value[int(place)]
        except (KeyError, IndexError, TypeError):
            raise BadReference(words) from None
    return value
