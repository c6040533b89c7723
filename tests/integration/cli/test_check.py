"""`check` from end to end: what the CRM lacks, named as an admin finds it, and files with the records to correct."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import HubspotOptions, serve_thread
from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm, adapted

STAGE = {"salesforce": "Opportunity.StageName: data", "hubspot": "deals.dealstage: data"}

on_hubspot = pytest.mark.parametrize("crm", ["hubspot"], indirect=True)


@pytest.fixture
def rewrite(terminal: Terminal) -> Callable[..., None]:
    """Changes the portal file."""

    def change(*changes: tuple[str, str]) -> None:
        terminal.portal_file.write_text(adapted(terminal.portal_file.read_text(), *changes))

    return change


@on_both
def test_a_crm_that_has_everything_is_in_order_but_for_its_data(terminal: Terminal) -> None:
    wrong = [row["subject"] for row in terminal.types("check", "acme", "--json", code=1).json if not row["ok"]]
    assert wrong
    assert [subject for subject in wrong if not subject.endswith((": data", ": options"))] == []


def test_what_cannot_be_known_is_said(terminal: Terminal) -> None:
    said = terminal.types("check", "acme", code=1).out
    assert "Lead → Opportunity: field mapping: the API does not tell" in said


@on_both
def test_a_field_that_is_not_there_is_named_with_what_to_do(terminal: Terminal, crm: LocalCrm, rewrite: Callable[..., None]) -> None:
    rewrite(("# overrides: ", "overrides: {deal.expires_on.native: nowhere}  # "))
    [missing] = [row for row in terminal.types("check", "acme", "--json", code=1).json if row["subject"] == f"{crm.deal}.nowhere"]
    assert missing["found"] == "missing or hidden (expires_on)"
    assert missing["what_to_do"]


@on_both
def test_a_value_that_the_list_lacks_is_named_and_made(terminal: Terminal, rewrite: Callable[..., None]) -> None:
    # Given a mapping that writes a value the CRM's list has not
    rewrite(("# overrides: ", "overrides: {deal.vendor_approval.values: {Waiting: pending}}  # "))
    wrong = [row for row in terminal.types("check", "acme", "--json", code=1).json if "picklist lacks" in row["found"]]
    assert {row["found"] for row in wrong} == {"the picklist lacks Waiting (vendor_approval)"}
    assert all("sync-worker provision acme --apply" in row["what_to_do"] for row in wrong)

    # When it is made
    said = terminal.types("provision", "acme", code=1).out
    assert "nothing was changed; make it: sync-worker provision acme --apply" in said
    made = terminal.types("provision", "acme", "--apply", "--json", code=None).json
    assert {row["state"] for row in made if row["words"].endswith("Waiting")} == {"done"}

    # Then nothing is left of it
    assert not [row for row in terminal.types("provision", "acme", "--json", code=None).json if row["words"].endswith("Waiting")]


@on_both
def test_the_records_to_correct_come_as_files_with_the_crms_own_ids(
    terminal: Terminal, crm: LocalCrm, remote: Remote, tmp_path: Path
) -> None:
    # When what is wrong with the CRM's data is written down
    said = terminal.types("check", "acme", "--csv", "to-correct", code=1)

    # Then each file is about one problem, has the CRM's ids under the CRM's own name of them, and a column to fill in
    files = sorted((tmp_path / "to-correct").iterdir())
    assert [f"written: to-correct/{file.name}" in said.out for file in files] == [True] * len(files)
    assert {file.name.split(".")[2] for file in files} >= {"account_type_blank", "contract_value_unresolved"}
    ids = {record[crm.id] for native in crm.natives for record in remote.records(native)}
    for file in files:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        assert {row[crm.id_field] for row in rows} <= ids
        field = file.name.split(".")[1]
        assert all(row["name"] and row["field"] == field and row[field] == "" for row in rows)


@on_both
def test_values_of_deals_that_the_mapping_does_not_know_are_counted_before_the_first_pull(
    terminal: Terminal, crm: LocalCrm, rewrite: Callable[..., None]
) -> None:
    # Given deals that began in the CRM, of companies of the portal and of others, and a mapping that does not know their stages
    rewrite(("# overrides: ", "overrides: {deal.stage.values: {Somewhere: somewhere}}  # "))
    # When the CRM is looked at
    checked = {row["subject"]: row for row in terminal.types("check", "acme", "--json", code=1).json}
    # Then the values of the portal's deals are counted, with the list that the mapping has and its place
    found = checked[STAGE[crm.kind]]
    assert re.search(r": '[^']+' \d+×", found["found"])
    assert re.search(r"Allowed: Somewhere\. See .*acme\.yaml:\d+:\d+\.$", found["what_to_do"])
    # and they are those that the first pull opens a problem for
    terminal.types("pull", "acme", code=None)
    opened = [row for row in terminal.types("failures", "list", "acme", "--json").json if row["field"] == "stage"]
    assert opened
    assert found["found"].startswith(f"{len(opened)} record")


@on_hubspot
def test_scopes_that_are_missing_are_named(terminal: Terminal, remote: Remote) -> None:
    assert isinstance(remote, HubspotRemote)
    remote.change_scopes(remove=["crm.objects.deals.read", "crm.schemas.deals.read"])
    answer = terminal.types("check", "acme", code=None)
    assert answer.code in (1, 3)
    assert "crm.schemas.deals.read" in answer.out + answer.err


@on_hubspot
def test_without_paid_labels_it_says_what_to_do_instead(terminal: Terminal, rewrite: Callable[..., None]) -> None:
    with serve_thread(HubspotOptions(companies=20, inquiries=1, deals=8, tier="free")) as url:
        rewrite((terminal.installation.base_url, url))
        rows = terminal.types("check", "acme", "--json", code=1).json
    wrong = [row for row in rows if "association:" in row["subject"] and not row["ok"]]
    assert {row["subject"] for row in wrong} == {"deals.association:portal_partner", "deals.association:portal_second_partner"}
    assert all("keep the company in a field" in row["what_to_do"] for row in wrong)


class Keyboard(io.StringIO):
    """A terminal on which somebody types."""

    def isatty(self) -> bool:
        return True


@on_both
def test_on_a_terminal_it_asks_before_it_makes_anything(
    terminal: Terminal, rewrite: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given one value that is to be made
    rewrite(("# overrides: ", "overrides: {deal.vendor_approval.values: {Waiting: pending}}  # "))
    waiting = ("provision", "acme", "--apply", "--json")

    # When the question is answered with no, Then nothing is made
    monkeypatch.setattr("sys.stdin", Keyboard("n\n"))
    answer = terminal.types(*waiting, code=1)
    assert "in the CRM of acme?" in answer.err
    assert {row["state"] for row in answer.json if row["words"].endswith("Waiting")} == {"to do"}

    # When it is answered with yes, Then it is made; --yes is not asked
    monkeypatch.setattr("sys.stdin", Keyboard("y\n"))
    assert {row["state"] for row in terminal.types(*waiting, code=None).json if row["words"].endswith("Waiting")} == {"done"}
    monkeypatch.setattr("sys.stdin", Keyboard(""))
    assert "in the CRM of acme?" not in terminal.types(*waiting, "--yes", code=None).err


@on_both
def test_a_slip_in_a_name_is_said_with_the_name_that_is_there_and_made_only_by_name(
    terminal: Terminal, crm: LocalCrm, rewrite: Callable[..., None]
) -> None:
    # Given a key that is misspelled by one letter
    key, slip = crm.key, crm.key.replace("eal", "ael")
    record = "lead" if crm.kind == "salesforce" else "deal"
    rewrite(("# overrides: ", f"overrides: {{records.{record}.key: {slip}}}  # "))
    name = f"{crm.deal}.{slip}"
    [row] = [row for row in terminal.types("check", "acme", "--json", code=1).json if row["subject"] == name]
    assert f"did you mean '{key}', which is there?" in row["found"]

    # When everything is made, Then it is not; when it is named, then it is
    assert {row["state"] for row in terminal.types("provision", "acme", "--apply", "--json", code=1).json if row["subject"] == name} == {
        "by name only"
    }
    assert [row["state"] for row in terminal.types("provision", "acme", "--apply", "--only", name, "--json").json] == ["done"]
    assert f"did you mean '{name}'" in terminal.types("provision", "acme", "--only", f"{name}x", code=2).err


@on_both
def test_a_workflow_is_told_at_the_line_that_names_the_field(terminal: Terminal, crm: LocalCrm, rewrite: Callable[..., None]) -> None:
    rewrite(("# overrides: ", "overrides: {deal.expires_on.native: nowhere}  # "))
    line = (
        terminal.portal_file.read_text()
        .splitlines()
        .index(next(line for line in terminal.portal_file.read_text().splitlines() if "nowhere" in line))
    )
    said = terminal.types("check", "acme", "--format", "github", code=1).out
    place = f"::error file={terminal.portal_file},line={line + 1},col="
    assert [one for one in said.splitlines() if one.startswith(place) and f"::{crm.deal}.nowhere: missing or hidden" in one]
    subjects = [
        [row["subject"] for row in terminal.types("check", "acme", *form, code=1).json] for form in (("--json",), ("--format", "json"))
    ]
    assert subjects[0] == subjects[1]
