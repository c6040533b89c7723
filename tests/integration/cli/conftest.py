"""The command line in this process, on a portal of its own: what it prints, where, and with which exit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_worker.cli.app import run
from sync_worker.sandbox.process import SalesforceOptions, serve_thread
from sync_worker.sandbox.remote import Remote
from tests.journey.stage import Answer, Installation


class Terminal:
    """A person's terminal."""

    def __init__(self, installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
        self.installation = installation
        self.portal_file = installation.folder / "config" / "portals" / "acme.yaml"
        self._capsys = capsys

    def types(self, *words: str, code: int | None = 0) -> Answer:
        self._capsys.readouterr()
        found = run(words)
        said = self._capsys.readouterr()
        answer = Answer(found, said.out, said.err)
        assert code is None or found == code, answer
        return answer


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=30, leads=3, opportunities=8)) as address:
        yield address


@pytest.fixture
def remote(base_url: str) -> Iterator[Remote]:
    with Remote(base_url) as controls:
        controls.clear_faults()
        controls.reset()
        controls.reset_calls()
        yield controls


@pytest.fixture
def terminal(
    tmp_path: Path, base_url: str, remote: Remote, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    installation = Installation(tmp_path, base_url, sqlite_url)
    installation.write_portal()
    for name, value in installation.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Terminal(installation, capsys)
