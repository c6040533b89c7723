"""`mappings try` on a record of a portal's CRM."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm
from tests.journey.stage import ROOT


@pytest.fixture
def mapping(terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The portal's mapping file, its own copy."""
    folder = terminal.installation.folder / "mappings"
    shutil.copytree(ROOT / "mappings", folder)
    monkeypatch.setenv("SYNC_WORKER_MAPPINGS_DIR", str(folder))
    return folder / f"{crm.kind}.yaml"


@on_both
def test_a_live_record_is_tried_and_kept_as_an_example(terminal: Terminal, crm: LocalCrm, remote: Remote, mapping: Path) -> None:
    # Given a company of the CRM
    crm_id = crm.id_named(remote, "Birch Systems")

    # When the portal's mapping is tried on it, Then it is read as the portal reads it
    said = terminal.types("mappings", "try", "--portal", "acme", "--id", crm_id, "--json").json
    assert (said["record"], said["values"]["name"], said["mistakes"]) == ("company", "Birch Systems", [])

    # When it is saved, Then it is an example of the file, and comes out as written
    saved = terminal.types("mappings", "try", "--portal", "acme", "--id", crm_id, "--save").err
    assert f"saved as an example: {mapping}:" in saved
    assert "5 examples came out as written" in terminal.types("mappings", "test", str(mapping)).out


@on_both
def test_a_live_record_with_a_value_of_no_list_ends_with_1_and_says_where_the_list_stands(
    terminal: Terminal, crm: LocalCrm, remote: Remote, mapping: Path
) -> None:
    crm_id = crm.id_named(remote, "Ivy Integrators")
    answer = terminal.types("mappings", "try", "--portal", "acme", "--id", crm_id, "--record", "company", code=1)
    assert "account_type: " in answer.out
    assert f"see {mapping}:" in answer.out


@on_both
def test_an_id_of_no_record_says_what_was_looked_for(terminal: Terminal, crm: LocalCrm, mapping: Path) -> None:
    unknown = "0015g00000ZZZZZAA5" if crm.kind == "salesforce" else "999999999"
    answer = terminal.types("mappings", "try", "--portal", "acme", "--id", unknown, code=2)
    assert f"--id {unknown}: the CRM of acme shows no such record (looked for: company, " in answer.err
    mistyped = terminal.types("mappings", "try", "--portal", "acme", "--id", unknown, "--record", "compny", code=2)
    assert "did you mean 'company'?" in mistyped.err
