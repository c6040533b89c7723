"""Secrets in what is told: masked at two doors, the log's last processor and the words of every error of ours.

    by name   `client_secret`, `Authorization`, `Cookie`, … as a key of a mapping however deep, or as a name in a text: JSON (also as text
              inside JSON), forms, header dumps, tuples of headers, XML
    by look   bearer tokens, tokens of the CRMs, of our API and of the console, JSON web tokens, signing secrets, private keys, users in
              addresses, addresses of webhooks

A value that merely follows a name and a colon stays, because that is how a mistake in a file is told (`crm.auth.token: is blank`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

MASK: Final = "•••"
_DEEPEST: Final = 20  # levels of a value; what lies deeper is masked whole
_PLAIN: Final = (bool, int, float, date, timedelta, type(None))  # these hold no secret

_NAME: Final = (
    r"(?:[\w-]*(?:secret|password|passwd|authorization|api[_-]?key|private[_-]?key)"
    r"|(?:access|refresh|id|session|csrf)[_-]?token|token|assertion|session[_-]?id|(?:set-)?cookie|[\w-]+-signature(?:-v\d)?)"
)
_HEADER: Final = r"(?:(?:proxy-)?authorization|(?:set-)?cookie|[\w-]*api-key|[\w-]+-signature(?:-v\d)?)"
_KEY: Final = re.compile(_NAME, re.IGNORECASE)
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), kept)
    for pattern, kept in (
        # looks
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", ""),
        (r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/?#@\"'<>]*@)+", r"\1{}@"),
        (r"\b([a-z][a-z0-9+.-]*://[^\s/?#@:\"'<>]*:)(?!\d{1,5}(?:[/?#\s\"']|$))[^\s\"'<>]*@", r"\1{}@"),
        (r"(/webhooks/salesforce/[^\s/\"']+/)[^\s/?#\"']+", r"\1{}"),
        (r"\b(Bearer\s+)[^\s\"',;]+", r"\1{}"),
        (r"\b00D\w{12,15}![\w.-]+|\bpat-\w+-[\w-]{8,}|\bsw[ckls]_\w{6,}|\bwhsec_[\w+/=-]{8,}|\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*", ""),
        # names
        (rf"(?<![\w-])({_NAME}\\*[\"']?\s*[:=]\s*b?|{_NAME}\\*[\"']\s*,\s*b?)(?P<q>\\*[\"']).*?(?:(?<!\\)(?P=q)|\Z)", r"\1\g<q>{}\g<q>"),
        (rf"(?<![\w-])({_NAME}=)[^\s&,;\"'<>()]+", r"\1{}"),
        (rf"(?<![\w-])({_HEADER}\s*:\s*)[^\r\n\"']+", r"\1{}"),
        (rf"(<(?:\w+:)?{_NAME}>)[^<]+", r"\1{}"),
    )
)


def masked(text: str) -> str:
    """The text without the secrets in it."""
    for pattern, kept in _PATTERNS:
        text = pattern.sub(kept.replace("{}", MASK) or MASK, text)
    return text


def masked_value(value: Any, depth: int = 0) -> Any:
    """A value of a log line, however deep, without the secrets in it; an object as its text."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, bytes | bytearray):
        return masked(bytes(value).decode("utf-8", "replace"))
    if depth == _DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {masked_value(key, depth + 1): _of_key(key, one, depth + 1) for key, one in value.items()}
    if isinstance(value, tuple) and len(value) == 2 and _is_secret(value[0]):
        return (value[0], MASK)  # a header
    if isinstance(value, list | tuple | set | frozenset):
        return [masked_value(one, depth + 1) for one in value]
    return masked(str(value))


def _of_key(key: object, value: Any, depth: int) -> Any:
    return MASK if _is_secret(key) and value not in (None, "", False) else masked_value(value, depth)


def _is_secret(key: object) -> bool:
    name = key.decode("latin-1") if isinstance(key, bytes) else key
    return isinstance(name, str) and _KEY.fullmatch(name) is not None
