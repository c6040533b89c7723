"""A load by a bulk job: the portal ends as by pages, and values that the CRM prepared before a write of ours are late news."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from crm_sandbox.remote import Remote
from sync_worker.crm.salesforce.reading import bulk
from sync_worker.errors import Stopped
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.core import cursors, runs
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.schema import metadata
from tests.integration.conftest import as_it_was
from tests.integration.steps.world import LASTING, World


@pytest.fixture(autouse=True)
def small_answers(monkeypatch: pytest.MonkeyPatch, remote: Remote) -> Iterator[None]:
    monkeypatch.setattr("crm_sandbox.salesforce.soql.queries.PAGE_SIZE", 4)
    monkeypatch.setattr(bulk, "PAGE_COUNT", 3)
    monkeypatch.setattr(bulk, "ANSWER_COUNT", 7)
    remote.set_bulk(polls=0)
    yield
    remote.set_bulk(polls=1)


def held(store: Store) -> dict[str, list[str]]:
    """Every row, but for what depends on the order of reading: numbers, times, and what was wrong for a while."""
    with store.reading("acme") as tx:
        return {
            table.name: sorted(
                repr({name: value for name, value in row.items() if not _is_by_order(name)})
                for row in tx.connection.execute(table.select()).mappings()
                if row.get("resolved_at") is None
            )
            for table in metadata.sorted_tables
            if table.name not in LASTING
        }


def _is_by_order(column: str) -> bool:
    return column in ("settled_no", "id", "run_id", "cause_run", "written_run") or (column.endswith("_at") and column != "crm_modified_at")


def trouble(remote: Remote) -> None:
    """Records that a load stumbles over, or that are no more."""
    accounts = [account["Id"] for account in remote.records("Account") if account["Portal_Status__c"]]
    remote.edit("Account", accounts[3], {"Name": 'Quote "and", comma', "Portal_Product_Lines__c": "Cloud;Edge"})
    remote.edit("Account", accounts[4], {"Portal_Account_Type__c": "Nonsense"})
    remote.delete("Account", accounts[5])
    remote.merge(accounts[6], [accounts[7]])
    leads = [lead["Id"] for lead in remote.records("Lead")]
    remote.edit("Lead", leads[0], {"Portal_Amount__c": 1234567.89, "Portal_Deal_Name__c": "two\nlines"})
    for opportunity in remote.records("Opportunity")[:3]:
        remote.edit("Opportunity", opportunity["Id"], {"Amount": 0.1, "Portal_Partner__c": accounts[2]})


def last_position(world: World) -> str:
    with world.store.reading("acme") as tx:
        cursor = cursors.get(tx, COMPANY)
    assert cursor
    return cursor.position


@pytest.mark.parametrize("stops_after", [0, 1, 2, 4, 5])
def test_a_load_by_job_ends_as_one_by_pages_stopped_or_not(sandbox: str, remote: Remote, tmp_path: Path, stops_after: int) -> None:
    ends: list[dict[str, list[str]]] = []
    for bulk_above in (None, 2):
        as_it_was(remote)
        remote.set_bulk(polls=0)
        remote.reset_calls()
        trouble(remote)
        folder = tmp_path / f"above {bulk_above}"
        folder.mkdir()
        world = World(sandbox, remote, folder)
        world.configure(crm={"bulk_above": bulk_above})
        world.forward()
        if bulk_above and stops_after:
            stopped_once(world, after=stops_after)
        world.pull()
        world.push()
        ends.append(held(world.store))
        jobs = remote.calls()["kinds"].get("bulk_query", 0)
        assert bool(jobs) == bool(bulk_above)
        world.close()
    for table, rows in ends[0].items():
        assert sorted(set(ends[1][table]) ^ set(rows)) == [], table
    assert len(ends[0]["companies"]) > 15
    assert len(ends[0]["failures"]) > 0


def stopped_once(world: World, *, after: int) -> None:
    """A first load that is asked to stop after so many pages, and one that is not."""
    so_far = stop(world, COMPANY, after=after)
    done = pull(world.process(), COMPANY)
    assert done.counts.read + so_far == 19
    # the order that was under way when the first page was stored is nobody's; one that was kept is gone on with
    assert world.remote.calls()["kinds"]["bulk_query"] == (2 if after == 1 else 1)
    world.settle(done.follow_ups)


def stop(world: World, record: str, *, after: int, is_full: bool = False) -> int:
    """A pull that is asked to stop after so many pages. Returns how many records it read."""
    pages: list[int] = []
    tenant = world.process()
    tenant.services = replace(world.services, is_stopping=lambda: len(pages) >= after)
    with pytest.raises(Stopped):
        pull(tenant, record, is_full=is_full, on_page=lambda so_far, _total: pages.append(so_far))
    return pages[-1]


def test_what_the_job_read_before_our_write_is_late_news(world: World) -> None:
    # Given deals, and a full load by job that was stopped before the last of them came
    world.configure(crm={"bulk_above": 1})
    deals = [world.registered(name=f"Deal {number}", prospect_name=f"Prospect {number}") for number in range(12)]
    world.forward(2000)
    stop(world, "lead", after=3, is_full=True)
    # and a write of ours since the job read the CRM
    world.change(deals[-1].id, amount="777")
    world.push()

    done = pull(world.process(), "lead")

    # then the older value is a notice, and no change
    assert done.counts.skips["late"] == 1
    assert str(world.deal(deals[-1].id).values["amount"]) == "777.00"
    world.settle(done.follow_ups)
    assert world.record_of(deals[-1].id)["Portal_Amount__c"] == 777
    assert str(world.deal(deals[-1].id).values["amount"]) == "777.00"


def test_a_job_that_fails_is_said_and_the_load_is_whole(empty_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    empty_world.configure(crm={"bulk_above": 1})
    empty_world.remote.set_bulk(fail="InternalServerError : Retried more than fifteen times")
    done = pull(empty_world.tenant, COMPANY)
    assert done.counts.read == 19
    assert last_position(empty_world) == ""
    said = capsys.readouterr()
    assert "InternalServerError" in said.out + said.err
    assert "the rest is read by pages" in said.out + said.err
    with empty_world.store.reading("acme") as tx:
        [run] = runs.listed(tx)
    assert run.state == "done"
