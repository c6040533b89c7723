"""Files on a deal. A person who sees the deal reads them and adds more. A file is removed by the person who added it or by the vendor."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from fastapi import Path, Request, Response, UploadFile

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.distributors.upload import DEAL_FILE
from sync_worker.steps.deals.attached.either import room
from sync_worker.steps.deals.attached.files import add_file, file_of, file_unknown, keep_content
from sync_worker.steps.distributors.agree import IncomingFile
from sync_worker.steps.people.answer import Keep
from sync_worker.store.deals.attached import DealFile
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import views, visibility
from sync_worker.web.api.core.authentication import PRINTABLE, Acting, Looking, again
from sync_worker.web.api.core.once import Key, once_of_file
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused, of_refusal
from sync_worker.web.api.core.route import UploadRoute, file_answer, one_part, pieces_of, portal_router, problems
from sync_worker.web.api.core.route import file_of as answer_of
from sync_worker.web.api.deals import attached_shapes as shapes
from sync_worker.web.api.deals.attached_views import done, removed, shown, some_of, tell_feed, writer
from sync_worker.web.api.deals.deals import DealId

router = portal_router("deals")
uploads = portal_router("deals", UploadRoute, one_part)

FileId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE, description="The id of the file.")]
_TYPES: Final = tuple(kind.media_type for kind in DEAL_FILE.types)


@router.get("/deals/{deal_id}/files", responses=problems(400, 404))
def list_deal_files(visit: Looking, deal_id: DealId, page: PageOf) -> shapes.DealFilesView:
    """Lists the files on a deal, the newest first, for everybody who may see the deal."""
    some = some_of(visit, DealFile, deal_id, page)
    return shapes.DealFilesView(items=[_shown(file) for file in some.items], next=some.next)


@uploads.post("/deals/{deal_id}/files", status_code=201, response_model=shapes.DealFileView, responses=problems(400, 404, 409, 415))
def upload_deal_file(request: Request, visit: Acting, deal_id: DealId, file: UploadFile, key: Key = None) -> Response:
    """Adds a file to a deal: a PDF, PNG or JPEG of at most 20 MB, as `multipart/form-data`. Everybody who may see the deal may read it."""
    tenant, name = visit.tenant, file.filename or ""
    with tenant.store.reading(visit.portal) as tx:
        stored = visibility.looked_at(tx, visit, deal_id)
        full = room(tx, DealFile, stored)

    def work(keep: Keep) -> Answer:
        kept = full or keep_content(tenant, visit.api.installation.files, IncomingFile(name, pieces_of(file.file)))
        if isinstance(kept, Refusal):
            return of_refusal(Refused(kept))
        with tenant.store.transaction(visit.portal) as tx:
            now = again(tx, visit)
            added = add_file(tx, visibility.looked_at(tx, now, deal_id), name, kept, writer(tx, now))
            if isinstance(added, Refusal):
                return of_refusal(Refused(added))
            place = views.location_of(visit.portal, "deals", deal_id, "files", added.id)
            answer = Answer(201, _shown(added).model_dump_json(), {**views.JSON, **place})
            keep(tx, answer)
        tell_feed(visit)
        return answer

    return once_of_file(request, key, file).answer(visit, work)


@router.get("/deals/{deal_id}/files/{file_id}", response_class=Response, responses={**answer_of(*_TYPES), **problems(400, 404)})
def download_deal_file(visit: Looking, deal_id: DealId, file_id: FileId) -> Response:
    """Returns the content of one file, for everybody who may see the deal."""
    with visit.tenant.store.reading(visit.portal) as tx:
        one = done(file_of(tx, visibility.looked_at(tx, visit, deal_id), file_id))
    pieces = visit.api.installation.files.read(one.key)
    if pieces is None:
        raise Refused(file_unknown(deal_id, file_id))
    return file_answer(pieces, one.media_type, one.name)


@router.delete("/deals/{deal_id}/files/{file_id}", status_code=204, response_class=Response, responses=problems(400, 404))
def remove_deal_file(visit: Acting, deal_id: DealId, file_id: FileId) -> Response:
    """Removes a file from a deal. The person who added it may do it, and an admin of the vendor."""
    return removed(visit, deal_id, lambda tx, stored: file_of(tx, stored, file_id))


def _shown(file: DealFile) -> shapes.DealFileView:
    own = {name: getattr(file, name) for name in ("name", "media_type", "size_bytes", "sha256")}
    return shapes.DealFileView(**shown(file), **own)
