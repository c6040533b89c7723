"""Rules: what companies hold in common makes associations that follow every change; and new rules stand wholly, or not yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sync_worker.domain.associations import rule
from sync_worker.domain.associations.association import Explanation
from sync_worker.errors import Stopped
from sync_worker.steps.associations import evaluate as evaluating
from sync_worker.steps.associations.associate import associated, options, whom, why
from sync_worker.steps.associations.evaluate import EVALUATE, evaluate, is_due
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.associations import rule_members
from sync_worker.store.associations.evaluations import standing
from sync_worker.store.core import failures
from tests.integration.due import due
from tests.integration.steps.world import World

REGION: dict[str, Any] = {"name": "same-region", "match": ["region"]}
GOLD: dict[str, Any] = {"name": "gold", "partner": {"tier": ["Gold"]}, "second_partner": {"region": ["APAC"]}}
BIRCH, ARROW, BOLT = "Birch Systems", "Arrow Electronics", "Bolt Distribution"


def by_rules(world: World, *rules: dict[str, Any], **more: Any) -> Tenant:
    return world.configure(associations={"mode": "rules", "rules": list(rules)}, **more)


def partners(world: World, name: str) -> list[str]:
    with world.store.reading("acme") as tx:
        return [company.name for company in options(tx, world.company(name))]


def explained(world: World, one: str, other: str, at: datetime | None = None) -> Explanation:
    with world.store.reading("acme") as tx:
        return why(tx, world.company(one), world.company(other), at=at)


def then(world: World, name: str, at: datetime) -> list[str]:
    """Whom a company could work with at that time, by their names."""
    with world.store.reading("acme") as tx:
        company = world.company(name)
        found, _ = whom(tx, company, at=at)
    return sorted(world.company(pair.second_partner_id).name for pair in found)


def give(world: World, name: str, **fields: Any) -> None:
    """The vendor edits a company in the CRM, and the portal reads it."""
    world.remote.edit("Account", world.id_of(name), fields)
    world.pull("company")


def read_only(world: World, name: str, **fields: Any) -> None:
    """The same, and what that makes due is left."""
    world.remote.edit("Account", world.id_of(name), fields)
    world.forward()
    pull(world.tenant, "company")


def with_regions(world: World, **regions: str) -> None:
    """Each company in the region told, everybody else in none."""
    by_name = {name.replace("_", " "): region for name, region in regions.items()}
    for record in world.remote.records("Account"):
        fields = {"Portal_Region__c": by_name.get(record["Name"]), "Portal_Tier__c": None, "Associated_Second_Partner__c": None}
        world.remote.edit("Account", record["Id"], fields)


@pytest.fixture
def ruled(empty_world: World) -> World:
    """Birch and Arrow in EMEA, Bolt in APAC, one rule, everything read and evaluated."""
    with_regions(empty_world, Birch_Systems="EMEA", Arrow_Electronics="EMEA", Bolt_Distribution="APAC")
    by_rules(empty_world, REGION)
    empty_world.pull()
    return empty_world


# ── who may work with whom ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_pull_ends_with_the_rules_standing(ruled: World) -> None:
    assert partners(ruled, BIRCH) == [ARROW]
    assert not is_due(ruled.tenant)
    found = explained(ruled, ARROW, BIRCH)
    assert found.words == 'rule "same-region": region of both is EMEA'
    assert (found.reasons[0].source, found.reasons[0].partner_values) == ("rule", {"region": ("EMEA",)})
    with ruled.store.reading("acme") as tx:
        stands = standing(tx)
    assert stands is not None
    assert (found.since, found.reasons[0].run_id) == (stands.stood_at, stands.run_id)


def test_a_pair_that_is_not_associated_is_told_what_is_missing(ruled: World) -> None:
    by_rules(ruled, REGION, GOLD)
    evaluate(ruled.tenant)
    words = explained(ruled, BIRCH, BOLT).words
    assert (
        f"region of {BIRCH} ({ruled.id_of(BIRCH)}) is EMEA and region of {BOLT} ({ruled.id_of(BOLT)}) is APAC: nothing in common" in words
    )
    assert f'rule "gold": tier of {BIRCH} ({ruled.id_of(BIRCH)}) is blank, not Gold' in words


def test_a_company_that_changes_changes_its_own_associations_in_the_commit_of_its_page(ruled: World) -> None:
    since = explained(ruled, BIRCH, ARROW).since
    give(ruled, BOLT, Portal_Region__c="EMEA")
    assert partners(ruled, BIRCH) == [ARROW, BOLT]
    give(ruled, BOLT, Portal_Region__c=None)
    assert partners(ruled, BIRCH) == [ARROW]
    give(ruled, ARROW, Portal_Tier__c="Silver")
    assert explained(ruled, BIRCH, ARROW).since == since


def test_status_and_type_take_part_at_once(ruled: World) -> None:
    give(ruled, ARROW, Portal_Status__c="Inactive")
    assert partners(ruled, BIRCH) == []
    assert explained(ruled, BIRCH, ARROW).code == "company_inactive"
    with ruled.store.reading("acme") as tx:
        _, excluded = whom(tx, ruled.company(BIRCH))
    assert [(item.value, item.code) for item in excluded] == [("same-region", "company_inactive")]
    give(ruled, ARROW, Portal_Status__c="Active", Portal_Account_Type__c="Partner")
    assert partners(ruled, BIRCH) == []
    give(ruled, ARROW, Portal_Account_Type__c="Distributor")
    assert partners(ruled, BIRCH) == [ARROW]


def test_every_reason_is_kept(ruled: World) -> None:
    by_rules(ruled, REGION, {"name": "house", "partner": {"name": [BIRCH]}, "second_partner": {"region": ["EMEA"]}})
    ruled.forward(60)
    evaluate(ruled.tenant)
    found = explained(ruled, BIRCH, ARROW)
    assert [reason.name for reason in found.reasons] == ["same-region", "house"]
    assert found.reasons[0].since < found.reasons[1].since
    assert found.since == found.reasons[0].since


def test_contracts_on_the_record_mean_nothing_in_rules_mode(ruled: World) -> None:
    give(ruled, BIRCH, Associated_Second_Partner__c=BOLT)
    assert partners(ruled, BIRCH) == [ARROW]
    assert ruled.contracts() == []


# ── companies that rules name ────────────────────────────────────────────────────────────────────────────────────────

HOUSE: dict[str, Any] = {"name": "house", "partner": {"name": [BIRCH]}, "second_partner": {"name": [BOLT, "Nobody Inc"]}}


def test_a_rename_unbinds_nothing(ruled: World) -> None:
    by_rules(ruled, HOUSE)
    evaluate(ruled.tenant)
    give(ruled, BIRCH, Name="Birch & Sons")
    assert partners(ruled, "Birch & Sons") == [BOLT]


def test_a_name_nobody_has_is_said_and_holds_when_its_company_arrives(ruled: World) -> None:
    by_rules(ruled, HOUSE)
    evaluate(ruled.tenant)
    assert ruled.codes("Nobody Inc") == {"rule_name_unresolved"}
    ruled.remote.create("Account", {"Name": "Nobody Inc", "Portal_Account_Type__c": "Distributor", "Portal_Status__c": "Active"})
    ruled.pull("company")
    assert partners(ruled, BIRCH) == [BOLT, "Nobody Inc"]
    assert ruled.codes("Nobody Inc") == set()


def test_only_fields_that_this_portals_rules_use_must_be_filled(ruled: World) -> None:
    # Given rules over the region alone; when one company has no region, and nobody a tier
    give(ruled, ARROW, Portal_Region__c=None)
    # then the blank region is a problem, and no blank tier is
    with ruled.store.reading("acme") as tx:
        blank = {(row.failure.name, row.failure.field) for row in failures.listed(tx) if row.failure.code == "rule_field_blank"}
    assert (ARROW, "region") in blank
    assert {field for _, field in blank} == {"region"}


def test_a_name_of_two_companies_or_of_the_wrong_side_is_said(ruled: World) -> None:
    for _ in range(2):
        ruled.remote.create("Account", {"Name": "Twin", "Portal_Account_Type__c": "Partner", "Portal_Status__c": "Active"})
    ruled.pull("company")
    by_rules(ruled, {"name": "r", "partner": {"name": ["Twin", ARROW]}})
    evaluate(ruled.tenant)
    assert "rule_name_ambiguous" in ruled.codes("Twin")
    assert "rule_name_wrong_side" in ruled.codes(ARROW)
    by_rules(ruled, REGION)
    evaluate(ruled.tenant)
    assert "rule_name_ambiguous" not in ruled.codes("Twin")


def test_a_company_that_holds_too_many_keys_keeps_the_first_and_a_person_hears_of_it(ruled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "MOST_KEYS", 1)
    by_rules(ruled, {"name": "lines", "match": ["product_lines", "region"]})
    give(ruled, BIRCH, Portal_Product_Lines__c="Cloud;Edge")
    evaluate(ruled.tenant)
    assert "rule_keys_many" in ruled.codes(BIRCH)
    give(ruled, ARROW, Portal_Product_Lines__c="Cloud")
    assert partners(ruled, BIRCH) == [ARROW]
    give(ruled, BIRCH, Portal_Product_Lines__c="Edge")
    assert "rule_keys_many" not in ruled.codes(BIRCH)
    assert partners(ruled, BIRCH) == []


def test_the_survivor_of_a_merge_is_the_company_that_was_named(ruled: World) -> None:
    by_rules(ruled, HOUSE)
    evaluate(ruled.tenant)
    ruled.remote.merge(ruled.id_of("Cedar IT"), [ruled.id_of(BIRCH)])
    ruled.pull("company")
    assert partners(ruled, "Cedar IT") == [BOLT]


# ── rules that change ────────────────────────────────────────────────────────────────────────────────────────────────


def test_until_it_is_complete_the_old_answer_stands_also_for_who_changes_meanwhile(ruled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given new rules, of which one page of companies was evaluated
    monkeypatch.setattr(evaluating, "PAGE_COUNT", 3)
    give(ruled, BIRCH, Portal_Tier__c="Gold")
    by_rules(ruled, GOLD)
    with ruled.tenant.turn.lasting(0):
        assert evaluate(ruled.tenant).follow_ups
        assert evaluate(ruled.tenant).follow_ups
    # then everybody may do what they might, and a company that changes follows the old rules
    assert partners(ruled, BIRCH) == [ARROW]
    read_only(ruled, BOLT, Portal_Region__c="EMEA")
    assert partners(ruled, BIRCH) == [ARROW, BOLT]
    read_only(ruled, ARROW, Portal_Region__c="APAC")
    assert partners(ruled, BIRCH) == [BOLT]
    # when the rest is evaluated, then the new rules stand, for those as well
    evaluate(ruled.tenant)
    assert partners(ruled, BIRCH) == [ARROW]
    assert "gold" in explained(ruled, BIRCH, ARROW).words


def test_rules_that_change_again_before_they_stood_leave_nothing(ruled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "PAGE_COUNT", 3)
    give(ruled, BIRCH, Portal_Tier__c="Gold")
    by_rules(ruled, GOLD)
    with ruled.tenant.turn.lasting(0):
        for _ in range(4):
            evaluate(ruled.tenant)
    by_rules(ruled, REGION)
    evaluate(ruled.tenant)
    assert partners(ruled, BIRCH) == [ARROW]
    with ruled.store.reading("acme") as tx:
        held = rule_members.held(tx, [ruled.company(name).id for name in (BIRCH, ARROW, BOLT)])
    assert {member.membership.rule for members in held.values() for member in members} == {"same-region"}


def test_a_stopped_evaluation_goes_on_and_comes_to_the_same(ruled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "PAGE_COUNT", 2)
    by_rules(ruled, REGION, {**GOLD, "partner": {}})
    ruled.tenant.services = replace(ruled.tenant.services, is_stopping=lambda: True)
    stops = 0
    while True:
        try:
            evaluate(ruled.tenant)
        except Stopped:
            stops += 1
        else:
            break
    assert stops > 10
    assert partners(ruled, BIRCH) == [ARROW, BOLT]


def test_the_schedule_sees_rules_that_do_not_stand(ruled: World) -> None:
    assert EVALUATE not in set(due(ruled.tenant))
    tenant = by_rules(ruled, GOLD)
    assert EVALUATE in set(due(tenant))
    evaluate(tenant)
    assert EVALUATE not in set(due(tenant))


def test_what_goes_on_under_new_rules_keeps_its_beginning(ruled: World) -> None:
    since = explained(ruled, BIRCH, ARROW).since
    ruled.forward(3600)
    by_rules(ruled, REGION, GOLD)
    evaluate(ruled.tenant)
    assert explained(ruled, BIRCH, ARROW).since == since
    assert evaluate(ruled.tenant).run_id == ""


# ── deals ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_deals_hear_of_it_when_their_pair_ends_by_a_company_and_by_a_rule(ruled: World) -> None:
    deal = ruled.registered()
    crm_id = ruled.link(deal.id).crm_id
    give(ruled, ARROW, Portal_Region__c="APAC")
    assert "second_partner_not_associated" in ruled.codes(crm_id)
    by_rules(ruled, REGION, {"name": "everybody", "partner": {"name": [BIRCH]}})
    ruled.settle(evaluate(ruled.tenant).follow_ups)
    assert ruled.codes(crm_id) == set()
    by_rules(ruled, REGION)
    ruled.settle(evaluate(ruled.tenant).follow_ups)
    assert ruled.codes(crm_id) == {"second_partner_not_associated"}


def test_before_the_first_evaluation_no_deal_is_judged(empty_world: World) -> None:
    # Given a portal that puts back what is not associated, and companies that nobody has evaluated
    world = empty_world
    tenant = by_rules(world, REGION, deals={"unassociated_second_partner": "revert"})
    world.forward()
    pull(tenant, "company")
    one, other = world.company(BIRCH), world.company(ARROW)
    with world.store.reading("acme") as tx:
        assert associated(tx, [(one.id, other.id)])[1] == {(one.id, other.id)}
        assert options(tx, one) == []


# ── history ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_as_of_a_date_by_rules(ruled: World) -> None:
    moments = [ruled.clock.now + timedelta(seconds=1)]
    for change in ({"Portal_Region__c": "APAC"}, {"Portal_Region__c": "EMEA"}, {"Portal_Status__c": "Inactive"}):
        ruled.forward(3600)
        give(ruled, ARROW, **change)
        moments.append(ruled.clock.now + timedelta(seconds=1))
    ruled.forward(3600)
    by_rules(ruled, GOLD)
    evaluate(ruled.tenant)
    assert [then(ruled, BIRCH, at) for at in moments] == [[ARROW], [], [ARROW], []]
    assert then(ruled, BIRCH, moments[0] - timedelta(days=9)) == []
    assert explained(ruled, BIRCH, ARROW, moments[0]).is_associated
    assert "no rule joined" in explained(ruled, BIRCH, ARROW, moments[1]).words
    assert explained(ruled, BIRCH, ARROW, moments[3]).code == "company_inactive"


def test_as_of_a_date_by_contracts(world: World) -> None:
    moments = [world.clock.now]
    for change in ({"Associated_Second_Partner__c": ARROW}, {"Associated_Second_Partner__c": BOLT}, {"Portal_Status__c": "Inactive"}):
        world.forward(3600)
        give(world, BIRCH, **change)
        moments.append(world.clock.now + timedelta(seconds=1))
    world.forward(3600)
    give(world, BIRCH, Portal_Status__c="Active", Associated_Second_Partner__c=None)
    assert [then(world, BIRCH, at) for at in moments] == [[ARROW, BOLT], [ARROW], [BOLT], []]
    assert partners(world, BIRCH) == []
    assert explained(world, BIRCH, ARROW, moments[1]).reasons[0].name == ARROW


def test_a_long_answer_comes_in_pages(ruled: World) -> None:
    by_rules(ruled, {"name": "everybody", "partner": {"name": [BIRCH]}})
    evaluate(ruled.tenant)
    birch, found, after = ruled.company(BIRCH), list[str](), ""
    with ruled.store.reading("acme") as tx:
        everybody = {pair.second_partner_id for pair in whom(tx, birch)[0]}
        while True:
            pairs, excluded = whom(tx, birch, after=after, limit=2)
            ids = [pair.second_partner_id for pair in pairs] + [item.company_id or "" for item in excluded]
            if not ids:
                break
            assert len(ids) <= 2
            found += [pair.second_partner_id for pair in pairs]
            after = max(ids)
    assert len(everybody) > 3
    assert sorted(everybody) == found
