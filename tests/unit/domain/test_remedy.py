"""Whether a replay helps, and what must change first: known for every code before anybody selects it."""

from __future__ import annotations

import pytest

from sync_worker.domain.core.problem import CODES
from sync_worker.domain.operate import recovery
from sync_worker.domain.operate.recovery import CRM_CODES, page_of, remedy_of


@pytest.mark.parametrize("code", ["both_changed", "put_back", "duplicate_in_crm", "contract_value_renamed", "held_for_review"])
def test_what_only_tells_or_waits_for_a_person_is_not_replayable(code: str) -> None:
    found = remedy_of(code, stage="ingest")
    assert not found.is_replayable
    assert found.instead


def test_what_stopped_a_portal_goes_on_by_itself() -> None:
    assert not remedy_of("bug", stage="pull").is_replayable
    assert remedy_of("bug", stage="push").is_replayable


@pytest.mark.parametrize("code", ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "NEVER_HEARD_OF"])
def test_a_code_of_the_crm_s_says_where_to_look(code: str) -> None:
    found = remedy_of(code, stage="push")
    assert found.is_replayable
    assert "the CRM" in found.where
    assert page_of(code) == "docs/codes.md#crm"


def test_a_code_of_ours_has_its_own_place_on_the_page() -> None:
    assert page_of("unlisted_value") == "docs/codes.md#unlisted_value"
    assert remedy_of("unlisted_value", stage="ingest").where == "the CRM or the mapping"


def test_the_tables_speak_of_codes_there_are() -> None:
    assert set(recovery._PLACES) | set(recovery._INSTEAD) <= CODES.keys()
    assert not set(recovery._PLACES) & set(recovery._INSTEAD)
    assert not CRM_CODES.keys() & CODES.keys()
