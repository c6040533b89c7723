"""Files that people upload: one port over a folder (the default) or an S3 bucket, by `obstore`. Content only; what a file is, a row says.

A key is made by us, never by a client, and never used twice. A file is written under its last key at once, and counts only when a row
names it: what was refused half-way is taken back by the store itself, what a crash left behind is an orphan, which `sweep` removes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from sync_worker.boundary import silence
from sync_worker.config.settings import mistake_in
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.distributors.upload import HEAD_BYTES, UploadLimits, size_refusal, type_of
from sync_worker.errors import ConfigError, TransientError

if TYPE_CHECKING:  # obstore takes 5 MB: only where a process handles files
    from obstore import GetResult
    from obstore.store import LocalStore, S3Store

CHUNK_BYTES: Final = 1024 * 1024  # of a download; an upload of more than 5 MB goes to S3 in parts of that size
_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
_OPTIONS: Final = {"endpoint", "region"}
VARIABLE: Final = "SYNC_WORKER_FILES_URL"
_HOST: Final = re.compile(r"https?://[^\s/?#]+")
_STATUS: Final = re.compile(r"status code: (\d{3}[^:]*)")
_RETRIES: Final = re.compile(r"after (\d+) retries")
_REASON: Final = re.compile(r'(?:message|error): "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where in S3."""

    name: str
    prefix: str | None
    endpoint: str | None
    region: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What was written. **Units** `size_bytes`. **Shapes** `sha256` in hex."""

    key: str
    media_type: str
    size_bytes: int
    sha256: str


class Files:
    """Safe to share among threads. **Raises** TransientError from everything, while the store is out of reach."""

    def __init__(self, store: LocalStore | S3Store, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    def keep(self, key: str, chunks: Iterable[bytes], *, name: str, limits: UploadLimits) -> StoredFile | Refusal:
        """Writes the file while it comes in, or says why not; of a refused one nothing is left. **Shapes** `name`: the person's."""
        head, rest = _head(chunks)
        found = type_of(head, name, limits)
        if isinstance(found, Refusal):
            return found
        measured = _Measured(chain([head], rest), limits)
        try:
            with _reaching():
                self._store.put(key, measured)
        except _TooMuch as refused:
            return refused.refusal
        except TransientError as error:
            raise measured.broke or error from error
        return StoredFile(key, found.media_type, measured.size_bytes, measured.digest.hexdigest())

    def read(self, key: str) -> Iterator[bytes] | None:
        """The file piece by piece; None where there is none."""
        try:
            with _reaching():
                found = self._store.get(key)
        except FileNotFoundError:
            return None
        return _pieces(found)

    def keys(self, prefix: str) -> dict[str, datetime]:
        """Every file whose key begins with this folder, and when it was written."""
        with _reaching():
            return {one["path"]: one["last_modified"] for page in self._store.list(prefix) for one in page}

    def sweep(self, prefix: str, *, named: Collection[str], before_at: datetime) -> int:
        """Removes what no row names and what was begun and never ended, if it is older than `before_at`. How many files went."""
        orphans = [key for key, written_at in self.keys(prefix).items() if key not in named and written_at < before_at]
        with _reaching():
            if orphans:
                self._store.delete(orphans)
        return len(orphans) + sum(1 for _ in self._sweep_unfinished(prefix, before_at))

    def _sweep_unfinished(self, prefix: str, before_at: datetime) -> Iterator[Path]:
        """A folder shows a file under its name only when it is whole: until then it is `name#1`. S3 never shows an unfinished one."""
        for path in self._folder.glob(f"{prefix}/**/*#*") if self._folder else ():
            if path.is_file() and path.stat().st_mtime < before_at.timestamp():
                path.unlink(missing_ok=True)
                yield path


def open_files(url: str) -> Files:
    """The files of an address: `file:folder`, `file:///folder`, or `s3://bucket/prefix?endpoint=https://…&region=…`.

    S3's keys come from the environment, as every S3 tool reads them (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or the machine's role).

    **Raises** ConfigError.
    """
    from obstore.exceptions import BaseError
    from obstore.store import LocalStore, S3Store

    place = place_of(url)
    if isinstance(place, Bucket):
        return Files(
            S3Store(
                place.name,
                prefix=place.prefix,
                endpoint=place.endpoint,
                region=place.region,
                client_options={"allow_http": (place.endpoint or "").startswith("http://")},
            )
        )
    try:
        return Files(LocalStore(place, mkdir=True), place)
    except (BaseError, OSError, ValueError) as error:
        raise ConfigError(
            f"the folder that {VARIABLE} names cannot be made ({type(error).__name__}) — name one that this user may write"
        ) from None


def place_of(url: str) -> Path | Bucket:
    """Where an address leads; nothing is opened or made. **Raises** ConfigError, which never shows it."""
    try:
        return _place_of(url)
    except ValueError:
        raise ConfigError([mistake_in("files_url")]) from None


def _place_of(url: str) -> Path | Bucket:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path)).absolute()
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme != "s3" or not re.fullmatch(r"[a-z0-9][a-z0-9.-]+", parts.netloc) or parts.fragment or options.keys() - _OPTIONS:
        raise ValueError
    endpoint = options.get("endpoint")
    if endpoint is not None:
        _check_endpoint(endpoint)
    return Bucket(parts.netloc, parts.path.strip("/") or None, endpoint, options.get("region", "us-east-1"))


def _check_endpoint(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in endpoint or (parts.port or 443) < 1:
        raise ValueError
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"{VARIABLE}: plain http to its endpoint would show agreements and files of deals to the network — use https")


class _TooMuch(Exception):
    """Ends a write from inside."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.why)
        self.refusal = refusal


class _Measured:
    """Chunks on their way, counted and hashed; one byte too many ends the write."""

    def __init__(self, chunks: Iterable[bytes], limits: UploadLimits) -> None:
        self._chunks = chunks
        self._limits = limits
        self.size_bytes = 0
        self.digest = hashlib.sha256()
        self.broke: Exception | None = None  # what ended the chunks themselves: the client's trouble, not the store's

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._given():
            self.size_bytes += len(chunk)
            if refused := size_refusal(self.size_bytes, self._limits):
                raise _TooMuch(refused)
            self.digest.update(chunk)
            yield chunk

    def _given(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except Exception as error:
            self.broke = error
            raise


def _head(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough to know the type by, and what follows them."""
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return head, rest


def _pieces(found: GetResult) -> Iterator[bytes]:
    with _reaching():
        for piece in found.stream(min_chunk_size=CHUNK_BYTES):
            yield bytes(piece)


@contextmanager
def _reaching() -> Iterator[None]:
    """The store's own errors as ours; a file that is not there stays what it is."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise TransientError(_out_of_reach(str(error))) from error


def _out_of_reach(told: str) -> str:
    """Host, reason and tries, as far as obstore tells: its words, and those of the libraries below it for developers."""
    first = next(iter(told.splitlines()), "")
    host, status, retries = _HOST.search(first), _STATUS.search(first), _RETRIES.search(first)
    reasons = _REASON.findall(told)
    found = f"HTTP {status[1].strip()}" if status else f"{reasons[-1][:1].lower()}{reasons[-1][1:]}" if reasons and host else ""
    tries = f" ({int(retries[1]) + 1} tries)" if retries and found else ""
    return f"the files ({VARIABLE}) are out of reach{silence.named(host[0]) if host else ''}: {found or first}{tries}"
