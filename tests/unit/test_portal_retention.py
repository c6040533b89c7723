"""`retention:` in a portal file: what it gives, and what each mistake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import load_portal
from sync_worker.errors import ConfigError
from tests.unit.test_portal_feed import ENVIRON, FILE

DAY_S = 86_400


def load(tmp_path: Path, written: str) -> Portal:
    path = tmp_path / "acme.yaml"
    path.write_text(FILE.replace("feed:\n", written))
    return load_portal(path, ENVIRON)


def test_what_is_over_is_kept_for_the_time_that_the_docs_name(tmp_path: Path) -> None:
    kept = load(tmp_path, "").retention
    assert (kept.runs_s, kept.failures_s, kept.mails_s, kept.interventions_s) == (90 * DAY_S, 180 * DAY_S, 90 * DAY_S, 365 * DAY_S)
    assert (kept.deal_notes_s, kept.deal_files_s) == (1095 * DAY_S, 1095 * DAY_S)
    assert load(tmp_path, "retention: {runs: 14d}\n").retention.runs_s == 14 * DAY_S


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{runs: 2d}", "acme.yaml:6:19: retention.runs: is less than a week — write 7d or more"),
        ("{mails: forever}", "acme.yaml:6:20: retention.mails: 'forever' is not a duration"),
        ("{tries: 30d}", "acme.yaml:6:13: retention"),
    ],
)
def test_a_mistake_is_said_with_its_place_and_what_would_be_right(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"retention: {written}\n")
    assert said in "\n".join(map(str, caught.value.mistakes))
