"""Cursors: where a list goes on, as text that means nothing to anybody else. It names the last one seen, so that what comes in meanwhile
moves nothing.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, TypeAlias

import orjson
from fastapi import Query

from sync_worker.domain.deal import Refusal
from sync_worker.web.api.problems import Refused

Limit: TypeAlias = Annotated[int, Query(ge=1, le=200, description="So many at once.")]
Cursor: TypeAlias = Annotated[str | None, Query(max_length=2000, description="`next` of the page before.")]


def cursor_of(*place: str) -> str:
    """The place of the last one seen."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def place_of(cursor: str, parts: int) -> list[str]:
    """The place again. **Raises** Refused."""
    try:
        place = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        place = None
    if not isinstance(place, list) or len(place) != parts or not all(isinstance(part, str) and "\x00" not in part for part in place):
        raise refused_cursor()
    return place


def refused_cursor() -> Refused:
    return Refused(Refusal("cursor_malformed", "this is no cursor of this list", "`next` of the page before", field="cursor"))
