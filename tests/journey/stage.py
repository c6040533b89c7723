"""What a journey needs: an installation in a folder of its own, the command as a person types it, processes that are always stopped.

Nothing waits for a time, everything for a condition: `until` of tests/patience.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from unittest.mock import patch

import psutil
import requests

from sync_worker.cli.app import run
from tests.journey.crms import CRMS, LocalCrm, adapted
from tests.nursery import Copy, begin
from tests.patience import HANG_S, until

ROOT = Path(__file__).parent.parent.parent
COMMAND = Path(sys.executable).parent / "sync-worker"
LISTENING = "listening on "


@dataclass(frozen=True)
class Answer:
    """What one command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def started(command: list[str], env: Mapping[str, str], folder: Path) -> subprocess.Popen[str]:
    """A command as a shell starts it."""
    return subprocess.Popen(
        command,
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


class Process:
    """One process that runs until it is stopped; its lines are kept as they come."""

    def __init__(self, popen: subprocess.Popen[str] | Copy) -> None:
        self.popen = popen
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        self.lines.extend(iter(self.popen.stdout.readline, ""))

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def address(self, nth: int = 0, timeout_s: float = HANG_S) -> str:
        """Where it listens, once it does."""

        def said() -> list[str]:
            has_ended = self.popen.poll() is not None
            if has_ended:
                self._reader.join(HANG_S)
            found = self._said()[nth:]
            assert found or not has_ended, f"it ended: {self.log}"
            return found

        return until(said, timeout_s, what="the process listens")[0]

    def _said(self) -> list[str]:
        return [line.split(LISTENING)[1].strip() for line in self.lines if LISTENING in line]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.popen.pid).children(recursive=True)

    def send(self, kind: signal.Signals) -> None:
        self.popen.send_signal(kind)

    def ended(self, timeout_s: float = HANG_S) -> int:
        """The exit code, once it has ended by itself."""
        code = self.popen.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def stop(self) -> int:
        self.send(signal.SIGTERM)
        return self.ended()

    def close(self) -> None:
        """Ends whatever is left, children too."""
        left = [] if self.popen.poll() is not None else [*self.children(), psutil.Process(self.popen.pid)]
        for process in left:
            process.kill()
        self.popen.wait()
        self._reader.join(HANG_S)
        assert self.popen.stdout
        self.popen.stdout.close()


def typed(words: Sequence[str], env: Mapping[str, str], folder: Path, timeout_s: float = HANG_S) -> Answer:
    """`sync-worker` with these words, and what it answers."""
    with TemporaryFile() as err:
        copy = begin(words, env, folder, stderr=err)
        try:
            with copy.stdout:
                out = copy.stdout.read()
            code = copy.wait(timeout_s)
        finally:
            copy.send_signal(signal.SIGKILL)
        err.seek(0)
        return Answer(code, out, err.read().decode())


@dataclass
class Installation:
    """A configured portal `acme` on a sandbox: files in a folder, everything else in the environment."""

    folder: Path
    base_url: str
    database_url: str
    redis_url: str | None = None
    more_env: dict[str, str] = field(default_factory=dict)
    crm: LocalCrm = CRMS["salesforce"]

    @property
    def env(self) -> dict[str, str]:
        """The caller's environment without any variable of ours, then ours. Warnings are errors in every process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNC_WORKER_", "ACME_"))}
        ours = {
            "PYTHONWARNINGS": "error::ResourceWarning",
            "SYNC_WORKER_DATABASE_URL": self.database_url,
            "SYNC_WORKER_CONFIG_DIR": str(self.folder / "config"),
            "SYNC_WORKER_MAPPINGS_DIR": str(ROOT / "mappings"),
            "SYNC_WORKER_HTTP_PORT": "0",
            **{name: value for crm in CRMS.values() for name, value in crm.environ.items()},
        }
        if self.redis_url:
            ours["SYNC_WORKER_REDIS_URL"] = self.redis_url
        return kept | ours | self.more_env

    def write_portal(self, *, pull: str = "5m", from_crm: bool = True, name: str = "acme") -> Path:
        """The portal file: the shipped example, adapted to the sandbox as docs tell people to."""
        written = self.crm.portal_file((ROOT / "config/examples/contracts.yaml").read_text(), self.base_url)
        written = adapted(
            written,
            ("portal: acme ", f"portal: {name} "),
            ("from_crm: false", f"from_crm: {str(from_crm).lower()}"),
            ("pull: 5m", f"pull: {pull}"),
        )
        path = self.folder / "config" / "portals" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written)
        return path

    def command(self, *words: str, code: int | None = 0, timeout_s: float = HANG_S) -> Answer:
        """One command as a person types it."""
        answer = typed(words, self.env, self.folder, timeout_s)
        assert code is None or answer.code == code, f"sync-worker {' '.join(words)}: {answer}"
        assert "Traceback" not in answer.err, answer.err
        assert "ResourceWarning" not in answer.err, answer.err
        return answer

    def here(self, *words: str, code: int | None = 0) -> None:
        """The same command in this process: one of its own takes a second or two to start, and says no more of what it leaves behind."""
        with patch.dict(os.environ, self.env, clear=True):
            found = run(words)
        assert code is None or found == code, words

    def asks(self, *words: str) -> Any:
        """The answer as JSON, by the command in this process: what is asked over and over has no seconds to spare."""
        said = StringIO()
        with redirect_stdout(said):
            self.here(*words, "--json")
        return json.loads(said.getvalue())

    def deal_file(self, name: str = "deal.yaml", /, **fields: str) -> str:
        """A deal of Birch Systems with Arrow Electronics, as the operator writes it down."""
        deal = {"owner_company": "Birch Systems", "second_partner": "Arrow Electronics", "prospect_name": "Harbor Freight Lines"} | fields
        (self.folder / name).write_text("".join(f"{key}: {value}\n" for key, value in deal.items()))
        return name

    @contextmanager
    def process(self, *words: str) -> Iterator[Process]:
        """A process of ours, gone at the end whatever happens."""
        process = Process(begin(words, self.env, self.folder))
        try:
            yield process
        finally:
            process.close()


def status(url: str) -> int:
    """The HTTP status; 0 where nobody answers."""
    try:
        return requests.get(url, timeout=HANG_S).status_code
    except requests.ConnectionError:
        return 0
