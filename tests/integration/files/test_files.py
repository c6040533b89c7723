"""Uploads on a folder and on a real S3 server: what comes in comes out, and of what was refused or never finished nothing stays."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.distributors.upload import AGREEMENT
from sync_worker.errors import ConfigError, TransientError
from sync_worker.files import Files, StoredFile, open_files
from tests.stranger import Reply, stranger

Chunks = Callable[[bytes, int], Iterator[bytes]]
KEY = "acme/agreements/a1"
LARGE = b"%PDF-1.7\n" + bytes(range(256)) * 48_000  # 12 MB: more than one part of an S3 upload
SMALL = b"%PDF-1.7\nsigned"


@pytest.mark.parametrize(("content", "size"), [(LARGE, 100_000), (SMALL, 4), (SMALL, 1), (SMALL, 100)])
def test_what_comes_in_comes_out_with_its_size_and_digest(files: Files, chunks_of: Chunks, content: bytes, size: int) -> None:
    kept = files.keep(KEY, chunks_of(content, size), name="agreement.pdf", limits=AGREEMENT)
    assert kept == StoredFile(KEY, "application/pdf", len(content), hashlib.sha256(content).hexdigest())
    pieces = files.read(KEY)
    assert pieces is not None
    assert b"".join(pieces) == content


def test_what_is_not_there_is_none(files: Files) -> None:
    assert files.read("acme/agreements/none") is None


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (LARGE, "agreement.pdf", "file_too_large"),
        (b"MZ" + bytes(100), "agreement.pdf", "file_type_unknown"),
        (SMALL, "agreement.exe", "file_type_not_as_named"),
        (b"", "agreement.pdf", "file_empty"),
    ],
)
def test_of_what_is_refused_nothing_stays(files: Files, chunks_of: Chunks, tmp_path: Path, content: bytes, name: str, code: str) -> None:
    # Given a limit that lies beyond the first part of a large upload
    limits = replace(AGREEMENT, most_bytes=11 * 1024 * 1024)

    # When the file comes in
    refused = files.keep(KEY, chunks_of(content, 100_000), name=name, limits=limits)

    # Then it is refused, and neither a file nor a piece of one is there
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert files.keys("acme") == {}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_client_that_breaks_off_leaves_nothing(files: Files, tmp_path: Path) -> None:
    def breaking() -> Iterator[bytes]:
        yield LARGE
        raise ConnectionResetError("the client is gone")

    with pytest.raises(ConnectionResetError, match="the client is gone"):
        files.keep(KEY, breaking(), name="agreement.pdf", limits=AGREEMENT)
    assert files.keys("acme") == {}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_sweep_removes_what_no_row_names_and_leaves_the_young_and_other_portals(files: Files, chunks_of: Chunks) -> None:
    # Given a file that a row names, one that none names, and one of another portal
    for key in (KEY, "acme/agreements/orphan", "acme-two/agreements/a1"):
        files.keep(key, chunks_of(SMALL, 9), name="agreement.pdf", limits=AGREEMENT)
    now = datetime.now(UTC)

    # When it is swept for what is older than yesterday, and than tomorrow
    assert files.sweep("acme", named={KEY}, before_at=now - timedelta(days=1)) == 0
    assert files.sweep("acme", named={KEY}, before_at=now + timedelta(days=1)) == 1

    # Then only the orphan is gone
    assert files.keys("acme").keys() == {KEY}
    assert files.keys("acme-two").keys() == {"acme-two/agreements/a1"}


KILLED = """
import sys, time
from sync_worker.domain.distributors.upload import AGREEMENT
from sync_worker.files import open_files
def endless():
    yield b"%PDF-1.7" + bytes(6_000_000)
    print("begun", flush=True)
    time.sleep(60)
    yield b""
open_files(sys.argv[1]).keep("acme/agreements/killed", endless(), name="a.pdf", limits=AGREEMENT)
"""


def test_a_worker_killed_in_the_middle_of_an_upload_leaves_only_what_a_sweep_removes(tmp_path: Path) -> None:
    # Given an upload to a folder, whose worker is killed half-way
    folder = tmp_path / "files"
    process = subprocess.Popen([sys.executable, "-c", KILLED, folder.as_uri()], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.kill()
    process.wait()
    process.stdout.close()
    old = time.time() - 2 * 86_400
    for path in folder.rglob("*#*"):
        os.utime(path, (old, old))

    # Then no file shows, and the sweep removes what is left
    files = open_files(folder.as_uri())
    left = [path for path in folder.rglob("*") if path.is_file()]
    assert files.keys("acme") == {}
    assert files.sweep("acme", named=set(), before_at=datetime.now(UTC) - timedelta(days=1)) == len(left)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_store_out_of_reach_is_said_in_our_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chunks_of: Chunks) -> None:
    files = open_files((tmp_path / "files").as_uri())
    (tmp_path / "files").rmdir()
    (tmp_path / "files").write_text("a file where the folder was")
    with pytest.raises(TransientError, match="SYNC_WORKER_FILES_URL"):
        files.keep(KEY, chunks_of(SMALL, 9), name="a.pdf", limits=AGREEMENT)


@pytest.mark.parametrize("status", [403, 409])
@pytest.mark.usefixtures("_keys_of_s3")
def test_a_bucket_that_refuses_is_named_with_its_host_and_status(status: int) -> None:
    with stranger() as bucket:
        bucket.on("GET", KEY, Reply("<Error/>", status))
        files = open_files(f"s3://bucket?endpoint={bucket.base_url}")
        with pytest.raises(TransientError, match=rf"out of reach \({urlsplit(bucket.base_url).netloc}\): HTTP {status}"):
            files.read(KEY)


@pytest.mark.usefixtures("_keys_of_s3")
def test_a_bucket_that_is_not_there_is_named_with_host_reason_and_tries() -> None:
    with pytest.raises(TransientError) as raised:
        open_files("s3://bucket?endpoint=http://127.0.0.1:9").read(KEY)
    assert str(raised.value) == "the files (SYNC_WORKER_FILES_URL) are out of reach (127.0.0.1:9): connection refused (11 tries)"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/files", "write file:folder or s3://bucket"),
        ("s3://", "write file:folder or s3://bucket"),
        ("s3://bucket?secret=x", "write file:folder or s3://bucket"),
        ("s3://bucket?endpoint=http://s3.example.com", "plain http"),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_what_would_be_right(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_files(url)


def test_a_folder_may_be_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks_of: Chunks) -> None:
    monkeypatch.chdir(tmp_path)
    open_files("file:my%20files").keep(KEY, chunks_of(SMALL, 9), name="a.pdf", limits=AGREEMENT)
    assert (tmp_path / "my files" / KEY).read_bytes() == SMALL
