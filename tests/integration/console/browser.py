"""A person in the console with a real browser. Playwright downloads none: Debian has a package of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from sync_worker.domain.people.console import EVERY_PORTAL, ConsoleRole
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import link_of
from tests.patience import HANG_S

AXE: Final = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()

WIDE, NARROW = 1280, 360  # pixels
OF_LOOKS: Final = ("color-contrast", "scrollable-region-focusable")
"""Rules of axe that another colour scheme or width can break; the others look at what the page says."""


def chromium() -> str | None:
    """The path of a chromium; None where there is none."""
    return os.environ.get("SYNC_WORKER_TEST_CHROMIUM") or shutil.which("chromium")


@contextmanager
def opened(
    browser: Browser, acme: Desk, *, role: ConsoleRole = ConsoleRole.OPERATOR, may_complain: bool = False, **more: Any
) -> Iterator[Page]:
    """A page of a person in the console. At the end: no request left loopback, and the browser did not complain, unless it may."""
    with browser.new_context(**more) as context:
        page, hosts, said = context.new_page(), set[str | None](), list[str]()
        page.set_default_timeout(HANG_S * 1000)
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(acme.url + link_of(acme, role, EVERY_PORTAL if role is ConsoleRole.OPERATOR else acme.portal))
        page.get_by_role("button", name="Open the console").click()
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        yield page
        assert hosts == {"127.0.0.1"}
        assert may_complain or said == []


def tab_to(page: Page, words: str) -> None:
    """Presses the tabulator until something with these words has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        named = "document.activeElement.innerText || document.activeElement.getAttribute('aria-label') || ''"
        if page.evaluate(named).startswith(words):
            return
    raise AssertionError(f"the keyboard does not reach {words!r}")


def serious(page: Page, *rules: str) -> list[tuple[str, list[str]]]:
    """What axe finds on the page that keeps people out, with the first places. It is evaluated, so that the strict CSP stays.

    **Shapes** `rules`: these alone; none: every rule.
    """
    if not page.evaluate("window.axe !== undefined"):
        page.evaluate(AXE)
    asked = {"resultTypes": ["violations"], **({"runOnly": {"type": "rule", "values": rules}} if rules else {})}
    found = page.evaluate("asked => axe.run(document, asked)", asked)
    seen = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    return [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in seen]


def for_everybody(page: Page, path: str) -> None:
    """No person is kept out of this page: on a wide screen in light colours, then narrow and dark, where other rules can break."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.goto(path)
    assert serious(page) == [], path
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": NARROW, "height": 800})
    assert serious(page, *OF_LOOKS) == [], path
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW, path
