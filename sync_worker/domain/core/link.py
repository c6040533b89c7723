"""Which CRM record is behind a deal, or behind a company that the portal writes, and what both sides last agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from sync_worker.domain.core.reconcile import Base

KEY: Final = "(key)"  # in a link's base: our key as the CRM record carries it
CONVERTED: Final = "(converted)"  # in a link's base: the record is the outcome of a conversion or a merge, and was not read yet
UNTOLD: Final = "(untold) "  # in a link's base, before the name of a field: what people know it as, until they are told of the conversion
CONVERSION: Final = "conversion"  # how the record came to be: by one, else by a merge


@dataclass(frozen=True, slots=True)
class Link:
    """One CRM record of one deal, or of a company that the portal writes (company_links.py).

    **Shapes** `base`: per field the pair both sides last agreed on. `written_…`: our last write, None before the first.
    """

    object: str
    crm_id: str
    deal_id: str
    is_current: bool = True
    base: Mapping[str, Base] = field(default_factory=dict)
    crm_modified_at: datetime | None = None
    settled_no: int = 0
    deleted_at: datetime | None = None
    written_at: datetime | None = None
    written_run: str | None = None
    written_attempt: int | None = None


class Home(NamedTuple):
    """The record a deal lives in."""

    object: str
    crm_id: str
