"""A company's CRM record in our words, and what one portal's file and mapping say of companies."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.own_key import key_of

_NOTHING: Final[Mapping[str, Any]] = {}


class CompanyRecord(NamedTuple):
    """One CRM record as it was read.

    **Shapes** `key`: what stands in our key field, as the CRM spells it; `is_key_read`: whether that field was read. `new_id`: the
    company's id, where the portal does not know it yet. `becomes`: the record that lives on in its place, where it lost a merge; itself
    where nothing does. `values`: a field that is absent is unset (what we know stays), `None` is cleared. `unreadable`: field → the CRM's
    spelling, of values that the mapping could not read; those are absent from `values`, or from the set there. `unlisted`: field → in
    words, of values that were read as they stand and are on no list of the CRM. `spellings`: as the CRM spells them; `hints`: field → what
    can be read there; `text`: characters of it that cannot be stored. `digest`: of all that was read but the key.
    """

    crm_id: str
    modified_at: datetime
    key: Any = None
    is_key_read: bool = False
    new_id: str = ""
    is_deleted: bool = False
    is_gone: bool = False
    becomes: str = ""
    values: Mapping[str, Value] = _NOTHING
    spellings: Mapping[str, Any] = _NOTHING
    unreadable: Mapping[str, str] = _NOTHING
    unlisted: Mapping[str, str] = _NOTHING
    hints: Mapping[str, str] = _NOTHING
    text: Problem | None = None
    digest: int | None = None

    @property
    def stripped_key(self) -> str:
        """The key that stands on it; "" where there is none."""
        return key_of(self.key)


@dataclass(frozen=True, slots=True)
class CompanyRules:
    """What a portal's file and mapping say of companies.

    **Shapes** `vendor_crm_id`: the vendor's own company. `rule_fields`: fields that rules use. `has_contracts`: whether contract values
    name second partners; `mapped`: CRM ids of those that the portal file spells for them.
    """

    vendor_crm_id: str | None
    attribute_names: frozenset[str] = frozenset()
    rule_fields: frozenset[str] = frozenset()
    has_contracts: bool = False
    mapped: Set[str] = frozenset()
