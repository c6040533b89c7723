"""The nightly sweep removes files, too: those that a crash left behind and that no agreement names."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_worker.actors import attempt
from sync_worker.config.settings import Settings
from sync_worker.steps.operate.sweep import SWEEP
from tests.integration.actors.conftest import Build


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"files_url": f"file://{tmp_path / 'files'}"})


def test_a_file_that_no_agreement_names_is_removed_a_day_later(build_on: Build, tmp_path: Path) -> None:
    # Given two files without a row: one is two days old, the other may still be an upload under way
    installation = build_on()
    folder = tmp_path / "files" / "acme" / "agreements"
    folder.mkdir(parents=True)
    for name in ("old", "new"):
        (folder / name).write_bytes(b"%PDF-1.7")
    written_at = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(folder / "old", (written_at, written_at))

    # When a worker does the sweep of the night
    done = attempt(installation, "acme", SWEEP.work, SWEEP.record)

    # Then only the old one is gone
    assert done is not None
    assert [path.name for path in folder.iterdir()] == ["new"]
