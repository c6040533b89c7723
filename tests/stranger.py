"""A CRM of a few lines that answers as a test tells it: what another hand may make of the vendor's facts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any, TypeAlias
from urllib.parse import urlsplit

DRIP_S = 0.02  # from one byte to the next
MOST_REQUESTS = 60  # whoever asks more often than this is going in circles


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. **Shapes** `body`: decoded JSON, None for what is none."""

    method: str
    path: str
    query: str
    body: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. **Shapes** `body`: text as it is, anything else as JSON; `raw`: head and body as they are, then the connection ends;
    `drip`: what follows `raw`, byte by byte and for ever.
    """

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_dated: bool = True
    raw: bytes = b""
    drip: bytes = b""


Answer: TypeAlias = Reply | dict[str, Any] | list[Any] | Callable[[Asked], Any]


@dataclass
class Stranger:
    """**Shapes** `base_url`: where it listens; `seen`: what it was asked, in order."""

    base_url: str = ""
    seen: list[Asked] = field(default_factory=list)
    _answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)

    def on(self, method: str, ending: str, *answers: Answer) -> None:
        """What to answer where an address ends so: one after the other, the last one from then on."""
        self._answers[method, ending] = list(answers)

    def asked(self, ending: str) -> list[Asked]:
        return [asked for asked in self.seen if asked.path.endswith(ending)]

    def reply(self, asked: Asked) -> Reply:
        self.seen.append(asked)
        if len(self.seen) > MOST_REQUESTS:
            return Reply({"message": "you are going in circles"}, status=400)
        for (method, ending), answers in self._answers.items():
            if method == asked.method and asked.path.endswith(ending):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                found = answer(asked) if callable(answer) else answer
                return found if isinstance(found, Reply) else Reply(found)
        return Reply({"message": f"nobody told me about {asked.method} {asked.path}"}, status=404)


@contextmanager
def stranger() -> Iterator[Stranger]:
    """One on a free port, gone at the end."""
    told = Stranger()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # a client that is done hangs up
                return

        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = urlsplit(self.path)
            reply = told.reply(Asked(self.command, address.path, address.query, _decoded(raw)))
            if reply.raw:
                self.say(reply)
                return
            body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response_only(reply.status)
            if reply.is_dated and "Date" not in reply.headers:
                self.send_header("Date", self.date_time_string())
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def say(self, reply: Reply) -> None:
            self.close_connection = True
            self.wfile.write(reply.raw)
            for byte in cycle(reply.drip):
                self.wfile.write(bytes([byte]))
                time.sleep(DRIP_S)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815  # the library's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    told.base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
