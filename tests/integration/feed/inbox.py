"""A portal's receiver as its developers would write it: it verifies with the library of Standard Webhooks, and answers what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBwb3J0YWwncyByZWNlaXZlciE="

Reply = tuple[int, Mapping[str, str]]


@dataclass
class Inbox:
    """What arrived, verified, in the order of arrival. **Shapes** `answer`: what to say to an event that is genuine."""

    answer: Callable[[dict[str, Any]], Reply] = lambda _event: (204, {})
    seen: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    @property
    def seqs(self) -> list[int]:
        return [event["data"]["seq"] for event in self.seen]

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.seen]

    def of(self, record_id: str) -> list[int]:
        """The numbers of one record's events, as they came."""
        return [event["data"]["seq"] for event in self.seen if event["data"]["record"]["id"] == record_id]


@contextmanager
def inbox() -> Iterator[Inbox]:
    """A receiver on a free port of loopback."""
    found, lock = Inbox(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                event = Webhook(SECRET).verify(body, dict(self.headers))
            except WebhookVerificationError as error:
                self._say(401, {}, str(error))
                return
            event["id"] = self.headers["webhook-id"]
            with lock:
                status, headers = found.answer(event)
                found.seen.append(event)
            self._say(status, headers, "" if status < 300 else f"refused {event['data']['seq']}")

        def _say(self, status: int, headers: Mapping[str, str], words: str) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(words))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(words.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/events"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
