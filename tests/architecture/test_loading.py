"""What a process loads at its start: no library that it does not use. The suite alone starts hundreds of processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALWAYS = ("alembic", "redis", "psycopg", "jinja2", "fpdf", "email_validator", "authlib", "cryptography", "obstore", "rich.progress")
LOADED = {
    "a command": ("sync_worker.cli.core.command", (*ALWAYS, "fastapi", "uvicorn", "apscheduler")),
    "a worker": ("sync_worker.cli.operate.processes", (*ALWAYS, "fastapi", "uvicorn", "apscheduler")),
    "the door of its health": ("sync_worker.web.health", ("fastapi", "alembic", "jinja2")),
}


@pytest.mark.parametrize("name", LOADED)
def test_a_start_loads_no_library_that_it_does_not_use(name: str) -> None:
    module, without = LOADED[name]
    program = f"import sys, {module}; print(*sorted(set({without!r}) & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
