"""A CRM as its vendor delivers it becomes a working portal by `check`, `provision --apply`, `check` and `pull` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from crm_sandbox.process import serve_process
from crm_sandbox.remote import Record, Remote
from tests.journey.crms import CRMS, LocalCrm
from tests.journey.stage import Installation


@dataclass(frozen=True)
class Clean:
    """A clean CRM, and how an admin fills in what a company needs there."""

    crm: LocalCrm
    partner: Record
    distributor: Record
    contracts: str


CLEAN: Mapping[str, Clean] = {
    "salesforce": Clean(
        CRMS["salesforce"],
        partner={"Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner"},
        distributor={"Portal_Status__c": "Active", "Portal_Account_Type__c": "Distributor"},
        contracts="Associated_Second_Partner__c",
    ),
    "hubspot": Clean(
        CRMS["hubspot"],
        partner={"portal_status": "active", "portal_account_type": "partner"},
        distributor={"portal_status": "active", "portal_account_type": "second_partner"},
        contracts="associated_second_partner",
    ),
}


@pytest.mark.parametrize("kind", CLEAN)
def test_a_clean_org_becomes_a_working_portal(kind: str, tmp_path: Path, sqlite_url: str) -> None:
    # Given a CRM without any field of ours, and a portal file
    clean = CLEAN[kind]
    with serve_process(replace(clean.crm.options, clean=True)) as base_url, clean.crm.controls(base_url) as remote:
        installation = Installation(tmp_path, base_url, sqlite_url, crm=clean.crm)
        installation.write_portal()

        # When what is missing is looked at, made, and looked at again
        before = installation.command("check", "acme", "--json", code=1).json
        said = installation.command("provision", "acme", code=1).out
        installation.command("provision", "acme", "--apply")
        after = installation.command("check", "acme", "--json").json

        # Then all of it was missing, was said before it was made, and is there
        missing = [row["subject"] for row in before if not row["ok"]]
        assert len(missing) > 20
        assert "nothing was changed" in said
        assert [row for row in after if not row["ok"]] == []
        assert {row["subject"] for row in after} >= set(missing)

        # And when the vendor's people give companies their status and type, a run gives the new second partner its option
        _is_second_partner(remote, clean)
        remote.advance_clock(60)
        assert "Arrow Electronics" in installation.command("check", "acme", code=1).out
        installation.command("provision", "acme", "--apply")
        _is_partner_of(remote, clean, "Arrow Electronics")
        remote.advance_clock(60)
        installation.command("check", "acme")
        installation.command("pull", "acme")

        # Then the portal works: the two may work a deal together
        told = installation.command("associations", "explain", "acme", "Birch Systems", "Arrow Electronics").out
        assert told.startswith("associated")
        assert installation.command("provision", "acme").out.strip() == "nothing is missing"


def _is_second_partner(remote: Remote, clean: Clean) -> None:
    arrow = remote.named(clean.crm.company, "Arrow Electronics")
    remote.edit(clean.crm.company, arrow[clean.crm.id], clean.distributor)


def _is_partner_of(remote: Remote, clean: Clean, second_partner: str) -> None:
    birch = remote.named(clean.crm.company, "Birch Systems")
    remote.edit(clean.crm.company, birch[clean.crm.id], clean.partner | {clean.contracts: second_partner})
