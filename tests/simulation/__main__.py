"""`python -m tests.simulation --seeds 0-999`: many seeds, one line each; the trail of those that break a rule goes to a file."""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback
from pathlib import Path

from sync_worker.telemetry import logs
from tests.simulation.simulate import EVENT_COUNT, simulate
from tests.simulation.world import DESKS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--crm", choices=list(DESKS), default="salesforce")
    parser.add_argument("--seeds", default="0-29", help="one seed, or first-last")
    parser.add_argument("--events", type=int, default=EVENT_COUNT, help="events a seed")
    parser.add_argument("--trails", type=Path, default=Path(".run/simulation"), help="where the trails of broken seeds go")
    wish = parser.parse_args()
    first, _, last = wish.seeds.partition("-")
    started_s, broken_count = time.monotonic(), 0
    for seed in range(int(first), int(last or first) + 1):
        words, trail = _lived(wish.crm, seed, wish.events)
        if words:
            broken_count += 1
            wish.trails.mkdir(parents=True, exist_ok=True)
            (wish.trails / f"{wish.crm}-{seed}.txt").write_text(trail)
        print(f"seed {seed}: {words or 'ok'}", flush=True)
    print(f"{broken_count} broken, {time.monotonic() - started_s:.1f} s")
    return 1 if broken_count else 0


def _lived(crm: str, seed: int, event_count: int) -> tuple[str, str]:
    try:
        report = simulate(crm, seed, event_count=event_count)
    except Exception:  # noqa: BLE001  # whatever a seed finds, the next seed comes
        words = traceback.format_exc()
        return f"BUG: {words.strip().splitlines()[0]}", words
    return "; ".join(report.broken), str(report)


if __name__ == "__main__":
    logs.set_up(level=logging.CRITICAL)
    sys.exit(main())
