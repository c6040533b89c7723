"""Which keys on a CRM record may be ours, and what a lost deal is made of."""

from __future__ import annotations

import pytest

from sync_worker.domain.core.deal import Policy
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.deals.arrival import return_from_crm
from sync_worker.domain.sync.ingest.own_key import has_our_form, is_made_in_portal, key_of
from sync_worker.steps.core.tenant import identity_of

MADE = "7b0c6a52-3f0e-4d8c-9a51-0f6f1d2c3b4a"
COMPUTED = identity_of("acme/salesforce/company/001A")


@pytest.mark.parametrize("key", [MADE, COMPUTED])
def test_what_we_write_has_our_form(key: str) -> None:
    assert has_our_form(key)


@pytest.mark.parametrize(
    "key", ["", "OLD-DEAL-1", MADE.upper(), MADE.replace("-", ""), f"{{{MADE}}}", f"{MADE} ", "7b0c6a52-3f0e-1d8c-9a51-0f6f1d2c3b4a"]
)
def test_other_spellings_are_not_ours(key: str) -> None:
    assert not has_our_form(key)


def test_what_began_in_the_portal_is_told_from_what_began_in_the_crm() -> None:
    assert (is_made_in_portal(MADE), is_made_in_portal(COMPUTED)) == (True, False)


@pytest.mark.parametrize(("spelled", "key"), [(None, ""), ("", ""), (" ", ""), (f" {MADE} ", MADE)])
def test_an_empty_key_is_none_however_it_is_spelled(spelled: str | None, key: str) -> None:
    assert key_of(spelled) == key


@pytest.mark.parametrize(
    ("said", "distributor", "lifecycle"),
    [
        ({"distributor_approval": "approved", "lifecycle": "finalize_requested"}, "approved", "finalize_requested"),
        ({"distributor_approval": "rejected", "lifecycle": "withdrawn"}, "rejected", "withdrawn"),
        ({"distributor_approval": "whatever", "lifecycle": "whatever"}, "pending", "submitted"),
        ({}, "pending", "submitted"),
    ],
)
def test_our_own_last_words_count_and_nothing_else(said: dict[str, Value], distributor: str, lifecycle: str) -> None:
    deal = return_from_crm({"name": "Acme", "owner_company": "p1", "second_partner": "d1", **said}, deal_id=MADE, policy=Policy())
    assert (deal.id, deal.distributor_approval, deal.lifecycle) == (MADE, distributor, lifecycle)
