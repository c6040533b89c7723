"""A push of many known records asks which of them changed, and reads those alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.steps.core.tenant import DEAL
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.push import push
from sync_worker.store.deals import deals, links
from sync_worker.store.sync import outbox
from tests.integration.hubspot.conftest import NOW, Lab
from tests.integration.hubspot.test_portal import portal_on, settled

SINCE = NOW - timedelta(hours=1)


def test_many_untouched_records_are_told_by_one_call(lab: Lab, crm: HubspotCrm) -> None:
    # Given a thousand deals of yesterday, one edited since, one archived, one that has swallowed another
    lab.remote.set_clock(NOW - timedelta(days=1))
    created = lab.deals(1000)
    lab.remote.set_clock(NOW)
    edited, archived, winner, loser = created[:4]
    lab.remote.edit("deals", edited, {"dealname": "Edited"})
    lab.remote.delete("deals", archived)
    lab.remote.merge(winner, [loser])
    # When it is asked which are untouched
    untouched = crm.untouched("deals", created, since=SINCE)
    # Then one search tells; an archived record is found by writing it
    assert set(created) - untouched == {edited, winner, loser}
    assert crm.calls == lab.counted("search") == 1


@pytest.mark.parametrize("age", [timedelta(hours=2), timedelta(seconds=1)])
def test_where_most_have_changed_reading_is_cheaper(lab: Lab, crm: HubspotCrm, age: timedelta) -> None:
    lab.remote.set_clock(NOW - age)
    created = lab.deals(400)
    assert len(crm.untouched("deals", created, since=SINCE)) == (400 if age > timedelta(hours=1) else 0)
    assert lab.counted("search") <= 2


def test_a_push_of_many_keeps_an_edit_that_no_poll_has_seen(tmp_path: Path) -> None:
    with portal_on(tmp_path, "professional", {}, deal_count=500) as (tenant, remote):
        # Given more deals than two calls read, all settled and long past
        settled(tenant)
        remote.advance_clock(7200)
        pull(tenant, DEAL)
        with tenant.store.reading(tenant.name) as tx:
            stored = [row.deal for row in deals.page(tx, after="", limit=500)]
            homes = links.homes(tx, [deal.id for deal in stored])
        # When the portal owes the CRM a field of each, and a person edits another field of one there
        moves = {deal.id: change(tenant, deal.id, {"licence_count": "77"}, MoveRequest(Actor("Ann", None, "portal"))) for deal in stored}
        changed = [deal for deal in stored if not isinstance(moves[deal.id], Refusal)]
        assert len(changed) > 200
        first = changed[0]
        remote.edit("deals", homes[first.id].crm_id, {"dealname": "Renamed in the CRM"})
        remote.reset_calls()
        push(tenant)
        # Then one search and one read come before the writes, both edits stand on both sides, and nothing is owed
        seen = remote.calls()["kinds"]
        assert (seen["search"], seen["batch_read"]) == (1, 1)
        assert remote.record("deals", homes[first.id].crm_id)["dealname"] == "Renamed in the CRM"
        assert {remote.record("deals", homes[deal.id].crm_id)["portal_licences"] for deal in changed} == {"77"}
        with tenant.store.reading(tenant.name) as tx:
            after = deals.get(tx, first.id)
            assert after
            assert (after.deal.values["name"], after.deal.values["licence_count"]) == ("Renamed in the CRM", 77)
            assert not outbox.has_due(tx)
