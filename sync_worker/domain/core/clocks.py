"""When each side may have changed, and whose edit is the newer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

STAMP_RESOLUTION: Final = timedelta(seconds=1)  # some CRMs stamp whole seconds: a change stamped :05 may have happened at :05.9


@dataclass(frozen=True, slots=True)
class Clocks:
    """When each side may have changed, all on the CRM's clock. **Units** aware UTC. `crm_before_at`: the stamp at our previous read."""

    crm_before_at: datetime | None
    crm_now_at: datetime
    portal_edited_at: Mapping[str, datetime] = field(default_factory=dict)


def newest(clocks: Clocks, edited_at: datetime | None) -> tuple[Literal["crm", "portal"], str]:
    """The CRM changed somewhere in (stamp at our previous read, stamp now]; the portal is later than all of it, earlier, or inside."""
    if edited_at is None:
        return "crm", "newest_unclear"
    stamp = clocks.crm_now_at
    is_later = edited_at >= stamp + STAMP_RESOLUTION if stamp.microsecond == 0 else edited_at > stamp
    if is_later:
        return "portal", "both_changed"
    if clocks.crm_before_at is not None and edited_at <= clocks.crm_before_at:
        return "crm", "both_changed"
    return "crm", "newest_unclear"
