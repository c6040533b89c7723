"""Where the browser of the tests is. Playwright downloads none: Debian has a package of it."""

from __future__ import annotations

import os
import shutil


def chromium() -> str | None:
    """The path of a chromium; None where there is none."""
    return os.environ.get("SYNC_WORKER_TEST_CHROMIUM") or shutil.which("chromium")
