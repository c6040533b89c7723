"""What people wrote, held against a pydantic model: each mistake with its place, the written value and what is allowed."""

from __future__ import annotations

import re
import types
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from sync_worker.config.nodes import NodePath, value_at
from sync_worker.config.source import LIST_FOR_MAP, MAP_LINES, Source
from sync_worker.errors import ConfigError, Mistake
from sync_worker.nearest import choose_from

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


MOST_REPEATED = 40  # characters of a value that a remedy repeats


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], source: Source, *, data: Any = None) -> Model:
    """The source as `model`.

    **Shapes** `data` replaces the source's own (variables filled in); mistakes quote only what the source says.
    **Raises** ConfigError: every mistake, each with its place, the bad value and what is allowed.
    """
    given = source.data if data is None else data
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise ConfigError([_mistake(model, source, given, detail) for detail in _distinct(error.errors(include_url=False))]) from None


def variables_in(written: Any) -> str:
    """The `${NAME}`s in a written value, as people say them."""
    return " and ".join(dict.fromkeys(match[0] for match in VARIABLE.finditer(str(written))))


def wrong(what: str, remedy: str = "") -> PydanticCustomError:
    """What a validator raises, so that the remedy reaches the mistake."""
    return PydanticCustomError("mistake", "{what}", {"what": what, "remedy": remedy})


def _distinct(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    seen = {(detail["loc"], detail["type"]): detail for detail in details}
    return list(seen.values())


def _mistake(model: type[BaseModel], source: Source, given: Any, detail: ErrorDetails) -> Mistake:
    path = _written(source.data, detail["loc"])
    if detail["type"] == "extra_forbidden":
        key = str(detail["loc"][-1])
        remedy = choose_from(key, sorted(_keys_of(model, detail["loc"][:-1])))
        return source.mistake(path, f"unknown key {key!r}", remedy, at_key=True)
    if detail["type"] == "missing":
        return source.mistake(path, f"{str(detail['loc'][-1])!r} is missing", "add it", at_key=True)
    written = source.at(path)
    what, remedy = _words(detail, written)
    if detail["type"] == "mistake" and value_at(given, path) != written:  # a validator quotes what it was given
        what = f"the value of {variables_in(written)} does not fit"
    return source.mistake(path, what, remedy)


def _written(data: Any, loc: tuple[int | str, ...]) -> NodePath:
    """The part of pydantic's location that stands in the file (it adds steps of its own, and names what is missing)."""
    path: list[str | int] = []
    for step in loc:
        is_there = step in data if isinstance(data, dict) else isinstance(data, list) and isinstance(step, int) and step < len(data)
        if is_there:
            path.append(step)
            data = data[step]
    return tuple(path)


def _words(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "mistake":
        return str(context["what"]), str(context["remedy"])
    if value is None:
        return "has no value", "give one, or leave the key out"
    if kind in ("literal_error", "enum") and isinstance(value, str):
        return f"{value!r} is not allowed", choose_from(value, re.findall(r"'([^']*)'", str(context["expected"])))
    wanted = _SHAPES.get(kind, "")
    if isinstance(value, list) and wanted == A_MAP:
        return LIST_FOR_MAP, MAP_LINES
    if isinstance(value, dict) and wanted == A_LIST:
        return "a map stands where a list belongs", "write [a, b], or lines that begin with a hyphen"
    if wanted == A_LIST:
        return f"must be a list, not {shown(value)}", f"write [{value if len(value) <= MOST_REPEATED else 'a, b'}]"
    if wanted:
        return f"must be {wanted}, not {shown(value)}", ""
    return f"{shown(value)}: {detail['msg']}", ""


A_MAP, A_LIST = "a mapping (`key: value`)", "a list"


_SHAPES = {
    "literal_error": "one word",
    "string_type": "text",
    "model_type": A_MAP,
    "model_attributes_type": A_MAP,
    "dict_type": A_MAP,
    "list_type": A_LIST,
    "tuple_type": A_LIST,
}


def shown(value: Any) -> str:
    """A written value in a message: short, and never a whole tree."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else repr(value if len(value) <= 60 else value[:57] + "…")


def _keys_of(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys the model allows at `loc`."""
    annotation: Any = model
    for step in loc:
        annotation = _inside(_bare(annotation), step)
    bare = _bare(annotation)
    if not (isinstance(bare, type) and issubclass(bare, BaseModel)):
        return []
    return [info.alias or name for name, info in bare.model_fields.items()]


def _bare(annotation: Any) -> Any:
    """The annotation without `Annotated` and `| None`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _bare(next(arm for arm in get_args(annotation) if arm is not type(None)))
    return annotation


def _inside(annotation: Any, step: int | str) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {info.alias or name: info.annotation for name, info in annotation.model_fields.items()}
        return fields.get(str(step))
    arms = get_args(annotation)
    return arms[-1 if get_origin(annotation) is dict else 0] if arms else None
