"""Where something must change before a failure can pass, and whether a replay helps. Both are known before a person chooses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sync_worker.domain.core.company import NOT_LISTED
from sync_worker.domain.core.problem import CODES

PAGE: Final = "docs/codes.md"
OWN_CODES: Final = "crm"  # the anchor of what is said of codes that are the CRM's own

CRM, FILES, EITHER, PORTAL = "the CRM", "mapping or portal file", "the CRM or the mapping", "the deal in the portal"
NAMED = "what it names"


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a failure needs.

    **Shapes** `where`: what must change first; "" = nothing. `instead`: why trying again does nothing, and what does; "" = it may help.
    """

    where: str
    instead: str = ""

    @property
    def is_replayable(self) -> bool:
        return not self.instead

    @property
    def words(self) -> str:
        """Whether to replay, for a person."""
        if self.instead:
            return f"no: {self.instead}"
        return f"change {self.where} first" if self.where else "yes"


_TOLD = "it only tells what was done; discard it once it was read"
_BY_ITSELF = "it goes on by itself"
_DECIDES = "the vendor decides on the deal as it is now"

_PLACES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("gave_up", "outcome_never_learned", "bug", "deleted_in_crm", "gone_from_crm", "disconnected"), ""),
    **dict.fromkeys(("name_blank", "account_type_blank", "vendor_type_ignored", "rule_field_blank", "waiting_for_parent"), CRM),
    **dict.fromkeys(("company_not_in_crm", "second_partner_not_associated", "owner_company_missing", "parent_not_named"), CRM),
    **dict.fromkeys(("foreign_key", "key_taken"), CRM),
    **dict.fromkeys(("unlisted_value", "value_unreadable", "status_unknown", "account_type_unknown", "rule_field_unlisted"), EITHER),
    **dict.fromkeys(("not_a_number", "not_an_integer"), EITHER),
    **dict.fromkeys(("not_text", "not_a_reference", "not_a_set", "not_a_boolean", "not_a_date"), EITHER),
    **dict.fromkeys(("event_refused", "event_given_up"), "the portal's receiver"),
    **dict.fromkeys(("contract_value_ambiguous", "two_tier_off"), FILES),
    **dict.fromkeys(("value_malformed", "value_not_listed"), PORTAL),
}
_INSTEAD: Final[Mapping[str, str]] = {
    **dict.fromkeys(("both_changed", "newest_unclear", "put_back", "late_write_undone", "parent_kept"), _TOLD),
    **dict.fromkeys(("contract_value_renamed", "contract_lost_in_merge", "duplicate_in_crm", "same_prospect"), _TOLD),
    **dict.fromkeys(("approved_other_terms", "not_a_vendor_move", "locked_in_crm"), _DECIDES),
    **dict.fromkeys(("came_back", "parent_taken_back"), _TOLD),
    "parent_lost": "a member of its parent promotes the company again; then discard it",
    "decided_for_good": "it stands until the deal is over; discard it once it was read",
    "conversion_mapping_missing": "map the fields in the CRM, then: check; or discard it where the mapping cannot be read",
    **dict.fromkeys(
        ("rate_limited", "transient_error", "call_refused", "too_large", "auth_failed", "connection_down", "schema_changed"), _BY_ITSELF
    ),
    **dict.fromkeys(("rule_name_unresolved", "rule_name_ambiguous", "rule_name_wrong_side", "rule_keys_many"), _BY_ITSELF),
    "attribute_rests": "it ends by itself once the CRM shows the field again",
    **dict.fromkeys(("config_error", "no_room_in_crm", "crm_in_maintenance"), _BY_ITSELF),
    "receiver_down": "it goes on by itself; at once: feed resume",
    "receiver_gone": "correct feed.url in the portal file, then: feed resume",
    "events_lost": "the portal reads everything once; then discard it",
    "reach_unconfirmed": "write confirm_users into the journey's file, or let it reach fewer; then restart",
    "journey_held": "a person looks at the mails, then: journeys release, or journeys discard",
    "held_for_review": "a person looks at what would change, then: failures release",
}


CRM_CODES: Final[Mapping[str, str]] = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule of the CRM's admin refuses the record; the message is the rule's own. "
    "Correct the deal, or ask the admin to change the rule.",
    "REQUIRED_FIELD_MISSING": "A field that the CRM requires is empty. Fill it on the deal, or map it with create_default.",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "The CRM's list has no such value. Add it there, or correct the mapping's values.",
    "STRING_TOO_LONG": "The text is longer than the CRM's field. Shorten it on the deal, or lengthen the field.",
    "DUPLICATE_VALUE": "Another record of the CRM has this unique value. Find it there, and merge or correct one of the two.",
    "INSUFFICIENT_ACCESS_OR_READONLY": "The worker's user may not write this record. Give it the permission, or share the record.",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "A trigger or flow of the CRM failed on the record. Its admin finds it in the message.",
    "ENTITY_IS_LOCKED": "An approval process of the CRM has locked the record. Unlock it, or wait for the approval.",
    "INVALID_CROSS_REFERENCE_KEY": "The record names another one that is gone or hidden. Correct the company, or share it.",
    "VALIDATION_ERROR": "The CRM refuses a value; the message says which. Correct the deal, or the CRM's rule.",
    "MISSING_REQUIRED_PROPERTY": "A property that the CRM requires is empty. Fill it on the deal, or map it with create_default.",
    "MISSING_CONDITIONAL_REQUIRED_PROPERTY": "A property is required for this stage, and is empty. Fill it on the deal.",
}
"""The CRM's own codes that people meet most → what they mean, and what to do."""


OUTCOMES: Final[Mapping[str, str]] = {
    "passed": "written, or read without a mistake",
    "superseded": "nothing was left to try: resolved, discarded or changed since",
    "failed": "open again, for the same or another reason",
    "waiting": "tried, and not decided: the next push or pull goes on with it",
    "held": "not tried, because twenty others of the same cause failed",
    "stopped": "not tried, because a person stopped the replay",
    "continued": "not tried here: a later replay went on with it",
    "left": "not tried yet; marked",
}
"""How a failure of a replay ends."""


def remedy_of(code: str, *, stage: str) -> Remedy:
    """What a failure of this code needs. A code that is not ours is the CRM's: something there refuses the record."""
    if code in _INSTEAD:
        return Remedy("", _INSTEAD[code])
    if stage == "pull":
        return Remedy("", _BY_ITSELF)
    if code not in CODES:
        return Remedy("the CRM, or the deal")
    if code == NOT_LISTED and stage == "ingest":
        return Remedy(CRM)
    return Remedy(_PLACES.get(code, NAMED))


def meaning_of(code: str) -> str:
    """What the code means, and what to do."""
    return CODES.get(code) or CRM_CODES.get(code) or "Correct what the message names; then replay."


def page_of(code: str) -> str:
    """Where the code is explained."""
    return f"{PAGE}#{code if code in CODES else OWN_CODES}"
