"""NOTE: a person writes on a deal what the others who see the deal may read."""

from __future__ import annotations

from dataclasses import replace

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.people.attached import author_of, edit_refusal
from sync_worker.domain.people.visibility import Viewer
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.attached.either import room, tell
from sync_worker.steps.people.users import acting
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import attached
from sync_worker.store.deals.attached import Note


def note_of(tx: Tx, stored: StoredDeal, note_id: str) -> Note | Refusal:
    """One note of the deal."""
    found = attached.get(tx, Note, stored.deal.id, note_id)
    return found or Refusal("note_unknown", f"deal {stored.deal.id} has no note {note_id}", "see the list of the deal's notes")


def add_note(tx: Tx, tenant: Tenant, stored: StoredDeal, text: str, viewer: Viewer) -> Note | Refusal:
    """One more note on the deal, or why the deal takes no more."""
    if refused := room(tx, Note, stored):
        return refused
    author = author_of(acting(viewer.user).name, viewer, stored.deal)
    note = Note(author, tenant.services.new_id(), stored.deal.id, text, tx.now)
    attached.add(tx, note)
    tell(tx, "added", stored, note, viewer)
    return note


def edit_note(tx: Tx, stored: StoredDeal, note: Note, text: str, viewer: Viewer) -> Note | Refusal:
    """The author's note with another text. The same text changes nothing."""
    if refused := edit_refusal(note.author.user_id, acting(viewer.user)):
        return refused
    if note.text == text:
        return note
    attached.edit(tx, note.id, text)
    tell(tx, "changed", stored, note, viewer)
    return replace(note, text=text, edited_at=tx.now)
