"""`docs/associations.md` is so: one example gives one table in both modes on both CRMs, and the words printed there are the real ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm, adapted

DOCS = (Path(__file__).parents[3] / "docs" / "associations.md").read_text()
FIELDS: Mapping[str, tuple[str, str, str]] = {
    "salesforce": ("Portal_Region__c", "Portal_Tier__c", "Associated_Second_Partner__c"),
    "hubspot": ("portal_region", "portal_tier", "associated_second_partner"),
}
SINCE = re.compile(r"since \d+ (s|min|h) ago \(\S+ \S+ UTC\), from run [0-9a-f]{8}:")
CONTRACT_VALUES = re.compile(r"  contract_values:.*\n(    .*\n)+")


def table(heading: str) -> list[list[str]]:
    """The cells of the table that begins with this heading."""
    lines = DOCS[DOCS.index(f"| {heading} |") :].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]


def zone_of(terminal: Terminal) -> ZoneInfo:
    """Where the portal's days begin and end; a bare day of `--at` is one of these."""
    (name,) = re.findall(r"^time_zone: (\S+)", terminal.portal_file.read_text(), re.MULTILINE)
    return ZoneInfo(name)


def block(info: str) -> str:
    (found,) = re.findall(rf"^```{info}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    return str(found)


def enter(terminal: Terminal, crm: LocalCrm, remote: Remote, mode: str) -> None:
    """The example stands in the CRM, the mode in the portal file; everything is read."""
    region, tier, contracts = FIELDS[crm.kind]
    spelled = str if crm.kind == "salesforce" else str.lower  # as the shipped mapping lists them
    rows = {row[0]: row[2:] for row in table("company")}
    for record in remote.records(crm.company):
        mine = rows.get(str(record.get(crm.name)), ["", "", ""])
        values = {region: spelled(mine[0]), tier: spelled(mine[1]), contracts: ";".join(mine[2].split("; "))}
        remote.edit(crm.company, record[crm.id], {name: value or None for name, value in values.items()})
    written = CONTRACT_VALUES.sub("", terminal.portal_file.read_text())
    listed = re.sub(r"\[(Gold|APAC)\]", lambda found: f"[{spelled(found[1])}]", block(f"yaml {mode}"))
    terminal.portal_file.write_text(re.sub(r"associations:\n  mode: contracts.*\n", listed, written))
    remote.advance_clock(30)
    terminal.types("pull", "acme", code=None)


@on_both
@pytest.mark.parametrize("mode", ["contracts", "rules"])
def test_the_same_data_gives_the_same_table(terminal: Terminal, crm: LocalCrm, remote: Remote, mode: str) -> None:
    enter(terminal, crm, remote, mode)
    rows = terminal.types("associations", "list", "acme", "--json").json
    assert sorted([row["partner"], row["second_partner"]] for row in rows if row["associated"]) == table("partner | second partner")
    assert {row["reasons"][0]["source"] for row in rows if row["associated"]} == {mode.removesuffix("s")}


@pytest.mark.parametrize("mode", ["contracts", "rules"])
def test_explain_says_what_the_page_prints(terminal: Terminal, crm: LocalCrm, remote: Remote, mode: str) -> None:
    enter(terminal, crm, remote, mode)
    for said in block(mode).split("$ sync-worker ")[1:]:
        command, _, expected = said.partition("\n")
        printed = " ".join(terminal.types(*shlex.split(command)).out.split())
        expected = re.sub(SINCE, "since then:", expected)
        printed = re.sub(SINCE, "since then:", printed)
        assert printed == " ".join(expected.split())


@pytest.mark.parametrize("mode", ["contracts", "rules"])
def test_a_date_shows_what_was(terminal: Terminal, crm: LocalCrm, remote: Remote, mode: str) -> None:
    # Given Birch, who could work with two, and is inactive since
    enter(terminal, crm, remote, mode)
    then = datetime.now(UTC).isoformat()
    remote.edit(crm.company, crm.id_named(remote, "Birch Systems"), {"Portal_Status__c": "Inactive"})
    remote.advance_clock(30)
    terminal.types("pull", "acme", "--record", "company", "--full", code=None)
    # then both answers are there, and tomorrow's is not
    listed = ("associations", "list", "acme", "--company", "Birch Systems", "--json")
    assert [row["associated"] for row in terminal.types(*listed).json] == [False, False]
    assert [row["associated"] for row in terminal.types(*listed, "--at", then).json] == [True, True]
    explained = ("associations", "explain", "acme", "Birch Systems", "Arrow Electronics")
    today = f"{datetime.now(zone_of(terminal)):%Y-%m-%d}"
    assert "not associated: Birch Systems is inactive" in terminal.types(*explained, "--at", today).out
    assert terminal.types(*explained, "--at", then).out.startswith("associated: ")
    assert "in the future" in terminal.types(*explained, "--at", f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}", code=2).err
    assert "is not a date" in terminal.types(*explained, "--at", "yesterday", code=2).err


def test_the_shipped_example_of_rules_starts(terminal: Terminal, base_url: str) -> None:
    written = (Path(__file__).parents[3] / "config" / "examples" / "rules.yaml").read_text()
    terminal.portal_file.write_text(
        adapted(written, ("  auth:", f"  base_url: {base_url}\n  auth:"), ("account_type_value: Agent", "account_type_value: Distributor"))
    )
    terminal.types("pull", "acme", code=None)
    assert [run["state"] for run in terminal.types("runs", "list", "acme", "--json").json if run["verb"] == "evaluate"] == ["done"]
    reasons = {row["reasons"][0]["name"] for row in terminal.types("associations", "list", "acme", "--json").json if row["associated"]}
    assert "emea-gold" in reasons


def test_a_list_longer_than_asked_for_says_so(terminal: Terminal, crm: LocalCrm, remote: Remote) -> None:
    enter(terminal, crm, remote, "rules")
    answer = terminal.types("associations", "list", "acme", "--limit", "2", "--json")
    assert len(answer.json) == 2
    assert "more than 2" in answer.err


def test_a_value_is_bound_again_at_a_terminal(terminal: Terminal, remote: Remote) -> None:
    # Given a contract value that names no company
    terminal.types("db", "upgrade")
    partner = next(row for row in remote.records("Account") if row["Name"] == "Birch Systems")
    remote.edit("Account", partner["Id"], {"Associated_Second_Partner__c": "Arrow (old name)"})
    remote.advance_clock(30)
    terminal.types("pull", "acme", code=None)
    asked = ("associations", "rebind", "acme", "Arrow (old name)", "Arrow Electronics")
    # when nobody says why, or no such company is there, then nothing is bound
    assert "--reason" in terminal.types(*asked, "--reason", " ", code=2).err
    assert "Nobody" in terminal.types(*asked[:-1], "Nobody", "--reason", "renamed", code=2).err
    assert pairs(terminal, partner["Id"]) == []
    # and with both it is, on every record that holds the value, and says who and why
    said = terminal.types(*asked, "--reason", "renamed", "--actor", "Ann").out
    assert "on 1 records" in said
    assert pairs(terminal, partner["Id"]) == ["Arrow Electronics"]


def pairs(terminal: Terminal, company: str) -> list[str]:
    rows = terminal.types("associations", "list", "acme", "--company", company, "--json").json
    return [row["second_partner"] for row in rows if row["associated"]]
