"""FILE: a person adds a file to a deal. The content is kept first, and its row is committed after it. The sweep removes what has no row."""

from __future__ import annotations

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.distributors.upload import DEAL_FILE, shown_name
from sync_worker.domain.people.attached import author_of
from sync_worker.domain.people.visibility import Viewer
from sync_worker.files import Files, StoredFile
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.attached.either import room, tell
from sync_worker.steps.distributors.agree import IncomingFile
from sync_worker.steps.people.users import acting
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import attached
from sync_worker.store.deals.attached import DealFile


def file_of(tx: Tx, stored: StoredDeal, file_id: str) -> DealFile | Refusal:
    """One file of the deal."""
    return attached.get(tx, DealFile, stored.deal.id, file_id) or file_unknown(stored.deal.id, file_id)


def file_unknown(deal_id: str, file_id: str) -> Refusal:
    """There is no such file, or its content is gone."""
    return Refusal("file_unknown", f"deal {deal_id} has no file {file_id}", "see the list of the deal's files")


def keep_content(tenant: Tenant, files: Files, file: IncomingFile) -> StoredFile | Refusal:
    """The content, which belongs to no deal yet; or why it is not taken: then nothing is kept. **Raises** TransientError."""
    key = f"{tenant.name}/deals/{tenant.services.new_id()}"
    return files.keep(key, file.chunks, name=shown_name(file.name), limits=DEAL_FILE)


def add_file(tx: Tx, stored: StoredDeal, name: str, kept: StoredFile, viewer: Viewer) -> DealFile | Refusal:
    """The content is a file of the deal from now on, or why the deal takes no more. **Shapes** `name`: the person's."""
    if refused := room(tx, DealFile, stored):
        return refused
    file = DealFile(
        author=author_of(acting(viewer.user).name, viewer, stored.deal),
        id=kept.key.rpartition("/")[2],
        deal_id=stored.deal.id,
        name=shown_name(name),
        media_type=kept.media_type,
        size_bytes=kept.size_bytes,
        sha256=kept.sha256,
        key=kept.key,
        added_at=tx.now,
    )
    attached.add(tx, file)
    tell(tx, "added", stored, file, viewer)
    return file
