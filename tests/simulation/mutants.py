"""`make mutants`: bugs planted in our own code, each of which the simulation must notice within so many seeds, and an ordinary test too.

A mutant is a piece of source and what stands there instead. It is planted while the file is imported, in a process of its own; the file on
the disk stays as it is. Where the source does not read so any more, or reads so twice, the mutant says so and fails.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MOST_SEEDS = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted bug. **Shapes** `file`: under `sync_worker`; `nearest`: a test that fails with it; `crms`: where it can be seen."""

    name: str
    file: str
    old: str
    new: str
    crms: tuple[str, ...] = ("fast-salesforce", "fast-hubspot")
    nearest: str = ""

    @property
    def path(self) -> Path:
        return ROOT / "sync_worker" / self.file

    def planted(self, source: str) -> str:
        """**Raises** ValueError where the source is another by now."""
        if source.count(self.old) != 1:
            raise ValueError(
                f"{self.name}: {self.file} holds {source.count(self.old)} times what is to be replaced; correct tests/simulation/mutants.py"
            )
        return source.replace(self.old, self.new)


MUTANTS = (
    Mutant(
        "the cursor moves and the rows are forgotten",
        "steps/sync/ingest/pull.py",
        "        if not is_last_chunk:\n            cursors.hold(tx, cursor)\n        elif",
        "        if page.is_last:\n            cursors.close_window(tx, cursor, until_at)\n        elif",
        nearest="tests/integration/steps/test_reading_order.py::test_a_crash_in_mid_page_resumes_and_loses_or_doubles_nothing",
    ),
    Mutant(
        "a claim is not checked before a send",
        "steps/core/claim.py",
        "        if not begun.issuperset(record_ids):",
        "        if False:",
        nearest="tests/integration/steps/test_late_writes.py::test_a_worker_whose_machine_slept_past_its_claim_sends_nothing",
    ),
    Mutant(
        "a settled row is not compared with its claim",
        "store/sync/outbox.py",
        "held[row.record_id] != row.generation for row in rows if row.record_id in held}",
        "held.get(row.record_id, row.generation) != row.generation for row in rows}",
        nearest="tests/contract/store/test_outbox.py::test_who_has_lost_the_claim_changes_nothing",
    ),
    Mutant(
        "the generation of a row is ignored",
        "store/sync/outbox.py",
        "held[row.record_id] != row.generation for row",
        "False for row",
        nearest="tests/contract/store/test_outbox.py::test_an_edit_during_the_write_leaves_the_row_ready_again",
    ),
    Mutant(
        "the base is not updated after a write",
        "steps/sync/push/settle.py",
        "base=shown.get(write.row.record_id, write.sent),",
        "base={},",
        nearest="tests/integration/steps/test_push.py::test_an_edit_in_the_crm_between_our_write_and_its_read_back_travels",
    ),
    Mutant(
        "the stamp is compared with a strict >",
        "steps/sync/ingest/pull.py",
        "from_at = cursor.high_water_at - timedelta(seconds=tenant.portal.schedule.look_back_s)",
        "from_at = cursor.high_water_at + timedelta(seconds=1)",
        nearest="tests/integration/steps/test_reading_order.py::test_a_row_that_becomes_visible_late_is_seen_within_the_look_back",
    ),
    Mutant(
        "the look-back is 0",
        "steps/sync/ingest/pull.py",
        "cursor.high_water_at - timedelta(seconds=tenant.portal.schedule.look_back_s)",
        "cursor.high_water_at",
        nearest="tests/integration/steps/test_reading_order.py::test_a_row_that_becomes_visible_late_is_seen_within_the_look_back",
    ),
    Mutant(
        "settled_no is not compared, for deals",
        "domain/sync/ingest/deals/page.py",
        "if link and link.settled_no > held.read_no:",
        "if False:",
        nearest="tests/unit/domain/test_deal_page.py::test_a_record_that_was_read_before_our_own_write_is_read_again",
    ),
    Mutant(
        "settled_no is not compared, for companies",
        "domain/sync/ingest/companies/page.py",
        "if known and known.settled_no > held.read_no:",
        "if False:",
        nearest="tests/unit/domain/test_company_page.py::test_a_record_that_was_read_before_our_own_write_is_read_again",
    ),
    Mutant(
        "the fence is not compared",
        "store/core/cursors.py",
        "    if moved_count != 1:",
        "    if False:",
        nearest="tests/contract/store/test_reading.py::test_a_reader_that_wakes_up_late_moves_nothing_and_leaves_nothing",
    ),
    Mutant(
        "a set is merged as one value",
        "domain/core/reconcile.py",
        "    return (agreed & ours & theirs) | (ours - agreed) | (theirs - agreed)",
        "    return theirs",
        nearest="tests/unit/domain/test_reconcile.py::test_sets_merge_value_by_value",
    ),
    Mutant(
        "one step of a chain of merges is followed",
        "store/deals/links.py",
        "return {old: chain(became, old)[-1] for old in became}",
        "return dict(became)",
        nearest="tests/contract/store/test_portal_data.py::test_a_chain_of_merges_is_followed_to_its_end_and_a_loop_is_left",
    ),
    Mutant(
        "a late write of ours is taken for an edit",
        "domain/sync/push/late_write.py",
        "    return is_whole and seen.changed_at <= seen.until_at and seen.is_ours is not False",
        "    return False",
        nearest="tests/integration/steps/test_late_writes.py::test_a_late_write_is_undone_and_both_values_are_told",
    ),
    Mutant(
        "a write of two calls is taken for one",
        "steps/sync/push/halves.py",
        "    rows = [write.row for write, _ in halves]\n",
        "    return\n",
        ("fast-hubspot",),
        nearest="tests/integration/hubspot/test_halves.py::test_the_record_is_linked_before_its_companies_are_written",
    ),
    Mutant(
        "a create without an answer is sent again at once",
        "steps/sync/push/settle.py",
        "            if not outbox.doubt(tx, write.row, claim.token):",
        "            if write.link is None:\n"
        "                outbox.put_off(tx, [write.row], claim.token, tx.shared_now)\n"
        "            elif not outbox.doubt(tx, write.row, claim.token):",
        nearest="tests/integration/steps/test_push.py::test_a_create_whose_reply_was_lost_is_not_sent_again_over_a_persons_edit",
    ),
    Mutant(
        "a call is not counted against the budget",
        "crm/budget.py",
        "count.slots.get((slot, share), 0) + 1",
        "count.slots.get((slot, share), 0)",
        nearest="tests/contract/budget/test_ledgers.py::test_a_share_borrows_what_nobody_reserved_and_never_a_reserve",
    ),
)


def main() -> int:
    """Each mutant in processes of its own, and a table. Mutants that live are a blind spot."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=MOST_SEEDS, help="how many a mutant has; 0: the nearest tests alone")
    parser.add_argument("--only", default="", help="words of the names of those to try")
    parser.add_argument("--plant", type=int, help="live seeds with this one planted, in this process, or run its nearest test")
    wish = parser.parse_args()
    if wish.plant is not None:
        mutant = MUTANTS[wish.plant]
        return _live(mutant, wish.seeds) if wish.seeds else _test(mutant)
    chosen = [no for no, mutant in enumerate(MUTANTS) if wish.only in mutant.name]
    alive = [no for no in chosen if not _is_caught(no, wish.seeds)]
    print(f"{len(chosen) - len(alive)} of {len(chosen)} were caught by their nearest tests, and within {wish.seeds} seeds")
    return 1 if alive else 0


def _is_caught(no: int, seed_count: int) -> bool:
    """By its nearest test and, where seeds are to be lived, by one of these."""
    found = [_told(no, count) for count in dict.fromkeys((0, seed_count))]
    print(f"{MUTANTS[no].name:<50} {'; '.join(words for _, words in found)}", flush=True)
    return all(is_caught for is_caught, _ in found)


def _told(no: int, seed_count: int) -> tuple[bool, str]:
    command = [sys.executable, "-m", "tests.simulation.mutants", "--plant", str(no), "--seeds", str(seed_count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    last = done.stdout.strip().splitlines()[-1:] or done.stderr.strip().splitlines()[-1:]
    return done.returncode == 0, " ".join(last)


def _test(mutant: Mutant) -> int:
    """0 where the nearest test fails. Nothing of the product may be imported before."""
    if not mutant.nearest:
        print("NOT CAUGHT: it names no nearest test")
        return 1
    sys.meta_path.insert(0, _Planting(mutant))
    end = pytest.main(["-q", "-x", "--no-header", "--tb=no", "--show-capture=no", "-p", "no:cacheprovider", mutant.nearest])
    is_caught = end is pytest.ExitCode.TESTS_FAILED
    print(f"{'caught by' if is_caught else f'NOT CAUGHT ({end!r}) by'} {mutant.nearest}")
    return 0 if is_caught else 1


def _live(mutant: Mutant, seed_count: int) -> int:
    """0 where it is caught. Nothing of the product may be imported before."""
    sys.meta_path.insert(0, _Planting(mutant))
    from tests.simulation.__main__ import set_up  # the product is imported here, with the bug
    from tests.simulation.lived import lived
    from tests.simulation.simulate import Story

    set_up()
    for no in range(seed_count):
        report = lived(Story.whole(mutant.crms[no % len(mutant.crms)], no // len(mutant.crms)))
        if report.broken:
            print(f"caught by seed {no + 1:>3}: {report.broken[0][:150]}")
            return 0
    print(f"NOT CAUGHT within {seed_count} seeds")
    return 1


class _Planting(importlib.abc.MetaPathFinder):
    """Finds the one module, and loads it with the bug."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = ".".join(mutant.path.relative_to(ROOT).with_suffix("").parts)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        del path, target
        if fullname != self._name:
            return None
        loader = _Planted(fullname, str(self._mutant.path), self._mutant)
        return importlib.machinery.ModuleSpec(fullname, loader, origin=str(self._mutant.path))


class _Planted(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, mutant: Mutant) -> None:
        super().__init__(name, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return compile(self._mutant.planted(self._mutant.path.read_text()), str(self._mutant.path), "exec")


if __name__ == "__main__":
    sys.exit(main())
