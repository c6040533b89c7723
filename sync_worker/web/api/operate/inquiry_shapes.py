"""What stands in bodies about inquiries, and about what the brake holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from sync_worker.domain.operate.inquiry import InquiryKind, InquiryState
from sync_worker.web.api.core.shapes import Body, View


class PlanBody(Body):
    """How much a plan reads."""

    full: Annotated[bool, Field(description="Read every record, as `pull --full`: an edited mapping shows on each.")] = False


class InquiryView(View):
    """What was asked of the CRM, and how far a worker is with it."""

    id: str
    kind: InquiryKind
    state: Annotated[InquiryState, Field(description="`waits` and `running` change by themselves; `answered` and `failed` stay.")]
    actor: Annotated[str, Field(description="Who asked first.")]
    is_full: Annotated[bool, Field(description="Whether a plan reads every record.")]
    asked_at: datetime
    begun_at: Annotated[datetime | None, Field(description="When a worker took it up. It is null before that.")]
    finished_at: Annotated[datetime | None, Field(description="When it ended. It is null before that.")]
    doing: Annotated[str, Field(description="What the worker is at, in words.")]
    done_count: Annotated[int, Field(description="How many records the worker has looked at in this part of the work.")]
    total_count: Annotated[int | None, Field(description="How many there are in this part. It is null if that is not known.")]
    error: Annotated[str, Field(description="Why it failed. It is empty if it did not.")]


class InquiryAnswerView(InquiryView):
    """The same with the answer."""

    result: Annotated[
        dict[str, Any] | None,
        Field(
            description="The answer: what the command shows with `--json`. A list has its `count`, and the first 200 rows as `shown`. "
            "It is null until there is an answer."
        ),
    ]


class HeldView(View):
    """One thing that the brake holds."""

    id: Annotated[str, Field(description="The failure, for `POST /failures/{id}/release`.")]
    name: str
    message: str
    since: datetime
    released_by: Annotated[str | None, Field(description="Who asked for its release, while the workers are at it. It is null otherwise.")]


class BrakeView(View):
    """What the brake holds, and what would go if it were released, as the latest plan saw it."""

    limit: Annotated[int, Field(description="How many percent may go within a day before the brake holds it.")]
    held: list[HeldView]
    inquiry_id: Annotated[
        str | None,
        Field(description="The plan that the lists below come from. `POST /operate/plan` asks for one. It is null if there is none."),
    ]
    seen_at: Annotated[datetime | None, Field(description="When that plan was made.")]
    companies_leaving: Annotated[
        list[dict[str, Any]], Field(description="The first 200 companies that would leave the portal, with each field before and after.")
    ]
    companies_leaving_count: int
    associations_removed: Annotated[list[dict[str, Any]], Field(description="The first 200 associations that would end.")]
    associations_removed_count: int
