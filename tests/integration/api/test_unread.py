"""What is refused before its body is read: a request without a token, and one that announces too much. With real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.api.desk import Desk
from tests.patience import HANG_S

PATHS = [
    ("POST", "/deals"),
    ("PUT", "/users/rita"),
    ("POST", "/companies/Arrow%20Electronics/agreements/Birch%20Systems"),
    ("POST", "/failures/replay"),
    ("POST", "/deals/none/files"),
]


@contextmanager
def asked(desk: Desk, method: str, path: str, **headers: object) -> Iterator[socket.socket]:
    """A request whose body has not been sent."""
    place = urlsplit(desk.url)
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((place.hostname, place.port), timeout=HANG_S) as line:
        line.sendall(f"{method} /portals/acme{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{lines}\r\n".encode())
        yield line


@pytest.mark.parametrize("length", [{"Content_Length": 30_000_000}, {"Content_Length": 100}, {"Transfer_Encoding": "chunked"}])
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_without_a_token_nothing_of_a_body_is_awaited(shared: Desk, method: str, path: str, length: dict[str, object]) -> None:
    bearers = {"": 401, "Bearer swk_wrong": 401, f"Bearer {shared.with_token().token}": 403}
    for bearer, status in bearers.items():
        with asked(shared, method, path, **length, **({"Authorization": bearer} if bearer else {})) as line:
            assert line.recv(4096).startswith(f"HTTP/1.1 {status}".encode())


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize("length", [30_000_000, "9" * 25])
def test_a_body_that_announces_too_much_is_not_awaited(shared: Desk, method: str, path: str, length: object) -> None:
    with asked(shared, method, path, Content_Length=length, Authorization=f"Bearer {shared.token}", Acting_User="rita") as line:
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413" if length == 30_000_000 else b"HTTP/1.1 4"), answer


def test_strangers_hold_no_temporary_files(shared: Desk) -> None:
    # Given forty connections without a token, and each has sent two megabytes of a file
    before = unnamed_files()
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-' + b"x" * 2_000_000
    with ExitStack() as stack:
        method, path = PATHS[2]
        kind = {"Content_Type": "multipart/form-data; boundary=b"}
        lines = [stack.enter_context(asked(shared, method, path, Content_Length=8_000_000, **kind)) for _ in range(40)]
        for line in lines:
            line.sendall(form)
        assert all(line.recv(100).startswith(b"HTTP/1.1 401") for line in lines)
        # Then none of it lies in a file
        assert unnamed_files() == before


def unnamed_files() -> int:
    """How many files this process has open that stand in no folder."""
    opened = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sum("(deleted)" in one for one in opened)
