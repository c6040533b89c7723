"""A portal's connection to its CRM by a person's consent: how long a consent may take, and which account is the portal's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, NamedTuple

CONSENT_LASTS: Final = timedelta(minutes=15)
"""From the button to the way back: as long as the code of the stricter vendor is good."""


class KnownOrg(NamedTuple):
    """An account that a portal is bound to. **Shapes** `by`: what says so, in words."""

    id: str
    by: str


def other_org(kind: str, found: str, known: Iterable[KnownOrg]) -> str:
    """Why an account is not the portal's; "" where it is. **Shapes** `kind`: what the CRM calls an account."""
    if not found:
        return f"The CRM did not say which {kind} this is. Nothing was kept; try it again."
    for one in known:
        if one.id != found:
            return (
                f"You have allowed the {kind} {found}, and this portal belongs to the {kind} {one.id} ({one.by}). Nothing was kept. "
                f"Log out of the CRM, and connect as a user of {one.id}. Another {kind} needs a portal of its own."
            )
    return ""
