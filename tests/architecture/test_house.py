"""The house as planned: what import-linter cannot see. Purity, sizes, names, and that nothing is bound at import."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from sync_worker.cli.app import COMMANDS
from sync_worker.config.portal import CrmKind
from sync_worker.mapping.grammar import MappingFile
from sync_worker.store.operate.schema import metadata

ROOT = Path(__file__).parent.parent.parent
PACKAGE, SANDBOX = ROOT / "sync_worker", ROOT / "crm_sandbox"
FILES = [
    *sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")),
    *sorted(path.relative_to(ROOT).as_posix() for path in SANDBOX.rglob("*.py")),
]
"""Ours by their place in `sync_worker`, the sandbox's as `crm_sandbox/…`."""
DOMAIN = [name for name in FILES if name.startswith("domain/")]

MOST_LINES = 400
MOST_FILES = 15
LARGE_ON_PURPOSE = {"store/migrations/versions": "Alembic wants the migrations side by side; each stays as it was released"}
MOST_FUNCTION_LINES = 60
MEDIAN_FUNCTION_LINES = 10
LONG_ON_PURPOSE = {
    ("store/migrations/versions/0001_ground.py", "upgrade"): "every table once, in the order of creation",
    ("crm_sandbox/salesforce/api/describe.py", "_field"): "the vendor's own list of keys, one a line",
}
MOST_PARAMETERS = 5
PASSED_ALONG = {"self", "cls", "tx", "tenant"}  # nearly every function of the steps and the store has these
MORE_ON_PURPOSE = {
    ("crm/salesforce/connection/wire.py", "send"): "requests calls it: the signature is that of its HTTPAdapter",
    ("crm_sandbox/remote.py", "fault"): "one keyword for each key of the order that the sandbox takes over HTTP",
}
NO_NOUNS = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}
PURE_MODULES = {
    "__future__",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "iso4217",  # the standard's table, nothing else
    "itertools",
    "math",
    "operator",
    "re",
    "types",
    "typing",
    "unicodedata",
}
PURE_OF_OURS = ("sync_worker.domain", "sync_worker.errors", "sync_worker.nearest")
CLOCKS = {"now", "utcnow", "today", "time", "monotonic"}
DOORS = {"open", "print", "input", "exec", "eval", "__import__"}


def text_of(name: str) -> str:
    return (ROOT / name if name.startswith("crm_sandbox/") else PACKAGE / name).read_text()


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(text_of(name))


def functions() -> Iterator[tuple[str, str, int]]:
    """(file, name, lines) of every function."""
    for name in FILES:
        for node in ast.walk(tree_of(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def identifiers(name: str) -> set[str]:
    """Every name a file gives or uses, attributes of others included."""
    found = set()
    for node in ast.walk(tree_of(name)):
        for attribute in ("id", "attr", "arg", "name"):
            value = getattr(node, attribute, None)
            if isinstance(value, str):
                found.add(value)
    return found


# ── purity ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", DOMAIN)
def test_the_domain_imports_nothing_that_touches_the_world(name: str) -> None:
    for node in ast.walk(tree_of(name)):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        for module in modules:
            assert module.split(".")[0] in PURE_MODULES or module.startswith(PURE_OF_OURS), module


@pytest.mark.parametrize("name", DOMAIN)
def test_the_domain_reads_no_clock_and_opens_no_door(name: str) -> None:
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called not in CLOCKS | DOORS, f"{name}:{node.lineno}"
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Global), f"{name}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("steps/")])
def test_a_step_takes_time_identity_and_chance_from_its_services(name: str) -> None:
    """The simulation depends on it."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            called = f"{node.func.value.id}.{node.func.attr}"
            assert called not in {
                "datetime.now",
                "datetime.utcnow",
                "date.today",
                "time.time",
                "time.monotonic",
                "time.sleep",
                "uuid.uuid4",
            }
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            assert not names & {"random", "time", "os", "secrets"}, f"{name}:{node.lineno}"


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_bound_to_a_broker_at_import(name: str) -> None:
    """dramatiq binds an actor to the broker of the moment; one declared at import stays on localhost."""
    for node in _at_import(tree_of(name)):
        for part in ast.walk(node):
            called = part.func if isinstance(part, ast.Call) else None
            word = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert word not in {"actor", "set_broker", "RedisBroker", "StubBroker", "Worker"}, f"{name}:{getattr(part, 'lineno', 0)}"
    assert "set_broker" not in identifiers(name)


def _at_import(module: ast.Module) -> Iterator[ast.AST]:
    """What runs when a module is imported: everything but the bodies of functions; decorators and defaults do run."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from [*node.decorator_list, *node.args.defaults]
        elif isinstance(node, ast.ClassDef):
            yield from node.decorator_list
            yield from (part for part in node.body if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef))
        else:
            yield node


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", FILES)
def test_a_file_stays_small(name: str) -> None:
    assert len(text_of(name).splitlines()) <= MOST_LINES


def test_a_folder_stays_small() -> None:
    count = Counter(Path(name).parent.as_posix() for name in FILES if Path(name).name != "__init__.py")

    assert {folder for folder, files in count.items() if files > MOST_FILES} == set(LARGE_ON_PURPOSE), "cut it by meaning into folders"


def test_functions_stay_short() -> None:
    found = sorted(functions(), key=lambda one: -one[2])
    lengths = [length for _, _, length in found]
    spread = {f"p{percent}": lengths[int(len(lengths) * (1 - percent / 100))] for percent in (50, 90, 99)}
    print(f"{len(lengths)} functions, lines: {spread}; longest: {found[:5]}")
    assert [one for one in found if one[2] > MOST_FUNCTION_LINES and one[:2] not in LONG_ON_PURPOSE] == []
    assert spread["p50"] <= MEDIAN_FUNCTION_LINES
    assert spread["p90"] <= 30


def test_what_is_long_on_purpose_still_is() -> None:
    long = {(name, function) for name, function, length in functions() if length > MOST_FUNCTION_LINES}
    assert set(LONG_ON_PURPOSE) == long


def test_a_function_takes_few_parameters() -> None:
    """What belongs together is one value with a name. A command of `cli/` is not counted: Typer makes one option of each parameter."""
    many = {
        (name, node.name)
        for name in FILES
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(_parameters(node)) > MOST_PARAMETERS
        if not (name.startswith("cli/") and _is_command(name, node))
    }
    assert many == MORE_ON_PURPOSE.keys()


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return {one.arg for one in named} - PASSED_ALONG


def _is_command(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it stands under `@app.command()`, or in the list of commands that are imported when they are called."""
    called = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
    listed = {place for place, _help in COMMANDS.values()}
    place = name.removeprefix("cli/").removesuffix(".py").replace("/", ".")
    return f"{place}:{node.name}" in listed or any(isinstance(one, ast.Attribute) and one.attr == "command" for one in called)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_a_noun_or_a_verb_not_a_drawer(name: str) -> None:
    path = Path(name)
    assert not {path.stem, *path.parent.parts} & NO_NOUNS


@pytest.mark.parametrize("name", FILES)
def test_every_module_says_what_lives_there(name: str) -> None:
    if name.startswith("store/migrations/"):
        return
    assert ast.get_docstring(tree_of(name)), name


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(("crm/", "crm_sandbox/"))])
def test_a_company_is_no_account(name: str) -> None:
    """`account` is the CRM's word; it stays in those two the products use."""
    used = {word for word in identifiers(name) if re.search(r"(^|_)accounts?(_|$)", word, re.IGNORECASE)}
    used |= {word for word in identifiers(name) if re.match(r"Accounts?($|[A-Z])", word)}
    assert not {word for word in used if not re.search(r"account_(type|owner)|AccountType", word, re.IGNORECASE)}


def test_stored_and_written_fields_say_whose_owner() -> None:
    """`owner` alone is nobody's: `owner_company`, `crm_owner`, `account_owner_email`."""
    columns = {column.name for table in metadata.tables.values() for column in table.columns}
    fields = {name for part in ("company", "deal") for name in _fields(part)}
    assert not (columns | fields) & {"owner", "owner_id", "account", "account_id", "distributor", "association_id"}


def _fields(part: str) -> set[str]:
    annotation = MappingFile.model_fields[part].annotation
    return set(getattr(annotation, "model_fields", {}))


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("domain/", "mapping/", "store/", "steps/"))])
def test_no_vendor_is_named_where_all_are_alike(name: str) -> None:
    """What differs between CRMs lives in crm/<vendor>/ and mappings/<vendor>.yaml; not even a comment speaks of one."""
    words = text_of(name).lower()
    assert [vendor for vendor in get_args(CrmKind) if vendor in words] == []
