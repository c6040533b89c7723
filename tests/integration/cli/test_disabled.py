"""A portal whose files have a mistake, or whose secret is not set, is disabled; every command goes on for the others."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import CRMS, LocalCrm, adapted
from tests.journey.stage import ROOT
from tests.servers import free_port

SECRET = "GLOBEX_SECRET"
Spoil = Callable[[Terminal, LocalCrm, pytest.MonkeyPatch], str]


def with_second(terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    """`globex` beside `acme`, on the same CRM, with a secret and a mapping of its own."""
    path = terminal.installation.write_portal(name="globex")
    mappings = terminal.installation.folder / "mappings"
    shutil.copytree(ROOT / "mappings", mappings, dirs_exist_ok=True)
    shutil.copy(mappings / f"{crm.kind}.yaml", mappings / "own.yaml")
    path.write_text(
        path.read_text().replace(f"${{{crm.secret}}}", f"${{{SECRET}}}").replace(f"mapping: {crm.kind}.yaml", "mapping: own.yaml")
    )
    monkeypatch.setenv("SYNC_WORKER_MAPPINGS_DIR", str(mappings))
    monkeypatch.setenv(SECRET, crm.environ[crm.secret])


def broken_file(terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> str:
    path = terminal.portal_file.with_name("globex.yaml")
    path.write_text(adapted(path.read_text(), ("two_tier: true", "two_tier: maybe")))
    return f"{path}:"


def no_yaml(terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> str:
    path = terminal.portal_file.with_name("globex.yaml")
    path.write_text("portal: [")
    return f"{path}:"


def broken_mapping(terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> str:
    path = terminal.installation.folder / "mappings" / "own.yaml"
    path.write_text(path.read_text().replace("transform: decimal(2)", "transform: decimel(2)"))
    return f"{path}:"


def broken_prices(terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> str:
    path = terminal.installation.folder / "config" / "prices" / "globex.yaml"
    path.parent.mkdir()
    path.write_text("prices: [{product: Seat}]\n")
    return f"{path}:"


def unset_secret(terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv(SECRET)
    return f"the environment variable {SECRET} is not set"


UNFIT = [broken_file, no_yaml, broken_mapping, broken_prices]
SPOILS = [*UNFIT, unset_secret]
by_name = pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)


@on_both
@by_name
def test_a_portal_that_cannot_work_is_listed_with_its_mistake_and_the_other_one_works(
    spoil: Spoil, terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_second(terminal, crm, monkeypatch)
    said = spoil(terminal, crm, monkeypatch)
    # it is listed, and so is what is wrong
    listed = terminal.types("portals", "list", "--json", code=1)
    acme, globex = listed.json
    assert (acme["portal"], acme["disabled"], globex["portal"]) == ("acme", [], "globex")
    assert any(said in line for line in globex["disabled"]), globex
    assert said in listed.err
    # the other one works, in every kind of command
    terminal.types("pull", "acme", "--record", "company", code=None)
    for words in (("check", "acme"), ("push", "acme")):
        assert said not in terminal.types(*words, code=None).err
    assert terminal.types("runs", "list", "acme", "--json").json[0]["verb"] == "push"
    terminal.types("companies", "list", "acme")
    assert terminal.types("failures", "list", "acme").code == 0


@on_both
@by_name
def test_what_calls_the_crm_of_a_disabled_portal_says_why_and_calls_nothing(
    spoil: Spoil, terminal: Terminal, crm: LocalCrm, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_second(terminal, crm, monkeypatch)
    said = spoil(terminal, crm, monkeypatch)
    for words in (("pull", "globex"), ("check", "globex"), ("plan", "globex")):
        assert said in terminal.types(*words, code=2).err, words
    assert remote.calls()["total"] == 0


@on_both
def test_what_only_reads_the_database_needs_no_secret(
    terminal: Terminal, crm: LocalCrm, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two portals that have read their CRM
    with_second(terminal, crm, monkeypatch)
    for portal in ("acme", "globex"):
        terminal.types("pull", portal, code=None)
    run = terminal.types("runs", "list", "globex", "--json").json[0]["id"]
    failure = terminal.types("failures", "list", "globex", "--json").json[0]["id"]
    company = terminal.types("companies", "list", "globex", "--json").json[0]
    # when no variable of theirs is set
    for name in (*crm.environ, SECRET):
        monkeypatch.delenv(name, raising=False)
    calls = remote.calls()["total"]
    # then everything that is stored can still be looked at
    for words in (
        ("companies", "list", "globex"),
        ("companies", "show", "globex", company["crm_id"]),
        ("associations", "list", "globex"),
        ("deals", "list", "globex"),
        ("people", "list", "globex"),
        ("prices", "list", "globex"),
        ("conflicts", "list", "globex"),
        ("failures", "list", "globex"),
        ("failures", "show", failure),
        ("failures", "replays", "globex"),
        ("feed", "show", "globex"),
        ("feed", "list", "globex"),
        ("mail", "list", "globex"),
        ("tokens", "list", "globex"),
        ("tokens", "create", "globex", "--scope", "read"),
        ("runs", "list", "globex"),
        ("runs", "show", run),
    ):
        assert "is not set" not in terminal.types(*words).err, words
    shown = terminal.types("portals", "show", "globex", "--json", code=1).json
    assert any(f"{SECRET} is not set" in line for line in shown["disabled because"])
    assert shown["active partner"]
    # and no call went out
    assert remote.calls()["total"] == calls


@pytest.mark.parametrize("spoil", UNFIT, ids=lambda spoil: spoil.__name__)
def test_runs_and_tokens_are_there_without_a_portal_file_that_fits(
    spoil: Spoil, terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_second(terminal, crm, monkeypatch)
    terminal.types("pull", "globex", "--record", "company", code=None)
    run = terminal.types("runs", "list", "globex", "--json").json[0]["id"]
    spoil(terminal, crm, monkeypatch)
    assert terminal.types("runs", "show", run, "--json").json["id"] == run
    assert terminal.types("tokens", "create", "globex", "--scope", "read").code == 0


@by_name
def test_a_replay_of_everything_leaves_out_the_disabled_portal_and_says_so(
    spoil: Spoil, terminal: Terminal, crm: LocalCrm, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_second(terminal, crm, monkeypatch)
    for portal in ("acme", "globex"):
        terminal.types("pull", portal, code=None)
    spoil(terminal, crm, monkeypatch)
    answer = terminal.types("failures", "replay", "--all", code=1)
    assert "portal globex is disabled and left out; `sync-worker portals list` says why" in answer.err
    assert "replayed in acme" in answer.out
    assert "replayed in globex" not in answer.out


@on_both
@by_name
def test_lint_finds_whatever_disables_a_portal(spoil: Spoil, terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    with_second(terminal, crm, monkeypatch)
    assert terminal.types("portals", "lint").code == 0
    said = spoil(terminal, crm, monkeypatch)
    assert said in terminal.types("portals", "lint", code=2).err


def test_lint_knows_an_organization_id_that_is_none_and_says_it_beside_the_mistakes_of_the_other_files(
    terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_second(terminal, crm, monkeypatch)
    path = terminal.portal_file.with_name("globex.yaml")
    path.write_text(adapted(path.read_text(), ("organization_id: 00D5g000004XXXX", "organization_id: 00D5g000004XXXX555")))
    said = ["organization_id: the last three characters do not fit the others"]
    said += [spoil(terminal, crm, monkeypatch) for spoil in (broken_mapping, broken_prices)]
    for words in (("portals", "lint"), ("companies", "list", "globex")):
        answer = terminal.types(*words, code=2)
        assert all(one in answer.err for one in said), answer.err


def test_a_crm_out_of_reach_does_not_keep_the_replays_of_the_next_portal_waiting(
    terminal: Terminal, crm: LocalCrm, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_second(terminal, crm, monkeypatch)
    for portal in ("acme", "globex"):
        terminal.types("pull", portal, code=None)
    terminal.portal_file.write_text(adapted(terminal.portal_file.read_text(), (base_url, f"http://127.0.0.1:{free_port()}")))
    answer = terminal.types("failures", "replay", "--all", code=1)
    assert "portal acme: " in answer.err
    assert "replayed in globex" in answer.out


def test_a_second_file_of_the_same_portal_takes_nothing_from_the_first(
    terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = terminal.portal_file.parent
    for name in ("acme.yml", "copy-of-acme.yaml"):
        shutil.copy(terminal.portal_file, folder / name)
    listed = terminal.types("portals", "list", "--json", code=1).json
    assert [(row["portal"], bool(row["disabled"])) for row in listed] == [("acme", False), ("acme.yml", True), ("copy-of-acme", True)]
    assert all("name it acme.yaml" in row["disabled"][0] for row in listed[1:])
    assert terminal.types("companies", "list", "acme").code == 0


@pytest.mark.parametrize("kind", CRMS)
def test_every_variable_may_be_unset_and_the_portal_is_read(kind: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {
        "salesforce": 'base_url: "${NO_A}", webhooks: {organization_id: "${NO_B}", secret: "${NO_C}"}, '
        'auth: {flow: client_credentials, client_id: "${NO_D}", client_secret: "${NO_E}"}',
        "hubspot": 'base_url: "${NO_A}", webhooks: {hub_id: "${NO_B}", secret: "${NO_C}"}, '
        'auth: {flow: refresh_token, client_id: "${NO_D}", client_secret: "${NO_E}", refresh_token: "${NO_F}"}',
    }[kind]
    text = f'portal: globex\ncrm: {{kind: {kind}, mapping: {kind}.yaml, {connection}}}\nfeed: {{url: "${{NO_G}}", secret: "${{NO_H}}"}}\n'
    terminal.portal_file.with_name("globex.yaml").write_text(text)
    assert terminal.types("companies", "list", "globex").code == 0
    assert terminal.types("feed", "show", "globex", "--json").json["receiver"] == "${NO_G}"
    for words in (("feed", "test", "globex"), ("pull", "globex")):
        answer = terminal.types(*words, code=2)
        assert "is not set — export NO_" in answer.err
        assert "unset.invalid" not in answer.err
