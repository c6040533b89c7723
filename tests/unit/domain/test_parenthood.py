"""A subgroup's deal keeps its distributor: at its registration, at every edit, on both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.core.deal import Deal, Move, Policy, Refusal
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.lifecycle import Verb, move
from sync_worker.domain.deals.registration import Registration, draft, register
from sync_worker.domain.distributors.parenthood import is_binding, names_parent, second_partner_in_crm
from tests.unit.domain.stage import ACME, ARROW, BETA, INGRAM, POLICY, VENDOR, member_of, moved, refused, scene, submitted


def edited(deal: Deal, by: Company, second: Company | None, *, reason: str = "", parent: Company | None = ARROW) -> Move | Refusal:
    changes: dict[str, Value] = {"second_partner": second.id if second else None}
    wish = scene(deal, member_of(by), changes=changes, second_partner=second, options=[ARROW, INGRAM], parent=parent, reason=reason)
    return move(Verb.EDIT, wish)


@pytest.mark.parametrize("second", [None, INGRAM])
@pytest.mark.parametrize("lifecycle", ["draft", "submitted"])
def test_a_subgroup_neither_drops_its_distributor_nor_names_another(second: Company | None, lifecycle: str) -> None:
    made = edited(submitted(lifecycle=lifecycle), ACME, second)
    assert refused(made) == "parent_kept"
    assert isinstance(made, Refusal)
    assert made.why == "Acme is a subgroup of Arrow, and its deals keep Arrow as their Distributor"
    assert (made.who_may, made.allowed, made.field) == ("the vendor, with a reason", ("Arrow",), "second_partner")


def test_the_vendor_lets_a_deal_go_without_and_says_why() -> None:
    assert refused(edited(submitted(), VENDOR, None)) == "reason_missing"
    made = edited(submitted(), VENDOR, None, reason="Arrow does not sell there")
    assert moved(made) == {"second_partner": None, "distributor_approval": "not_required"}
    assert isinstance(made, Move)
    assert made.note == "someone at Vendor: edit: Arrow does not sell there"


def test_who_is_no_subgroup_names_whom_it_likes() -> None:
    assert moved(edited(submitted(), ACME, None, parent=None))["second_partner"] is None


def test_an_edit_of_something_else_is_not_asked_for_the_distributor() -> None:
    # a deal from before the company was a subgroup
    deal = submitted(second_partner=None)
    made = move(Verb.EDIT, scene(deal, member_of(ACME), changes={"amount": 7}, parent=ARROW))
    assert moved(made) == {"amount": 7}
    assert moved(edited(deal, ACME, ARROW))["second_partner"] == "arrow"


@pytest.mark.parametrize("begin", [register, draft])
def test_a_subgroup_registers_under_its_distributor_only(begin: Callable[..., Deal | Refusal]) -> None:
    def begun(second: Company | None) -> Deal | Refusal:
        return begin(
            {"name": "Deal", "prospect_name": "Prospect", "deal_type": "new"},
            Registration("d1", POLICY, member_of(ACME), owner=ACME, second_partner=second, options=[ARROW, INGRAM], parent=ARROW),
        )

    assert refused(begun(INGRAM)) == "parent_kept"
    assert refused(begun(None)) == "parent_kept"
    assert isinstance(begun(ARROW), Deal)


def test_a_draft_names_its_distributor_when_it_is_submitted() -> None:
    # a draft from before the company was a subgroup
    made = move(Verb.SUBMIT, scene(submitted(lifecycle="draft", second_partner=None), member_of(ACME), parent=ARROW))
    assert {name: moved(made)[name] for name in ("second_partner", "distributor_approval")} == {
        "second_partner": "arrow",
        "distributor_approval": "pending",
    }
    other = scene(submitted(lifecycle="draft", second_partner="ingram"), member_of(ACME), parent=ARROW, options=[INGRAM])
    assert refused(move(Verb.SUBMIT, other)) == "parent_kept"


@pytest.mark.parametrize("named", [None, "ingram"])
def test_a_deal_that_does_not_name_its_distributor_is_not_finalized(named: str | None) -> None:
    ready = submitted(second_partner=named, vendor_approval="approved", distributor_approval="approved")
    assert refused(move(Verb.FINALIZE, scene(ready, member_of(ACME), parent=ARROW))) == "parent_not_named"
    assert moved(move(Verb.FINALIZE, scene(ready, member_of(ACME))))["lifecycle"] == "finalize_requested"


@pytest.mark.parametrize(
    ("named", "held", "is_new", "is_written", "second", "code"),
    [
        ("arrow", None, True, True, "arrow", ""),
        (None, None, True, True, "arrow", ""),  # named at first sight, as in the portal
        ("ingram", None, True, True, "arrow", "parent_kept"),
        (None, "arrow", False, True, "arrow", "parent_kept"),  # put back
        ("ingram", "arrow", False, True, "arrow", "parent_kept"),
        (None, "arrow", False, False, None, "parent_not_named"),  # a field that the portal only reads
        (None, None, True, False, None, "parent_not_named"),
        (None, None, False, True, None, "parent_not_named"),  # from before the company was a subgroup
        ("ingram", "ingram", False, True, "ingram", "parent_not_named"),
    ],
)
def test_what_the_crm_names_on_a_subgroups_deal(
    named: Value, held: Value, is_new: bool, is_written: bool, second: Value, code: str
) -> None:
    kept, problem = second_partner_in_crm(named, ARROW, held=held, is_new_owner=is_new, is_written=is_written)
    assert (kept, problem.code if problem else "") == (second, code)


def test_a_parent_out_of_business_binds_nobody() -> None:
    assert is_binding(ARROW, POLICY)
    assert is_binding(replace(ARROW, status=PortalStatus.PENDING), POLICY)
    assert not is_binding(replace(ARROW, status=PortalStatus.INACTIVE), POLICY)
    assert not is_binding(replace(ARROW, account_type=AccountType.PARTNER), POLICY)
    assert not is_binding(ARROW, Policy(is_two_tier=False))


def test_a_subgroups_deal_names_its_distributor_by_itself() -> None:
    assert names_parent({"name": "Deal"}, ARROW) == {"name": "Deal", "second_partner": "arrow"}
    assert names_parent({"second_partner": "beta"}, ARROW) == {"second_partner": BETA.id}
    assert names_parent({"name": "Deal"}, None) == {"name": "Deal"}


# ── a deal that belongs to no company ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", [Verb.APPROVE_DISTRIBUTOR, Verb.APPROVE_VENDOR])
def test_nobody_approves_what_belongs_to_no_company(verb: Verb) -> None:
    actor = member_of(ARROW if verb is Verb.APPROVE_DISTRIBUTOR else VENDOR)
    made = move(verb, scene(submitted(owner_company=None), actor, owner=None))
    assert refused(made) == "owner_company_missing"
    reject = Verb.REJECT_DISTRIBUTOR if verb is Verb.APPROVE_DISTRIBUTOR else Verb.REJECT_VENDOR
    assert isinstance(move(reject, scene(submitted(owner_company=None), actor, owner=None, reason="nobody's")), Move)
