"""EDIT: a person changes a portal's file or its mapping: checked as at a start, tried by a plan, then saved with who and why.

Nothing here changes a running process: it goes on with the files that it read at its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from sync_worker.bootstrap import Installation, files_of
from sync_worker.config.draft import Draft, put_in_place, sent_elsewhere
from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import FOLDER, load_portal, mapping_named_in, portal_paths
from sync_worker.config.source import Reader, Source, in_order, read_source
from sync_worker.domain.operate.editing import EditedFile
from sync_worker.domain.operate.plan import Plan
from sync_worker.errors import ConfigError, Mistake, Place, Stopped
from sync_worker.fingerprint import digest_with
from sync_worker.mapping.examples import run_examples
from sync_worker.mapping.load import LoadedMapping, load_mapping
from sync_worker.steps.core.association_mode import hold_mode
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.plan import plan
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import Intervention

PREVIEW_LASTS_S: Final = 60.0  # a person waits for the page
Depth: TypeAlias = Literal["stored", "changes", "full"]
"""What a preview reads of the CRM: nothing, what changed since the last pull, or every record."""


@dataclass(frozen=True, slots=True)
class Editable:
    """A file as a person finds it. **Shapes** `users`: the portals that use it, and those whose file does not say what they use."""

    kind: EditedFile
    path: Path
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EditVerdict:
    """What a start would say of a draft.

    **Shapes** `mistakes`: those that the draft makes; `beside`: those that stand in other files already, variables that are not set here,
    another association mode, and what may be meant otherwise.
    """

    mistakes: Sequence[Mistake]
    beside: Sequence[Mistake]
    edited: tuple[Portal, LoadedMapping] | None = None


def editable(installation: Installation, portal: str, kind: EditedFile) -> Editable:
    """**Raises** ConfigError: the portal has no such file, or its file does not say which mapping it uses."""
    path = _file_of(installation, portal)
    if kind is EditedFile.PORTAL:
        return Editable(kind, path, (portal,))
    named = mapping_named_in(path)
    if not named:
        raise ConfigError(f"{path.name} does not say which mapping it uses — edit the portal file first")
    named_by = {one.stem: mapping_named_in(one) for one in portal_paths(installation.settings.config_dir)}
    users = tuple(name for name, mapping in named_by.items() if not mapping or Path(mapping) == Path(named))
    return Editable(kind, installation.settings.mappings_dir / named, users)


def judged(installation: Installation, portal: str, file: Editable, text: str) -> EditVerdict:
    """The text held against everything that a start looks at, for each portal that uses the file; and a mapping's examples run."""
    draft = Draft(file.path, text)
    was, now = _found(installation, file, read_source), _found(installation, file, draft.read)
    if file.kind is EditedFile.PORTAL:
        now += _sent_elsewhere(installation, portal, draft)
    mistakes = [one for one in now if one.place.file == str(file.path) or one not in was]
    beside = [one for one in now if one not in mistakes]
    if mistakes:
        return EditVerdict(in_order(mistakes), in_order(beside))
    try:
        edited = load_portal(_file_of(installation, portal), installation.environ, read=draft.read)
        mapping = files_of(edited, installation.settings, read=draft.read).mapping
    except ConfigError:
        return EditVerdict([], in_order(beside))  # for a mistake that another file had before
    return EditVerdict([], in_order([*beside, *edited.unset, *mapping.notes, *_other_mode(installation, edited)]), (edited, mapping))


def preview(installation: Installation, portal: str, edited: tuple[Portal, LoadedMapping], depth: Depth, *, limit: int) -> Plan:
    """What a pull and a push would do with the draft, by the step that `plan` calls.

    **Raises** Stopped after `PREVIEW_LASTS_S`; the port's errors, StoreDown.
    """
    tenant, (with_draft, mapping) = installation.tenant(portal, "operator"), edited
    services = tenant.services
    ends_s = services.monotonic() + PREVIEW_LASTS_S
    bounded = replace(services, is_stopping=lambda: services.monotonic() >= ends_s or services.is_stopping())
    rehearsed = Tenant(Ports(with_draft, tenant.store, tenant.crm, bounded), grammar=mapping)
    found = plan(rehearsed, is_full=depth == "full", reads=depth != "stored", limit=limit)
    if bounded.is_stopping():
        raise Stopped("the preview was ended, so it may not be whole")  # a step that is asked to stop may leave the rest for a next turn
    return found


@dataclass(frozen=True, slots=True)
class Save:
    """What a person asks for. **Shapes** `digest`: of the file that the text was begun from."""

    text: str
    digest: str
    actor: str
    reason: str


def save(installation: Installation, portal: str, file: Editable, asked: Save) -> None:
    """Puts a text that was judged into its file. Who did it, when and why is kept in every portal that uses the file.

    **Raises** ConfigError: the file was changed meanwhile, or cannot be written; nothing is kept then. StoreDown.
    """
    name = f"{file.path.parent.name}/{file.path.name}"
    selection = f"{name}: {asked.digest} became {digest_with(file.path, asked.text.encode())}"
    for user in (portal, *(one for one in file.users if one != portal and one in installation.names)):
        act = Intervention(installation.services.new_id(), "edit", selection, asked.actor, asked.reason)
        with installation.store.side_transaction(user) as tx:
            interventions.begin(tx, act, [])
            interventions.finish(tx, act.id)
            if user == portal:
                put_in_place(file.path, asked.text, digest=asked.digest)


def _file_of(installation: Installation, portal: str) -> Path:
    return installation.settings.config_dir / FOLDER / f"{portal}.yaml"


def _found(installation: Installation, file: Editable, read: Reader) -> list[Mistake]:
    """Every mistake of the portals that use the file."""
    found: dict[Mistake, None] = {}
    for user in file.users:
        try:
            portal = load_portal(_file_of(installation, user), installation.environ, read=read)
            files_of(portal, installation.settings, read=read)
        except ConfigError as error:
            found |= dict.fromkeys(_mistakes(error, file))
    if file.kind is EditedFile.MAPPING:
        try:
            found |= dict.fromkeys(run_examples(load_mapping(file.path, read=read)))
        except ConfigError as error:
            found |= dict.fromkeys(_mistakes(error, file))
    return list(found)


def _mistakes(error: ConfigError, file: Editable) -> Sequence[Mistake]:
    return error.mistakes or (Mistake(Place(str(file.path), 1, 1), "(file)", str(error)),)


def _other_mode(installation: Installation, edited: Portal) -> Sequence[Mistake]:
    """What a run would say of another association mode. The file says it first, then a command changes it, so it refuses nothing here."""
    try:
        hold_mode(installation.store, edited)
    except ConfigError as error:
        return error.mistakes
    return ()


def _sent_elsewhere(installation: Installation, portal: str, draft: Draft) -> list[Mistake]:
    """What would send secrets elsewhere than the file does; where that is not YAML, than this process does."""
    try:
        after = draft.read(draft.path)
    except ConfigError:
        return []  # said already
    before = _standing(installation, portal, draft.path)
    if before is None:
        return [after.mistake((), "the file as it stands cannot be read, so no page can change it", "correct it on the server")]
    return sent_elsewhere(before, after)


def _standing(installation: Installation, portal: str, path: Path) -> Source | None:
    try:
        return read_source(path)
    except ConfigError:
        return next((one.source for one in installation.portals if one.name == portal), None)
