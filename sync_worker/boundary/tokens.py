"""Tokens as text: how one is made, read and compared. Nothing of one is kept but its id and a hash (`store/people/`).

    swk_ 1f2e3d4c _ 64 hexadecimal digits _ checksum        swk_<id>_<256 random bits>_<CRC-32 of what stands before>

    swk  of the API        swl  of a link that opens the console        sws  of a session of the console
    swc  of a consent at a CRM: the state that travels through its page

The prefix lets scanners find one that leaked; the checksum tells a typing mistake from a token that is not known. 256 random bits need no
slow hash: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from typing import Final, NamedTuple

API, LINK, SESSION, CONSENT = "swk", "swl", "sws", "swc"
_SHAPE: Final = re.compile(r"(([a-z]{3})_([0-9a-f]{8})_[0-9a-f]{64})_([0-9a-f]{8})")

SCOPES: Final = {
    "read": "look at companies, associations, deals and users",
    "write": "register, edit and decide deals, and change users, in the name of a person",
    "operate": "failures, conflicts, runs, inquiries, tokens, the feed and a pause: what an operator does",
}
"""scope → what it lets its holder do; none includes another."""


class Made(NamedTuple):
    """A new token. **Shapes** `text` is shown once and kept nowhere."""

    text: str
    id: str
    hash: str


def make(prefix: str = API) -> Made:
    """A new token."""
    token_id = secrets.token_hex(4)
    before = f"{prefix}_{token_id}_{secrets.token_hex(32)}"
    text = f"{before}_{_checksum(before)}"
    return Made(text, token_id, hash_of(text))


def id_of(text: str, prefix: str = API) -> str | None:
    """The id that stands in the token; None where it is not a token of this kind, or is mistyped."""
    match = _SHAPE.fullmatch(text)
    return match[3] if match and match[2] == prefix and _checksum(match[1]) == match[4] else None


def hash_of(text: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_same(text: str, kept_hash: str) -> bool:
    """Whether the token is the one of that hash; in constant time."""
    return hmac.compare_digest(hash_of(text), kept_hash)


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
