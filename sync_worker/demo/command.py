"""`demo`: a portal on each local CRM, one installation for all of them, in a folder that is thrown away unless it is kept."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from crm_sandbox.process import serve_process
from sync_worker.bootstrap import build
from sync_worker.cli.core.output import err, out, show_json, show_table
from sync_worker.config.portal import AssociationMode
from sync_worker.config.settings import Settings
from sync_worker.demo.crew import Crew
from sync_worker.demo.narrator import Narrator
from sync_worker.demo.story import FIGURES, VENDOR, Telling, TellingEnd
from sync_worker.demo.venues import VENUES, Venue
from sync_worker.services import Services, wait_for_signal
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.migrate import upgrade


def demo(
    crm: Annotated[
        Literal["salesforce", "hubspot", "both"], typer.Option(help="On which CRM. `both` tells the story twice and compares the ends.")
    ] = "both",
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the CRMs running, and print what to type in a second terminal. Stop with Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the final figures, as JSON.")] = False,
) -> None:
    """Tells the whole story on local CRMs: companies, associations by contracts and by rules, a deal, two approvals, a bad record.

    It needs no account and no set-up. Told on both CRMs, the story must end in the same way: if the two portals hold different things in
    the end, the command names them, and the exit code is 1.

    Example: sync-worker demo --crm hubspot
    """
    venues = {kind: venue for kind, venue in VENUES.items() if crm in (kind, "both")}
    folder, is_kept = Path(tempfile.mkdtemp(prefix="sync-worker-demo-")), False
    try:
        with ExitStack() as stack:
            base_urls = {
                kind: stack.enter_context(serve_process(venue.options, log_path=folder / f"{kind}.log")) for kind, venue in venues.items()
            }
            endings = _told(folder, venues, base_urls, narrator=Narrator(is_quiet=as_json))
            differences = unlike(endings)
            _show(endings, differences, as_json=as_json)
            if keep:
                is_kept = True
                _wait(folder, venues, base_urls, say=err if as_json else out)
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)
    if differences or any(ending.flaws for ending in endings.values()):
        raise typer.Exit(1)


def unlike(endings: Mapping[str, TellingEnd]) -> list[str]:
    """What the portals hold otherwise, in words; calls and reads are each CRM's own business."""
    beside = [*_beside({kind: ending.holds for kind, ending in endings.items()}), *_beside(_pairs(endings))]
    return [
        f"{row['']}: {', '.join(f'{cell} on {title}' for title, cell in row.items() if title)}"
        for row in beside
        if len({cell for title, cell in row.items() if title}) > 1
    ]


def _pairs(endings: Mapping[str, TellingEnd]) -> dict[str, dict[str, str]]:
    return {kind: {f"by {mode}": pairs.words for mode, pairs in ending.pairs.items()} for kind, ending in endings.items()}


def _beside(columns: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """By CRM and name → a row for each name, with a column for each CRM."""
    names = dict.fromkeys(name for column in columns.values() for name in column)
    return [{"": name, **{VENUES[kind].title: column.get(name, 0) for kind, column in columns.items()}} for name in names]


def _told(folder: Path, venues: Mapping[str, Venue], base_urls: Mapping[str, str], *, narrator: Narrator) -> dict[str, TellingEnd]:
    settings = _installed(folder, venues, base_urls)
    endings = {}
    for kind, venue in venues.items():
        if len(venues) > 1:
            narrator.part(f"the story on {venue.title}")
        edit_mode = partial(_write_portal_file, folder, venue, base_urls[kind])
        with (
            venue.remote(base_urls[kind]) as remote,
            Crew(venue.portal, partial(build, settings, environ=_environ(venues))) as crew,
        ):
            endings[kind] = Telling(crew, remote, narrator, edit_mode=edit_mode).tell()
    return endings


def _installed(folder: Path, venues: Mapping[str, Venue], base_urls: Mapping[str, str]) -> Settings:
    """Portal files and a database, as an integrator would make them."""
    (folder / "config" / "portals").mkdir(parents=True)
    for kind, venue in venues.items():
        _write_portal_file(folder, venue, base_urls[kind], "contracts")
    settings = Settings(
        database_url=f"sqlite:///{folder}/sync-worker.db", redis_url=None, config_dir=folder / "config", mappings_dir=_mappings_dir()
    )
    with closing(Store(settings.database_url, clock=Services().clock)) as store:
        upgrade(store)
    return settings


def _write_portal_file(folder: Path, venue: Venue, base_url: str, mode: AssociationMode) -> None:
    (folder / "config" / "portals" / f"{venue.portal}.yaml").write_text(venue.portal_file(base_url, vendor=VENDOR, mode=mode))


def _environ(venues: Mapping[str, Venue]) -> dict[str, str]:
    return {name: value for venue in venues.values() for name, value in venue.environ.items()}


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _show(endings: Mapping[str, TellingEnd], differences: list[str], *, as_json: bool) -> None:
    """The last tables: the figures a row a CRM, and what each portal holds a column a CRM."""
    if as_json:
        show_json({"crm": {kind: ending.to_document() for kind, ending in endings.items()}, "unlike": differences})
        return
    rows: list[dict[str, Any]] = [{"CRM": VENUES[kind].title, **ending.figures} for kind, ending in endings.items()]
    show_table(rows, columns=("CRM", *FIGURES), title="the whole story in figures")
    out.print()
    columns = ("", *(VENUES[kind].title for kind in endings))
    show_table(_beside({kind: ending.holds for kind, ending in endings.items()}), columns=columns, title="what the portal holds")
    out.print()
    show_table(_beside(_pairs(endings)), columns=columns, title="who may work with whom: associated pairs of all pairs, and their digest")
    said = [f"{VENUES[kind].title}: {flaw}" for kind, ending in endings.items() for flaw in ending.flaws] + differences
    for words in said or (["both portals hold the same"] if len(endings) > 1 else []):
        out.print(words, markup=False, highlight=False)


def _wait(folder: Path, venues: Mapping[str, Venue], base_urls: Mapping[str, str], *, say: Console) -> None:
    """Keeps the sandboxes alive and says how to go on by hand."""
    lines = [
        "",
        *(f"{venues[kind].title}: {url} (controls under {url}/__sandbox__/health)" for kind, url in base_urls.items()),
        "to go on by yourself, type this in a second terminal:",
        f"  export SYNC_WORKER_CONFIG_DIR={folder / 'config'}",
        f"  export SYNC_WORKER_MAPPINGS_DIR={_mappings_dir().resolve()}",
        f"  export SYNC_WORKER_DATABASE_URL=sqlite:///{folder}/sync-worker.db",
        *(f"  export {name}={value}" for name, value in _environ(venues).items()),
        *(f"  {sys.argv[0]} deals list {venue.portal}" for venue in venues.values()),
        "stop with Ctrl-C",
    ]
    for line in lines:
        say.print(line, markup=False, highlight=False, soft_wrap=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell makes what it starts in the background deaf to it
    with suppress(KeyboardInterrupt):
        wait_for_signal(threading.Event())
    err.print(f"what ran is stopped; the folder stays: {folder}", markup=False)


def _mappings_dir() -> Path:
    return Path(os.environ.get("SYNC_WORKER_MAPPINGS_DIR", "mappings"))
