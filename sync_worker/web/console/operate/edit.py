"""The portal file and the mapping, edited on a page: mistakes beside their lines, a preview, then saved with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from sync_worker.config.portal import Portal
from sync_worker.domain.operate.editing import EditedFile, holds_secret, may_edit, shown_line
from sync_worker.domain.operate.plan import SHOWN_COUNT
from sync_worker.editing import PREVIEW_LASTS_S, Depth, Editable, EditVerdict, Save, editable, judged, preview, save
from sync_worker.errors import ConfigError, Mistake, Stopped, StoreDown, SyncError
from sync_worker.fingerprint import digest_of
from sync_worker.mapping.load import LoadedMapping
from sync_worker.store.operate import interventions
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import MOST_LINED, Changing, ConsoleChange, ConsoleVisit, Operating
from sync_worker.web.console.core.halted import refuse_paused
from sync_worker.web.console.core.route import console_router
from sync_worker.web.console.operate.inquiries import plan_lists

router = console_router()

EARLIER_COUNT: Final = 10
DEPTHS: Final[Mapping[Depth, str]] = {
    "changes": "what changed in the CRM since the last pull",
    "full": "every record of the CRM, as after an edit of the mapping",
    "stored": "nothing from the CRM: rules and labels on what is stored",
}
_UNJUDGED: Final = {
    "rows": (),
    "elsewhere": (),
    "beside": (),
    "is_right": False,
    "can_try": False,
    "refused": "",
    "answer": None,
    "lists": (),
}
_TRYING: Final = Lock()  # a preview works on a copy of the portal: one of them in a process at a time


@router.get("/configuration/files/{file}")
def show_file_to_edit(visit: Operating, file: str) -> Response:
    """The file as it is now, to be edited."""
    found = _found(visit, file)
    return _page(visit, found, _text_of(found), digest_of([found.path]))


@router.post("/configuration/files/{file}/check")
def check_edit(change: Changing, file: str) -> Response:
    """What a start would say of the text. Nothing is saved."""
    found, text = _found(change.visit, file), change.lines("text")
    verdict = judged(change.visit.console.installation, change.visit.portal, found, text)
    return _judged_page(change, found, text, verdict)


@router.post("/configuration/files/{file}/preview")
def preview_edit(change: Changing, file: str) -> Response:
    """What a pull and a push would do with the text. Nothing is changed, and nothing is saved."""
    visit, found, text = change.visit, _found(change.visit, file), change.lines("text")
    depth: Depth = next((one for one in DEPTHS if one == change.text("depth")), "changes")
    verdict = judged(visit.console.installation, visit.portal, found, text)
    if verdict.mistakes or verdict.edited is None:
        return _judged_page(change, found, text, verdict)
    try:
        answer = _tried(visit, verdict.edited, depth)
    except Stopped:
        words = (
            f"The preview was ended after {PREVIEW_LASTS_S:.0f} seconds: the portal is too large for a page. Put the text into a copy of "
            f"the configuration, and ask on the server: SYNC_WORKER_CONFIG_DIR=COPY sync-worker plan {visit.portal}"
        )
        return _judged_page(change, found, text, verdict, refused=words)
    except StoreDown:
        raise
    except SyncError as error:
        return _judged_page(change, found, text, verdict, refused=f"The preview could not be made: {error}.")
    return _judged_page(change, found, text, verdict, answer=answer, lists=list(plan_lists(answer)), depth=depth)


@router.post("/configuration/files/{file}/save")
def save_edit(change: Changing, file: str) -> Response:
    """Puts the text into the file, if a start would take it."""
    visit, found, text = change.visit, _found(change.visit, file), change.lines("text")
    asked = Save(text, change.text("digest"), visit.actor, change.text("reason"))
    verdict = judged(visit.console.installation, visit.portal, found, text)
    if verdict.mistakes:
        return _judged_page(change, found, text, verdict)
    if not asked.reason:
        return _judged_page(
            change, found, text, verdict, refused="Nothing was saved: say why. It is kept for the people who read the history."
        )
    try:
        save(visit.console.installation, visit.portal, found, asked)
    except ConfigError as refused:
        return _judged_page(change, found, text, verdict, refused=f"Nothing was saved: {refused}.")
    return RedirectResponse(f"{visit.address}/configuration/files/{file}", 303)


def _tried(visit: ConsoleVisit, edited: tuple[Portal, LoadedMapping], depth: Depth) -> dict[str, Any]:
    refuse_paused(visit)
    if not _TRYING.acquire(blocking=False):
        raise TurnedAway(409, "Another edit is being tried", "One preview runs at a time. Go back, and send yours again in a minute.")
    try:
        return preview(visit.console.installation, visit.portal, edited, depth, limit=SHOWN_COUNT).document()
    finally:
        _TRYING.release()


def _found(visit: ConsoleVisit, file: str) -> Editable:
    """**Raises** TurnedAway: there is no such file, or it is not this person's alone."""
    if file not in set(EditedFile):
        raise TurnedAway(404, "There is no such file", "The portal file and the mapping can be edited here.")
    try:
        found = editable(visit.console.installation, visit.portal, EditedFile(file))
    except ConfigError as error:
        raise TurnedAway(409, "The file cannot be edited here", f"{error}.") from None
    if not may_edit(found.kind, visit.home, found.users):
        words = "Another portal uses this mapping too. An operator of all portals can edit it; overrides in your portal file are yours."
        raise TurnedAway(403, "This file is not your portal's alone", words)
    return found


def _text_of(found: Editable) -> str:
    try:
        text = found.path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise TurnedAway(
            409, "The file cannot be edited here", f"{found.path.name} cannot be read as text. See to it on the server."
        ) from None
    if len(text) > MOST_LINED:
        words = f"{found.path.name} has more than {MOST_LINED:,} characters. Edit it on the server."
        raise TurnedAway(409, "The file is too long for a page", words)
    if found.kind is EditedFile.PORTAL and holds_secret(text):
        words = f"No page shows {found.path.name}. On the server, write ${{NAME}} in its place, and put it into that environment variable."
        raise TurnedAway(409, "A secret stands in the file", words)
    return text


def _judged_page(change: ConsoleChange, found: Editable, text: str, verdict: EditVerdict, **more: Any) -> Response:
    """The text with what is said of it. Once it has no mistake, it can be tried and saved."""
    rows, elsewhere = _at_lines(verdict.mistakes, found.path, text), [one for one in verdict.mistakes if not _is_in(one, found.path)]
    said = {"rows": rows, "elsewhere": elsewhere, "beside": verdict.beside, "is_right": not verdict.mistakes}
    status = 422 if verdict.mistakes else 409 if "refused" in more else 200
    return _page(change.visit, found, text, change.text("digest"), status=status, **said, can_try=verdict.edited is not None, **more)


def _page(visit: ConsoleVisit, found: Editable, text: str, digest: str, *, status: int = 200, **more: Any) -> Response:
    with visit.console.installation.store.reading(visit.portal) as tx:
        earlier = interventions.latest(tx, "edit", limit=EARLIER_COUNT)
    context = visit.context(
        here="Configuration", file=found, text=text, digest=digest, earlier=earlier, depths=DEPTHS, lasts_s=int(PREVIEW_LASTS_S),
        **{**_UNJUDGED, "depth": "full" if found.kind is EditedFile.MAPPING else "changes", **more},
    )  # fmt: skip
    page = visit.console.pages.show("operate/edit.html", context, status=status)
    page.headers["Cache-Control"] = "no-store"
    return page


def _is_in(mistake: Mistake, path: Path) -> bool:
    return mistake.place.file == str(path)


def _at_lines(mistakes: Sequence[Mistake], path: Path, text: str) -> list[tuple[Mistake, str]]:
    """Each mistake of this file with its line, which shows no secret."""
    return [(one, shown_line(text, one.place.line)) for one in mistakes if _is_in(one, path)]
