"""The nightly sweep removes files, too: those that a crash left behind and that neither an agreement nor a deal names."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_worker.actors import attempt
from sync_worker.config.settings import Settings
from sync_worker.steps.operate.sweep import SWEEP
from sync_worker.store.deals import attached
from tests.integration.actors.conftest import Build
from tests.integration.steps.test_sweep import a_file


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"files_url": f"file://{tmp_path / 'files'}"})


@pytest.mark.parametrize("folder_name", ["agreements", "deals"])
def test_a_file_that_no_row_names_is_removed_a_day_later(build_on: Build, tmp_path: Path, folder_name: str) -> None:
    # Given two files without a row: one is two days old, the other may still be an upload under way; and an old one of a deal
    installation = build_on()
    folder = tmp_path / "files" / "acme" / folder_name
    folder.mkdir(parents=True)
    written_at = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    for name in ("old", "new", "of a deal"):
        (folder / name).write_bytes(b"%PDF-1.7")
    for name in ("old", "of a deal"):
        os.utime(folder / name, (written_at, written_at))
    with installation.store.transaction("acme") as tx:
        attached.add(tx, replace(a_file("f1", tx.now), key=f"acme/{folder_name}/of a deal"))

    # When a worker does the sweep of the night
    done = attempt(installation, "acme", SWEEP.work, SWEEP.record)

    # Then only the old one is gone
    assert done is not None
    assert {path.name for path in folder.iterdir()} == {"new", "of a deal"}
