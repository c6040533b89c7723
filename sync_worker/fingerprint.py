"""A digest of what people wrote, so that a process that was started with other files can be told from the rest. No secret is in them."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

SHOWN: Final = 12  # characters: enough to tell two apart
MOST_BYTES: Final = 4 << 20  # of one file; no larger one is read at start


def digest_of(files: Iterable[Path]) -> str:
    """Of these files, by name and content. One that cannot be read, is not a regular file or is far too large counts by its name."""
    return _digest((path, _content(path)) for path in sorted(files))


def digest_with(path: Path, content: bytes) -> str:
    """The same of one file, once this stands in it."""
    return _digest([(path, content)])


def _digest(held: Iterable[tuple[Path, bytes]]) -> str:
    whole = sha256()
    for path, content in held:
        whole.update(f"{path.parent.name}/{path.name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:SHOWN]


def _content(path: Path) -> bytes:
    try:
        is_read = path.is_file() and path.stat().st_size <= MOST_BYTES  # a pipe or a device may never end
        return path.read_bytes() if is_read else b""
    except OSError:
        return b""
