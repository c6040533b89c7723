"""What goes wrong is said in a line or two on stderr, with what would be right; the exit code says what to do next."""

from __future__ import annotations

import re
import shutil

import pytest

from crm_sandbox.remote import Remote
from sync_worker.cli.sync import pull_push
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm
from tests.journey.stage import ROOT
from tests.servers import free_port

READING = [("check", "acme"), ("pull", "acme"), ("push", "acme"), ("companies", "list", "acme"), ("runs", "list", "acme")]


def cursors(terminal: Terminal) -> dict[str, str | None]:
    standing = terminal.types("portals", "show", "acme", "--json").json
    return {name: at for name, at in standing.items() if name.startswith("read_up_to")}


# ── 2: wrong use or configuration ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "there is no command 'nonsense'"),
        (["dels", "list"], "did you mean 'deals'"),
        (["deals", "lst", "acme"], "Did you mean 'list'"),
        (["pull"], "Missing argument 'PORTAL'"),
        (["pull", "acme", "--fast"], "No such option: --fast"),
        (["runs", "list", "acme", "--limit", "0"], "greater than or equal to 1"),
        (["deals", "approve", "acme", "x", "--track", "both"], "'both' is not one of 'distributor', 'vendor'"),
        (["deals", "register", "acme", "nowhere.yaml"], "nowhere.yaml"),
        (["pull", "acme", "--record", "quote"], "allowed: company, deal, lead, opportunity"),
        (["companies", "show", "acme", "Nobody Ltd"], "sync-worker companies list acme"),
        (["deals", "show", "acme", "nobody"], "sync-worker deals list acme"),
        (["failures", "show", "nobody"], "sync-worker failures list"),
        (["failures", "replay"], "--code CODE"),
        (["runs", "show", "nobody"], "sync-worker runs list"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_would_be_right(words: list[str], said: str, terminal: Terminal) -> None:
    answer = terminal.types(*words, code=2)
    assert said in answer.err
    assert len(answer.err.splitlines()) <= 2
    assert answer.out == ""


@pytest.mark.parametrize("words", READING)
def test_an_unknown_portal_is_answered_with_those_there_are(words: tuple[str, ...], terminal: Terminal) -> None:
    answer = terminal.types(*["nobody" if word == "acme" else word for word in words], code=2)
    assert "'nobody'" in answer.err
    assert "acme" in answer.err


@on_both
@pytest.mark.parametrize("words", READING)
def test_every_mistake_of_portal_and_mapping_files_is_said_before_anything_starts(
    words: tuple[str, ...], terminal: Terminal, crm: LocalCrm, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings = terminal.installation.folder / "mappings"
    shutil.copytree(ROOT / "mappings", mappings)
    mapping = mappings / f"{crm.kind}.yaml"
    mapping.write_text(mapping.read_text().replace("transform: decimal(2)", "transform: decimel(2)"))
    written = terminal.portal_file.read_text()
    terminal.portal_file.write_text(written.replace("two_tier: true", "two_tier: maybe").replace("pull: 5m", "pull: often"))
    monkeypatch.setenv("SYNC_WORKER_MAPPINGS_DIR", str(mappings))

    answer = terminal.types(*words, code=2)

    for place, what in ((terminal.portal_file, "two_tier"), (terminal.portal_file, "schedule.pull"), (mapping, "decimel")):
        assert any(line.startswith(f"{place}:") and what in line for line in answer.err.splitlines()), answer.err
    assert all(len(line.split(" ")[0].split(":")) >= 3 for line in answer.err.splitlines()), "file:line:column"
    assert remote.calls()["total"] == 0

    terminal.portal_file.write_text(written)
    alone = terminal.types(*words, code=2)
    assert "decimel" in alone.err
    assert remote.calls()["total"] == 0


def test_two_portals_of_one_mapping_say_its_mistakes_once(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.installation.write_portal(name="birch")
    mappings = terminal.installation.folder / "mappings"
    mappings.mkdir()
    text = (ROOT / "mappings/salesforce.yaml").read_text()
    (mappings / "salesforce.yaml").write_text(text.replace("transform: decimal(2)", "transform: decimel(2)"))
    monkeypatch.setenv("SYNC_WORKER_MAPPINGS_DIR", str(mappings))
    lines = terminal.types("portals", "list", code=1).err.splitlines()
    assert len(lines) == len(set(lines))


@on_both
def test_secrets_that_are_not_set_are_named_and_none_is_printed(terminal: Terminal, crm: LocalCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in crm.environ:
        monkeypatch.setenv(name, "do-not-tell")
    monkeypatch.delenv(crm.secret)
    answer = terminal.types("portals", "list", code=1)
    assert f"{crm.secret} is not set" in answer.err
    assert "do-not-tell" not in answer.err


@pytest.mark.parametrize(
    ("name", "value"), [("SYNC_WORKER_DATABASE_URL", "mysql://x"), ("SYNC_WORKER_HTTP_PORT", "many"), ("SYNC_WORKER_LOG_FORMAT", "xml!")]
)
def test_a_wrong_variable_is_named_with_what_would_be_right(
    name: str, value: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    answer = terminal.types("portals", "list", code=2)
    assert f"{name}: the value does not fit — write " in answer.err
    assert value not in answer.err


@pytest.mark.parametrize("words", READING)
def test_a_database_of_another_version_is_answered_with_the_command(
    words: tuple[str, ...], terminal: Terminal, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_WORKER_DATABASE_URL", f"sqlite:///{terminal.installation.folder}/empty.db")
    assert "`sync-worker db upgrade`" in terminal.types(*words, code=2).err
    assert remote.calls()["total"] == 0
    terminal.types("db", "upgrade")
    terminal.types(*words, code=None)
    assert "already at" in terminal.types("db", "upgrade").out


def test_no_portal_file_at_all_is_answered_with_the_way_to_one(terminal: Terminal) -> None:
    terminal.portal_file.unlink()
    assert "copy" in terminal.types("portals", "list", code=2).err


# ── 3: out of reach ──────────────────────────────────────────────────────────────────────────────────────────────────


@on_both
def test_wrong_credentials_are_tried_once(terminal: Terminal, crm: LocalCrm, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(crm.secret, "not-the-secret")
    for words in (("pull", "acme"), ("check", "acme"), ("pull", "acme", "--json")):
        remote.reset_calls()
        answer = terminal.types(*words, code=3)
        asked = {kind: count for kind, count in remote.calls()["kinds"].items() if kind not in crm.free}
        assert sum(asked.values()) == 1, remote.calls()
        assert "crm.auth" in answer.err
        assert "not-the-secret" not in answer.err
        assert len(answer.err.splitlines()) <= 2


@on_both
def test_a_crm_out_of_reach_is_given_up_and_the_cursor_stays(terminal: Terminal, crm: LocalCrm, remote: Remote) -> None:
    terminal.types("pull", "acme", code=None)
    before = cursors(terminal)
    assert all(before.values())
    remote.advance_clock(600)
    remote.fault(f"/{crm.scan}", status=503, times=1000)
    remote.reset_calls()
    answer = terminal.types("pull", "acme", code=3)
    assert "503" in answer.err or "UNAVAILABLE" in answer.err
    assert 1 < sum(count for kind, count in remote.calls()["kinds"].items() if kind.startswith(crm.scan)) <= 4
    assert cursors(terminal) == before


@on_both
@pytest.mark.parametrize("words", [("pull", "acme"), ("check", "acme")])
def test_nobody_at_the_address_is_exit_3(words: tuple[str, ...], terminal: Terminal) -> None:
    written = terminal.portal_file.read_text()
    port = free_port()
    terminal.portal_file.write_text(written.replace(terminal.installation.base_url, f"http://127.0.0.1:{port}"))
    answer = terminal.types(*words, code=3)
    assert re.search(rf"did not answer while .* \(127\.0\.0\.1:{port}\): connection refused \(\d tries\)", " ".join(answer.err.split()))
    assert "Error" not in answer.err
    assert "run the command again; running workers try again by themselves, and `sync-worker status` says when" in answer.err
    assert len(answer.err.splitlines()) <= 2


def test_a_database_out_of_reach_is_exit_3(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_WORKER_DATABASE_URL", f"postgresql://ann:do-not-tell@127.0.0.1:{free_port()}/none")
    answer = terminal.types("portals", "list", code=3)
    assert "the database is out of reach" in answer.err
    assert "do-not-tell" not in answer.err
    assert len(answer.err.splitlines()) <= 4


# ── 1: needs a person ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bug_is_one_line_and_a_traceback_only_where_asked(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(pull_push, "pull_record", broken)
    answer = terminal.types("pull", "acme", code=1)
    assert "a bug" in answer.err
    assert "ZeroDivisionError: by nought" in answer.err
    assert len(answer.err.splitlines()) == 1
    for words in (("--debug", "pull", "acme"), ("pull", "acme", "--debug")):
        with pytest.raises(ZeroDivisionError):
            terminal.types(*words)


def test_a_bug_tells_its_kind_and_first_line_and_no_secret(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("asked with client_secret=do-not-tell&x=1\nand a page of what was worked on")

    monkeypatch.setattr(pull_push, "pull_record", broken)
    answer = terminal.types("pull", "acme", code=1)
    assert "ValueError: asked with client_secret=•••" in answer.err
    assert "do-not-tell" not in answer.err
    assert "worked on" not in answer.err


def test_a_field_that_is_gone_needs_a_person(terminal: Terminal, remote: Remote) -> None:
    remote.hide_field("Lead", "Portal_Amount__c")
    assert "Portal_Amount__c" in terminal.types("check", "acme", code=1).out
    answer = terminal.types("pull", "acme", code=1)
    assert "Lead.Portal_Amount__c" in answer.err


def test_somebody_else_at_it_is_said(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from sync_worker.steps.core.follow_up import Done
    from sync_worker.store.core.runs import Counts

    monkeypatch.setattr(pull_push, "pull_record", lambda *_, **__: Done("", Counts(), is_busy=True))
    assert "another process is reading company" in terminal.types("pull", "acme", code=1).err


def test_ctrl_c_is_said_and_counted_as_shells_do(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pull_push, "pull_record", stopped)
    assert terminal.types("pull", "acme", code=130).err == "stopped\n"
