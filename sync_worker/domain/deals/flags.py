"""Flags: what is wrong with a deal, in words for the people of the deal. Pure.

One table says which codes they are shown, from which reader on and in which words. A code that is not in it is for operators alone,
who read the message as it was written down. The words of the table name no record of the CRM and no company.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final, NamedTuple

from sync_worker.domain.core.stamp import DISTRIBUTOR


class FlagReader(IntEnum):
    """Who looks at a deal; each reads what those before it read, too."""

    PARTNER = 1
    VENDOR = 2
    OPERATOR = 3


@dataclass(frozen=True, slots=True)
class FlagRow:
    """One line of the table. **Shapes** `words` may name `{label}` (what a second partner is called here) and `{field}`."""

    reader: FlagReader
    words: str


class Wrong(NamedTuple):
    """Something that is wrong with a deal, as it was written down. **Units** aware UTC."""

    code: str
    field: str
    message: str
    since: datetime


class Flag(NamedTuple):
    """The same for this reader."""

    code: str
    field: str
    words: str
    since: datetime


OF_TWO_TIERS: Final = frozenset({"second_partner", "distributor_approval", *DISTRIBUTOR})
"""Fields of a deal that a portal without second partners does not show."""

WAITS: Final = "both_changed"
"""A field that both sides changed, and that waits for a person."""


def _all(words: str) -> FlagRow:
    return FlagRow(FlagReader.PARTNER, words)


def _vendor(words: str) -> FlagRow:
    return FlagRow(FlagReader.VENDOR, words)


FLAGS: Final[Mapping[str, FlagRow]] = {
    # the deal and its record
    "deleted_in_crm": _all("The vendor deleted this deal's record in its CRM. The deal stays here. Ask the vendor, or withdraw the deal."),
    "gone_from_crm": _all("The vendor's CRM does not show this deal's record any more. The deal stays here. Ask the vendor."),
    "disconnected": _all("This deal has no record in the vendor's CRM any more: changes do not reach it until the vendor links it again."),
    "duplicate_in_crm": _vendor("The CRM has several records of this deal. Merge them there, or delete the others."),
    "conversion_mapping_missing": _vendor(
        "The conversion of the lead did not copy some fields; they were carried over. Map them in the CRM."
    ),
    # the companies
    "parent_gone": _all("The owner company left its {label} while the deal was pending. The deal goes on, unless it is withdrawn."),
    "parent_kept": _all("The vendor's CRM named another {label} than the one this deal has to keep. The old one is written back."),
    "parent_not_named": _all("The owner company has a {label} that this deal does not name. The deal is not finalized like this."),
    "owner_company_missing": _all("The vendor's CRM names no company for this deal. It is not decided on until the vendor does."),
    "second_partner_not_associated": _all("The {label} on this deal has no contract with the owner company. Ask the vendor."),
    "second_partner_wrong_type": _all("The company named as {label} on this deal is not one. Ask the vendor."),
    "second_partner_not_active": _all("The {label} on this deal is not active. Ask the vendor."),
    "second_partner_is_owner": _all("The vendor's CRM names the owner company as {label}, too. That was not taken over."),
    "two_tier_off": _vendor("The CRM names a second partner, and this portal has none. That was not taken over."),
    "waiting_for_parent": _all("The vendor's CRM names a company that the portal does not know yet ({field}). The deal keeps what it had."),
    "company_not_in_crm": _all("A company on this deal is not in the vendor's CRM yet, so that the CRM has not heard of the last changes."),
    "same_prospect": _vendor("Two companies registered this prospect. Decide whose it is, and reject or withdraw the other deal."),
    # approvals and terms
    "approved_other_terms": _all(
        "The vendor approved other terms than these in its CRM. That was not taken over; the vendor decides again."
    ),
    "not_a_vendor_move": _all("The vendor's CRM set an approval that is not set by hand. It was not taken over; the vendor decides."),
    "decided_for_good": _all("The vendor's CRM changed a decision after finalize was requested. It was not taken over."),
    "locked_in_crm": _all("The vendor's CRM changed terms that were locked. The new terms hold, and the approvals start again."),
    # fields
    WAITS: _all("Both sides changed {field}. Neither value travels until somebody decides."),
    "unlisted_value": _all("The vendor's CRM holds a value of {field} that the portal does not know. The deal keeps what it had."),
    "value_unreadable": _all("The vendor's CRM holds a value of {field} that the portal cannot read. The deal keeps what it had."),
}
"""code → who is shown it, and in which words. Printed into docs/deals.md."""


def flags_for(reader: FlagReader, wrong: Iterable[Wrong], *, label: str) -> list[Flag]:
    """What this reader is shown, one flag per code and field, the oldest first."""
    found: dict[tuple[str, str], Flag] = {}
    for one in sorted(wrong, key=lambda one: (one.since, one.code, one.field)):
        line = FLAGS.get(one.code, FlagRow(FlagReader.OPERATOR, ""))
        if reader >= line.reader:
            words = line.words.format(label=label, field=one.field.replace("_", " ") or "a field") if line.words else one.message
            found.setdefault((one.code, one.field), Flag(one.code, one.field, words, one.since))
    return list(found.values())


def speaks_of_two_tiers(flag: Flag) -> bool:
    """Whether it says something of a second partner: by its field, or in words that name one."""
    line = FLAGS.get(flag.code)
    return flag.field in OF_TWO_TIERS or (line is not None and "{label}" in line.words)
