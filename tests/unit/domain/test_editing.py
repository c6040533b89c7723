"""Who may edit a file of a portal, and which lines hold a secret."""

from __future__ import annotations

import pytest

from sync_worker.domain.operate.editing import EditedFile, holds_secret, may_edit, shown_line
from sync_worker.domain.people.console import EVERY_PORTAL


@pytest.mark.parametrize(
    ("file", "home", "users", "may"),
    [
        (EditedFile.PORTAL, "acme", ["acme"], True),
        (EditedFile.MAPPING, "acme", ["acme"], True),
        (EditedFile.MAPPING, "acme", ["acme", "beta"], False),
        (EditedFile.MAPPING, "acme", ["beta"], False),
        (EditedFile.MAPPING, EVERY_PORTAL, ["acme", "beta"], True),
    ],
)
def test_an_operator_of_one_portal_edits_what_that_portal_alone_uses(file: EditedFile, home: str, users: list[str], may: bool) -> None:
    assert may_edit(file, home, users) is may


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("    client_secret: ${SF_SECRET}", "    client_secret: ${SF_SECRET}"),
        ("    client_secret: hunter2  # old", "    client_secret: …"),
        ('  "token": "hunter2",', '  "token": "…'),
        ("  private_key: |", "  private_key: …"),
        ("  auth: {flow: refresh_token, client_id: x}", "  auth: {flow: refresh_token, client_id: x}"),
        ("  previous_secret: null", "  previous_secret: null"),
    ],
)
def test_a_line_is_shown_without_its_secret(line: str, shown: str) -> None:
    assert shown_line(f"crm:\n{line}\n", 2) == shown
    assert holds_secret(line) is (line != shown)
    assert shown_line(line, 7) == ""
