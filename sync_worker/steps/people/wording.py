"""WORDING: which texts a person may write: a name is one line, no text steers a terminal, the CRM's field has room, an address is valid."""

from __future__ import annotations

from typing import Final

from sync_worker.boundary.text import steering
from sync_worker.domain.core.deal import Refusal

LINES: Final = frozenset({"name", "prospect_name", "contact_first_name", "contact_last_name", "contact_email"})
LINE_ENDS: Final = "\n\r\t"
MOST: Final = 1000  # characters of one text, where the CRM's field has room for more; as the API takes it


def misfit_of(field: str, written: str, *, longest: int = 0) -> Refusal | None:
    """Why this text has no place in this field. **Shapes** `longest`: the characters that the CRM's field takes; 0 = it does not say."""
    found = steering(written, allowed="" if field in LINES else LINE_ENDS)
    if found:
        return _refused(field, f"holds the character {found}, which is not shown but steers what is shown", "leave it out")
    most = min(longest, MOST) if longest else MOST
    if len(written) > most:
        where = "the CRM's field takes" if longest and longest <= MOST else "a text may have"
        return Refusal("text_too_long", f"{field} has {len(written)} characters; {where} {most}", "a shorter text", field=field)
    if field == "contact_email" and written and (wrong := address_misfit(written)):
        return _refused(field, f"{written!r} is not an e-mail address. {wrong}", "name@company.example")
    return None


def address_misfit(address: str) -> str:
    """What keeps it from being an e-mail address, in a sentence; "" where it can be one. It is not asked whether the address exists."""
    from email_validator import EmailNotValidError, validate_email  # its tables take longer to load than most addresses are worth

    try:
        validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        return str(error)
    return ""


def _refused(field: str, what: str, right: str) -> Refusal:
    return Refusal("value_malformed", f"{field}: {what}", right, field=field)
