"""Notes on a deal. A person who sees the deal reads them and writes more. A note is removed by its author or by the vendor."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.deals.attached.notes import add_note, edit_note, note_of
from sync_worker.steps.people.answer import Keep
from sync_worker.store.deals.attached import Note
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import views, visibility
from sync_worker.web.api.core.authentication import PRINTABLE, Acting, Looking, again
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.deals import attached_shapes as shapes
from sync_worker.web.api.deals.attached_views import done, removed, shown, some_of, tell_feed, writer
from sync_worker.web.api.deals.deals import DealId

router = portal_router("deals")

NoteId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE, description="The id of the note.")]


@router.get("/deals/{deal_id}/notes", responses=problems(400, 404))
def list_deal_notes(visit: Looking, deal_id: DealId, page: PageOf) -> shapes.NotesView:
    """Lists the notes on a deal, the newest first, for everybody who may see the deal."""
    some = some_of(visit, Note, deal_id, page)
    return shapes.NotesView(items=[_shown(note) for note in some.items], next=some.next)


@router.post("/deals/{deal_id}/notes", status_code=201, response_model=shapes.NoteView, responses=problems(400, 404, 409))
def add_deal_note(visit: Acting, deal_id: DealId, said: shapes.NoteBody, once: OnceOnly) -> Response:
    """Writes a note on a deal. Everybody who may see the deal may read it. The CRM is not told, and the deal keeps its version."""
    with visit.tenant.store.reading(visit.portal) as tx:
        visibility.looked_at(tx, visit, deal_id)

    def work(keep: Keep) -> Answer:
        with visit.tenant.store.transaction(visit.portal) as tx:
            now = again(tx, visit)
            note = add_note(tx, visit.tenant, visibility.looked_at(tx, now, deal_id), said.text, writer(tx, now))
            if isinstance(note, Refusal):
                return of_refusal(Refused(note))
            place = views.location_of(visit.portal, "deals", deal_id, "notes", note.id)
            answer = Answer(201, _shown(note).model_dump_json(), {**views.JSON, **place})
            keep(tx, answer)
        tell_feed(visit)
        return answer

    return once.answer(visit, work)


@router.get("/deals/{deal_id}/notes/{note_id}", responses=problems(400, 404))
def get_deal_note(visit: Looking, deal_id: DealId, note_id: NoteId) -> shapes.NoteView:
    """Returns one note on a deal."""
    with visit.tenant.store.reading(visit.portal) as tx:
        return _shown(done(note_of(tx, visibility.looked_at(tx, visit, deal_id), note_id)))


@router.put("/deals/{deal_id}/notes/{note_id}", responses=problems(400, 404))
def edit_deal_note(visit: Acting, deal_id: DealId, note_id: NoteId, said: shapes.NoteBody) -> shapes.NoteView:
    """Gives a note another text. Only its author may do it."""
    with visit.tenant.store.transaction(visit.portal) as tx:
        now = again(tx, visit)
        stored = visibility.looked_at(tx, now, deal_id)
        edited = done(edit_note(tx, stored, done(note_of(tx, stored, note_id)), said.text, writer(tx, now)))
    tell_feed(visit)
    return _shown(edited)


@router.delete("/deals/{deal_id}/notes/{note_id}", status_code=204, response_class=Response, responses=problems(400, 404))
def remove_deal_note(visit: Acting, deal_id: DealId, note_id: NoteId) -> Response:
    """Removes a note from a deal. Its author may do it, and an admin of the vendor."""
    return removed(visit, deal_id, lambda tx, stored: note_of(tx, stored, note_id))


def _shown(note: Note) -> shapes.NoteView:
    return shapes.NoteView(**shown(note), text=note.text, edited_at=note.edited_at)
