"""`sync-worker sandbox …`: a local CRM in the foreground that says how to log in, answers, and stops."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import requests

from crm_sandbox.process import READY
from tests.journey.stage import COMMAND, Process, started
from tests.patience import HANG_S, until

CRMS = {"salesforce": ["--leads", "1", "--opportunities", "2"], "hubspot": ["--deals", "3", "--inquiries", "1", "--tier", "free"]}


@pytest.mark.parametrize("crm", CRMS)
def test_it_says_how_to_log_in_answers_and_stops(crm: str, tmp_path: Path) -> None:
    process = Process(started([str(COMMAND), "sandbox", crm, "--port", "0", "--companies", "5", *CRMS[crm]], dict(os.environ), tmp_path))
    try:
        # Given a sandbox that was just started, it says where it is and what opens it
        ready = READY.format(crm)
        [address] = until(lambda: [line.removeprefix(ready).strip() for line in process.lines if line.startswith(ready)])
        said = dict(line.strip().split(": ") for line in process.lines if ": " in line)

        # When a client logs in with what was said, it is let in
        assert _opens(crm, address, said) == 200
        assert requests.get(f"{address}/__sandbox__/health", timeout=HANG_S).json()["status"] == "ok"

        # Then SIGTERM ends it
        assert process.stop() == 0, process.log
    finally:
        process.close()


@pytest.mark.parametrize("crm", CRMS)
def test_a_port_that_is_taken_is_said(crm: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = Process(started([str(COMMAND), "sandbox", crm, "--port", str(port), "--companies", "1"], dict(os.environ), tmp_path))
        try:
            assert process.ended() == 2
            assert f"127.0.0.1:{port} cannot be listened on" in process.log
        finally:
            process.close()


def _opens(crm: str, address: str, said: dict[str, str]) -> int:
    if crm == "salesforce":
        form = {"grant_type": "client_credentials", "client_id": said["client_id"], "client_secret": said["client_secret"]}
        return requests.post(f"{address}/services/oauth2/token", data=form, timeout=HANG_S).status_code
    headers = {"Authorization": f"Bearer {said['token']}"}
    return requests.get(f"{address}/crm/v3/objects/companies", headers=headers, timeout=HANG_S).status_code
