"""What a stranger can cost the server, with real sockets: slow heads, slow bodies, unread answers, too many connections."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from sync_worker.telemetry import metrics
from sync_worker.web.limits import ConnectionLimits, EndedBecause
from sync_worker.web.server import IDLE_S, _with_descriptors, listening
from tests.integration.web.conftest import Doorstep, own_doorstep
from tests.patience import HANG_S, until

QUICK = ConnectionLimits(connections=4, head_s=0.6, pause_s=0.6, body_s=1.5)
PATIENT = ConnectionLimits(connections=4, head_s=60, pause_s=60, body_s=60)
LARGE_BYTES = 32 << 20  # more than all buffers between two ends of a connection hold


def application() -> FastAPI:
    app = FastAPI()

    @app.post("/body")
    async def body(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    @app.post("/refuse")
    async def refuse() -> Response:
        return Response(status_code=401)

    @app.get("/large")
    async def large() -> Response:
        return Response(b"x" * LARGE_BYTES)

    return app


@contextmanager
def served(limits: ConnectionLimits) -> Iterator[tuple[str, int]]:
    with listening(application(), "127.0.0.1", 0, limits) as url:
        found = urlsplit(url)
        assert found.hostname
        assert found.port
        yield found.hostname, found.port


@pytest.fixture(scope="module")
def quick() -> Iterator[tuple[str, int]]:
    """A server that soon loses patience."""
    with served(QUICK) as place:
        yield place


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, urls: dict[str, str]) -> Iterator[Doorstep]:
    """The process `sync-worker web`."""
    with own_doorstep(tmp_path_factory.mktemp("door"), urls) as found:
        yield found


@contextmanager
def line_to(place: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.create_connection(place, timeout=HANG_S) as line:
        yield line


def heard(line: socket.socket) -> bytes:
    """Everything until the other side closes."""
    parts = []
    try:
        while part := line.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def trickle(line: socket.socket, data: bytes, *, every_s: float) -> threading.Thread:
    """Sends a byte now and then until the other side has enough."""

    def work() -> None:
        for start in range(len(data)):
            try:
                line.sendall(data[start : start + 1])
            except OSError:
                return
            time.sleep(every_s)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def head(path: str, **headers: object) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()


def ended(why: EndedBecause) -> float:
    return float(metrics.CONNECTIONS_ENDED.labels(why.value)._value.get())


def test_a_connection_that_says_nothing_is_closed(quick: tuple[str, int]) -> None:
    before = ended(EndedBecause.SLOW_HEAD)
    with line_to(quick) as line:
        assert heard(line).startswith(b"HTTP/1.1 408")
    assert ended(EndedBecause.SLOW_HEAD) == before + 1


def test_a_head_that_comes_byte_by_byte_has_one_deadline(quick: tuple[str, int]) -> None:
    with line_to(quick) as line:
        thread = trickle(line, head("/body", X="y" * 2000), every_s=0.05)
        assert heard(line).startswith(b"HTTP/1.1 408")
    thread.join()


def test_a_body_that_stops_is_waited_for_only_so_long(quick: tuple[str, int]) -> None:
    with line_to(quick) as line:
        line.sendall(head("/body", Content_Length=100) + b"ten bytes.")
        assert heard(line).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("length", [{"Content_Length": 10_000}, {"Transfer_Encoding": "chunked"}])
def test_a_body_that_comes_byte_by_byte_has_one_deadline(quick: tuple[str, int], length: dict[str, object]) -> None:
    began_s = time.monotonic()
    with line_to(quick) as line:
        line.sendall(head("/body", **length))
        thread = trickle(line, b"1\r\nx\r\n" * 2000, every_s=0.05)
        assert heard(line).startswith(b"HTTP/1.1 408")
    thread.join()
    assert time.monotonic() - began_s >= QUICK.body_s


def test_a_body_after_an_early_answer_is_thrown_away_and_has_the_same_deadline(quick: tuple[str, int]) -> None:
    # Given a request that is refused before anything of its body was read
    with line_to(quick) as line:
        line.sendall(head("/refuse", Content_Length=10_000))
        assert line.recv(100).startswith(b"HTTP/1.1 401")
        # When its sender goes on for ever
        thread = trickle(line, b"x" * 10_000, every_s=0.05)
        # Then the connection ends
        assert heard(line).count(b"HTTP/1.1") == 0
    thread.join()


def test_whoever_sends_all_of_a_refused_body_hears_the_refusal_and_may_ask_again() -> None:
    with served(PATIENT) as place, line_to(place) as line:
        line.sendall(head("/refuse", Content_Length=3_000_000) + b"x" * 3_000_000)
        assert line.recv(100).startswith(b"HTTP/1.1 401")
        line.sendall(head("/body", Content_Length=3, Connection="close") + b"abc")
        answer = heard(line)
    assert b"HTTP/1.1 200" in answer
    assert answer.endswith(b"3")


def test_an_answer_that_is_not_read_does_not_keep_the_connection(quick: tuple[str, int]) -> None:
    before = ended(EndedBecause.UNREAD_ANSWER)
    with line_to(quick) as line:
        line.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: ended(EndedBecause.UNREAD_ANSWER) > before, what="the connection is still there")
        assert len(heard(line)) < LARGE_BYTES


def test_each_request_over_one_connection_has_a_deadline_of_its_own() -> None:
    limits = ConnectionLimits(connections=4, head_s=4, pause_s=4, body_s=4)
    with served(limits) as place, line_to(place) as line:
        began_s = time.monotonic()
        while time.monotonic() - began_s < 1.2 * limits.head_s:
            assert asked(line).endswith(b"3"), "the connection was closed"
            time.sleep(0.02)


def asked(line: socket.socket) -> bytes:
    """The answer to one request, the connection left open."""
    line.sendall(head("/body", Content_Length=3) + b"abc")
    answer = part = line.recv(1000)
    while part and not answer.endswith(b"\r\n\r\n3"):
        part = line.recv(1000)
        answer += part
    return answer


def test_a_connection_is_kept_between_two_requests_for_longer_than_a_proxy_keeps_it() -> None:
    limits = ConnectionLimits(connections=4, head_s=3, pause_s=3, body_s=6)
    with served(limits) as place, line_to(place) as line:
        # Given an answer, and nothing sent since for longer than a head may take
        assert asked(line).startswith(b"HTTP/1.1 200")
        time.sleep(limits.head_s * 1.1)
        # When the client asks again, its head in two pieces, then it has an answer
        line.sendall(b"POST /bo")
        time.sleep(0.05)
        line.sendall(head("/body", Content_Length=3).removeprefix(b"POST /bo") + b"abc")
        assert line.recv(1000).startswith(b"HTTP/1.1 200")
        # And a head that does not end has its deadline as before
        line.sendall(b"POST /bo")
        assert b"HTTP/1.1 408" in heard(line)
    assert IDLE_S >= 75


def test_a_new_connection_takes_the_place_of_the_one_that_has_waited_longest() -> None:
    with served(PATIENT) as place, ExitStack() as stack:
        # Given as many connections as may be open, and none of them has asked anything
        lines = [stack.enter_context(line_to(place)) for _ in range(PATIENT.connections)]
        # When somebody comes with a request
        with line_to(place) as line:
            line.sendall(head("/body", Content_Length=3, Connection="close") + b"abc")
            answer = heard(line)
        # Then it is answered, and the connection that had waited longest is gone
        assert answer.startswith(b"HTTP/1.1 200")
        assert heard(lines[0]).startswith(b"HTTP/1.1 408")


def test_one_connection_too_many_is_refused_while_all_others_are_at_work() -> None:
    with served(PATIENT) as place, ExitStack() as stack:
        # Given as many connections as may be open, and each has a request under way
        lines = [stack.enter_context(line_to(place)) for _ in range(PATIENT.connections)]
        for line in lines:
            line.sendall(head("/body", Content_Length=3, Expect="100-continue"))
            assert line.recv(100).startswith(b"HTTP/1.1 100")
        # When one more comes
        with line_to(place) as line:
            answer = heard(line)
        # Then it hears when to come again, and the others are served
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 5" in answer.lower()
        for line in lines:
            line.sendall(b"abc")
            assert line.recv(1000).startswith(b"HTTP/1.1 200")


def test_fewer_connections_are_taken_where_there_are_too_few_file_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert _with_descriptors(1) == 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft - 1, 256), hard))
    try:
        assert 0 < _with_descriptors(10**9) < 10**9
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_a_file_descriptor_new_connections_wait_and_the_log_stays_short(door: Doorstep) -> None:
    # Given a process that has hardly a file descriptor left
    pid, since = door.process.popen.pid, len(door.process.lines)
    used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    place = (urlsplit(door.url).hostname, urlsplit(door.url).port)
    with ExitStack() as stack:
        # When more connections come than it can take
        for _ in range(200):
            stack.enter_context(socket.create_connection(place, timeout=HANG_S))
        door.awaits("no_file_descriptor", since)
        time.sleep(2.5)  # two more of its attempts
        # Then it said so once
        assert len(door.process.lines) - since < 5, door.told(since)
    # And it goes on as soon as there are some again
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert door.session.get(f"{door.url}/health/live", timeout=HANG_S).status_code == 200
