"""A day of an operator who has nothing but the command line: set up, read, register, decide, repair, look back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crm_sandbox.remote import Remote
from sync_worker.cli.app import run
from tests.journey.stage import Answer, Installation

BIRCH, ARROW, STRANGER = "Birch Systems", "Arrow Electronics", "Cascade Supply"


@dataclass
class Desk:
    """The operator's terminal: every answer is held to what all answers promise."""

    installation: Installation
    capsys: pytest.CaptureFixture[str]

    def begins(self, *words: str, code: int = 0) -> Answer:
        """A command as a process of its own."""
        return self._held(self.installation.command(*words, code=code))

    def types(self, *words: str, code: int = 0) -> Answer:
        """A command in this process, since a process takes a second to start."""
        self.capsys.readouterr()
        found = run(words)
        said = self.capsys.readouterr()
        assert found == code, said
        return self._held(Answer(found, said.out, said.err))

    def _held(self, answer: Answer) -> Answer:
        assert len(answer.err.splitlines()) <= 3, answer.err
        return answer

    def asks(self, *words: str, code: int = 0) -> Any:
        """The answer as JSON."""
        self.capsys.readouterr()
        found = run([*words, "--json"])
        said = self.capsys.readouterr()
        assert found == code, said
        return json.loads(said.out)


@pytest.fixture
def desk(tmp_path: Path, base_url: str, remote: Remote, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    installation = Installation(tmp_path, base_url, f"sqlite:///{tmp_path}/sync-worker.db")
    installation.write_portal()
    for name, value in installation.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Desk(installation, capsys)


def test_a_day_at_the_command_line(desk: Desk, remote: Remote) -> None:
    # Given a portal file made from the shipped example, and no database yet
    assert "sync-worker db upgrade" in desk.begins("check", "acme", code=2).err
    desk.begins("db", "upgrade")
    looked = desk.begins("check", "acme", code=1).out  # some of the sandbox's records are wrong on purpose
    assert "in order" in looked
    assert "sync-worker provision acme" in looked
    assert [row["portal"] for row in desk.asks("portals", "list")] == ["acme"]

    # When everything is read, one deal has a value that the mapping refuses, and everything else of it is here
    desk.begins("pull", "acme", code=1)
    assert [row["kind"] for row in desk.asks("failures", "list", "acme") if row["code"] == "unlisted_value"] == ["problem"]
    assert desk.asks("push", "acme")[0]["written"] > 30
    assert BIRCH in desk.types("companies", "list", "acme").out
    birch = desk.asks("companies", "show", "acme", BIRCH)
    assert desk.asks("companies", "show", "acme", birch["crm_id"]) == birch
    assert birch["crm_id"] in desk.types("companies", "show", "acme", birch["id"]).out

    # Then who may work with whom can be asked, and why
    assert ARROW in desk.types("associations", "list", "acme", "--company", BIRCH).out
    assert desk.asks("associations", "explain", "acme", BIRCH, ARROW)["associated"] is True
    assert "not associated" in desk.types("associations", "explain", "acme", BIRCH, STRANGER).out

    # When deals are registered, mistakes are refused with what would be right
    _refused(desk)
    deal_file = desk.installation.deal_file(amount="48000.00", deal_type="new", licence_count="25")
    deal_id = desk.asks("deals", "register", "acme", deal_file)["id"]
    assert desk.asks("deals", "show", "acme", deal_id)["crm_record"] == "not in the CRM yet"
    assert desk.asks("push", "acme")[0]["written"] == 1

    # Then the CRM has the Lead, and both tracks move from either side
    lead_id = desk.asks("deals", "show", "acme", deal_id)["crm_record"].removeprefix("lead ")
    assert remote.record("Lead", lead_id)["Portal_Amount__c"] == 48000
    approve = ("deals", "approve", "acme", deal_id, "--track", "distributor")
    wrong = desk.types(*approve, "--decision", "approve", "--actor", "Bo", "--company", BIRCH, code=2)
    assert "not_your_track" in wrong.err
    assert "approved" in desk.types(*approve, "--decision", "approve", "--actor", "Dora", "--company", ARROW).out
    desk.types("push", "acme")
    assert remote.record("Lead", lead_id)["Portal_Distributor_Approval__c"] == "Approved"
    remote.edit("Lead", lead_id, {"Portal_Vendor_Approval__c": "Approved", "Portal_Amount__c": 52000})
    remote.advance_clock(60)
    desk.types("pull", "acme")
    fields = desk.asks("deals", "show", "acme", deal_id)["fields"]
    assert (fields["vendor_approval"], fields["amount"]) == ("approved", "52000.00")
    shown = desk.types("deals", "show", "acme", deal_id).out
    assert "52000.00" in shown
    assert "Dora" in shown
    assert deal_id[:8] in desk.types("deals", "list", "acme").out

    _repairs(desk, remote)

    # And in the evening the books are in order
    runs = desk.asks("runs", "list", "acme")
    assert all(run["read"] == run["applied"] + run["unchanged"] + run["skipped"] + run["failed"] for run in runs)
    assert {run["state"] for run in runs} == {"done"}
    assert desk.asks("runs", "show", runs[0]["id"][:8]) == runs[0]
    desk.types("runs", "list", "acme")
    desk.types("runs", "show", runs[0]["id"])
    standing = desk.asks("portals", "show", "acme")
    assert standing["paused_until"] is None
    desk.types("portals", "show", "acme")


def _refused(desk: Desk) -> None:
    """Four deals that must not pass."""
    files = {
        "stranger.yaml": ({"second_partner": STRANGER}, "one of: Arrow Electronics"),
        "amount.yaml": ({"amount": "a lot"}, "amount"),
        "field.yaml": ({"colour": "red"}, "colour"),
        "list.yaml": ({"deal_type": "barter"}, "allowed: new, renewal, upsell"),
    }
    for name, (fields, words) in files.items():
        desk.installation.deal_file(name, **fields)
        answer = desk.types("deals", "register", "acme", name, code=2)
        assert answer.err.startswith("refused ("), answer
        assert words in answer.err, answer
    refusal = desk.asks("deals", "register", "acme", "stranger.yaml", code=2)
    assert refusal["refused"].startswith("second_partner_not")
    assert refusal["why"]
    assert all(row["name"] != "Harbor Freight Lines" for row in desk.asks("deals", "list", "acme"))


def _repairs(desk: Desk, remote: Remote) -> None:
    """A write that a validation rule refuses, and a record that the mapping cannot read: seen, corrected, tried again."""
    remote.add_validation_rule("Lead", "Company", "matches", "Gone Ltd", message="No deals with Gone Ltd")
    desk.installation.deal_file("gone.yaml", prospect_name="Gone Ltd")
    desk.types("deals", "register", "acme", "gone.yaml")
    assert "failures list acme" in desk.types("push", "acme", code=1).err

    listed = desk.types("failures", "list", "acme").out
    assert "FIELD_CUSTOM_VALIDATION_EXCEPTION" in listed
    failures = {row["code"]: row for row in desk.asks("failures", "list", "acme")}
    refused, unread = failures["FIELD_CUSTOM_VALIDATION_EXCEPTION"], failures["unlisted_value"]
    whole = desk.asks("failures", "show", refused["id"])
    assert whole["what_to_do"]
    assert "Gone Ltd" in str(whole["payload"])
    desk.types("failures", "show", unread["id"])

    [preview] = desk.asks("failures", "replay", refused["id"], "--dry-run")
    assert (preview["count"], preview["written"]) == (1, 1)
    assert "Gone Ltd" in [change["then"] for change in preview["changes"]]
    assert "failed again" in desk.types("failures", "replay", refused["id"], code=1).err
    remote.clear_validation_rules()
    remote.edit("Opportunity", unread["record"], {"Portal_Billing__c": "Annual"})
    replayed = desk.types("failures", "replay", refused["id"], unread["id"])
    assert "passed" in replayed.out
    assert [row for row in desk.asks("failures", "list", "acme") if row["kind"] == "failure"] == []
    assert [lead["Company"] for lead in remote.records("Lead") if lead["Company"] == "Gone Ltd"] == ["Gone Ltd"]
