"""Pages: a template filled in, and for pages that show news, the same part of it again as events while somebody looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sync_worker.domain.core.moments import ago, due, span, utc
from sync_worker.errors import SyncError
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.lists import values_as_written

ROOT: Final = Path(__file__).parent.parent
EVENTS: Final = "text/event-stream"
LOOK_S: Final = 3.0  # between two looks for news
STREAM_S: Final = 60.0  # until the browser asks again, and its session is looked at

Context: TypeAlias = Mapping[str, Any]


def wants_events(request: Request) -> bool:
    """Whether the page itself asks, for its news, and not a person."""
    return EVENTS in request.headers.get("accept", "")


class Pages:
    """The templates of the console."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(ROOT), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._environment.filters |= {"span": span, "utc": utc, "count": _count, "values_as_written": values_as_written}
        self._environment.globals |= {"ago": ago, "due": due}

    def show(self, name: str, context: Context, *, status: int = 200) -> Response:
        """A whole page. **Shapes** `name`: of the template, after the folder of the console."""
        return HTMLResponse(self._environment.get_template(name).render(context), status)

    def show_live(self, request: Request, screen: str, look: Callable[[], Context]) -> Response:
        """A page whose news are shown again whenever they change.

        **Shapes** `screen`: the page is `<screen>.html`, its news are `<screen>_news.html`; `look`: what they show now.
        """
        news = f"{screen}_news.html"
        if wants_events(request):
            return StreamingResponse(self._news(news, look), media_type=EVENTS)
        return self.show(f"{screen}.html", {**look(), "is_live": True, "news": news})

    async def _news(self, name: str, look: Callable[[], Context]) -> AsyncIterator[str]:
        template, shown, ends_s = self._environment.get_template(name), "", time.monotonic() + STREAM_S
        while time.monotonic() < ends_s:
            try:
                found = await run_in_threadpool(lambda: template.render(look()))
            except (SyncError, TurnedAway):
                return  # the browser asks again, and the answer says why
            if found != shown:
                yield "".join(f"data: {line}\n" for line in found.splitlines()) + "\n"
                shown = found
            await asyncio.sleep(LOOK_S)


def _count(number: int) -> str:
    return f"{number:,}"
