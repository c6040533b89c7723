"""`check` and `provision` of a portal on HubSpot, on data: the second partners' options against the second partners there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import requests

from crm_sandbox.process import SANDBOX_TOKEN
from sync_worker.crm.port import WholeCrm
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.setup.provision import carry_out, planned
from tests.integration.hubspot.test_portal import checked, portal_on
from tests.patience import HANG_S

OPTIONS = "companies.associated_second_partner: options"


def _told(tenant: Tenant) -> str:
    return " ".join(finding.words for finding in checked(tenant) if finding.subject == OPTIONS and not finding.is_ok)


def _edit_options(base_url: str, **hidden: bool) -> None:
    """An admin hides options of the contracts' list, or shows them."""
    url = f"{base_url}/crm/v3/properties/companies/associated_second_partner"
    headers = {"Authorization": f"Bearer {SANDBOX_TOKEN}"}
    rows: list[dict[str, Any]] = requests.get(url, headers=headers, timeout=HANG_S).json()["options"]
    for row in rows:
        row["hidden"] = hidden.get(row["value"], row["hidden"])
    assert requests.patch(url, json={"options": rows}, headers=headers, timeout=HANG_S).ok


def test_an_option_that_was_hidden_is_reported_no_more_and_shown_again_when_its_company_comes(tmp_path: Path) -> None:
    with portal_on(tmp_path, "professional", {}) as (tenant, _):
        # Given an option that names nobody, and one of an active distributor
        assert "Zenith Supply" in _told(tenant)
        assert "Arrow Electronics" not in _told(tenant)

        # When an admin hides both
        _edit_options(str(tenant.portal.crm.base_url), **{"Zenith Supply": True, "Arrow Electronics": True})

        # Then the one is in order, the other lacks its option
        assert "Zenith Supply" not in _told(tenant)
        assert "Arrow Electronics" in _told(tenant)

        # And provision shows it again, and leaves the other hidden
        schema = cast("WholeCrm", tenant.crm).schema
        carry_out(tenant, schema, planned(tenant, schema).tasks)
        field = tenant.crm.describe("companies").fields["associated_second_partner"]
        assert field.hidden == ("Zenith Supply",)
        assert "Arrow Electronics" in field.offered
