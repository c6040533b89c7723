"""Dynamic groups on HubSpot: a company's type changes in the CRM, and its users change groups in the commit that reads it."""

from __future__ import annotations

from pathlib import Path

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.user import Role
from sync_worker.steps.people.groups import WantedGroup, make
from sync_worker.steps.people.regroup import evaluate_groups
from sync_worker.steps.people.users import UserData, put
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.people import groups
from tests.integration.hubspot.test_portal import portal_on


def test_a_companys_type_changes_and_its_users_are_in_the_other_group(tmp_path: Path) -> None:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        # Given a user of a partner, and a group for either type
        pull(tenant, "company")
        assert not isinstance(put(tenant, UserData("bea", "bea@example.com", "Bea", Role.SALES, "Birch Systems")), Refusal)
        for kind in ("partner", "second_partner"):
            wanted = WantedGroup(kind, kind, (Condition("account_type", "is", (kind,)),))
            assert not isinstance(make(tenant, wanted, by="the portal", finish=lambda _tx, _group: None), Refusal)
        evaluate_groups(tenant)
        # When the company becomes a distributor in the CRM
        remote.edit("companies", str(remote.named("companies", "Birch Systems")["id"]), {"portal_account_type": "second_partner"})
        remote.advance_clock(60)
        pull(tenant, "company")
        # Then its user is in the other group, without another evaluation
        with tenant.store.reading(tenant.name) as tx:
            assert {key: groups.member_ids(tx, key, limit=9) for key in ("partner", "second_partner")} == {
                "partner": [],
                "second_partner": ["bea"],
            }
