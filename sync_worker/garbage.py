"""How often Python looks for objects that refer to each other and are no longer used. A process sets it once, where it begins."""

from __future__ import annotations

import gc

NEW_OBJECT_COUNT = 50_000  # between two looks: a page makes 100,000 objects without a cycle; a look after every 700 took a fifth of all CPU


def look_rarely() -> None:
    """For the whole process, so a library must not call it: only the command line and `create_app` do."""
    gc.set_threshold(NEW_OBJECT_COUNT)
