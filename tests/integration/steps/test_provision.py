"""`provision` on an org as it is delivered: everything is made once, whatever stops it, and nothing is taken away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from crm_sandbox.process import SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from sync_worker.crm.port import WholeCrm
from sync_worker.errors import ConfigError
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.setup.check import check
from sync_worker.steps.operate.setup.provision import ProvisionPlan, TaskOutcome, carry_out, chosen, planned
from tests.integration.conftest import as_it_was
from tests.integration.steps.world import World
from tests.servers import MONDAY

OPTIONS = "Account.Associated_Second_Partner__c"
DISTRIBUTOR = {"Portal_Status__c": "Active", "Portal_Account_Type__c": "Distributor"}


@pytest.fixture(scope="module")
def clean_url() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=20, leads=2, opportunities=2, now=MONDAY, clean=True)) as url:
        yield url


@pytest.fixture
def clean(clean_url: str, tmp_path: Path) -> Iterator[World]:
    """A portal on an org without any field of ours."""
    with Remote(clean_url) as remote:
        remote.clear_faults()
        as_it_was(remote)
        with closing(World(clean_url, remote, tmp_path)) as world:
            yield world


def provision(tenant: Tenant) -> list[TaskOutcome]:
    schema = cast("WholeCrm", tenant.crm).schema
    return carry_out(tenant, schema, planned(tenant, schema).tasks)


def left(tenant: Tenant) -> ProvisionPlan:
    return planned(tenant, cast("WholeCrm", tenant.crm).schema)


def states(outcomes: list[TaskOutcome]) -> dict[str, int]:
    return dict(Counter(outcome.state for outcome in outcomes))


def test_a_clean_org_has_everything_after_one_run_and_nothing_to_do_after_it(clean: World) -> None:
    # When it is said, and then made
    said = left(clean.tenant)
    outcomes = provision(clean.tenant)

    # Then all that was said is done, the mapping holds, and a second run has nothing to do
    assert tuple(outcome.task for outcome in outcomes) == said.tasks
    assert states(outcomes) == {"done": len(said.tasks)}
    assert clean.tenant.mapping.records["lead"].key_field == "Portal_Deal_Key__c"
    assert left(clean.tenant) == ProvisionPlan()
    assert check(clean.tenant, cast("WholeCrm", clean.tenant.crm).schema).is_ok


def test_one_field_that_the_crm_refuses_does_not_stop_the_others(clean: World) -> None:
    # Given an org that takes all but the third field
    clean.remote.fault("tooling_create", after=2, error_code="INSUFFICIENT_ACCESS_OR_READONLY")

    # When it is provisioned, and once more
    outcomes = provision(clean.tenant)
    [refused] = [outcome for outcome in outcomes if outcome.state == "refused"]
    again = provision(clean.tenant)

    # Then the one that failed is named, and made by the second run
    assert refused.task.wish.subject in refused.words
    assert "Customize Application" in refused.words
    assert [(outcome.task, outcome.state) for outcome in again] == [(refused.task, "done")]
    assert left(clean.tenant) == ProvisionPlan()


def test_a_lost_answer_is_no_second_field(clean: World) -> None:
    clean.remote.fault("tooling_create", after=4, drop_connection=True, times=1)
    outcomes = provision(clean.tenant)
    assert states(outcomes)["uncertain"] == 1
    assert states(provision(clean.tenant)) == {"done": 1}
    assert left(clean.tenant) == ProvisionPlan()


def test_a_crm_out_of_reach_leaves_a_list_of_what_was_not_begun(clean: World) -> None:
    # Given an org that goes away after three fields, for longer than a call is repeated
    clean.remote.fault("tooling_create", after=3, error_code="REQUEST_LIMIT_EXCEEDED", times=50)
    outcomes = provision(clean.tenant)
    assert states(outcomes) == {"done": 3, "not begun": len(outcomes) - 3}
    assert all("REQUEST_LIMIT_EXCEEDED" in outcome.words for outcome in outcomes[3:])

    # When it is back, Then the next run makes the rest
    clean.remote.clear_faults()
    assert states(provision(clean.tenant)) == {"done": len(outcomes) - 3}
    assert left(clean.tenant) == ProvisionPlan()


def test_two_at_once_are_harmless(clean: World) -> None:
    with ThreadPoolExecutor(2) as both:
        ends = list(both.map(provision, [clean.process(), clean.process()]))
    assert {outcome.state for outcomes in ends for outcome in outcomes} == {"done"}
    assert left(clean.tenant) == ProvisionPlan()


def test_a_new_second_partner_has_its_option_after_the_next_run_and_keeps_it(clean: World) -> None:
    # Given a portal that is set up, and a new distributor
    provision(clean.tenant)
    arrow = clean.remote.named("Account", "Arrow Electronics")["Id"]
    clean.remote.edit("Account", arrow, DISTRIBUTOR)
    clean.forward()

    # When it is provisioned
    [task] = left(clean.tenant).tasks
    assert (task.act, task.wish.subject, task.values) == ("add values", OPTIONS, ("Arrow Electronics",))
    assert states(provision(clean.tenant)) == {"done": 1}

    # Then the option is there, and stays when the company is none any more
    clean.remote.edit("Account", arrow, {"Portal_Account_Type__c": "Partner"})
    clean.forward()
    assert left(clean.tenant) == ProvisionPlan()
    options = clean.tenant.crm.describe("Account").fields["Associated_Second_Partner__c"].values
    assert options == ("Arrow Electronics",)


def test_one_name_that_the_list_does_not_take_does_not_stop_the_others(clean: World) -> None:
    # Given a portal that is set up, and four new distributors, two of one name but for its case
    provision(clean.tenant)
    for name in ("Elbe Supply", "Rhine Supply", "ELBE SUPPLY", "Weser Supply"):
        clean.remote.create("Account", {"Name": name, **DISTRIBUTOR})
    clean.forward()

    # When it is provisioned
    outcomes = provision(clean.tenant)

    # Then three have their option, and the one that the list takes for another is named
    assert {outcome.task.values for outcome in outcomes if outcome.state == "refused"} == {("ELBE SUPPLY",)}
    options = clean.tenant.crm.describe("Account").fields["Associated_Second_Partner__c"].values
    assert options == ("Elbe Supply", "Rhine Supply", "Weser Supply")


def test_what_the_api_does_not_make_comes_with_an_admins_clicks(clean: World) -> None:
    # Given a mapping that names a standard field which the org has not
    clean.configure(overrides={"deal.amount.native": {"lead": "Portal_Amount__c", "opportunity": "ExpectedRevenue"}})

    # Then it is an admin's, the rest is made, and it stays to be done
    assert states(provision(clean.tenant)).keys() == {"done"}
    plan = left(clean.tenant)
    [task] = plan.by_hand
    assert (plan.tasks, task.subject) == ((), "Opportunity.ExpectedRevenue")
    assert "Setup → Object Manager → Opportunity → Fields & Relationships → ExpectedRevenue" in task.words


# ── what looks like something that is there ───────────────────────────────────────────────────────────────────────────────────


def slipping(clean: World) -> None:
    """An org that has everything, and then a mapping with a slip in a field, one in a value, and a new value."""
    provision(clean.tenant)
    clean.configure(
        overrides={
            "deal.expires_on.native": {"lead": "Portal_Expire__c"},
            "deal.vendor_approval.values": {"pending": "pending", "Approved": "approved", "Declined": "rejected"},
        }
    )


def fields(clean: World) -> set[str]:
    return set(clean.tenant.crm.describe("Lead").fields)


def test_a_slip_is_not_made_unless_it_is_named(clean: World) -> None:
    # Given slips in the names of a field and of a value
    slipping(clean)
    plan = left(clean.tenant)
    assert {doubt.name for doubt in plan.doubts} == {
        "Lead.Portal_Expire__c",
        "Lead.Portal_Vendor_Approval__c=pending",
        "Opportunity.Portal_Vendor_Approval__c=pending",
    }
    [field] = [doubt for doubt in plan.doubts if doubt.name == "Lead.Portal_Expire__c"]
    assert "did you mean 'Portal_Expires__c', which is there?" in field.words
    assert "--apply --only Lead.Portal_Expire__c" in field.words

    # When everything is made, Then the slips are not
    assert {task.values for task in plan.tasks} == {("Declined",)}
    provision(clean.tenant)
    assert "Portal_Expire__c" not in fields(clean)
    assert left(clean.tenant).tasks == ()

    # When one is named, Then that one is made, and nothing else
    schema = cast("WholeCrm", clean.tenant.crm).schema
    named = chosen(plan, ["Lead.Portal_Expire__c"])
    assert [task.wish.subject for task in named.tasks] == ["Lead.Portal_Expire__c"]
    assert states(carry_out(clean.tenant, schema, named.tasks)) == {"done": 1}
    assert "Portal_Expire__c" in fields(clean)


def test_one_value_of_several_can_be_named(clean: World) -> None:
    slipping(clean)
    [task] = chosen(left(clean.tenant), ["Lead.Portal_Vendor_Approval__c=Declined"]).tasks
    assert (task.act, task.wish.subject, task.values) == ("add values", "Lead.Portal_Vendor_Approval__c", ("Declined",))


def test_what_is_there_already_may_be_named_and_what_nobody_knows_is_refused_with_the_nearest(clean: World) -> None:
    slipping(clean)
    plan = left(clean.tenant)
    assert chosen(plan, ["Lead.Portal_Deal_Key__c", "Lead.Portal_Vendor_Approval__c=Approved"]) == ProvisionPlan()
    with pytest.raises(ConfigError, match=r"--only Lead\.Portal_Deal_Kye__c: .* did you mean 'Lead\.Portal_Deal_Key__c'\?"):
        chosen(plan, ["Lead.Portal_Deal_Kye__c"])


def test_an_option_that_may_be_a_second_partner_misspelled_is_a_question(clean: World) -> None:
    # Given an option of Arrow Electronics, who is called otherwise by a letter now
    arrow = clean.remote.named("Account", "Arrow Electronics")["Id"]
    provision(clean.tenant)
    clean.remote.edit("Account", arrow, DISTRIBUTOR)
    clean.forward()
    provision(clean.tenant)
    clean.remote.edit("Account", arrow, {"Name": "Arrow Electronic"})
    clean.forward()

    # Then no option is made for the new name, and the old one is asked about
    plan = left(clean.tenant)
    [doubt] = plan.doubts
    assert (plan.tasks, doubt.name) == ((), f"{OPTIONS}=Arrow Electronic")
    assert "did you mean the option 'Arrow Electronics'" in doubt.words
