"""`portals pause` and `portals resume` as an operator types them, and what is refused meanwhile."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from crm_sandbox.remote import Remote
from sync_worker.actors import attempt
from sync_worker.bootstrap import build
from sync_worker.cli.core.command import tenant_of
from sync_worker.steps.core.follow_up import Work
from sync_worker.store.core import failures
from sync_worker.store.core.failures import Failure
from sync_worker.store.core.tables import catalogs
from tests.architecture.test_promises import commands
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm
from tests.journey.stage import ROOT

CALLS_THE_CRM: dict[str, tuple[str, ...]] = {
    "check": ("check", "acme"),
    "plan": ("plan", "acme"),
    "provision": ("provision", "acme"),
    "pull": ("pull", "acme"),
    "push": ("push", "acme"),
    "compare": ("compare", "acme"),
    "failures replay": ("failures", "replay", "--portal", "acme", "--all"),
    "failures release": ("failures", "release", "{held}"),
    "deals relink": ("deals", "relink", "acme", "{deal}", "0065g00000AAAAAAA5"),
    "mappings try": ("mappings", "try", "--portal", "acme", "--id", "{company}"),
}
"""Command → how it is typed. A paused portal refuses these."""
ALSO_CALLS = [
    ("plan", "acme", "--backfill", "attributes.region"),
    ("provision", "acme", "--apply", "--yes"),
    ("pull", "acme", "--backfill", "attributes.region"),
    ("pull", "acme", "--full"),
    ("compare", "acme", "--repair"),
    ("compare", "acme", "--restored"),
    ("failures", "replay", "--portal", "acme", "--all", "--dry-run"),
    ("failures", "replay", "{failure}"),
]
WHY = ("--reason", "because")
STORED: list[tuple[str, ...]] = [
    ("deals", "register", "acme", "deal.yaml"),
    ("deals", "approve", "acme", "{deal}", "--track", "distributor", "--decision", "approve", "--actor", "Dora", "--company", "{partner}"),
    ("deals", "set-last-day", "acme", "{deal}", "2099-06-30", *WHY),
    ("deals", "forget-contact", "acme", "{deal}", *WHY),
    ("deals", "move", "acme", "{deal}", "withdraw", *WHY),
    ("associations", "rebind", "acme", "{contract}", "Arrow Electronics", *WHY),
    ("failures", "replay", "--portal", "acme", "--code", "unlisted_value", "--queue"),
]
"""What only changes the database: it is kept, and what follows from it waits."""
LOOKED_AT: list[tuple[str, ...]] = [
    ("plan", "acme", "--no-read"),
    ("companies", "list", "acme"),
    ("companies", "show", "acme", "Arrow Electronics"),
    ("associations", "list", "acme"),
    ("associations", "explain", "acme", "Birch Systems", "Arrow Electronics"),
    ("deals", "list", "acme"),
    ("deals", "show", "acme", "{deal}"),
    ("deals", "explain", "acme", "{deal}"),
    ("failures", "list", "acme"),
    ("failures", "show", "{failure}"),
    ("failures", "replays", "acme"),
    ("failures", "discard", "{failure}", *WHY),
    ("conflicts", "list", "acme"),
    ("journeys", "list", "acme"),
    ("journeys", "log", "acme", "welcome"),
    ("people", "list", "acme"),
    ("prices", "list", "acme"),
    ("feed", "list", "acme"),
    ("feed", "show", "acme"),
    ("mail", "list", "acme"),
    ("runs", "list", "acme"),
    ("portals", "show", "acme"),
    ("status", "acme"),
]
NAMES_A_PORTAL_AND_MAKES_NO_CALL = {
    "conflicts resolve", "conflicts show", "console link", "feed pause", "feed replay", "feed resume", "feed test", "journeys discard",
    "journeys preview", "journeys release", "journeys show", "mail test", "people deactivate",
    "people erase", "people erasures", "people put", "people show", "portals pause", "portals resume", "portals set-association-mode",
    "prices load", "tokens create", "tokens list", "tokens revoke",
}  # fmt: skip
OLD = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def names(crm: LocalCrm, terminal: Terminal, remote: Remote) -> dict[str, str]:
    """A portal at work, what it holds by the names above, and then it is paused; what the CRM said of its fields is months old."""
    terminal.types("pull", "acme", code=None)
    deal = terminal.types("deals", "register", "acme", terminal.installation.deal_file("deal.yaml"), "--json").json["id"]
    failures_ = terminal.types("failures", "list", "acme", "--json").json
    contract, *_ = [row["field"].partition("[")[2][:-1] for row in failures_ if row["code"] == "contract_value_unresolved"]
    company = terminal.types("companies", "show", "acme", "Birch Systems", "--json").json["crm_id"]
    with tenant_of("acme") as tenant, tenant.store.side_transaction("acme") as tx:
        held = Failure("held-1", "problem", "company", "pull", "pull", "held_for_review", "too much", "", name="pull company")
        failures.record(tx, [held])
        tx.connection.execute(update(catalogs).values(fetched_at=OLD))
    terminal.types("portals", "pause", "acme", "--reason", "they move tonight", "--actor", "ann")
    remote.reset_calls()
    [unlisted, *_] = [row["id"] for row in failures_ if row["code"] == "unlisted_value"]
    return {
        "deal": deal,
        "held": "held-1",
        "failure": unlisted,
        "company": company,
        "partner": "Arrow Electronics",
        "contract": contract,
    }


def filled(words: tuple[str, ...], names: dict[str, str]) -> list[str]:
    return [word.format_map(names) for word in words]


@on_both
def test_a_paused_portal_refuses_every_command_that_would_call_its_crm(names: dict[str, str], terminal: Terminal, remote: Remote) -> None:
    # When a person types any of them, then it is refused with who paused the portal, when, why, and how to go on
    for words in [*CALLS_THE_CRM.values(), *ALSO_CALLS]:
        said = terminal.types(*filled(words, names), code=1)
        assert re.search(r"nothing was done: portal acme is paused by ann \d+ s ago: they move tonight\n", said.err), (words, said)
        assert "sync-worker portals resume acme; for this command alone, add --while-paused" in said.err
        assert said.out == "", words
    # and the CRM has heard of none
    assert remote.calls()["total"] == 0


@on_both
def test_what_only_changes_the_database_of_a_paused_portal_is_kept_and_says_that_it_waits(
    names: dict[str, str], terminal: Terminal, remote: Remote
) -> None:
    for words in STORED:
        said = terminal.types(*filled(words, names))
        assert "portal acme is paused by ann" in said.err, (words, said)
        assert "This is kept, and waits for: sync-worker portals resume acme" in said.err
    for words in LOOKED_AT:
        terminal.types(*filled(words, names), code=1 if words[0] == "status" else 0)
    assert remote.calls()["total"] == 0, "what the CRM said last counts, however old it is"


@on_both
@pytest.mark.parametrize("command", CALLS_THE_CRM)
def test_one_command_works_in_a_paused_portal_where_a_person_says_so(
    names: dict[str, str], terminal: Terminal, remote: Remote, command: str
) -> None:
    said = terminal.types(*filled(CALLS_THE_CRM[command], names), "--while-paused", code=None)
    assert "portal acme is paused by ann" in said.err
    assert "Only this command works; the portal stays paused" in said.err
    assert remote.calls()["total"] > 0
    assert "they move tonight" in terminal.types("portals", "show", "acme", "--json").json["paused by"]


def test_every_command_of_a_portal_is_in_one_of_these_tables() -> None:
    wants = {words for words, command in commands().items() if {"portal"} & {one.name for one in getattr(command, "params", ())}}
    known = {" ".join(words[:1] if words[0] in ("plan", "status") else words[:2]) for words in [*STORED, *LOOKED_AT]}
    assert wants - NAMES_A_PORTAL_AND_MAKES_NO_CALL - known == CALLS_THE_CRM.keys() - known


def test_the_page_of_operations_names_the_commands_that_are_refused() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    [row] = [line for line in page.splitlines() if line.startswith("| commands that call the CRM")]
    assert set(re.findall(r"`([^`-][^`]*?)`", row.split("|")[2])) == CALLS_THE_CRM.keys()


@on_both
def test_a_paused_portal_is_left_out_and_the_others_go_on(names: dict[str, str], terminal: Terminal) -> None:
    # Given a second portal with failures
    terminal.installation.write_portal(name="globex")
    terminal.types("pull", "globex", code=None)
    # When failures of all portals are replayed
    said = terminal.types("failures", "replay", "--code", "unlisted_value", code=1)
    # Then the paused one is named and left out
    assert "nothing was done: portal acme is paused by ann" in said.err
    assert "replayed in globex" in said.out
    assert "replayed in acme" not in said.out


@on_both
def test_a_paused_portal_is_left_alone_and_everybody_is_told_by_whom(terminal: Terminal) -> None:
    # Given a portal that somebody has paused
    terminal.types("portals", "pause", "acme", "--reason", "they move tonight", "--actor", "ann")
    # Then whoever looks is told
    assert "they move tonight" in terminal.types("portals", "show", "acme", "--json").json["paused by"]
    assert [row["paused_until"] for row in terminal.types("portals", "list", "--json").json] == ["resumed by a person"]
    status = terminal.types("status", "acme", code=1).out
    assert "acme: portal paused by ann" in status
    assert "sync-worker portals resume acme" in status
    # and a deal cannot be registered before anything was read, and the message says why
    said = terminal.types("deals", "register", "acme", terminal.installation.deal_file(), code=3).err
    assert "portal acme is paused by ann, and its CRM was not asked for the fields" in said
    # When it is resumed, then it works, and says what it was
    assert "it was paused by ann" in terminal.types("portals", "resume", "acme").out
    assert terminal.types("runs", "list", "acme", "--json").json == []
    terminal.types("pull", "acme", "--record", "company", code=None)
    assert [run["verb"] for run in terminal.types("runs", "list", "acme", "--json").json][:1] != []


def test_a_pause_needs_a_reason_and_a_resume_a_pause(terminal: Terminal) -> None:
    assert "--reason" in terminal.types("portals", "pause", "acme", code=2).err
    assert "say why" in terminal.types("portals", "pause", "acme", "--reason", " ", code=2).err
    assert "was not paused" in terminal.types("portals", "resume", "acme").out


@pytest.mark.parametrize("command", [("check", "acme"), ("pull", "acme", "--record", "company")])
def test_a_command_that_reaches_the_crm_ends_a_pause_for_credentials(
    terminal: Terminal, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given workers whose log-in was refused
    with monkeypatch.context() as env:
        env.setenv("ACME_SF_SECRET", "wrong")
        with closing(build()) as workers:
            attempt(workers, "acme", Work.PULL, "company")
    assert terminal.types("portals", "list", "--json").json[0]["paused_until"]
    assert "correct it; `sync-worker check acme`" in terminal.types("status", code=1).out
    # When a person has corrected the secret and looks
    terminal.types(*command, code=None)
    # Then the portal goes on at once
    assert terminal.types("portals", "list", "--json").json[0]["paused_until"] is None
