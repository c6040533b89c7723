"""Failures, conflicts and runs: one open row per thing that is wrong, history kept, sums that hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_worker.domain.core.reconcile import Decided
from sync_worker.store.core import failures, runs
from sync_worker.store.core.engine import Store
from sync_worker.store.core.failures import FailureFilter, FailureRow
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import conflicts
from tests.contract.store.samples import conflict, failure
from tests.servers import Clock

# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def all_failures(store: Store) -> list[FailureRow]:
    with store.reading("acme") as tx:
        return failures.listed(tx, include_resolved=True)


def test_a_failure_comes_back_as_it_was_recorded(store: Store, clock: Clock) -> None:
    given_failure = failure(waits_for="002")
    with store.transaction("acme") as tx:
        failures.record(tx, [])
        failures.record(tx, [given_failure])
    assert all_failures(store) == [FailureRow(given_failure, clock.now, clock.now, 1, None, None)]


def test_the_same_failure_again_counts_up_the_open_row_and_renews_what_it_says(store: Store, clock: Clock) -> None:
    first_at = clock.now
    with store.transaction("acme") as tx:
        failures.record(tx, [failure()])
    clock.forward(hours=1)
    news = failure("f2", message="still", payload=None, payload_hash="p2", run_id="r2", kind="problem")
    with store.transaction("acme") as tx:
        failures.record(tx, [news])
    assert all_failures(store) == [FailureRow(replace(news, id="f1"), first_at, clock.now, 2, None, None)]


def test_rows_differ_by_object_record_stage_code_and_field(store: Store) -> None:
    others = [
        failure("f2", object="deal"),
        failure("f3", "002"),
        failure("f4", stage="push"),
        failure("f5", code="x"),
        failure("f6", field=""),
    ]
    with store.transaction("acme") as tx:
        failures.record(tx, [failure(), *others])
        assert failures.counts(tx) == {"failure": 6}


def test_what_was_resolved_and_comes_again_is_a_new_row(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        failures.record(tx, [failure("f1")])
        assert failures.close(tx, ["f1", "unknown"], "passed") == 1
        assert failures.close(tx, ["f1"], "again") == 0
        assert failures.close(tx, [], "") == 0
        failures.record(tx, [failure("f2")])
        assert [row.failure.id for row in failures.listed(tx)] == ["f2"]
    rows = {row.failure.id: row for row in all_failures(store)}
    assert (rows["f1"].resolution, rows["f1"].resolved_at) == ("passed", clock.now)
    assert (rows["f2"].resolution, rows["f2"].count) == (None, 1)


fresh = count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=12))
def test_there_is_never_more_than_one_open_row_of_a_kind(store: Store, acts: list[tuple[str, bool]]) -> None:
    seen: set[str] = set()
    with store.transaction("acme") as tx:
        failures.close(tx, [row.failure.id for row in failures.listed(tx)], "the last example's")
        for record, is_resolved in acts:
            failures.record(tx, [failure(f"f{next(fresh)}", record)])
            if is_resolved:
                failures.close(
                    tx, [row.failure.id for row in failures.listed(tx, FailureFilter(record=record, code="name_blank"))], "passed"
                )
            (seen.discard if is_resolved else seen.add)(record)
            assert sorted(row.failure.record for row in failures.listed(tx)) == sorted(seen)


def test_open_rows_of_records_are_told_by_stage_and_object(store: Store) -> None:
    with store.transaction("acme") as tx:
        failures.record(
            tx, [failure("f1", "001"), failure("f2", "002", stage="push"), failure("f3", "003"), failure("f4", "001", object="deal")]
        )
        (row,) = failures.open_rows(tx, "company", ["001", "002"], "ingest")
        assert (row.id, row.record, row.payload_hash, row.mapping_hash, row.waits_for) == ("f1", "001", "p1", "m1", None)
        failures.close(tx, ["f1"], "passed")
        assert failures.open_rows(tx, "company", ["001", "002"], "ingest") == []


def test_a_forgotten_payload_is_no_longer_the_same_again(store: Store) -> None:
    with store.transaction("acme") as tx:
        failures.record(tx, [failure("f1", "001"), failure("f2", "002")])
        failures.forget_payloads(tx, ["f1"])
        rows = failures.open_rows(tx, "company", ["001", "002"], "ingest")
    assert {row.id: (row.payload_hash, row.mapping_hash) for row in rows} == {"f1": ("", ""), "f2": ("p1", "m1")}


def test_a_field_s_rows_are_closed_by_code(store: Store) -> None:
    with store.transaction("acme") as tx:
        failures.record(tx, [failure("f1", "001"), failure("f2", "002"), failure("f3", code="x"), failure("f4", field="y")])
        failures.close_fields(tx, "company", ["name"], ["name_blank"], "the rule is gone")
        assert [row.failure.id for row in failures.listed(tx)] == ["f4", "f3"]


def test_who_waits_for_a_parent_is_found_by_the_parent(store: Store) -> None:
    with store.transaction("acme") as tx:
        waiting = [failure("f1", "d1", object="deal", waits_for="001"), failure("f2", "d1", object="deal", code="x", waits_for="001")]
        failures.record(tx, [*waiting, failure("f3", "d2", object="deal", waits_for="002"), failure("f4", "d3", object="deal")])
        assert failures.waiting_for(tx, ["001", "003"]) == [("deal", "d1")]
        failures.close(tx, ["f1", "f2"], "passed")
        assert failures.waiting_for(tx, ["001", "003"]) == []


def test_failures_are_listed_by_cause_and_found_by_what_people_know(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        failures.record(tx, [failure("f1", "001"), failure("f2", "002", kind="problem", code="status_unknown", name="Globex")])
    clock.forward(hours=1)
    with store.transaction("acme") as tx:
        failures.record(tx, [failure("f3", "003")])
        assert [row.failure.id for row in failures.listed(tx)] == ["f3", "f1", "f2"]
        assert [row.failure.id for row in failures.listed(tx, FailureFilter(code="status_unknown"))] == ["f2"]
        assert [row.failure.id for row in failures.listed(tx, FailureFilter(record="Globex"))] == ["f2"]
        assert [row.failure.id for row in failures.listed(tx, FailureFilter(record="003"))] == ["f3"]
        assert [row.failure.id for row in failures.listed(tx, FailureFilter(since=clock.now))] == ["f3"]
        assert failures.counts(tx) == {"failure": 2, "problem": 1}


@pytest.mark.parametrize(
    ("prefix", "found"), [("ab", "ab1"), ("a", None), ("%", None), ("a_", None), ("AB", None), ("ac2", "ac2"), ("b", None)]
)
def test_a_row_is_found_by_the_beginning_of_its_id_where_that_is_unambiguous(store: Store, prefix: str, found: str | None) -> None:
    with store.transaction("acme") as tx:
        for id_ in ("ab1", "ac2"):
            failures.record(tx, [failure(id_, id_)])
            runs.start(tx, id_, "pull", "company")
        row, run = failures.get(tx, prefix), runs.get(tx, prefix)
    assert (row and row.failure.id, run and run.id) == (found, found)


# ── conflicts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_conflict_that_waits_is_one_open_row_however_often_it_is_seen(store: Store, clock: Clock) -> None:
    opened_at = clock.now
    with store.transaction("acme") as tx:
        conflicts.record(tx, [], "r1")
        conflicts.record(tx, [("k1", "d1", conflict(base=25, crm=30, portal=["a", "b"]))], "r1")
    clock.forward(hours=1)
    with store.transaction("acme") as tx:
        conflicts.record(tx, [("k2", "d1", conflict(base=99, crm=30, portal=["a", "b"]))], "r2")
        (row,) = conflicts.listed(tx, include_resolved=True)
    values = row["base_value"], row["crm_value"], row["portal_value"]
    assert (row["id"], row["run_id"], values) == ("k1", "r2", (25, 30, ["a", "b"]))
    assert (row["opened_at"], row["last_seen_at"], row["resolved_at"]) == (opened_at, clock.now, None)


def test_other_values_are_another_conflict_and_a_decision_counts_for_its_own(store: Store) -> None:
    # Given a conflict of which a person has decided
    with store.transaction("acme") as tx:
        conflicts.record(tx, [("k1", "d1", conflict(crm=None, portal=["a"])), ("k9", "d9", conflict())], "r1")
        conflicts.decide(tx, "k1", take="portal", by="Ann", reason="they called")
        assert conflicts.decided(tx, ["d1", "d9"]) == {"d1": {"amount": Decided("portal", None, ["a"])}}
        # when the CRM's value is another one meanwhile
        conflicts.record(tx, [("k2", "d1", conflict(crm=31, portal=["a"]))], "r2")
        # then that is a conflict of its own, of which nobody has decided, and the first one says how it ended
        assert conflicts.decided(tx, ["d1"]) == {}
        first, second = conflicts.of(tx, "d1")
        assert (first["id"], first["resolution"], first["taken"]) == ("k1", "moved", "")
        assert (second["id"], second["resolution"], second["decision"]) == ("k2", "", "")
        # and what is decided of it, and applied, says whose word it was
        conflicts.decide(tx, "k2", take="crm", by="Ann", reason="")
        conflicts.record(tx, [("k3", "d1", conflict(crm=31, portal=["a"], taken="crm"))], "r3")
        done = conflicts.find(tx, "k2")
        assert done is not None
        assert (done["resolution"], done["taken"], done["decided_by"]) == ("person", "crm", "Ann")
        assert conflicts.find(tx, "k") is None


def test_a_conflict_decided_by_rule_is_kept_as_resolved_each_time(store: Store) -> None:
    with store.transaction("acme") as tx:
        for id_ in ("k1", "k2"):
            conflicts.record(tx, [(id_, "d1", conflict(taken="crm"))], "r1")
        assert conflicts.listed(tx) == []
        assert len(conflicts.listed(tx, include_resolved=True)) == 2


def test_an_open_conflict_that_a_rule_decides_at_last_is_resolved_in_its_row(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        conflicts.record(tx, [("k1", "d1", conflict()), ("k2", "d2", conflict())], "r1")
        conflicts.record(tx, [("k3", "d1", conflict(taken="portal"))], "r2")
        assert conflicts.open_fields(tx, ["d1", "d2"]) == {"d2": {"amount"}}
        rows = {row["id"]: row for row in conflicts.listed(tx, include_resolved=True)}
    assert sorted(rows) == ["k1", "k2"]
    assert (rows["k1"]["taken"], rows["k1"]["resolved_at"]) == ("portal", clock.now)


def test_conflicts_are_settled_by_field_and_open_again_as_new_rows(store: Store) -> None:
    with store.transaction("acme") as tx:
        conflicts.record(tx, [("k1", "d1", conflict("amount")), ("k2", "d1", conflict("name")), ("k3", "d2", conflict("name"))], "r1")
        assert conflicts.open_fields(tx, ["d1", "d3"]) == {"d1": {"amount", "name"}}
        conflicts.settle(tx, "d1", [])
        conflicts.settle(tx, "d1", ["name", "other"])
        assert conflicts.open_fields(tx, ["d1", "d2"]) == {"d1": {"amount"}, "d2": {"name"}}
        conflicts.record(tx, [("k4", "d1", conflict("name"))], "r2")
        assert sorted(str(row["id"]) for row in conflicts.listed(tx)) == ["k1", "k3", "k4"]


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

outcomes = st.lists(st.sampled_from(["applied", "unchanged", "failed", "late", "not_ours"]), max_size=20)


def page(of: list[str]) -> Counts:
    counts = Counts(read=len(of), calls=1)
    for outcome in of:
        if outcome in ("late", "not_ours"):
            counts.skip(outcome)
        else:
            setattr(counts, outcome, getattr(counts, outcome) + 1)
    return counts


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=st.lists(outcomes, max_size=5))
def test_a_run_is_the_sum_of_its_pages_and_its_equation_holds(store: Store, pages: list[list[str]]) -> None:
    total = Counts()
    with store.transaction("acme") as tx:
        id_ = f"run-{len(runs.listed(tx, limit=1000))}-"
        runs.start(tx, id_, "pull", "company")
    for of in pages:
        total.add(page(of))
        with store.transaction("acme") as tx:
            runs.count(tx, id_, page(of))
    with store.reading("acme") as tx:
        run = runs.get(tx, id_)
    assert run is not None
    assert run.counts == total
    assert total.read == total.applied + total.unchanged + total.skipped + total.failed
    assert sum(total.skips.values()) == total.skipped


def test_counts_of_a_page_that_failed_are_not_counted(store: Store) -> None:
    with store.transaction("acme") as tx:
        runs.start(tx, "r1", "pull", "company")
    with pytest.raises(LookupError), store.transaction("acme") as tx:  # noqa: PT012  # the transaction is the statement
        runs.count(tx, "r1", Counts(read=3, applied=3))
        raise LookupError
    with store.reading("acme") as tx:
        run = runs.get(tx, "r1")
    assert run is not None
    assert run.counts == Counts()


def test_no_count_is_lost_when_many_count_at_once(store: Store) -> None:
    with store.transaction("acme") as tx:
        runs.start(tx, "r1", "push", "lead")

    def add(_: int) -> None:
        for _ in range(10):
            with store.side_transaction("acme") as tx:
                runs.count(tx, "r1", Counts(claimed=2, written=2, skips={"late": 1}))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(8)))
    with store.reading("acme") as tx:
        run = runs.get(tx, "r1")
    assert run is not None
    assert run.counts == Counts(claimed=160, written=160, skips={"late": 80})


def test_a_run_ends_done_or_failed_with_its_words(store: Store, clock: Clock) -> None:
    began = clock.now
    with store.transaction("acme") as tx:
        runs.start(tx, "r1", "pull", "company")
    clock.forward(seconds=3)
    with store.transaction("acme") as tx:
        runs.start(tx, "r2", "push", "lead")
        runs.finish(tx, "r1")
        runs.finish(tx, "r2", error="the CRM is away")
        newest, oldest = runs.listed(tx)
        assert runs.listed(tx, limit=1) == [newest]
    assert (oldest.id, oldest.verb, oldest.object, oldest.state, oldest.error) == ("r1", "pull", "company", "done", "")
    assert (oldest.started_at, oldest.finished_at) == (began, began + timedelta(seconds=3))
    assert (newest.state, newest.error) == ("failed", "the CRM is away")


def test_a_run_that_its_process_left_is_closed_and_one_that_lives_is_not(store: Store, clock: Clock) -> None:
    # Given two runs, of which one is spoken of, and one of another portal
    began = clock.now
    for portal, run_id in (("acme", "left"), ("acme", "alive"), ("birch", "left")):
        with store.transaction(portal) as tx:
            runs.start(tx, run_id, "pull", "company")
    clock.forward(seconds=40)
    with store.transaction("acme") as tx:
        runs.go_on(tx, "alive")
    with store.reading("") as tx:
        assert not runs.is_any_left(tx)
    # when a minute has passed, then the other is closed, at the moment at which it was last heard of
    clock.forward(seconds=21)
    with store.side_transaction("") as tx:
        assert runs.is_any_left(tx)
        runs.close_left(tx)
        assert not runs.is_any_left(tx)
    with store.reading("acme") as tx:
        found = {run.id: (run.state, run.error, run.finished_at) for run in runs.listed(tx)}
    assert found == {"left": ("stopped", "its process ended", began), "alive": ("running", "", None)}
    with store.reading("birch") as tx:
        assert [run.state for run in runs.listed(tx)] == ["stopped"]
    # and one whose process only stood still is under way again
    with store.transaction("acme") as tx:
        runs.go_on(tx, "left")
        back = runs.get(tx, "left")
    assert back
    assert (back.state, back.error, back.finished_at) == ("running", "", None)
