"""docs/hubspot.md keeps its word: a token with the scopes it lists does everything, and with one less it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.faults import CODES
from sync_worker.crm.hubspot.connection.login import StaticToken
from sync_worker.crm.hubspot.connection.wire import API_VERSION
from sync_worker.crm.port import RecordWrite, Scan
from sync_worker.errors import ConnectionDown
from sync_worker.mapping.load import load_mapping
from sync_worker.mapping.required_schema import FieldWish, lack_of
from tests.integration.hubspot.conftest import KEY, NOW, PARTNER, Lab

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "hubspot.md").read_text()
SCOPES = re.findall(r"^\| `(crm\.[\w.]+)` \|", PAGE, re.MULTILINE)


def work(crm: HubspotCrm, company: str) -> None:
    """Everything the worker does in an account."""
    for native in ("companies", "deals"):
        crm.describe(native)
        list(crm.changed_since(Scan(native, (PARTNER,) if native == "deals" else (), None, NOW)))
    list(
        crm.write(
            "companies", "portal_company_id", [RecordWrite("c", {"portal_company_id": "c-1"}, crm_id=company)], time_left_s=lambda: 60.0
        )
    )
    list(crm.write("deals", KEY, [RecordWrite("d", {"dealname": "New", PARTNER: company}, key="d-1")], time_left_s=lambda: 60.0))


def test_the_scopes_are_enough(lab: Lab) -> None:
    token = lab.remote.add_token(SCOPES)
    work(lab.connect(lab.new_access(StaticToken(token, lab.base_url))), *lab.companies("Bolt"))
    assert lab.remote.records("deals")[-1][KEY] == "d-1"


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if ".objects." in scope])
def test_without_one_of_them_something_is_refused(lab: Lab, scope: str) -> None:
    """Reading records includes reading what they are made of in the sandbox, so that the schemas' scopes are not missed there."""
    token = lab.remote.add_token(set(SCOPES) - {scope})
    with pytest.raises(ConnectionDown, match=re.escape(scope)):
        work(lab.connect(lab.new_access(StaticToken(token, lab.base_url))), *lab.companies("Bolt"))


def test_two_more_scopes_are_enough_to_make_what_is_missing(lab: Lab) -> None:
    more = re.findall(r"`(crm\.schemas\.\w+\.write)`", PAGE)
    assert len(set(more)) == 2
    crm = lab.connect(lab.new_access(StaticToken(lab.remote.add_token([*SCOPES, *more]), lab.base_url)))

    for wish in (
        FieldWish("companies", "portal_new", "key", is_written=True),
        FieldWish("deals", "portal_new", "picklist", values=("a",), is_written=True),
        FieldWish("deals", "association:portal_reseller", "reference", refers_to="companies", is_written=True),
    ):
        crm.schema.create(wish)
        assert lack_of(wish, crm.describe(wish.native).fields.get(wish.name)) is None


def test_the_page_speaks_of_what_there_is() -> None:
    assert f"`{API_VERSION}`" in PAGE
    assert all(code in PAGE for code in ("INVALID_AUTHENTICATION", "BAD_REFRESH_TOKEN", "invalid_grant", "MISSING_SCOPES") if code in CODES)
    records = load_mapping(ROOT / "mappings" / "hubspot.yaml").grammar.records.named()
    assert all(f"`{record.key}`" in PAGE for record in records.values())
