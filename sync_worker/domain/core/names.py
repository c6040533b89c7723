"""Names as people compare them: two that look the same are the same, unless one of several is written exactly so.

Accents come composed or decomposed, spaces come as no-break spaces and in pairs, and invisible signs slip in by copy and paste.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))  # joiners stay: in some scripts they change what is read
_CALLED = {"\u00a0": "a no-break space", "\u202f": "a narrow no-break space", "\u00ad": "a soft hyphen", "\ufeff": "a byte order mark"}


def folded(name: str) -> str:
    """The form in which names are compared: accents composed, unseen signs left out, spaces alike, one at a time, none at the ends."""
    if not name.isascii():
        name = unicodedata.normalize("NFC", name.translate(_UNSEEN))
    return " ".join(name.split())


def folded_otherwise(name: str) -> str | None:
    """The folded form where it is another than the name; None where there is nothing to fold, as with most names."""
    if name.isascii() and name.isprintable() and "  " not in name and name == name.strip():
        return None
    bare = folded(name)
    return None if bare == name else bare


def same_name(name: str) -> str:
    """The form in which two names are one for a person who makes a new company: folded, and capitals do not count."""
    return unicodedata.normalize("NFC", folded(name).casefold())


def spelled(name: str) -> str:
    """A name in quotes, with whatever in it cannot be seen: `'Zoë' (with a decomposed ë)`."""
    oddities = list(dict.fromkeys(_oddities(name)))
    return f"{name!r} (with {' and '.join(oddities)})" if oddities else repr(name)


def _oddities(name: str) -> Iterator[str]:
    for place, sign in enumerate(name):
        if unicodedata.combining(sign) and place:
            whole = unicodedata.normalize("NFC", name[place - 1] + sign)
            if len(whole) == 1:
                yield f"a decomposed {whole}"
        elif sign in _CALLED:
            yield _CALLED[sign]
        elif sign != " " and (sign.isspace() or sign in "\u200b\u200e\u200f\u2060"):
            yield f"a {unicodedata.name(sign, f'control character U+{ord(sign):04X}').lower()}"
    if "  " in name:
        yield "two spaces in a row"
    if name != name.strip():
        yield "a space at its end" if name == name.lstrip() else "a space at its beginning"
