"""The command line in this process, on a portal of its own: what it prints, where, and with which exit code."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from crm_sandbox.process import HubspotOptions, Options, SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from sync_worker.cli.app import run
from tests.journey.crms import CRMS, LocalCrm
from tests.journey.stage import ROOT, Answer, Installation

SMALL: dict[str, Options] = {
    "salesforce": SalesforceOptions(companies=30, leads=3, opportunities=8),
    "hubspot": HubspotOptions(companies=30, inquiries=3, deals=8),
}


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


on_both = pytest.mark.parametrize("crm", CRMS, indirect=True)
"""A test that holds on every CRM; without this mark it is made on the first one."""


@pytest.fixture
def crm(request: pytest.FixtureRequest) -> LocalCrm:
    return CRMS[getattr(request, "param", "salesforce")]


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Callable[[str], str]]:
    """The address of each CRM's sandbox, which starts when it is asked for."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(serve_thread(SMALL[kind])))


@pytest.fixture
def base_url(crm: LocalCrm, sandboxes: Callable[[str], str]) -> str:
    return sandboxes(crm.kind)


@pytest.fixture
def remote(crm: LocalCrm, base_url: str) -> Iterator[Remote]:
    with crm.controls(base_url) as controls:
        controls.clear_faults()
        controls.reset()
        controls.reset_calls()
        yield controls


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in which everything is right, without a CRM: the current folder."""
    (tmp_path / "config/portals").mkdir(parents=True)
    shutil.copy(ROOT / "config/examples/contracts.yaml", tmp_path / "config/portals/acme.yaml")
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    for name, value in {"ACME_SF_ID": "client-1", "ACME_SF_SECRET": "s3cret-9", "ACME_SF_HOOK": "hook-7", "FEED": "short"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def terminal(
    tmp_path: Path,
    crm: LocalCrm,
    base_url: str,
    remote: Remote,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    installation = Installation(tmp_path, base_url, sqlite_url, crm=crm)
    installation.write_portal()
    for name, value in installation.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Terminal(installation, capsys)
