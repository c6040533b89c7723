"""What runs beside the CRMs: PostgreSQL, Redis and our five processes. Each can be hurt, and is there again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import redis

from sync_worker.services import Services
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import migrate
from tests.failover import FAST, Node, _binaries
from tests.patience import until
from tests.servers import _redis_binary, free_port

ROOT: Final = Path(__file__).parents[2]
MOST_APART_S: Final = 150  # either way, so that the clocks of two processes are up to five minutes apart
CONNECTIONS: Final = "max_connections=100"


@dataclass(frozen=True)
class Database(Node):
    """PostgreSQL, whose commits survive whatever happens to its processes."""

    def start(self) -> None:
        settings = " ".join(f"-c {setting}" for setting in (*FAST[:-1], CONNECTIONS))
        where = f"-h 127.0.0.1 -p {self.port} -k {self.folder.parent} {settings}"
        self.run("pg_ctl", "-w", "-D", str(self.folder), "-l", f"{self.folder}.log", "-o", where, "start")

    def end(self, how: Literal["fast", "immediate"]) -> None:
        self.run("pg_ctl", "-w", "-m", how, "-D", str(self.folder), "stop")


@contextmanager
def database() -> Iterator[Database]:
    """A server of its own with our schema in it. **Raises** Unavailable."""
    bin_path, user = _binaries()
    home = Path(tempfile.mkdtemp(prefix="sync-worker-soak-"))
    server = Database(home / "data", free_port(), bin_path, user)
    try:
        if user:
            shutil.chown(home, user)
        server.run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(server.folder))
        server.start()
        try:
            with closing(Store(server.url, clock=Services().clock)) as store:
                migrate.upgrade(store)
            yield server
        finally:
            server.end("immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Queue:
    """Redis, which forgets everything when it ends."""

    def __init__(self) -> None:
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        command = [_redis_binary(), "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, what="Redis answers")

    def end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def forget(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def queue() -> Iterator[Queue]:
    found = Queue()
    try:
        found.start()
        yield found
    finally:
        found.end()


@dataclass
class Ours:
    """One process of ours on a machine of its own, whose clock it keeps until it is started again. **Shapes** `words`: of the command."""

    name: str
    words: tuple[str, ...]
    env: Mapping[str, str]
    log_path: Path
    ahead_s: float = 0
    is_frozen: bool = False
    popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, dice: random.Random) -> None:
        self.ahead_s = round(dice.uniform(-MOST_APART_S, MOST_APART_S), 1)
        command = [sys.executable, "-m", "tests.soak.launch", str(self.ahead_s), *self.words]
        with self.log_path.open("ab") as log:
            log.write(f"── {self.name} is started, its clock {self.ahead_s} s ahead\n".encode())
            log.flush()
            self.popen = subprocess.Popen(
                command, env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def ended_with(self) -> int | None:
        """The exit code of one that has ended by itself."""
        return self.popen.poll() if self.popen else None

    def kill(self) -> None:
        if self.popen:
            self.popen.kill()
            self.popen.wait()
            self.popen, self.is_frozen = None, False

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)
        self.is_frozen = True

    def thaw(self) -> None:
        self._send(signal.SIGCONT)
        self.is_frozen = False

    def _send(self, kind: signal.Signals) -> None:
        if self.popen:
            self.popen.send_signal(kind)

    def said(self, words: str) -> list[str]:
        """The lines of all its lives with these words."""
        return [line for line in self.log_path.read_text(errors="replace").splitlines() if words in line]


def environment(database_url: str, redis_url: str, folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without any variable of ours, then ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNC_WORKER_")}
    ours = {
        "PYTHONPATH": str(ROOT),
        "SYNC_WORKER_DATABASE_URL": database_url,
        "SYNC_WORKER_REDIS_URL": redis_url,
        "SYNC_WORKER_CONFIG_DIR": str(folder / "config"),
        "SYNC_WORKER_MAPPINGS_DIR": str(ROOT / "mappings"),
        "SYNC_WORKER_FILES_URL": f"file:{folder / 'files'}",
    }
    return kept | ours | dict(more)
