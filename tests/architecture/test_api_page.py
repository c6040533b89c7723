"""docs/api.md names every code under the status it has. Made again by `python -m tests.architecture.test_api_page`."""

from __future__ import annotations

from pathlib import Path

from sync_worker.web.api.core.problems import STATUS
from sync_worker.web.api.core.route import WORDS

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
HEAD = "| status | means | codes |\n|---|---|---|\n"


def table() -> str:
    """What ends the page: status, what it means, its codes."""
    by_status: dict[int, list[str]] = {500: ["bug"], 503: ["store_down", "transient_error", "connection_down", "config_error"]}
    for code, status in STATUS.items():
        by_status.setdefault(status, []).append(code)
    rows = [
        f"| {status} | {WORDS[status]} | {', '.join(f'`{code}`' for code in sorted(codes))} |"
        for status, codes in sorted(by_status.items())
    ]
    return HEAD + "\n".join(rows) + "\n"


def test_the_page_names_every_code_under_its_status() -> None:
    assert PAGE.read_text().endswith(table()), "make it again: python -m tests.architecture.test_api_page"


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().split(HEAD)[0] + table())
