"""`make screenshots`: the pictures of docs/console.md, of a portal with something to do. A test says when they are older than the pages."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Page, sync_playwright

from crm_sandbox.process import SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from sync_worker.domain.operate.status import Process
from sync_worker.domain.sync.ingest import brake
from sync_worker.errors import HeldForReview
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.operate import processes
from tests.integration.api.desk import Desk
from tests.integration.console.browser import chromium
from tests.integration.console.visitor import console, link_of, refuse
from tests.integration.steps.world import Loaded, World
from tests.servers import MONDAY

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = ROOT / "sync_worker" / "web" / "console"
PICTURES: Final = ROOT / "docs" / "pictures"
DIGEST: Final = PICTURES / "console.sha256"
LEAVING: Final = ("Birch Systems", "Cedar IT", "Dogwood Networks", "Elm Consulting", "Fir Technologies")


def digest() -> str:
    """Of everything that decides how a page looks."""
    looks = sorted(path for kind in ("html", "css", "js", "svg") for path in PAGES.rglob(f"*.{kind}"))
    found = hashlib.sha256()
    for path in looks:
        found.update(f"{path.relative_to(PAGES)}\n".encode() + path.read_bytes())
    return found.hexdigest()


@contextmanager
def portal() -> Iterator[Desk]:
    """`acme` after its first load: two processes run, deals were refused by a rule, and the brake holds five companies."""
    with TemporaryDirectory() as name, serve_thread(SalesforceOptions(companies=20, leads=2, opportunities=8, now=MONDAY)) as url:
        with Remote(url) as remote:
            remote.freeze()
            load = Loaded.into(World(url, remote, Path(name)))
            loaded = replace(load, database=(Path(name) / "sync-worker.db").read_bytes())
        folder = Path(name) / "desk"
        folder.mkdir()
        with console(folder, url, loaded) as acme:
            refuse(acme, url, 12)
            _hold(acme, url)
            _run(acme)
            yield acme


def _hold(acme: Desk, url: str) -> None:
    brake.FEW_COUNT = 2  # type: ignore[misc]  # of twenty companies, five are a mass
    with Remote(url) as remote:
        for name in LEAVING:
            remote.edit("Account", str(remote.named("Account", name)["Id"]), {"Portal_Status__c": "Inactive"})
        remote.advance_clock(30)
    acme.clock.forward(seconds=30)
    with suppress(HeldForReview):
        pull(acme.installation.tenant("acme"), COMPANY)


def _run(acme: Desk) -> None:
    release = acme.installation.release
    with acme.installation.store.side_transaction("") as tx:
        web = Process("w1", "web", "sync-1", 412, release.version, release.configuration, tx.now, tx.now)
        for number, kind in enumerate(("web", "schedule", "worker")):
            processes.beat(tx, replace(web, id=kind, kind=kind, pid=412 + number))


def take(page: Page, acme: Desk) -> None:
    """Every picture, as a person would come to it."""

    def shoot(name: str) -> None:
        page.screenshot(path=PICTURES / f"console-{name}.png")
        print(f"docs/pictures/console-{name}.png")

    at = f"{acme.url}/console/portals/acme"
    page.goto(acme.url + link_of(acme))
    page.get_by_role("button", name="Open the console").click()
    shoot("portals")
    page.goto(f"{at}/failures")
    shoot("failures")
    page.get_by_role("button", name="Preview replay").first.click()
    shoot("preview")
    page.goto(f"{at}/brake")
    shoot("brake")
    page.goto(f"{at}/companies/Arrow Electronics")
    shoot("company")
    page.goto(f"{at}/deals")
    shoot("deals")


def main() -> int:
    """Makes the pictures again."""
    path = chromium()
    if path is None:
        print("there is no browser: install chromium, or set SYNC_WORKER_TEST_CHROMIUM to its path", file=sys.stderr)
        return 2
    PICTURES.mkdir(exist_ok=True)
    with portal() as acme, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        take(browser.new_page(viewport={"width": 1100, "height": 760}, color_scheme="light"), acme)
        browser.close()
    DIGEST.write_text(digest() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
