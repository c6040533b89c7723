"""Problems: every refusal and every error as RFC 9457 has it, `application/problem+json`, by one table for each.

STATUS   a refusal's code → status: it was understood and is not done
FAULTS   an error's type → status: it could not be done now, or never; a bug says only the request's id
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from sync_worker.actors import code_of
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.problem import CODES
from sync_worker.errors import ConfigError, ConnectionDown, RateLimited, RecordError, StaleRead, StoreDown, SyncError, TransientError
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core.codes import ProblemCode
from sync_worker.web.api.core.deal_shape import DealView
from sync_worker.web.api.core.shapes import View

MEDIA_TYPE: Final = "application/problem+json"
RETRY_S: Final = 5  # when a fault has no time of its own

_BY_STATUS: Final = {
    400: "actor_missing",
    401: "token_missing token_malformed token_unknown token_revoked token_expired",
    403: "scope_missing user_inactive company_inactive not_a_party not_your_track not_a_member on_behalf_off owner_by_vendor_only "
    "may_not_register parent_kept quote_not_yours unit_price_not_yours discount_not_yours prices_not_yours "
    "notifications_not_yours journeys_not_yours note_not_yours file_not_yours",
    404: "address_unknown company_unknown user_unknown deal_unknown conflict_unknown record_unknown quote_unknown agreement_unknown "
    "replay_unknown failure_unknown run_unknown notification_unknown group_unknown journey_unknown note_unknown file_unknown "
    "inquiry_unknown token_id_unknown",
    405: "method_not_allowed",
    409: "wrong_state deal_closed terms_locked decided_for_good not_ready nothing_to_renew track_not_required track_not_in_use "
    "not_a_vendor_move approved_other_terms conflict_moved conflict_resolved conflict_without_record record_taken record_alive has_parent "
    "not_a_subgroup company_exists terms_missing agreement_missing quote_not_ready quote_not_sent quote_not_latest "
    "quote_outdated quote_signed not_licensed request_under_way primary_member managed_by_file parent_not_named owner_company_missing "
    "group_exists groups_many journey_exists reach_unconfirmed nothing_held not_held portal_paused notes_many files_many",
    410: "place_gone",
    412: "stale_version",
    413: "body_too_large file_too_large",
    415: "file_type_not_as_named file_type_unknown",
    422: "body_malformed code_unknown cursor_malformed key_of_other_request company_missing decision_not_in_track deal_type_unknown "
    "field_missing field_not_registrable field_repeated field_unknown only_while_registering only_in_crm no_place_in_crm "
    "file_empty lines_count_otherwise "
    "lines_malformed name_missing no_terms_between not_a_colleague owner_is_vendor owner_not_active owner_unknown "
    "last_day_missing last_day_over "
    "parent_not_a_second_partner percent_malformed percent_missing pricing_not_for_deal reason_missing renewal_not_later "
    "second_partner_is_owner second_partner_not_active second_partner_not_associated second_partner_single_tier "
    "second_partner_unknown company_ambiguous subgroup_name_missing subgroup_not_a_partner two_tier_off value_malformed value_not_listed "
    "text_too_long "
    "term_unknown billing_not_for_term currency_unknown amount_misfit no_price price_listed price_malformed pricing_not_in_column "
    "journey_malformed",
    428: "if_match_missing",
    503: "portal_disabled",
}
STATUS: Final[Mapping[str, int]] = {code: status for status, codes in _BY_STATUS.items() for code in codes.split()}
"""A refusal's code → status. What is unknown by an address is 404; by a field of the body, 422."""

FAULTS: Final[Mapping[type[SyncError], int]] = {
    StoreDown: 503,
    ConnectionDown: 503,
    ConfigError: 503,
    TransientError: 503,
    StaleRead: 503,
    RecordError: 422,
    SyncError: 500,
}
"""An error's type → status; a type counts for those below it."""
_WORDS: Final = {
    StoreDown: "our database is out of reach; ask again in a few seconds",
    ConnectionDown: "the CRM lets us do nothing as things are; an operator has to look, and it is tried again by itself",
    ConfigError: "the portal rests until an operator has corrected its file",
    TransientError: "something on the way did not answer; ask again in a few seconds",
    SyncError: "this stopped; the operator's log has the words",
}


class MistakeView(View):
    """One thing that is wrong with a request."""

    field: Annotated[str, Field(description="The field, header or parameter that is wrong.")]
    detail: Annotated[str, Field(description="What is wrong with it, for people.")]


class ProblemView(View):
    """Why a request was not done. A member that does not apply is left out."""

    type: Annotated[
        str,
        Field(
            description="An address that says what the code means and what to do.",
            examples=["/codes/stale_version"],
            json_schema_extra={"format": "uri-reference"},
        ),
    ]
    title: Annotated[str, Field(description="The code in words.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    code: Annotated[ProblemCode, Field(description="What went wrong, for programs. It does not change.", examples=["stale_version"])]
    detail: Annotated[str, Field(description="What went wrong, for people: what happened, and to what.")]
    who_may: Annotated[str, Field(description="Who may do it, or what would be right.")] = ""
    field: Annotated[str, Field(description="The field, header or parameter that the problem is about.")] = ""
    allowed: Annotated[list[str], Field(description="The values that would be accepted.", default_factory=list)]
    errors: Annotated[
        list[MistakeView],
        Field(description="Everything that is wrong with the request, if it is more than one thing.", default_factory=list),
    ]
    request_id: Annotated[str, Field(description="The id of the request. It stands in the operator's log.")] = ""
    current: Annotated[
        DealView | SkipJsonSchema[None], Field(description="The deal as it is now, if the request named an older version.")
    ] = None


@dataclass(eq=False)  # an exception is given its traceback, so it is not frozen
class Refused(Exception):
    """A refusal on its way out. **Shapes** `status`: where the code's own does not fit here."""

    refusal: Refusal
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[MistakeView, ...] = ()


def of_refusal(refused: Refused, **more: Any) -> Answer:
    """**Shapes** `more`: further members of the problem."""
    refusal = refused.refusal
    status = refused.status or status_of(refusal)
    problem = _problem(
        refusal.code,
        status,
        refusal.why,
        who_may=refusal.who_may,
        field=refusal.field,
        allowed=list(refusal.allowed),
        errors=list(refused.errors),
        **more,
    )
    return _answer(problem, refused.headers)


def of_fault(error: SyncError) -> Answer:
    """What stopped a step; its own words are for the operator."""
    if isinstance(error, RecordError):
        return _answer(_problem("value_malformed", FAULTS[RecordError], str(error), field=error.field or "body"))
    kind = next(kind for kind in type(error).__mro__ if kind in FAULTS)
    words = next(_WORDS[one] for one in type(error).__mro__ if one in _WORDS)
    seconds = error.retry_after_s if isinstance(error, RateLimited) else RETRY_S
    return _answer(
        _problem(code_of(error), FAULTS[kind], words), {"Retry-After": str(max(1, round(seconds)))} if FAULTS[kind] == 503 else {}
    )


def of_bug(request_id: str) -> Answer:
    """Nothing of a bug goes out but where to find it."""
    return _answer(_problem("bug", 500, "a mistake of ours; it is in the log", request_id=request_id))


def status_of(refusal: Refusal) -> int:
    """What a body names and is not there makes the body wrong, not the address."""
    status = STATUS[refusal.code]
    return 422 if status == 404 and refusal.field else status


def _problem(code: str, status: int, detail: str, **more: Any) -> ProblemView:
    kept = {name: value for name, value in more.items() if value not in ("", [], None)}
    kind = f"/codes/{code}" if code in CODES else "about:blank"
    return ProblemView(type=kind, title=code.replace("_", " ").capitalize(), status=status, code=code, detail=detail, **kept)


def _answer(problem: ProblemView, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(problem.status, problem.model_dump_json(exclude_unset=True), {"Content-Type": MEDIA_TYPE, **(headers or {})})
