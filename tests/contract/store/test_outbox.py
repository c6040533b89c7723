"""Claims: one holder at a time, nothing sent twice blindly, no edit lost that came while a write was under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.sync.push.next_batch import WriteBatch
from sync_worker.store.core.engine import Store
from sync_worker.store.deals import deals
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow
from tests.contract.store.samples import deal
from tests.servers import Clock

CLAIM = timedelta(seconds=30)
SENT = {"amount": Base("1.50", 1.5), "name": Base("A", "A", is_awaited=True), "gone": Base(None, None)}


def owe(store: Store, *record_ids: str, cause_run: str = "r1") -> None:
    with store.transaction("acme") as tx:
        outbox.owe(tx, "lead", record_ids, cause_run)


def claim(store: Store, token: str, *, state: str = "ready", limit: int = 10) -> list[OutboxRow]:
    with store.side_transaction("acme") as tx:
        return outbox.claim(tx, state=state, limit=limit, token=token, until_at=tx.now + CLAIM)


def only(store: Store) -> OutboxRow:
    with store.reading("acme") as tx:
        (row,) = outbox.listed(tx)
    return row


def states(store: Store) -> dict[str, int]:
    with store.reading("acme") as tx:
        return outbox.counts(tx)


def test_a_record_owes_once_however_often_it_changes(store: Store) -> None:
    owe(store, "d1", "d2", "d1")
    owe(store, "d1", cause_run="r2")
    owe(store)
    with store.reading("acme") as tx:
        rows = {row.record_id: row for row in outbox.listed(tx)}
        assert outbox.has_due(tx)
    assert (rows["d1"].generation, rows["d1"].cause_run, rows["d2"].generation) == (2, "r2", 1)


def test_the_longest_due_is_claimed_first_and_nothing_before_it_is_due(store: Store, clock: Clock) -> None:
    owe(store, "late")
    clock.forward(seconds=-10)
    owe(store, "early")
    assert [row.record_id for row in claim(store, "t", limit=5)] == ["early"]
    clock.forward(seconds=10)
    assert [row.record_id for row in claim(store, "t", limit=5)] == ["late"]
    with store.reading("acme") as tx:
        assert not outbox.has_due(tx)


def test_what_is_due_can_be_asked_without_claiming(store: Store, clock: Clock) -> None:
    owe(store, "late")
    clock.forward(seconds=-10)
    owe(store, "early")
    clock.forward(seconds=10)
    with store.transaction("acme") as tx:
        assert outbox.due(tx, 9) == ["early", "late"]
        assert outbox.due(tx, 1) == ["early"]
        outbox.claim(tx, state="ready", limit=1, token="t", until_at=tx.now + CLAIM)
        assert outbox.due(tx, 9) == ["late"]


def test_a_batch_is_settled_at_once_and_each_row_by_its_own_state(store: Store) -> None:
    # Given four claimed rows, of which one is edited and one is lost to another worker meanwhile
    owe(store, "calm", "edited", "lost", "unanswered")
    with store.transaction("acme") as tx:
        rows = outbox.claim(tx, state="ready", limit=9, token="t", until_at=tx.now + CLAIM)
        outbox.owe(tx, "lead", ["edited"], "r2")
        outbox.done(tx, [row for row in rows if row.record_id == "lost"], "t")
        # When the three that were answered are settled
        settled = outbox.done(tx, [row for row in rows if row.record_id != "unanswered"], "t")
        # Then the calm one is gone, the edited one is ready, the unanswered one is still claimed
        assert settled == {"calm": False, "edited": True}
        assert {row.record_id: row.state for row in outbox.listed(tx)} == {"edited": "ready", "unanswered": "claimed"}


def test_a_batch_is_begun_at_once_but_for_rows_whose_claim_was_lost(store: Store) -> None:
    # Given three claimed rows, of which one is settled by another worker meanwhile
    owe(store, "a", "b", "lost")
    rows = claim(store, "t")
    with store.transaction("acme") as tx:
        outbox.done(tx, [row for row in rows if row.record_id == "lost"], "t")
        # When all three are prepared, and their call begins
        prepared = outbox.prepare(tx, rows, "t", {"a": SENT, "b": {}, "lost": SENT})
        begun = outbox.begin(tx, "lead", ["a", "b", "lost"], "t")
        # Then the two that are held may be sent, and each keeps its own
        assert prepared == begun == {"a", "b"}
        assert {row.record_id: row.sent for row in outbox.listed(tx)} == {"a": SENT, "b": {}}
        assert outbox.prepare(tx, [], "t", {}) == outbox.begin(tx, "lead", [], "t") == set()


def test_a_claim_keeps_who_until_when_and_what_was_sent(store: Store, clock: Clock) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    assert (row.state, row.sent, row.sent_at) == ("ready", None, None)  # as it stood before
    with store.side_transaction("acme") as tx:
        assert outbox.prepare(tx, [row], "t", {"d1": SENT}) == {"d1"}
    kept = only(store)
    assert (kept.state, kept.claim_token, kept.claim_until_at) == ("claimed", "t", clock.now + CLAIM)
    assert (kept.sent, kept.sent_at, kept.claimed_generation) == (SENT, None, 1)


def test_a_send_counts_as_unanswered_from_its_call_on_and_once_a_claim(store: Store, clock: Clock) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    with store.side_transaction("acme") as tx:
        outbox.prepare(tx, [row], "t", {"d1": SENT})
    assert only(store).unanswered == 0
    for _ in range(2):
        clock.forward(seconds=1)
        with store.side_transaction("acme") as tx:
            outbox.begin(tx, "lead", ["d1"], "t")
        assert (only(store).unanswered, only(store).sent_at) == (1, clock.now)


def test_a_row_to_be_sent_alone_is_claimed_alone_in_its_turn(store: Store, clock: Clock) -> None:
    # Given a row with two sends without answer, due between two others
    owe(store, "poison")
    for token in ("t1", "t2"):
        (row,) = claim(store, token)
        with store.side_transaction("acme") as tx:
            outbox.begin(tx, "lead", ["poison"], token)
            outbox.not_there(tx, row, token, clock.now + timedelta(seconds=1))
        clock.forward(seconds=1)
    clock.forward(seconds=-1)
    owe(store, "early")
    clock.forward(seconds=2)
    owe(store, "late")
    # When all that is due is claimed, then it waits for its turn, and goes alone
    assert [[row.record_id for row in claim(store, token)] for token in ("a", "b")] == [["early", "late"], ["poison"]]


def test_no_row_is_claimed_twice_by_claimers_at_once(open_store: Callable[[], Store]) -> None:
    stores = [open_store() for _ in range(8)]
    owe(stores[0], *(f"d{number}" for number in range(200)))

    def take(number: int) -> list[str]:
        taken: list[str] = []
        while states(stores[number]).get("ready"):
            taken += [row.record_id for row in claim(stores[number], f"t{number}", limit=7)]
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = Counter(record_id for ids in threads.map(take, range(8)) for record_id in ids)
    assert len(taken) == 200
    assert set(taken.values()) == {1}


def test_a_settled_write_is_gone(store: Store) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    with store.transaction("acme") as tx:
        assert outbox.done(tx, [row], "t") == {"d1": False}
        assert outbox.listed(tx) == []


@pytest.mark.parametrize("settle", [lambda tx, row, token: outbox.done(tx, [row], token), outbox.park])
def test_an_edit_during_the_write_leaves_the_row_ready_again(store: Store, settle: Callable[..., object]) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    owe(store, "d1", cause_run="r2")
    assert only(store).state == "claimed"
    with store.transaction("acme") as tx:
        assert settle(tx, row, "t")
    kept = only(store)
    assert (kept.state, kept.generation, kept.sent, kept.claim_token, kept.claim_until_at) == ("ready", 2, None, None, None)


def test_a_refused_write_waits_parked_until_asked_for(store: Store) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    with store.transaction("acme") as tx:
        assert outbox.park(tx, row, "t")
        assert not outbox.has_due(tx)
    assert claim(store, "t2") == []
    with store.transaction("acme") as tx:
        assert outbox.unpark(tx, "deal", ["d1"]) == 0
        assert outbox.unpark(tx, "lead", ["d1", "d2"]) == 1
        assert outbox.unpark(tx, "lead", ["d1"]) == 0
    assert (only(store).state, only(store).refused) == ("ready", 0)


def test_a_parked_row_is_ready_again_with_the_next_change(store: Store) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    with store.transaction("acme") as tx:
        outbox.begin(tx, "lead", ["d1"], "t")
        outbox.refused(tx, row, "t", tx.now)
    (row,) = claim(store, "t")
    with store.transaction("acme") as tx:
        outbox.park(tx, row, "t")
    assert (only(store).state, only(store).refused) == ("parked", 1)
    owe(store, "d1")
    assert (only(store).state, only(store).refused) == ("ready", 0)


ENDS: dict[str, tuple[Callable[..., object], tuple[int, int]]] = {
    "refused": (outbox.refused, (1, 0)),
    "put_off": (lambda tx, row, token, due_at: outbox.put_off(tx, [row], token, due_at), (0, 0)),
    "not_there": (outbox.not_there, (0, 1)),
}


@pytest.mark.parametrize("end", ENDS)
def test_each_end_of_a_send_counts_for_its_own(store: Store, clock: Clock, end: str) -> None:
    # Given a row that is sent
    owe(store, "d1")
    (row,) = claim(store, "t")
    act, counts = ENDS[end]
    with store.side_transaction("acme") as tx:
        outbox.prepare(tx, [row], "t", {"d1": SENT})
        outbox.begin(tx, "lead", ["d1"], "t")
        # When it is to be sent again in a minute
        assert act(tx, row, "t", tx.now + timedelta(minutes=1))
    # Then it waits for that, with nothing under way, and the right counter is higher
    assert claim(store, "t2") == []
    clock.forward(minutes=1)
    (again,) = claim(store, "t2")
    assert (again.refused, again.unanswered) == counts
    assert (again.sent, again.sent_at) == (None, None)


def test_a_send_that_was_found_to_have_arrived_leaves_the_row_as_new(store: Store) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    with store.side_transaction("acme") as tx:
        outbox.prepare(tx, [row], "t", {"d1": SENT})
        outbox.begin(tx, "lead", ["d1"], "t")
        outbox.doubt(tx, row, "t")
    (row,) = claim(store, "t2", state="uncertain")
    with store.side_transaction("acme") as tx:
        assert outbox.arrived(tx, row, "t2")
    assert (only(store).state, only(store).refused, only(store).unanswered, only(store).sent) == ("ready", 0, 0, None)


def test_a_doubtful_write_keeps_what_was_sent_and_is_claimed_as_uncertain_only(store: Store) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    with store.side_transaction("acme") as tx:
        outbox.prepare(tx, [row], "t", {"d1": SENT})
        outbox.begin(tx, "lead", ["d1"], "t")
        assert outbox.doubt(tx, row, "t")
    owe(store, "d1")
    assert only(store).state == "uncertain"
    assert claim(store, "t2") == []
    (again,) = claim(store, "t2", state="uncertain")
    assert (again.sent, again.generation, only(store).sent) == (SENT, 2, SENT)


def test_claims_past_their_time_are_uncertain_where_their_call_had_begun_and_ready_where_not(store: Store, clock: Clock) -> None:
    owe(store, "sent", "prepared", "unsent")
    rows = {row.record_id: row for row in claim(store, "t")}
    with store.side_transaction("acme") as tx:
        outbox.prepare(tx, [rows["sent"], rows["prepared"]], "t", {"sent": {}, "prepared": SENT})  # nothing in it, yet something
        outbox.begin(tx, "lead", ["sent"], "t")
    clock.forward(seconds=30)
    with store.side_transaction("acme") as tx:
        assert outbox.doubt_expired(tx) == 0
        assert not outbox.has_due(tx)
    clock.forward(microseconds=1)
    with store.side_transaction("acme") as tx:
        assert outbox.has_due(tx)
        assert outbox.doubt_expired(tx) == 3
        assert outbox.doubt_expired(tx) == 0
        assert {row.record_id: (row.state, row.claim_token) for row in outbox.listed(tx)} == {
            "sent": ("uncertain", None),
            "prepared": ("ready", None),
            "unsent": ("ready", None),
        }


def test_a_renewed_claim_does_not_expire(store: Store, clock: Clock) -> None:
    owe(store, "d1", "d2")
    claim(store, "t")
    clock.forward(seconds=25)
    with store.side_transaction("acme") as tx:
        assert outbox.renew(tx, "t", tx.now + CLAIM) == 2
        assert outbox.renew(tx, "another", tx.now + CLAIM) == 0
    clock.forward(seconds=25)
    with store.side_transaction("acme") as tx:
        assert outbox.doubt_expired(tx) == 0


LOST: dict[str, Callable[..., object]] = {
    "prepare": lambda tx, row, token: outbox.prepare(tx, [row], token, {"d1": SENT}),
    "begin": lambda tx, row, token: outbox.begin(tx, "lead", ["d1"], token),
    "done": lambda tx, row, token: outbox.done(tx, [row], token),
    "refused": lambda tx, row, token: outbox.refused(tx, row, token, tx.now),
    "put_off": lambda tx, row, token: outbox.put_off(tx, [row], token, tx.now),
    "not_there": lambda tx, row, token: outbox.not_there(tx, row, token, tx.now),
    "arrived": outbox.arrived,
    "park": outbox.park,
    "doubt": outbox.doubt,
}


@pytest.mark.parametrize("act", LOST)
@pytest.mark.parametrize("is_taken_over", [False, True])
def test_who_has_lost_the_claim_changes_nothing(store: Store, clock: Clock, act: str, is_taken_over: bool) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    clock.forward(seconds=31)
    with store.side_transaction("acme") as tx:
        outbox.doubt_expired(tx)
    if is_taken_over:
        claim(store, "another")
    before = only(store)
    with store.transaction("acme") as tx:
        assert not LOST[act](tx, row, "t")
    assert only(store) == before


# ── several claims in flight ─────────────────────────────────────────────────────────────────────────────────────────


def owed_deals(store: Store, **owners: str) -> None:
    with store.transaction("acme") as tx:
        deals.save(tx, [deal(id_, owner_company=owner) for id_, owner in owners.items()])
        outbox.owe(tx, "deal", owners, "r1")


def beside(store: Store) -> dict[str, str]:
    """Record → owner, of what may be claimed beside what is in flight."""
    with store.reading("acme") as tx:
        return {one.record_id: one.owner for one in outbox.beside(tx, 9)}


def claim_only(store: Store, *record_ids: str, object_: str = "deal") -> list[OutboxRow]:
    with store.side_transaction("acme") as tx:
        only = WriteBatch(object_, record_ids)
        return outbox.claim(tx, state="ready", limit=9, token="t", until_at=tx.now + CLAIM, only=only)


def test_what_is_beside_a_claim_shares_no_owner_company_with_it(store: Store, clock: Clock) -> None:
    # Given deals of two companies, and one without
    owed_deals(store, a1="ant", a2="ant", b1="bee")
    owe(store, "other")
    assert beside(store) == {"a1": "ant", "a2": "ant", "b1": "bee", "other": "other"}
    # When one of a company's is claimed, then its others are not beside it
    assert [row.record_id for row in claim_only(store, "a1")] == ["a1"]
    assert beside(store) == {"b1": "bee"}
    assert claim_only(store, "a1") == []
    # until the claim has ended, settled or not
    clock.forward(seconds=31)
    assert beside(store).keys() == {"a2", "b1", "other"}


def test_deals_wait_while_companies_are_in_flight_and_companies_do_not_wait_for_deals(store: Store, clock: Clock) -> None:
    owed_deals(store, a1="ant", b1="bee")
    with store.transaction("acme") as tx:
        outbox.owe(tx, "company", ["ant", "cat"], "r1")
    claim_only(store, "a1")
    assert beside(store).keys() == {"cat", "b1"}
    claim_only(store, "cat", object_="company")
    assert beside(store) == {}


def test_what_was_refused_is_beside_no_other_that_was(store: Store, clock: Clock) -> None:
    # Given two deals of different companies that the CRM has refused, and one that it has not
    owed_deals(store, a1="ant", b1="bee", c1="cat")
    for row in claim_only(store, "a1", "b1"):
        with store.side_transaction("acme") as tx:
            outbox.refused(tx, row, "t", tx.shared_now)
    # When one of them is in flight, then only the third is beside it
    claim_only(store, "a1")
    assert beside(store).keys() == {"c1"}
    # and one that was not refused keeps neither back
    clock.forward(seconds=31)
    claim_only(store, "c1")
    assert beside(store).keys() == {"b1"}


def test_a_send_without_answer_is_seen_without_claiming(store: Store) -> None:
    owe(store, "d1")
    (row,) = claim(store, "t")
    with store.transaction("acme") as tx:
        assert not outbox.is_any_uncertain(tx)
        outbox.doubt(tx, row, "t")
        assert outbox.is_any_uncertain(tx)
