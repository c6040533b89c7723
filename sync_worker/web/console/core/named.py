"""What an address or a form of a page names: a company, a moment in the past, or conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.conditions.condition import VALUE_COUNTS, Condition
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.moments import past_moment
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.naming import company_named
from sync_worker.store.core.engine import Tx
from sync_worker.web.api.core.shapes import TEXT
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import ConsoleChange

MOST_LETTERS: Final = 1000
CONDITION_ROWS: Final = 4  # of a form
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
    """The conditions that a form names, in their rows. A row without a field is left out; several values have commas between them."""
    rows = [tuple(change.text(f"{part}_{row}") for part in ("field", "operator", "values")) for row in range(CONDITION_ROWS)]
    return tuple(Condition(field, operator, _values(operator, text)) for field, operator, text in rows if field)


def _values(operator: str, text: str) -> tuple[str, ...]:
    takes_one = operator in {name for name, counts in VALUE_COUNTS.items() if counts == (1, 1)}
    return tuple(one for one in ([text] if takes_one else map(str.strip, text.split(","))) if one)
