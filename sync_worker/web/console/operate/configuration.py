"""Configuration: the portal file and the mapping as they count, API tokens, the portal's people, and who is in the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import Response
from fastapi.responses import RedirectResponse

from sync_worker.boundary.tokens import SCOPES
from sync_worker.config.portal import Portal
from sync_worker.domain.people.console import EVERY_PORTAL
from sync_worker.errors import ConfigError
from sync_worker.fingerprint import digest_of
from sync_worker.mapping.compile import CompiledMapping
from sync_worker.steps.people.console import leave
from sync_worker.steps.people.tokens import TokenWish, issue, revoke, state_of
from sync_worker.store.people import console, people, tokens
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, ConsoleVisit, Operating
from sync_worker.web.console.core.route import console_router

router = console_router()

SHOWN_PEOPLE: Final = 100
VARIABLE: Final = "${"


@router.get("/configuration")
def show_configuration(visit: Operating) -> Response:
    """Everything that decides how the portal works, its secrets as their variables; where a file has a mistake, the portal file to edit."""
    try:
        context = _context(visit)
    except ConfigError:
        return RedirectResponse(f"{visit.address}/configuration/files/portal", 303)
    return visit.console.pages.show("operate/configuration.html", context)


@router.post("/configuration/tokens")
def create_token(change: Changing) -> Response:
    """Makes a token; its text is on this page and nowhere else."""
    visit, name, scopes = change.visit, change.text("name"), change.texts("scopes")
    if not name or not scopes or not set(scopes) <= SCOPES.keys():
        raise TurnedAway(422, "Nothing was changed", "Say who uses the token, and tick what it may do.")
    made = issue(visit.tenant.store, visit.portal, TokenWish(name, scopes, visit.actor))
    page = visit.console.pages.show("operate/configuration.html", _context(visit, made=made))
    page.headers["Cache-Control"] = "no-store"
    return page


@router.post("/configuration/tokens/{token_id}/revoke")
def revoke_token(change: Changing, token_id: str) -> Response:
    """Ends a token, from the next request on."""
    visit = change.visit
    if revoke(visit.tenant.store, visit.portal, token_id, by=visit.actor) is None:
        raise TurnedAway(404, "There is no such token", "The address is mistyped, or it is of another portal.")
    return _back(visit)


@router.post("/configuration/sessions/{session_id}/end")
def end_session(change: Changing, session_id: str) -> Response:
    """Ends somebody's session in the console, from the next request on."""
    visit = change.visit
    if not any(leave(visit.console.installation.store, home, session_id) for home in _homes(visit)):
        raise TurnedAway(404, "There is no such session", "It is over already.")
    return _back(visit)


def _back(visit: ConsoleVisit) -> Response:
    return RedirectResponse(f"{visit.address}/configuration", 303)


def _homes(visit: ConsoleVisit) -> list[str]:
    """Whose sessions this person may see and end: of the portal, and of all portals where the person's own is one."""
    return [visit.portal, *([EVERY_PORTAL] if visit.home == EVERY_PORTAL else [])]


def _context(visit: ConsoleVisit, **more: Any) -> dict[str, Any]:
    tenant, store = visit.tenant, visit.console.installation.store
    now = visit.console.installation.services.clock()
    with store.reading(visit.portal) as tx:
        held, users = tokens.listed(tx), people.listed(tx, limit=SHOWN_PEOPLE)
    sessions = []
    for home in _homes(visit):
        with store.reading(home) as tx:
            sessions += [(home, one) for one in console.sessions(tx)]
    return visit.context(
        here="Configuration",
        portal_file=_file(tenant.portal.source.file),
        mapping_file=_file(tenant.grammar.source_path),
        release=visit.console.installation.release,
        settings=list(_settings(tenant.portal)),
        fields=list(_fields(tenant.plain_mapping)),
        tokens=[(one, state_of(one, now)) for one in held],
        scopes=SCOPES,
        users=users,
        sessions=sessions,
        log_in=visit.console.installation.settings.log_in,
        **{"made": None, **more},
    )


def _file(path: str) -> dict[str, str]:
    """A file's name, and the digest of its content."""
    return {"name": Path(path).name, "digest": digest_of([Path(path)])}


def _settings(portal: Portal) -> Iterator[tuple[str, Any]]:
    """Every key of the portal file with what counts, defaults too. What comes out of a variable is shown as its name."""
    for path, value in _leaves(portal.model_dump(mode="json", by_alias=True, exclude_none=True), ()):
        written = portal.source.at(path)
        yield ".".join(map(str, path)), written if isinstance(written, str) and VARIABLE in written else value


def _leaves(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The values of a document, each with its path. A list of plain values is one of them."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, (*path, name))
    elif isinstance(node, list) and any(isinstance(one, Mapping) for one in node):
        for number, value in enumerate(node):
            yield from _leaves(value, (*path, number))
    else:
        yield path, node


def _fields(mapping: CompiledMapping) -> Iterator[dict[str, str]]:
    """Every field of the mapping, with the portal's overrides in it."""
    for name, record in mapping.records.items():
        for ours, one in sorted(record.fields.items()):
            native = f"{record.native}.{one.native}"
            yield {
                "record": name,
                "field": ours,
                "native": native,
                "direction": one.direction,
                "write": one.write,
                "conflict": one.conflict,
            }
