"""Log lines go where stderr is now, and secrets never pass."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import structlog

from sync_worker import logs


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_line_goes_where_stderr_is_when_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a log that was set up while stderr was another file, closed since
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", first)
    logs.set_up()
    first.close()
    # When something is logged
    monkeypatch.setattr("sys.stderr", second)
    logs.get().warning("claims expired", count=3)
    # Then it is written where people look now
    assert "claims expired" in second.getvalue()


def test_secrets_are_masked_by_name_and_by_look(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    logs.set_up("json")
    logs.get().warning("refused", client_secret="s3cr3t", said="Authorization: Bearer abc.def and client_secret=s3cr3t&x=1")
    assert "s3cr3t" not in shown.getvalue()
    assert "abc.def" not in shown.getvalue()
