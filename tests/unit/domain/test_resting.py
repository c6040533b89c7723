"""Which fields may rest alone: the portal's own attributes, unless something is decided by them."""

from __future__ import annotations

import pytest

from sync_worker.domain.core.deal import PRICED_FIELDS, RESET_FIELDS
from sync_worker.domain.sync.ingest.resting import IDENTITY, may_rest_alone


def test_an_attribute_that_nothing_is_decided_by_may_rest_alone() -> None:
    assert may_rest_alone("note", is_attribute=True, used_by_rules=())


def test_an_attribute_that_a_rule_uses_may_not() -> None:
    assert not may_rest_alone("region", is_attribute=True, used_by_rules=("region", "tier"))
    assert may_rest_alone("note", is_attribute=True, used_by_rules=("region", "tier"))


@pytest.mark.parametrize("field", ["amount", "stage", "portal_status", *sorted(RESET_FIELDS | PRICED_FIELDS | IDENTITY)])
def test_no_field_of_the_product_s_own_may(field: str) -> None:
    assert not may_rest_alone(field, is_attribute=False, used_by_rules=())


@pytest.mark.parametrize("field", sorted(RESET_FIELDS | PRICED_FIELDS | IDENTITY))
def test_no_term_and_no_identity_may_whatever_it_is_mapped_as(field: str) -> None:
    assert not may_rest_alone(field, is_attribute=True, used_by_rules=())
