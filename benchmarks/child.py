"""One measurement in a process of its own: an order as JSON on the command line, the figures as JSON on standard output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    order = json.loads(sys.argv[1])
    print(json.dumps(_measured(order)))


def _measured(order: dict[str, Any]) -> dict[str, Any]:
    folder = Path(order["folder"])
    if order["what"] == "floor":
        from benchmarks import floor

        return floor.load(order["base_url"], tuple(order["client"]), folder / "floor.db", order["queries"])
    from benchmarks import work

    if order["what"] == "queries":
        return {"queries": work.queries(order["base_url"], folder)}
    return work.perform(order["base_url"], folder, order["verbs"])


if __name__ == "__main__":
    main()
