"""A sandbox as a process of its own: what becomes of one that does not start as it should."""

import sys
from pathlib import Path

import psutil
import pytest

from crm_sandbox.process import SalesforceOptions, serve_process


def test_one_that_lives_on_without_being_ready_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given something that says another first line than the ready one, and stays
    pid = tmp_path / "pid"
    other = tmp_path / "other"
    other.write_text(f"#!/bin/sh\necho $$ >{pid}\necho good morning\nexec sleep 600\n")
    other.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(other))

    # When it is started in the sandbox's place, the words and the end are told
    with (
        pytest.raises(ChildProcessError, match="said 'good morning' instead of starting, and ended with -15"),
        serve_process(SalesforceOptions()),
    ):
        pass

    # Then it is gone
    assert not psutil.pid_exists(int(pid.read_text()))
