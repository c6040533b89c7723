"""Patch-backs: who is due, one worker at a time for each company, and what becomes of a claim."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Store
from sync_worker.store.sync import patch_backs
from sync_worker.store.sync.patch_backs import PatchBack, PatchRest
from tests.contract.store.samples import company, failure
from tests.servers import Clock

CLAIM = timedelta(seconds=30)


def save(store: Store, *ids: str) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company(id_, crm_id=f"crm {id_}") for id_ in ids])


def claim(store: Store, who: str = "t", *, limit: int = 200, alone_from: int = 9) -> list[str]:
    with store.side_transaction("acme") as tx:
        until_at = tx.shared_now + CLAIM
        return [one.company_id for one in patch_backs.claim(tx, limit=limit, token=who, until_at=until_at, alone_from=alone_from)]


def is_patched(store: Store, company_id: str) -> bool:
    with store.reading("acme") as tx:
        found = companies.stored(tx, company_id)
    assert found
    return found.is_patched


def test_companies_to_patch_are_live_linked_not_yet_patched_and_not_refused(store: Store) -> None:
    with store.transaction("acme") as tx:
        assert not patch_backs.is_due(tx)
        rows = [company(f"c{number}", crm_id=f"00{number}") for number in range(1, 5)]
        companies.save(tx, [*rows, company("c5", crm_id=None), company("c6", crm_id="006", is_deleted=True)])
        companies.mark_patched(tx, ["c2"])
        failures.record(tx, [failure("f1", "c3", stage="push")])
        found = patch_backs.claim(tx, limit=10, token="t", until_at=tx.shared_now + CLAIM, alone_from=9)
        assert found == [PatchBack("c1", "001", 0), PatchBack("c4", "004", 0)]
        assert not patch_backs.is_due(tx)
        failures.close(tx, ["f1"], "try again")
        companies.relink(tx, "c2", "0022")
        assert patch_backs.is_due(tx)
    assert claim(store, "u") == ["c2", "c3"]


def test_no_company_is_claimed_twice_by_claimers_at_once_and_a_claim_is_full_while_more_are_free(open_store: Callable[[], Store]) -> None:
    stores = [open_store() for _ in range(6)]
    save(stores[0], *(f"c{number:03}" for number in range(300)))

    def take(number: int) -> list[list[str]]:
        taken: list[list[str]] = []
        while ids := claim(stores[number], f"{number}/{len(taken)}", limit=25):
            taken.append(ids)
        return taken

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(take, range(6)))
    # two claimers may share the last companies; what is not full is the last that its claimer finds
    assert [len(ids) for taken in found for ids in taken[:-1]] == [25] * sum(len(taken[:-1]) for taken in found)
    claimed = [company_id for taken in found for ids in taken for company_id in ids]
    assert (len(claimed), len(set(claimed))) == (300, 300)


def test_a_claim_ends_with_its_time_and_lasts_as_long_as_it_is_renewed(store: Store, clock: Clock) -> None:
    save(store, "c1", "c2")
    assert claim(store, "first") == ["c1", "c2"]
    clock.forward(seconds=29)
    with store.transaction("acme") as tx:
        assert patch_backs.renew(tx, ["c1"], "first", tx.shared_now + CLAIM)
        assert not patch_backs.renew(tx, ["c1", "c2"], "other", tx.shared_now + CLAIM)
    clock.forward(seconds=2)
    assert claim(store, "second") == ["c2"]
    clock.forward(seconds=29)
    assert claim(store, "third") == ["c1"]


def test_only_who_holds_the_claim_says_that_the_id_is_written(store: Store, clock: Clock) -> None:
    # Given a claim that another worker has taken over
    save(store, "c1")
    claim(store, "slow")
    clock.forward(seconds=31)
    claim(store, "quick")
    # When the first worker's answer comes
    with store.transaction("acme") as tx:
        patch_backs.done(tx, ["c1"], "slow")
    # Then only the second one's counts
    assert not is_patched(store, "c1")
    with store.transaction("acme") as tx:
        patch_backs.done(tx, ["c1"], "quick")
    assert is_patched(store, "c1")


def test_a_company_that_gets_another_crm_record_meanwhile_is_patched_there(store: Store) -> None:
    save(store, "c1")
    claim(store, "t")
    with store.transaction("acme") as tx:
        companies.relink(tx, "c1", "survivor")
        patch_backs.done(tx, ["c1"], "t")
    assert not is_patched(store, "c1")
    assert claim(store, "u") == ["c1"]


def test_one_that_was_put_off_rests_and_then_goes_alone(store: Store, clock: Clock) -> None:
    # Given a company that was tried twice without success, and a new one
    save(store, "c1")
    for tries, token in enumerate(("a", "b"), 1):
        assert claim(store, token) == ["c1"]
        with store.transaction("acme") as tx:
            patch_backs.put_off(tx, {"c1": PatchRest(tx.shared_now + timedelta(seconds=10), tries)}, token)
        clock.forward(seconds=9)
        assert claim(store) == []
        clock.forward(seconds=2)
    save(store, "c0", "c2")
    # When companies are claimed, then it is not among the others
    found = [claim(store, token, alone_from=2) for token in ("c", "d", "e")]
    assert sorted(found) == [["c0", "c2"], ["c1"], []] or sorted(found) == [[], ["c0", "c2"], ["c1"]]


def test_one_that_is_let_go_is_free_at_once_and_its_tries_are_forgotten(store: Store, clock: Clock) -> None:
    save(store, "c1")
    claim(store, "a")
    with store.transaction("acme") as tx:
        patch_backs.put_off(tx, {"c1": PatchRest(tx.shared_now, 1)}, "a")
    clock.forward(seconds=1)
    claim(store, "b")
    with store.transaction("acme") as tx:
        patch_backs.let_go(tx, ["c1"], "b")
        (found,) = patch_backs.claim(tx, limit=9, token="c", until_at=tx.shared_now + CLAIM, alone_from=9)
    assert found.tries == 0


def test_one_whose_record_has_room_for_our_id_again_is_due_again(store: Store) -> None:
    # Given companies whose records carry a key: live, deleted, and without a record
    with store.transaction("acme") as tx:
        companies.save(tx, [company("c1", crm_id="001"), company("c2", crm_id="002", is_deleted=True), company("c3", crm_id=None)])
        companies.mark_patched(tx, ["c1"])
        assert companies.places(tx, ["c1", "c2", "c3", "other"]) == {"c1": "001", "c2": None, "c3": None}
        assert companies.places(tx, []) == {}
    assert claim(store) == []
    # When a person clears it, then ours is due
    with store.transaction("acme") as tx:
        companies.owe_ids(tx, ["c1"])
        companies.owe_ids(tx, [])
    assert claim(store) == ["c1"]
