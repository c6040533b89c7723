"""Salesforce ids: 15 characters where case matters, or the same with 3 characters of checksum, where it does not. We keep 18.

Source: https://help.salesforce.com/s/articleView?id=000385585
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-5]{3})?")


def id_18(crm_id: str) -> str:
    """The 18-character form of an id as the vendor sends it; any other text comes back as it is."""
    if len(crm_id) != 15 or not _ID.fullmatch(crm_id):
        return crm_id
    return crm_id + _checksum(crm_id)


def id_in(row: Mapping[str, Any], name: str) -> str:
    """The id that a row of the vendor's holds in this field, in 18 characters; "" where it holds none."""
    found = row.get(name)
    return id_18(found) if isinstance(found, str) else ""


def canonical(text: str) -> str | None:
    """The one spelling we keep of an id as people write it: a lost case is put right from the checksum. None for what is not an id."""
    if not _ID.fullmatch(text):
        return None
    if len(text) == 15:
        return id_18(text)
    if _checksum(text[:15]) == text[15:]:  # nearly all: it is that spelling already
        return text
    checksum = text[15:].upper()
    id_15 = "".join(letter.upper() if _is_capital(place, checksum) else letter.lower() for place, letter in enumerate(text[:15]))
    return id_15 + checksum if _checksum(id_15) == checksum else None


def _is_capital(place: int, checksum: str) -> bool:
    return bool(_ALPHABET.index(checksum[place // 5]) >> (place % 5) & 1)


def _checksum(id_15: str) -> str:
    """One character per block of five, a bit set for each capital."""
    return "".join(_check(id_15[start : start + 5]) for start in (0, 5, 10))


@lru_cache(maxsize=10_000)  # ids of one org share two blocks of three
def _check(block: str) -> str:
    return _ALPHABET[sum(1 << place for place, letter in enumerate(block) if "A" <= letter <= "Z")]
