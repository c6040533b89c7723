"""Bodies of notes and files on deals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from sync_worker.domain.core.names import folded
from sync_worker.domain.core.user import Role
from sync_worker.domain.people.attached import MOST_CHARACTERS, AuthorSide
from sync_worker.web.api.core.shapes import TEXT, Body, ListView, View


def _readable(text: str) -> str:
    if not folded(text):
        raise ValueError("it has no character that can be seen")
    return text


class NoteBody(Body):
    """A note on a deal. Spaces and empty lines around it are not kept."""

    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_CHARACTERS, pattern=TEXT),
        AfterValidator(_readable),
        Field(examples=["The prospect asked for a demo in May."]),
    ]


class AttachedView(View):
    """What a person attached to a deal, and who did it."""

    id: str
    deal_id: str
    author_id: Annotated[str, Field(description="The portal's own id of the user.")]
    author: Annotated[str, Field(description="The name of the user at that time, and the id.", examples=["Ann Birch (ann)"])]
    author_role: Annotated[Role, Field(description="The role of the user at that time.")]
    author_side: Annotated[AuthorSide, Field(description="For which side of the deal the user wrote.")]
    added_at: datetime


class NoteView(AttachedView):
    """A note on a deal."""

    text: str
    edited_at: Annotated[
        datetime | None, Field(description="When the author last changed it. It is null if the note is as it was written.")
    ]


class NotesView(ListView):
    """One page of the notes of a deal, the newest first."""

    items: list[NoteView]


class DealFileView(AttachedView):
    """A file on a deal. Its content is at its own address."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str


class DealFilesView(ListView):
    """One page of the files of a deal, the newest first."""

    items: list[DealFileView]
