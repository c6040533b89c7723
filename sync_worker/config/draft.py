"""The text of one file before it is saved. It is read as if it were the file, and then takes its place, as a whole or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sync_worker.config.nodes import NodePath
from sync_worker.config.source import Source, read_source, source_of
from sync_worker.errors import ConfigError, Mistake
from sync_worker.fingerprint import digest_of

WHERE_SECRETS_GO: Final[tuple[NodePath, ...]] = (
    *(("crm", key) for key in ("kind", "base_url", "auth", "webhooks")),
    *(("feed", key) for key in ("url", "secret", "previous_secret")),
)
"""Keys of a portal file that decide which secret is sent to which address."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person would like to have in the file."""

    path: Path
    text: str = field(repr=False)

    def read(self, path: Path) -> Source:
        """The draft where its file is asked for; any other file as it is. **Raises** ConfigError, as `read_source` does."""
        return source_of(self.text.encode(), path) if path == self.path else read_source(path)


def sent_elsewhere(before: Source, after: Source) -> list[Mistake]:
    """Where the text would send a secret to another address than the file does, or another secret."""
    remedy = "put back what stood here; it is changed on the server, by a person who may see the secrets"
    return [
        after.mistake(path, "decides which secret goes to which address, so no page changes it", remedy)
        for path in WHERE_SECRETS_GO
        if before.at(path) != after.at(path)
    ]


def put_in_place(path: Path, text: str, *, digest: str | None = None) -> None:
    """Writes the text into the file, with its mode and its owner. A crash leaves the old text or the new one.

    **Shapes** `digest`: what the file must still have; None asks for nothing.
    **Raises** ConfigError: somebody else has changed the file, or this process may not write it. Then it stays as it is.
    """
    real = path.resolve()  # a link stays a link
    try:
        with _alone_in(real.parent) as folder:
            if digest is not None and digest_of([path]) != digest:
                raise ConfigError(f"{path.name} was changed since this text was begun — copy the text, and open the page again")
            _replace(real, text.encode())
            os.fsync(folder)
    except OSError as error:
        raise ConfigError(
            f"{path.name} cannot be written here ({error.strerror}) — copy the text, and put it there on the server"
        ) from None


@contextmanager
def _alone_in(folder: Path) -> Iterator[int]:
    """No other process of ours replaces a file of the folder meanwhile."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    finally:
        os.close(opened)


def _replace(path: Path, content: bytes) -> None:
    was = path.stat()
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    whole = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(number, was.st_uid, was.st_gid)
            os.fchmod(number, stat.S_IMODE(was.st_mode))
            os.fsync(number)
        whole.replace(path)
    finally:
        whole.unlink(missing_ok=True)
