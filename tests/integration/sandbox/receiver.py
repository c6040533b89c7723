"""An address that a sandbox pushes to: it keeps what it is told, and answers as it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

Answer = tuple[int, str]  # status and body


@dataclass(frozen=True)
class Told:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it says, when it is a list in JSON."""
        return list(orjson.loads(self.body))


@dataclass
class Receiver:
    """`answers` are what it says next, then it says yes; each answer takes `pause_s`."""

    yes: Answer = (200, "")
    url: str = ""
    told: list[Told] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    pause_s: float = 0
    at_once: int = 0
    most_at_once: int = 0

    def events(self) -> list[dict[str, Any]]:
        """Everything it was told, in that order."""
        return [event for one in self.told for event in one.events]


@contextmanager
def listening(yes: Answer = (200, "")) -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    kept, one_by_one = Receiver(yes), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with one_by_one:
                kept.at_once += 1
                kept.most_at_once = max(kept.most_at_once, kept.at_once)
            kept.told.append(Told(self.path, dict(self.headers), body))
            threading.Event().wait(kept.pause_s)
            with one_by_one:
                kept.at_once -= 1
            status, text = kept.answers.pop(0) if kept.answers else kept.yes
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_address[1]}/hooks?src=hs%3Aapp"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()
