"""Production is installed without the extra [sandbox]: nothing but the demo and the command `sandbox` misses it, and these two say so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import HANG_S

ROOT = Path(__file__).parents[2]
NEED_IT = ("sync_worker.demo", "sync_worker.cli.operate.sandbox")
WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class NotInstalled(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{fullname!r}}", name=fullname)

sys.meta_path.insert(0, NotInstalled())
"""
COMMAND = """
from sync_worker.cli import main
main(sys.argv[1:])
"""
HELP_OF_EACH = """
import json
from contextlib import redirect_stdout
from sync_worker.cli.app import COMMANDS, run

with redirect_stdout(sys.stderr):
    codes = {name: run([name, "--help"]) for name in COMMANDS}
print(json.dumps(codes))
"""
IMPORT_EACH = """
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
"""


def without(script: str, *words: str, missing: tuple[str, ...] = ("crm_sandbox", "lark")) -> subprocess.CompletedProcess[str]:
    """Runs the script in a process of its own, to which these packages are not installed."""
    code = WITHOUT.format(missing=missing) + script
    return subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=HANG_S)


def modules() -> list[str]:
    """All of `sync_worker` but what needs the extra; migrations are imported by Alembic alone."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / "sync_worker").rglob("*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths if "migrations" not in path.parts]
    return [name for name in names if not name.startswith(NEED_IT)]


def test_every_other_module_can_be_imported() -> None:
    done = without(IMPORT_EACH, *modules())

    assert (done.returncode, done.stderr) == (0, "")


def test_every_other_command_says_its_help() -> None:
    done = without(HELP_OF_EACH)

    codes = json.loads(done.stdout)
    assert {name for name, code in codes.items() if code != 0} == {"demo", "sandbox"}


@pytest.mark.parametrize("missing", ["crm_sandbox", "lark"])
@pytest.mark.parametrize("words", ["demo", "sandbox", "sandbox salesforce --port 0"])
def test_the_two_that_need_it_say_what_to_install(words: str, missing: str) -> None:
    done = without(COMMAND, *words.split(), missing=(missing,))

    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"`sync-worker {words.split()[0]}` needs the extra [sandbox], which is not installed here")
    assert "`make .venv/.sandbox`" in line
    assert "requirements-sandbox.txt" in line


def test_another_package_that_is_missing_is_not_taken_for_the_extra() -> None:
    done = without(COMMAND, "sandbox", missing=("uvicorn",))

    assert done.returncode == 1
    assert "No module named 'uvicorn'" in done.stderr
    assert "extra" not in done.stderr


def pins(name: str) -> dict[str, str]:
    """Pins by package."""
    return dict(re.findall(r"^([a-z0-9][^\s=]*)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_extra_is_pinned_apart_and_agrees_with_the_rest() -> None:
    production, extra, dev = (pins(f"requirements{kind}.txt") for kind in ("", "-sandbox", "-dev"))

    assert extra.keys() - production.keys() == {"lark"}
    for more in (extra, dev):
        assert {name: (production[name], more[name]) for name in production.keys() & more.keys() if production[name] != more[name]} == {}
    assert extra.items() <= dev.items()
