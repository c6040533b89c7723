"""Notes and files that people attach to a deal: for which side a person writes, how many there may be, and who may take one away. Pure.

A person who sees the deal sees its notes and files, and no other person does: `can_see` in `visibility.py` is the only rule. They belong to
the portal alone. They change no field of the deal, so its version stays as it is and the CRM is told nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.domain.core.user import Role
from sync_worker.domain.people.visibility import Viewer

MOST_CHARACTERS: Final = 10_000  # of a note: some five pages
MOST_NOTES: Final = 1000  # of a deal
MOST_FILES: Final = 100  # of a deal: at 20 MB each, at most 2 GB


class Attachment(StrEnum):
    """What a person attaches to a deal."""

    NOTE = "note"
    FILE = "file"


_MOST: Final = {Attachment.NOTE: MOST_NOTES, Attachment.FILE: MOST_FILES}


class AuthorSide(StrEnum):
    """The side of the deal for which a person writes."""

    OWNER_COMPANY = "owner_company"
    SECOND_PARTNER = "second_partner"
    VENDOR = "vendor"
    ACCOUNT_OWNER = "account_owner"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote it, as the person was at that moment. **Shapes** `name` as histories have it: `Ann (ann)`."""

    user_id: str
    name: str
    role: Role
    side: AuthorSide


def author_of(actor_name: str, viewer: Viewer, deal: Deal) -> Author:
    """The person as the author of something on this deal."""
    return Author(viewer.user.id, actor_name, viewer.user.role, side_of(viewer, deal))


def side_of(viewer: Viewer, deal: Deal) -> AuthorSide:
    """The side of a person who sees the deal. A person of the vendor speaks for the vendor, also as a member of another company.

    The account owner is the person whom only a company's account-owner field connects with the deal.
    """
    user = viewer.user
    if user.is_vendor_admin or viewer.is_of_vendor:
        return AuthorSide.VENDOR
    if deal.owner_company in user.companies:
        return AuthorSide.OWNER_COMPANY
    is_parent = viewer.parents.get(deal.owner_company or "") in user.companies
    if viewer.is_two_tier and (is_parent or deal.second_partner in user.companies):
        return AuthorSide.SECOND_PARTNER
    return AuthorSide.ACCOUNT_OWNER


def room_refusal(what: Attachment, deal: Deal, count: int) -> Refusal | None:
    """Why the deal takes no more of them. **Shapes** `count`: how many it has."""
    most = _MOST[what]
    if count < most:
        return None
    code = "notes_many" if what is Attachment.NOTE else "files_many"
    return Refusal(code, f"deal {deal.id} has {count} {what}s, and a deal takes at most {most}", f"a person who removes a {what} first")


def edit_refusal(author_id: str, actor: Actor) -> Refusal | None:
    """Why this person does not change the words of a note."""
    if _is_own(author_id, actor):
        return None
    return Refusal("note_not_yours", f"{actor.name} did not write this note", "the person who wrote the note")


def removal_refusal(what: Attachment, author_id: str, actor: Actor) -> Refusal | None:
    """Why this person does not take it away."""
    if _is_own(author_id, actor) or (actor.user is not None and actor.user.is_vendor_admin):
        return None
    code = "note_not_yours" if what is Attachment.NOTE else "file_not_yours"
    return Refusal(code, f"{actor.name} did not add this {what}", f"the person who added the {what}, or an admin of the vendor")


def _is_own(author_id: str, actor: Actor) -> bool:
    return actor.user is not None and actor.user.id == author_id
