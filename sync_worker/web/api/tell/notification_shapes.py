"""What stands in the bodies of notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from sync_worker.web.api.core.codes import NoticeTopic
from sync_worker.web.api.core.shapes import ListView, View


class ShownChangeView(View):
    """A field that changed, as people read it."""

    field: Annotated[str, Field(description="The label of the field.", examples=["Expected close date"])]
    before: str
    after: str


class NotificationView(View):
    """What a user was told."""

    id: str
    topic: NoticeTopic
    text: Annotated[
        str, Field(description="The whole notification in one line.", examples=["Ann registered Harbor expansion of Birch Systems"])
    ]
    why: Annotated[
        str,
        Field(description="Why this user is told.", examples=["as a manager of Arrow Electronics, you are the Distributor on this deal"]),
    ]
    changes: Annotated[list[ShownChangeView], Field(description="The fields that changed.")]
    deal_id: Annotated[str, Field(description="The deal that it is about.")]
    deal: Annotated[str, Field(description="The name of the deal at that time.")]
    created_at: datetime
    read_at: Annotated[datetime | None, Field(description="When the user read it. It is null while it is unread.")]


class UnreadView(View):
    """How many notifications a user has not read."""

    unread: int


class NotificationsView(ListView):
    """A page of a user's notifications."""

    items: list[NotificationView]
    unread: Annotated[int, Field(description="How many notifications the user has not read, on all pages.")]
