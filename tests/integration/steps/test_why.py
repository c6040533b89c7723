"""Why two companies are, or are not, associated: an answer in words for every two companies there are, in both modes, now and then."""

from __future__ import annotations

from datetime import datetime

import pytest

from sync_worker.domain.associations.association import Explanation
from sync_worker.domain.core.company import Company
from sync_worker.steps.associations.associate import whom, why, why_each
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from tests.integration.steps.world import World

RULES = [
    {"name": "same-region", "match": ["region"]},
    {"name": "gold-arrow", "partner": {"tier": ["Gold"]}, "second_partner": {"name": ["Arrow Electronics"]}},
]


@pytest.mark.parametrize("associations", [{"mode": "contracts"}, {"mode": "rules", "rules": RULES}], ids=["contracts", "rules"])
@pytest.mark.parametrize("is_past", [False, True], ids=["now", "as of now"])
def test_every_two_companies_have_their_answer_whoever_is_asked_first(
    empty_world: World, associations: dict[str, object], *, is_past: bool
) -> None:
    # Given the cast: partners, second partners and the vendor; active, pending, inactive
    empty_world.configure(associations=associations)
    empty_world.pull()
    with empty_world.store.reading("acme") as tx:
        known = [stored.company for stored in companies.listed(tx, limit=1000)]
        at = tx.now if is_past else None

        # When each is asked about all of them
        told = {one.id: dict(zip(_ids(known), why_each(tx, one, known, at=at), strict=True)) for one in known}

        # Then there are words for every two, the same answer from both sides, and whoever is associated is whom each may work with
        assert all(found.words for answers in told.values() for found in answers.values())
        assert all(_said(told[one][other]) == _said(told[other][one]) for one in told for other in told)
        joined = {one.id: {other for other, found in told[one.id].items() if found.is_associated} for one in known}
        assert joined == {one.id: _whom(tx, one, at) for one in known}
        assert any(joined.values())
        assert told[known[1].id][known[2].id] == why(tx, known[1], known[2], at=at)


def _ids(found: list[Company]) -> list[str]:
    return [company.id for company in found]


def _said(found: Explanation) -> tuple[bool, str, set[str]]:
    return found.is_associated, found.code, set(found.words.split())


def _whom(tx: Tx, company: Company, at: datetime | None) -> set[str]:
    found, _ = whom(tx, company, at=at)
    return {side for pair in found for side in (pair.partner_id, pair.second_partner_id)} - {company.id}
