"""Whose key stands on a CRM record: our own key is a name, not a blank, and another system's is never written over.

    empty                                      ours is written
    this record's own                          nothing to do
    known, and its record is gone, or is this  left over from a merge, a conversion, a link by hand: ours is written
    known, and its live record is another      a copy of the record: `key_taken`, nothing is written
    unknown, and one of ours by its form       the database lost it: it is the record's id again
    anything else                              another system's: `foreign_key`, nothing is written

Ours by form is a UUID as we write it: of version 4 (made in the portal), or 5 (computed from the CRM's id). The form does not tell two
portals apart: where two of them share one CRM, each needs key fields of its own.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sync_worker.domain.core.problem import Problem

FOREIGN: Final = "foreign_key"
TAKEN: Final = "key_taken"
KEY_CODES: Final = (FOREIGN, TAKEN)  # of a key that stays where it is
_FORM: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_VERSION_AT: Final = 14


def key_of(spelled: Any) -> str:
    """The key as it stands on the record; "" where there is none."""
    return "" if spelled is None else str(spelled).strip()


def has_our_form(key: str) -> bool:
    """Whether we may have written it."""
    return _FORM.fullmatch(key) is not None


def is_made_in_portal(id_: str) -> bool:
    """Whether what has this id began in the portal, not in the CRM."""
    return has_our_form(id_) and id_[_VERSION_AT] == "4"


def foreign_key(field: str, key: str, own: str) -> Problem:
    """What to say of a record that carries another system's key. **Shapes** `own`: what the worker would write."""
    words = f"{field} holds {key!r}, which is not a key of this portal, so the worker writes nothing there (its own key would be {own})"
    return Problem(FOREIGN, field, words, key)


def key_taken(field: str, key: str, home: str) -> Problem:
    """What to say of a record that carries the key of another one. **Shapes** `home`: that other record's CRM id."""
    return Problem(TAKEN, field, f"{field} holds {key}, which is the key of the record {home}; two records cannot be one", key)
