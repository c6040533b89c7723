"""What people are told speaks in labels and says why: every topic for every audience, in a mail and in a bell."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

import sync_worker.domain as domain
from sync_worker.config.templates import Templates
from sync_worker.domain.core.deal import Deal, DistributorApproval, Lifecycle, Track, VendorApproval
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.quotes.quote import BillingCycle, Pricing
from sync_worker.domain.tell.notification import POLICY, WATCHED, Audience, News, Topic
from sync_worker.domain.tell.recipients import PersonalNotice
from sync_worker.domain.tell.wording import LABELS, NoticeNames, changes_of, line_of, spoken, why, without_names
from sync_worker.mail import letter

NAMES = NoticeNames("Distributor", {"birch": "Birch Systems", "arrow": "Arrow Electronics"}, {"rep": "Rep (rep)", "boss": "Boss (boss)"})
VALUES: dict[str, Any] = {"owner_company": "birch", "second_partner": "arrow", "owner_user": "rep", "currency": "EUR", "name": "Expansion"}
BEFORE = Deal("d1", {**VALUES, "amount": Decimal("1.00"), "stage": "closed_won"})
AFTER = Deal("d1", {**VALUES, "amount": Decimal("2.00"), "expected_close_on": date(2026, 3, 2), "owner_user": "boss"})


def person(**more: Any) -> User:
    return User("rep", "rep@example.com", "Rep", Role.MANAGER, "birch", **more)


def notice(audience: Audience, topic: Topic = Topic.DEAL_UPDATED, user: User | None = None) -> PersonalNotice:
    return PersonalNotice(user or person(), News("e", topic, POLICY[topic], tuple(sorted(WATCHED))), (audience,), tuple(sorted(WATCHED)))


def said(audience: Audience, deal: Deal = AFTER, waiting: frozenset[Track] = frozenset(), **more: Any) -> str:
    return why(notice(audience, **more), deal, NAMES, waiting)


# ── why ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_text_says_why_this_person_is_told() -> None:
    assert said(Audience.DEAL_OWNER) == "you are the owner of this deal"
    assert said(Audience.DEAL_OWNER, AFTER.changed({"registered_by": "rep"})) == "you registered this deal"
    assert said(Audience.OWNER_MANAGERS) == "you are a manager of Birch Systems"
    assert said(Audience.OWNER_NAMED) == "you are the account owner of Birch Systems"
    assert said(Audience.SECOND_MANAGERS) == "as a manager of Arrow Electronics, you are the Distributor on this deal"
    assert said(Audience.SECOND_NAMED) == "you are the account owner of Arrow Electronics, the Distributor on this deal"
    assert said(Audience.VENDOR) == "you are an admin of the vendor"


def test_it_says_that_an_approval_is_needed_to_those_whose_approval_it_is() -> None:
    both = frozenset(Track)
    assert said(Audience.SECOND_MANAGERS, waiting=both).endswith("you are the Distributor on this deal; your approval is needed")
    assert said(Audience.VENDOR, waiting=both) == "you are an admin of the vendor; your approval is needed"
    assert said(Audience.VENDOR, waiting=frozenset({Track.DISTRIBUTOR})) == "you are an admin of the vendor"
    for audience in (Audience.DEAL_OWNER, Audience.OWNER_MANAGERS, Audience.OWNER_NAMED, Audience.SECOND_NAMED):
        assert "approval" not in said(audience, waiting=both)


# ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_said_by_labels() -> None:
    now = AFTER.changed({"lifecycle": "finalize_requested", "distributor_approval": "not_required"})
    shown = {one["field"]: (one["before"], one["after"]) for one in changes_of(sorted(WATCHED), BEFORE, now, NAMES)}
    assert shown == {
        "Amount": ("1.00 EUR", "2.00 EUR"),
        "Owner in the CRM": ("–", "–"),
        "Distributor's approval": ("–", "Not required"),
        "Expected close date": ("–", "2026-03-02"),
        "Status": ("–", "Finalize requested"),
        "Deal owner": ("Rep (rep)", "Boss (boss)"),
        "Sales stage": ("Closed won", "–"),
        "Vendor's approval": ("–", "–"),
    }


def test_a_stage_is_called_as_people_of_the_crm_read_it() -> None:
    names = replace(NAMES, stages={"closed_won": "Won (signed)"})
    assert changes_of(["stage"], BEFORE, AFTER.changed({"stage": "in_talks"}), names) == [
        {"field": "Sales stage", "before": "Won (signed)", "after": "In talks"}
    ]


def test_every_field_that_people_are_told_of_has_a_label() -> None:
    assert LABELS.keys() == WATCHED


def enums() -> list[type[StrEnum]]:
    """Every enum of the domain."""
    for path in Path(domain.__file__).parent.rglob("*.py"):
        name = ".".join(path.relative_to(Path(domain.__file__).parents[2]).with_suffix("").parts)
        __import__(name)
    return [one for one in StrEnum.__subclasses__() if one.__module__.startswith("sync_worker.domain")]


SPELLED = frozenset(value.value for one in enums() for value in one if "_" in value.value)
WORDS: dict[Topic, dict[str, Any]] = {
    Topic.QUOTE_SENT: {"pricing": spoken(Pricing.RETAIL), "total": "10.00 EUR", "term": f"1 year, {spoken(BillingCycle.UP_FRONT).lower()}"},
    Topic.EXPIRES_SOON: {"expires_on": "2026-03-02"},
    Topic.APPROVAL_WAITS: {"since": "2026-03-02", "is_new": True},
    Topic.DECISION_UNTAKEN: {
        "said": spoken(VendorApproval.RENEWAL_PENDING),
        "why": without_names("the deal is finalize_requested: licence_count and vendor_approval, not_required"),
    },
}
STATES = [
    *({"lifecycle": one.value} for one in Lifecycle),
    *({"vendor_approval": one.value} for one in VendorApproval),
    *({"distributor_approval": one.value} for one in DistributorApproval),
]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(letter.ROOM, tmp_path_factory.mktemp("config"), "acme")


@pytest.mark.parametrize("topic", Topic)
def test_no_topic_says_an_enum_value_or_the_name_of_a_field_to_any_audience(topic: Topic, templates: Templates) -> None:
    assert {"finalize_requested", "not_required", "renewal_pending"} <= SPELLED
    for audience in Audience:
        for state in STATES:
            now = AFTER.changed(state)
            told = notice(audience, topic)
            words = {
                "deal": "Expansion",
                "company": "Birch Systems",
                "actor": "Ann",
                "reason": "",
                "changes": changes_of(told.fields, BEFORE, now, NAMES),
                "because": why(told, now, NAMES, frozenset(Track)),
                **WORDS.get(topic, {}),
            }
            texts = [line_of(topic, words), words["because"], *written(templates, topic, words)]
            assert not [name for text in texts for name in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text)]
            assert not [value for text in texts for value in SPELLED if value in text]
            assert all(words["because"] in re.sub(r"&#39;", "'", text) for text in texts[2:4])


def written(templates: Templates, topic: Topic, words: dict[str, Any]) -> list[str]:
    """Subject, text and page of the mail."""
    context = {"link": "", "portal": "acme", "name": "Rep", "subject": "Subject", **words}
    return [templates.render(f"{topic}.{kind}", context) for kind in ("txt", "html")]
