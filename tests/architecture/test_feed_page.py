"""docs/feed.md says what the code says, and what it tells others to write works."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from sync_worker.domain.tell.delivery import REST_LAST_S, REST_S, RETRY_S
from sync_worker.domain.tell.event import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "feed.md").read_text()
SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBwb3J0YWwncyByZWNlaXZlciE="


def test_the_page_has_every_event_in_its_words() -> None:
    assert dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.+) \|$", PAGE, re.MULTILINE)) == KINDS


def test_the_page_has_the_waits() -> None:
    assert (RETRY_S, REST_S[0], REST_LAST_S) == ((5, 30, 120, 600, 1800, 3600, 7200, 14_400), 2, 600)
    assert "again after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, 4 h, then every 6 h" in PAGE


def test_the_example_in_python_verifies_what_we_sign_and_nothing_else() -> None:
    here: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], here)  # noqa: S102  # that it runs is the point
    now, body = datetime.now(UTC), '{"type": "ping"}'
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_1", now, body),
    }
    assert here["verified"](SECRET, headers, body.encode())
    assert not here["verified"](SECRET, headers, body.encode() + b" ")
    assert not here["verified"](SECRET, {**headers, "webhook-timestamp": "1772442000"}, body.encode())
