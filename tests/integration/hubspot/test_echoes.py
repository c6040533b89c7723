"""Echoes at HubSpot: a search that finds our own last writes costs no batch read, and hides nothing that a person or the vendor did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from sync_worker.crm.hubspot.reading import search
from sync_worker.crm.port import Scan
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import companies, failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import deals, links
from sync_worker.store.sync import notices, own_stamps
from tests.integration.hubspot.test_portal import TERMS, portal_on, settled

ANN = Actor("Ann", None, "portal")
NAME = "Birch Systems"


@dataclass
class Account:
    """A portal on HubSpot, and its account, whose clock stands still at a moment between two seconds."""

    tenant: Tenant
    remote: HubspotRemote

    def begin(self) -> None:
        """Companies are read; those of which something is open are gone, for they are read each time."""
        self.remote.freeze()
        self.remote.set_clock(self.remote.now().replace(microsecond=123_000))
        pull(self.tenant, "company")
        with self.tenant.store.reading(self.tenant.name) as tx:
            troubled = {row.failure.record for row in failures.listed(tx, FailureFilter(object="company"))}
        for crm_id in sorted(troubled):
            self.remote.delete("companies", crm_id)
        self.remote.advance_clock(60)

    def patched(self) -> int:
        """Companies are read, and our ids written on them; how many."""
        pull(self.tenant, "company")
        self.remote.advance_clock(1)
        return push(self.tenant).counts.written

    def poll(self, record: str = "company", *, after_s: float = 60) -> Counts:
        """What a poll finds, and what it has read again; its calls are counted from here on."""
        self.remote.advance_clock(after_s)
        self.remote.reset_calls()
        done = pull(self.tenant, record)
        if any(one.work is Work.REFRESH for one in done.follow_ups):
            refresh(self.tenant, record)
        return done.counts

    def calls(self) -> Mapping[str, int]:
        return {kind: count for kind, count in self.remote.calls()["kinds"].items() if kind not in ("account", "properties", "labels")}

    def company(self, name: str = NAME) -> Company:
        with self.tenant.store.reading(self.tenant.name) as tx:
            found = companies.find(tx, name)
        assert found
        return found

    def held(self, crm_id: str) -> Company:
        with self.tenant.store.reading(self.tenant.name) as tx:
            return companies.by_crm_ids(tx, [crm_id])[crm_id].company

    def deal(self, deal_id: str) -> tuple[Deal, str]:
        with self.tenant.store.reading(self.tenant.name) as tx:
            return deals.by_ids(tx, [deal_id])[deal_id].deal, links.current(tx, [deal_id])[deal_id].crm_id

    def pushed_change(self, **terms: str) -> tuple[Deal, str]:
        """A deal of the portal that the CRM has, is then changed in the portal, and written once more."""
        settled(self.tenant)
        made = register(self.tenant, TERMS, actor=ANN)
        assert not isinstance(made, Refusal), made
        settled(self.tenant)
        for _ in range(2):  # the second poll sees what the CRM made of a new deal
            self.poll("deal")
        changed = change(self.tenant, made[0].id, terms, MoveRequest(ANN))
        assert not isinstance(changed, Refusal), changed
        self.remote.advance_clock(1)
        assert push(self.tenant).counts.written == 1
        return self.deal(made[0].id)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        made = Account(tenant, remote)
        made.begin()
        yield made


# ── what an echo costs ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_echo_poll_of_patch_backs_costs_searches_and_no_batch_read(account: Account) -> None:
    count = account.patched()
    found = account.poll()
    assert count > 30
    assert (found.read, found.skipped) == (found.unchanged, 0)
    assert found.unchanged >= count
    assert account.calls() == {"search": 1, "list": 1}, "the list is that of archived companies"
    # And the look-back of the next poll costs the same
    assert account.poll().unchanged >= count
    assert account.calls() == {"search": 1, "list": 1}


def test_a_deal_that_was_written_is_not_read_again_but_for_its_associations(account: Account) -> None:
    account.pushed_change(amount="1300.50")
    found = account.poll("deal")
    assert (found.read, found.unchanged) == (1, 1)
    assert account.calls() == {"search": 1, "associations_read": 1, "list": 1}


@pytest.mark.parametrize("is_written", [True, False], ids=["after a write", "after none"])
def test_a_poll_asks_for_values_only_where_our_own_writes_may_be_found(
    account: Account, is_written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given companies that were read, and whose ids we have written or not
    asked: list[Sequence[str]] = []
    pull(account.tenant, "company")
    if is_written:
        assert push(account.tenant).counts.written
    account.remote.advance_clock(60)
    body = search.changed

    def noted(scan: Scan, after_id: str, properties: Sequence[str]) -> dict[str, Any]:
        asked.append(properties)
        return body(scan, after_id, properties)

    monkeypatch.setattr(search, "changed", noted)
    # When a poll searches for what has changed
    pull(account.tenant, "company")
    # Then the search asks for more than the ids only after a write
    assert asked
    assert {len(names) > 1 for names in asked} == {is_written}


def test_a_full_read_asks_for_everything(account: Account) -> None:
    count = account.patched()
    account.remote.advance_clock(60)
    account.remote.reset_calls()
    assert pull(account.tenant, "company", is_full=True).counts.read >= count
    assert "search" not in account.calls()


# ── what must not be hidden ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_between_our_reading_and_our_write_is_found_behind_our_own_stamp(account: Account) -> None:
    # Given a company that a person renames after it was read
    pull(account.tenant, "company")
    company = account.company()
    account.remote.advance_clock(1)
    account.remote.edit("companies", company.crm_id or "", {"name": "Birch Group"})
    # When our id is written on it, so that its stamp is ours, and a poll finds that
    account.remote.advance_clock(1)
    push(account.tenant)
    found = account.poll()
    # Then that one company was read, and has its new name
    assert found.skipped == 1
    assert account.calls()["batch_read"] == 1
    assert account.held(company.crm_id or "").name == "Birch Group"
    # And the next poll has nothing to do
    again = account.poll()
    assert (again.applied, again.skipped) == (0, 0)


def test_an_edit_right_after_our_write_is_found_although_the_index_still_shows_our_stamp(account: Account) -> None:
    # Given our write, and an edit that the index does not show yet
    account.patched()
    crm_id = account.company().crm_id or ""
    account.remote.lag_search(90)
    account.remote.advance_clock(1)
    account.remote.edit("companies", crm_id, {"name": "Birch Group"})
    # When a poll finds our stamp
    assert account.poll().applied == 0
    assert account.held(crm_id).name == NAME
    # Then a later one finds the edit's own, by the look-back
    assert account.poll().applied == 1
    assert account.held(crm_id).name == "Birch Group"


def test_an_edit_that_was_read_already_is_not_taken_back_by_an_index_that_is_late(account: Account) -> None:
    # Given an edit that a webhook told of, and that was read
    account.patched()
    crm_id = account.company().crm_id or ""
    account.remote.lag_search(90)
    account.remote.advance_clock(1)
    account.remote.edit("companies", crm_id, {"name": "Birch Group"})
    noticed(account, crm_id)
    refresh(account.tenant, "company")
    # When a poll finds our own stamp in the index
    account.poll()
    # Then it has read the company
    assert account.calls()["batch_read"] == 1
    assert account.held(crm_id).name == "Birch Group"


@pytest.mark.parametrize("after_ms", [0, 1])
def test_an_edit_within_the_same_millisecond_or_the_next_is_found(account: Account, after_ms: int) -> None:
    account.patched()
    crm_id = account.company().crm_id or ""
    account.remote.advance_clock(after_ms / 1000)
    account.remote.edit("companies", crm_id, {"name": "Birch Group"})
    account.poll()
    assert account.held(crm_id).name == "Birch Group"


def test_a_record_with_a_notice_is_read(account: Account) -> None:
    account.patched()
    noticed(account, account.company().crm_id or "")
    account.remote.advance_clock(60)
    account.remote.reset_calls()
    pull(account.tenant, "company")
    assert account.calls()["batch_read"] == 1


def test_a_record_with_something_open_is_read(account: Account) -> None:
    # Given a company with a value that no list has
    pull(account.tenant, "company")
    crm_id = account.company().crm_id or ""
    account.remote.edit("companies", crm_id, {"name": ""})
    account.poll()
    # When our id was written there, and its echo is found
    push(account.tenant)
    found = account.poll()
    # Then it was read, and what is open of it stands
    assert (found.failed + found.skipped, account.calls()["batch_read"]) == (1, 1)


def test_an_archived_record_is_gone_although_the_index_still_shows_it(account: Account) -> None:
    account.patched()
    crm_id = account.company().crm_id or ""
    account.remote.lag_search(300)
    account.remote.delete("companies", crm_id)
    account.poll()
    assert account.held(crm_id).is_deleted


@pytest.mark.parametrize("lag_s", [0, 90])
def test_a_merge_is_followed(account: Account, lag_s: int) -> None:
    account.patched()
    winner, loser = account.company(), account.company("Cedar IT")
    account.remote.lag_search(lag_s)
    account.remote.advance_clock(1)
    survivor = account.remote.merge(winner.crm_id or "", [loser.crm_id or ""])
    for _ in range(3):
        account.poll()
    assert account.held(survivor).id == winner.id
    with account.tenant.store.reading("acme") as tx:
        left = companies.by_ids(tx, [loser.id])[loser.id]
    assert left.is_deleted


def test_a_deal_that_gets_another_partner_in_the_same_moment_has_that_partner(account: Account) -> None:
    """HubSpot moves no stamp for an association: it is read beside each echo."""
    deal, crm_id = account.pushed_change(amount="1300.50")
    with account.tenant.store.reading("acme") as tx:
        before = companies.crm_ids_by_id(tx, [deal.owner_company or ""])[deal.owner_company or ""]
        other = companies.find(tx, "Dogwood Networks")
    assert other
    account.remote.part("deals", crm_id, before)
    account.remote.associate("deals", crm_id, other.crm_id or "", "Portal partner")
    account.poll("deal")
    assert account.deal(deal.id)[0].owner_company == other.id


# ── what a vendor may answer ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wish", "is_read"),
    [
        pytest.param({"stamp": "milliseconds"}, False, id="as a number of milliseconds"),
        pytest.param({"stamp": "left_out"}, True, id="without a stamp"),
        pytest.param({"stamp": "before"}, True, id="with the stamp before the write"),
        pytest.param({"stamp": "seconds"}, True, id="in whole seconds"),
        pytest.param({"moves_on_ms": 5}, True, id="and then a workflow changes the record"),
        pytest.param(
            {"object": "companies", "field": "portal_company_id", "keeps": "shortened"}, True, id="with another value than was sent"
        ),
    ],
)
def test_a_stamp_counts_only_where_it_is_exact_and_final(account: Account, wish: dict[str, object], is_read: bool) -> None:
    account.remote.answer_writes(**wish)
    account.patched()
    found = account.poll()
    assert found.failed == 0
    assert ("batch_read" in account.calls()) is is_read


def test_a_deal_whose_value_was_rounded_is_read(account: Account) -> None:
    # Given a vendor that rounds what is sent
    account.remote.answer_writes(object="deals", field="amount", keeps="1300")
    deal, _ = account.pushed_change(amount="1300.50")
    # When its notice and its poll are over
    refresh(account.tenant, "deal")
    account.poll("deal")
    # Then the portal holds what stands there
    with account.tenant.store.reading("acme") as tx:
        assert own_stamps.of(tx, "deal", [account.deal(deal.id)[1]]) == {}


def noticed(account: Account, crm_id: str) -> None:
    with account.tenant.store.side_transaction("acme") as tx:
        notices.add(tx, "company", [crm_id])
