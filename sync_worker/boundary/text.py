"""Text that every database can hold: what comes from outside passes here first, at the door of a CRM, a webhook or a receiver.

U+0000, unpaired surrogates and bytes that are not UTF-8 become U+FFFD, a number that is too large for any machine its digits as text;
everything else of an answer stays as it is. Clean text costs one look at its bytes. PostgreSQL holds no U+0000, and neither database a
surrogate: one such character would stop a whole page for good.

What can be stored may still steer a terminal, begin another line of a mail or be a formula: `steering` is asked where people write,
`harmless`, `one_line` and `cell` where their texts are shown.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

REPLACEMENT: Final = "\ufffd"
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
_BIDI: Final = r"\u202a-\u202e\u2066-\u2069"  # they turn the order of letters: what is read is not what is written
_STEERING: Final = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}]")
_NOT_IN_A_LINE: Final = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDI}]")
_UNSEEN: Final = r"[ \u00a0\u00ad\u2000-\u200f\u202f\u2060\u3000\ufeff]*"
_FORMULA: Final = re.compile(_UNSEEN + r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")  # the last four as Asian keyboards write them
_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ENDLESS: Final = re.compile(r"[0-9]{300}|[0-9][eE]\+?[0-9]{3}")  # what may be a number above 1.8e308
MOST_DIGITS: Final = 300


class Mended(dict[str, Any]):
    """A JSON object in which text was replaced. **Shapes** `names`: the keys under which it was, in their order."""

    names: tuple[str, ...] = ()


def storable(text: str) -> str:
    """The same text, or the nearest that can be stored."""
    return _UNFIT.sub(REPLACEMENT, text)


def text_of(written: str) -> str:
    """What a person wrote with escapes: two halves of a pair are one character. **Raises** ValueError for what no database can hold."""
    found = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), written)
    unfit = _UNFIT.search(found)
    if unfit:
        raise ValueError("holds U+0000" if unfit[0] == "\0" else f"holds half a character (the surrogate U+{ord(unfit[0]):04X} alone)")
    return found


def harmless(shown: str) -> str:
    """A text for a terminal, a mail or a table: what could steer what shows it, or turn the order of its letters, is seen as such.

    Line ends and tabs stay.
    """
    return _STEERING.sub(REPLACEMENT, shown.replace("\r\n", "\n"))


def one_line(shown: str) -> str:
    """The same in one line, for a name: whatever ends a line is a space."""
    return harmless(" ".join(shown.split()))


def steering(written: str, *, allowed: str = "") -> str:
    """The first character that has no place in a name, as `U+001B`; "" where there is none. **Shapes** `allowed`: of a long text."""
    found = next((one for one in _NOT_IN_A_LINE.findall(written) if one not in allowed), "")
    return f"U+{ord(found):04X}" if found else ""


def cell(value: str) -> str:
    """A text for a CSV: a spreadsheet takes none of it for a formula, not even behind spaces and signs that are not seen."""
    return f"'{value}" if _FORMULA.match(value) else value


def decoded(data: bytes) -> str:
    """Bytes as text, whatever they are."""
    return storable(data.decode("utf-8", "surrogateescape"))


def loads(data: bytes | str) -> Any:
    """JSON with storable text, objects whose text was replaced as `Mended`. **Raises** orjson.JSONDecodeError for what is not JSON."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return _repaired(data, error)
    has_nul = b"\\u0000" in data if isinstance(data, bytes) else "\\u0000" in data
    return mended(found) if has_nul else found


def mended(value: Any) -> Any:
    """A JSON value with storable text in it, itself where all of it is. **Shapes** see `Mended`."""
    if isinstance(value, str):
        return storable(value) if _UNFIT.search(value) else value
    if isinstance(value, list):
        items = [mended(one) for one in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        return _mended_object(value)
    return value


def names_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys under which text was replaced."""
    return row.names if isinstance(row, Mended) else ()


def is_fit(blocks: Iterable[bytes]) -> bool:
    """Whether text that comes in blocks can be stored as it is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks:
            if b"\0" in block:
                return False
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _mended_object(value: dict[str, Any]) -> dict[str, Any]:
    items = {storable(name): mended(one) for name, one in value.items()}
    names = tuple(new for (new, now), (old, before) in zip(items.items(), value.items(), strict=False) if now is not before or new != old)
    if not names:
        return value
    found = Mended(items)
    found.names = names
    return found


def _repaired(data: bytes | str, error: orjson.JSONDecodeError) -> Any:
    """JSON that orjson does not take for the text in it; the standard library takes any. **Raises** `error` for what is not JSON at all."""
    text = data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else data
    if not _UNFIT.search(text) and "\\u" not in text and not _ENDLESS.search(text):
        raise error
    try:
        return mended(json.loads(text, strict=False, parse_constant=_refuse, parse_int=_integer, parse_float=_decimal))
    except (ValueError, RecursionError):
        raise error from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def _decimal(digits: str) -> float | str:
    found = float(digits)
    return digits if math.isinf(found) else found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
