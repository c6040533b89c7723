"""Salesforce ids: 15 characters where case matters, or 18 where it does not. We keep 18."""

from __future__ import annotations

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def id_18(crm_id: str) -> str:
    """The 18-character form: three check characters, one per block of five, a bit set for each capital."""
    if len(crm_id) != 15 or not crm_id.isalnum():
        return crm_id
    return crm_id + "".join(_check(crm_id[start : start + 5]) for start in (0, 5, 10))


def _check(block: str) -> str:
    return _ALPHABET[sum(1 << place for place, letter in enumerate(block) if "A" <= letter <= "Z")]
