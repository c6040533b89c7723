"""What is written for people is true: commands, variables, links, pins."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from sync_worker.cli.app import COMMANDS, app
from sync_worker.config.settings import PREFIX, Settings
from sync_worker.store.core.runs import NUMBERS

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
PROMISED = re.findall(
    r"\w+",
    "demo run web worker schedule check pull push compare sandbox db portals companies associations deals failures runs mappings",
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LIBRARIES = {
    re.match(r"[\w.-]+", wanted)[0].casefold()  # type: ignore[index]  # a requirement begins with a name
    for wanted in (
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["sandbox"],
        *PROJECT["dependency-groups"]["dev"],
    )
    if not wanted.startswith(("types-", "hatchling", "editables"))
}
ELSEWHERE = "/" + "work/"  # a path of the machine this was written on


@cache
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@cache
def commands() -> dict[str, Any]:
    """Every command by its words, groups too."""
    root: Any = get_command(app)
    found: dict[str, Any] = {}
    for name in COMMANDS:
        command = root.get_command(typer.Context(root), name)
        found[name] = command
        found |= {f"{name} {sub}": inner for sub, inner in getattr(command, "commands", {}).items()}
    return found


LEAVES = [words for words, command in commands().items() if not hasattr(command, "commands")]


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_promised_command_is_there() -> None:
    assert set(PROMISED) <= set(COMMANDS)


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_has_an_example_that_is_itself(words: str) -> None:
    [example] = re.findall(r"^\s*Example: (.+)$", commands()[words].help, re.MULTILINE)
    assert f"sync-worker {words}" in example
    assert _misuse(example) == ""


@pytest.mark.parametrize("words", LEAVES)
def test_every_option_says_what_it_does(words: str) -> None:
    for parameter in commands()[words].params:
        assert getattr(parameter, "help", "") or parameter.name in {"limit", "companies", "opportunities", "help"}, parameter.name


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_docs_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    wrong = [
        misuse
        for written in re.findall(r"(?:\.venv/bin/|[`$ ]|^)(sync-worker [a-z][^`\n#|]*)", text, re.MULTILINE)
        if (misuse := _misuse(written))
    ]
    assert wrong == []


def _misuse(written: str) -> str:
    """What is wrong with a command line as written: no such command, or no such option."""
    words = written.split("sync-worker ", 1)[1].split()
    path = next((" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in commands()), "")
    if not path:
        return "" if _is_prose(words) else f"{written}: no such command"
    command = commands()[path]
    if hasattr(command, "commands") and len(words) > 1 and re.fullmatch(r"[a-z][a-z-]*", words[1]) and not _is_prose(words):
        return f"{written}: no such command"
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--debug"}
    return "".join(f"{written}: no option {word}" for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in known)


def _is_prose(words: list[str]) -> bool:
    """`sync-worker keeps …`: a sentence about the product."""
    return words[0] in {"keeps", "and", "is", "process", "processes", "needs", "reads", "writes", "does"}


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_in_the_docs_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make (?:PYTHON=\S+ )?([a-z]+)`|^make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE))
    assert {word for pair in named for word in pair if word} <= targets


# ── variables, links, files ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_variable_is_written_down(name: str) -> None:
    written = "".join((ROOT / page).read_text() for page in PAGES)
    assert f"{PREFIX}{name.upper()}" in written or re.search(rf"`{name.upper()}`", written), f"{PREFIX}{name.upper()}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_every_library_has_its_reason(name: str) -> None:
    [table] = re.findall(r"^## Libraries.*?(?=^## )", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE | re.DOTALL)
    first_cells = " ".join(re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)).casefold()
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", first_cells), name


def test_the_page_of_the_domain_names_only_files_of_it() -> None:
    [table] = re.findall(r"^\| file \| answers \|.*?^$", (ROOT / "docs/domain.md").read_text(), re.MULTILINE | re.DOTALL)
    domain = ROOT / "sync_worker/domain"
    named = re.findall(r"`([\w/]+\.py)`", table)
    assert len(named) > 20
    assert set(named) <= {path.relative_to(domain).as_posix() for path in domain.rglob("*.py")}


def test_no_file_names_a_place_of_the_machine_it_was_written_on() -> None:
    assert [path for path in tracked() if ELSEWHERE in path.read_text(errors="ignore")] == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-sandbox.txt", "requirements-dev.txt", "requirements-generator.txt"])
def test_pins_have_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "index-url" not in text
    pins = re.findall(r"^[a-z0-9][^\s=]*==\S+", text, re.MULTILINE | re.IGNORECASE)
    assert pins
    assert text.count("--hash=sha256:") >= len(pins)


def test_operations_explains_every_count_of_a_run_and_every_reason_of_a_skip() -> None:
    [section] = re.findall(r"^## Runs and their counts\n(.*?)^## ", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE | re.DOTALL)
    told = set(re.findall(r"`([a-z_]+)`", "".join(row.split("|")[1] for row in section.splitlines() if row.startswith("|"))))
    sources = [file.read_text() for folder in ("domain", "steps") for file in (ROOT / "sync_worker" / folder).rglob("*.py")]
    reasons = set(re.findall(r'(?:SKIPPED, |\.skip\(|READ_WHOLE: Final = |Arrival\(None, \(\), )"([a-z_]+)"', "\n".join(sources)))
    assert {"not_ours", "late", "read_whole", "repeated", "missing"} <= reasons
    assert reasons <= told
    assert {name for name in NUMBERS if name != "calls"} <= told
