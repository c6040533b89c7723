"""How deals begin and are edited: the pair of companies, the fields a partner may write, and words that help."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sync_worker.domain.core.company import Company, PortalStatus
from sync_worker.domain.core.deal import Actor, Deal, Move, Policy, Refusal
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.lifecycle import Verb, move
from sync_worker.domain.deals.registration import NOT_THEIRS, Registration, register
from sync_worker.domain.sync.ingest.deals.arrival import Verdict, arrive_from_crm, judge_from_crm
from tests.unit.domain.stage import ACME, ARROW, BETA, INGRAM, VENDOR, member_of, scene

POLICY = Policy(attribute_names=frozenset({"product"}))
OPERATOR = Actor("operator", None, "worker")


def registered(values: dict[str, Value] | None = None, **given: Any) -> Deal | Refusal:
    settings: dict[str, Any] = {
        "deal_id": "d1",
        "owner": ACME,
        "second_partner": ARROW,
        "options": [ARROW],
        "policy": POLICY,
        "actor": OPERATOR,
    }
    return register({"prospect_name": "Globex"} if values is None else values, Registration(**{**settings, **given}))


def refusal(result: object) -> Refusal:
    assert isinstance(result, Refusal), result
    return result


def deal(**given: Any) -> Deal:
    result = registered(**given)
    assert isinstance(result, Deal), result
    return result


def test_a_new_deal_is_submitted_and_both_tracks_wait() -> None:
    assert deal(values={"prospect_name": "Globex", "product": "X"}).values == {
        "name": "Globex",
        "prospect_name": "Globex",
        "product": "X",
        "owner_company": "acme",
        "second_partner": "arrow",
        "vendor_approval": "pending",
        "distributor_approval": "pending",
        "lifecycle": "submitted",
        "outcome": "open",
        "is_registered": True,
    }


def test_a_single_tier_deal_needs_no_distributor() -> None:
    assert deal(second_partner=None).distributor_approval == "not_required"
    assert deal(policy=Policy(approvals=frozenset({"vendor"}))).distributor_approval == "not_required"


def test_a_second_partner_registers_for_itself_without_another() -> None:
    assert deal(owner=ARROW, second_partner=None, options=[], actor=member_of(ARROW)).owner_company == "arrow"
    assert refusal(registered(owner=ARROW, second_partner=INGRAM)).code == "second_partner_single_tier"


def test_who_is_not_associated_is_refused_with_who_would_be_allowed() -> None:
    result = refusal(registered(second_partner=INGRAM, options=[ARROW, replace(ARROW, id="z", name="Also")]))
    assert (result.code, result.field) == ("second_partner_not_associated", "second_partner")
    assert result.allowed == ("Also", "Arrow")
    assert result.who_may == "one of: Also, Arrow"
    assert result.why == "Ingram is not associated with Acme"
    none = refusal(registered(second_partner=INGRAM, options=[]))
    assert none.allowed == ()
    assert none.who_may == "no company: no Distributor is associated, so leave the field out"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"owner": None}, "owner_unknown"),
        ({"owner": VENDOR}, "owner_is_vendor"),
        ({"owner": replace(ACME, status=PortalStatus.INACTIVE)}, "owner_not_active"),
        ({"owner": replace(ACME, status=PortalStatus.PENDING)}, "owner_not_active"),
        ({"owner": replace(ACME, is_deleted=True)}, "owner_not_active"),
        ({"actor": member_of(BETA)}, "not_a_party"),
        ({"second_partner": ACME}, "second_partner_is_owner"),
        ({"second_partner": replace(ARROW, status=PortalStatus.PENDING)}, "second_partner_not_active"),
        ({"second_partner": None, "values": {"name": "D", "second_partner": "??"}}, "second_partner_unknown"),
        ({"policy": Policy(is_two_tier=False)}, "two_tier_off"),
        ({"values": {}}, "name_missing"),
        ({"values": {"name": " "}}, "name_missing"),
        ({"values": {"name": "D", "licenses": 1}}, "field_unknown"),
    ],
)
def test_what_is_refused_at_registration(given: dict[str, Any], code: str) -> None:
    assert refusal(registered(**given)).code == code


@pytest.mark.parametrize("name", sorted(NOT_THEIRS))
def test_what_is_not_the_partners_to_set_is_refused_by_name(name: str) -> None:
    result = refusal(registered({"name": "D", name: "x"}))
    assert (result.code, result.field) == ("field_not_registrable", name)
    assert "product" in result.allowed


def test_a_deal_from_the_crm_starts_as_the_vendor_says_and_the_distributor_waits() -> None:
    values: dict[str, Value] = {
        "name": "Lead",
        "owner_company": "acme",
        "second_partner": "arrow",
        "vendor_approval": "approved",
        "distributor_approval": "approved",  # only we write this
        "lifecycle": "completed",
        "quote_state": "signed",
        "stage": "New",
    }
    begun = arrive_from_crm(values, deal_id="d", policy=POLICY)
    assert (begun.vendor_approval, begun.distributor_approval, begun.lifecycle) == ("approved", "pending", "submitted")
    assert begun.values["is_registered"] is True
    assert begun.values["stage"] == "New"
    assert "quote_state" not in begun.values


def test_a_deal_from_the_crm_without_approval_waits_and_with_an_end_is_ended() -> None:
    begun = arrive_from_crm({"name": "L", "owner_company": "acme", "outcome": "won"}, deal_id="d", policy=POLICY)
    assert (begun.vendor_approval, begun.distributor_approval, begun.lifecycle) == ("pending", "not_required", "won")
    rejected = arrive_from_crm({"name": "L", "vendor_approval": "rejected"}, deal_id="d", policy=POLICY)
    assert rejected.values["is_registered"] is False


@pytest.mark.parametrize(
    ("second", "options", "unassociated", "expected"),
    [
        (ARROW, [ARROW], "revert", (True, None)),
        (ARROW, [], "accept", (True, "second_partner_not_associated")),
        (ARROW, [], "revert", (False, "second_partner_not_associated")),
        (BETA, [], "accept", (True, "second_partner_wrong_type")),
        (replace(ARROW, status=PortalStatus.INACTIVE), [], "accept", (True, "second_partner_not_active")),
        (ACME, [], "accept", (False, "second_partner_is_owner")),
    ],
)
def test_a_second_partner_named_in_the_crm(
    second: Company, options: list[Company], unassociated: Any, expected: tuple[bool, str | None]
) -> None:
    verdict = judge_from_crm(ACME, second, options=options, policy=Policy(unassociated=unassociated))
    assert (verdict.is_accepted, verdict.problem.code if verdict.problem else None) == expected


def test_where_two_tier_is_off_nobody_is_a_second_partner() -> None:
    assert judge_from_crm(None, ARROW, options=[ARROW], policy=Policy(is_two_tier=False)) != Verdict(True)
    begun = arrive_from_crm({"name": "L", "second_partner": "arrow"}, deal_id="d", policy=Policy(is_two_tier=False))
    assert begun.second_partner is None


# ── edits in the portal ──────────────────────────────────────────────────────────────────────────────────────────────


def edited(begun: Deal, changes: dict[str, Value], company: Company | None = ACME, **given: Any) -> Move | Refusal:
    settings: dict[str, Any] = {"owner": ACME, "second_partner": ARROW, "options": [ARROW], "policy": POLICY}
    actor = member_of(company) if company else OPERATOR
    return move(Verb.EDIT, scene(begun, actor, changes=changes, **{**settings, **given}))


APPROVED = deal().changed({"vendor_approval": "approved", "distributor_approval": "approved", "licence_count": 5})


def test_an_edit_of_terms_carries_its_consequences() -> None:
    result = edited(APPROVED, {"licence_count": 6, "product": "Y"})
    assert isinstance(result, Move)
    assert result.changes == {
        "licence_count": 6,
        "product": "Y",
        "vendor_approval": "pending",
        "distributor_approval": "pending",
    }
    assert result.note == "someone at Acme: edit"


def test_an_edit_that_changes_nothing_is_a_move_without_changes() -> None:
    result = edited(APPROVED, {"licence_count": 5, "billing_cycle": None})
    assert isinstance(result, Move)
    assert result.changes == {}


def test_a_changed_second_partner_must_be_associated_and_decides_anew() -> None:
    changes: dict[str, Value] = {"second_partner": "ingram"}
    assert refusal(edited(APPROVED, changes, second_partner=INGRAM)).code == "second_partner_not_associated"
    result = edited(APPROVED, changes, second_partner=INGRAM, options=[ARROW, INGRAM])
    assert isinstance(result, Move)
    assert result.changes == {"second_partner": "ingram", "distributor_approval": "pending"}


def test_a_cleared_second_partner_is_not_required() -> None:
    result = edited(APPROVED, {"second_partner": None}, second_partner=None)
    assert isinstance(result, Move)
    assert result.changes == {"second_partner": None, "distributor_approval": "not_required"}


def test_only_the_vendor_gives_a_deal_away_and_the_pair_is_judged_again() -> None:
    changes: dict[str, Value] = {"owner_company": "beta"}
    assert refusal(edited(APPROVED, changes, owner=BETA)).code == "owner_by_vendor_only"
    assert refusal(edited(APPROVED, changes, VENDOR, owner=BETA, options=[])).code == "second_partner_not_associated"
    assert refusal(edited(APPROVED, {"owner_company": "??"}, None, owner=None)).code == "owner_unknown"
    given = edited(APPROVED, changes, VENDOR, owner=BETA)
    assert isinstance(given, Move)
    assert given.changes["vendor_approval"] == "pending"


@pytest.mark.parametrize(
    ("changes", "company", "code"),
    [
        ({"amount": 1}, BETA, "not_a_party"),
        ({"amount": 1}, ARROW, "not_a_party"),
        ({"vendor_approval": "approved"}, ACME, "field_not_registrable"),
        ({"amonut": 1}, ACME, "field_unknown"),
        ({"name": None, "prospect_name": ""}, ACME, "name_missing"),
    ],
)
def test_what_is_refused_in_an_edit(changes: dict[str, Value], company: Company, code: str) -> None:
    assert refusal(edited(APPROVED, changes, company)).code == code


def test_from_finalize_on_the_terms_are_locked_and_the_rest_is_not() -> None:
    locked = APPROVED.changed({"lifecycle": "finalize_requested"})
    assert refusal(edited(locked, {"licence_count": 6})).field == "licence_count"
    assert refusal(edited(locked, {"second_partner": None}, second_partner=None)).code == "terms_locked"
    assert isinstance(edited(locked, {"amount": 7}), Move)


def test_a_deal_that_is_over_is_not_edited() -> None:
    assert refusal(edited(APPROVED.changed({"lifecycle": "lost"}), {"amount": 7})).code == "deal_closed"


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────────

MISFITS = [
    ({"amount": Decimal("1000.50"), "currency": "JPY"}, "amount_misfit", "amount"),
    ({"amount": Decimal("10.1234"), "currency": "KWD"}, "amount_misfit", "amount"),
    ({"amount": Decimal("10.123")}, "amount_misfit", "amount"),
    ({"amount": Decimal(1), "currency": "EURO"}, "currency_unknown", "currency"),
    ({"currency": "XAU"}, "currency_unknown", "currency"),
]


@pytest.mark.parametrize(("money", "code", "field"), MISFITS)
def test_money_that_does_not_exist_is_refused_at_registration_and_at_an_edit(money: dict[str, Value], code: str, field: str) -> None:
    result = refusal(registered({"prospect_name": "Globex", **money}))
    assert (result.code, result.field) == (code, field)
    edit = refusal(move(Verb.EDIT, scene(Deal("d1", {"owner_company": "acme", "name": "Globex"}), actor=OPERATOR, changes=money)))
    assert (edit.code, edit.field) == (code, field)


@pytest.mark.parametrize(
    ("amount", "currency", "kept"), [("10.123", "KWD", "10.123"), ("1000.00", "JPY", "1000"), ("7.5", "EUR", "7.50"), ("7.5", None, "7.50")]
)
def test_an_amount_is_kept_with_the_decimals_of_its_currency(amount: str, currency: str | None, kept: str) -> None:
    money: dict[str, Value] = {"amount": Decimal(amount), "currency": currency}
    assert str(deal(values={"prospect_name": "Globex", **money}).values["amount"]) == kept
    edited = move(Verb.EDIT, scene(Deal("d1", {"owner_company": "acme", "name": "Globex"}), actor=OPERATOR, changes=money))
    assert isinstance(edited, Move), edited
    assert str(edited.changes["amount"]) == kept


def test_another_currency_asks_whether_the_amount_fits_it() -> None:
    dinars = Deal("d1", {"owner_company": "acme", "name": "Globex", "amount": Decimal("10.123"), "currency": "KWD"})
    assert refusal(move(Verb.EDIT, scene(dinars, actor=OPERATOR, changes={"currency": "EUR"}))).code == "amount_misfit"
    # and an edit of something else does not ask, whatever the CRM says of the amount
    odd = dinars.changed({"amount": Decimal("10.12345")})
    assert isinstance(move(Verb.EDIT, scene(odd, actor=OPERATOR, changes={"name": "Globex Inc"})), Move)
