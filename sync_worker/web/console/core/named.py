"""What an address or a form of a page names: a company, a moment in the past, or conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.moments import past_moment
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.naming import company_named
from sync_worker.store.core.engine import Tx
from sync_worker.web.api.core.shapes import TEXT
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import ConsoleChange
from sync_worker.web.console.core.lists import values_of

MOST_LETTERS: Final = 1000
CONDITION_ROWS: Final = 4  # of an empty form
MOST_ROWS: Final = 60  # no form has more; what keeps conditions says how many it takes
_IS_TEXT: Final = re.compile(TEXT).match


def word_of_page(said: Mapping[str, str], name: str) -> str:
    """What a person wrote into a field of an address, without blanks around it; "" where nothing. **Raises** TurnedAway."""
    text = said.get(name, "").strip()
    if len(text) > MOST_LETTERS or not _IS_TEXT(text):
        raise TurnedAway(422, "The address cannot be read", f"{name.capitalize()}: write a text of {MOST_LETTERS} characters at most.")
    return text


def company_of_page(tx: Tx, tenant: Tenant, reference: str) -> Company:
    """The company that an address or a person names: by our id, its CRM id or its name. **Raises** TurnedAway."""
    found = company_named(tx, tenant, reference)
    if isinstance(found, Refusal):
        raise TurnedAway(409, "Several companies have this name", f"{found.why}. {found.who_may.capitalize()}.")
    if found is None:
        raise TurnedAway(404, "There is no such company", "No company of this portal has this name or id. See the list of companies.")
    return found


def moment_of_page(tenant: Tenant, said: Mapping[str, str]) -> datetime | None:
    """The moment of `at`; None: now. **Raises** TurnedAway."""
    text = said.get("at", "").strip()
    try:
        return past_moment(text, tenant.portal.zone, tenant.services.clock()) if text else None
    except ValueError as wrong:
        raise TurnedAway(422, "The date cannot be read", f"{wrong}.") from None


def refuse_without_second_partners(tenant: Tenant) -> None:
    """**Raises** TurnedAway: a portal without second partners has no such page."""
    if not tenant.portal.two_tier:
        raise TurnedAway(404, "There is no such page", "This portal has no second partners (two_tier: false in its file).")


def conditions_of_form(change: ConsoleChange) -> tuple[Condition, ...]:
    """The conditions that a form names, in their rows. A row without a field is left out."""
    numbers = [number for number in range(MOST_ROWS) if f"field_{number}" in change.form]
    rows = [tuple(change.text(f"{part}_{number}") for part in ("field", "operator", "values")) for number in numbers]
    return tuple(Condition(field, operator, values_of(operator, text)) for field, operator, text in rows if field)


def row_count(written: Sequence[Condition]) -> int:
    """How many rows a form shows: all that are written, and room for more."""
    return min(max(CONDITION_ROWS, len(written) + 1), MOST_ROWS)
