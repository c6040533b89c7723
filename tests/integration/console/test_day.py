"""The pictures of a portal's last day."""

from __future__ import annotations

import re

from sync_worker.store.core import runs
from tests.integration.api.desk import Desk
from tests.integration.console.visitor import Visitor


def test_the_status_of_a_portal_draws_its_last_day_with_every_number_in_a_table(acme: Desk, ann: Visitor) -> None:
    # Given a portal that was loaded within the last day
    with acme.installation.store.reading("acme") as tx:
        read = sum(run.counts.read for run in runs.listed(tx))
        made = sum(run.counts.calls for run in runs.listed(tx))
    page = ann.open("/console/portals/acme")
    # Then the pictures have as much in them as the runs
    assert _said(page.html, "applied|unchanged|skipped|failed") == read
    assert _said(page.html, "calls") == made
    # And the page names the lag, and the calls of the day by what they were for
    assert "How far reading was behind" in page.words
    assert re.search(r"operator: \d+ calls", page.words)
    # And nothing of it is style or script of the page itself
    assert " style=" not in page.html
    # And its news are without the pictures, which would be drawn every three seconds
    with ann.session.get(acme.url + "/console/portals/acme", headers={"Accept": "text/event-stream"}, stream=True) as news:
        assert b"<svg" not in next(news.iter_content(100_000))


def _said(html: str, names: str) -> int:
    """The sum of what the columns of these series say."""
    return sum(int(number.replace(",", "")) for number in re.findall(rf"<title>\d\d:00 UTC, (?:{names}): ([\d,]+)</title>", html))
