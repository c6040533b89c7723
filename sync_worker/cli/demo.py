"""`demo`: sets up a portal on a local CRM and lets the story run, in a folder of its own that is thrown away unless it is kept."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from sync_worker.bootstrap import Installation, build
from sync_worker.cli.output import err, out, show_json
from sync_worker.cli.story import Story
from sync_worker.sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SalesforceOptions, serve_process
from sync_worker.sandbox.remote import Remote
from sync_worker.services import Services
from sync_worker.settings import Settings
from sync_worker.store.engine import Store
from sync_worker.store.migrate import upgrade

PORTAL_FILE = """\
portal: acme
crm:
  kind: salesforce
  mapping: salesforce.yaml
  base_url: {base_url}
  auth: {{flow: client_credentials, client_id: "${{ACME_SF_ID}}", client_secret: "${{ACME_SF_SECRET}}"}}
vendor_company: {vendor}
vendor: {{account_type_value: Vendor}}
two_tier: true
second_partner: {{account_type_value: Distributor, display_label: Distributor}}
partner: {{account_type_value: Partner, display_label: Partner}}
associations: {{mode: contracts}}
deals: {{record: lead, from_crm: true, approvals: [distributor, vendor]}}
"""


def demo(
    crm: Annotated[Literal["salesforce", "both"], typer.Option(help="Which CRM; both means every one there is.")] = "both",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the CRM running and the folder in place; stop with Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the final figures only, as JSON.")] = False,
) -> None:
    """The whole story on a local CRM: companies, associations, a deal, two approvals, a bad record, a second run that changes nothing.

    Example: sync-worker demo --crm salesforce
    """
    folder, is_kept = Path(tempfile.mkdtemp(prefix="sync-worker-demo-")), False
    try:
        with serve_process(SalesforceOptions(), log_path=folder / "sandbox.log") as base_url:
            figures = _tell(folder, base_url, is_quiet=as_json)
            if as_json:
                show_json({"crm": {"salesforce": figures}})
            if keep:
                is_kept = True
                _wait(folder, base_url, say=err if as_json else out)
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)


def _tell(folder: Path, base_url: str, *, is_quiet: bool) -> dict[str, object]:
    with Remote(base_url) as remote, _installed(folder, base_url, remote) as installation:
        return Story(installation, "acme", remote, is_quiet=is_quiet).tell()


@contextmanager
def _installed(folder: Path, base_url: str, remote: Remote) -> Iterator[Installation]:
    """A portal file, a database and an environment, as an integrator would make them."""
    portals = folder / "config" / "portals"
    portals.mkdir(parents=True)
    vendor = remote.named("Account", "Northwind Software")["Id"]
    (portals / "acme.yaml").write_text(PORTAL_FILE.format(base_url=base_url, vendor=vendor))
    settings = Settings(
        database_url=f"sqlite:///{folder}/sync-worker.db", redis_url=None, config_dir=folder / "config", mappings_dir=_mappings_dir()
    )
    with closing(Store(settings.database_url, clock=Services().clock)) as store:
        upgrade(store)
    environ = {"ACME_SF_ID": SANDBOX_CLIENT_ID, "ACME_SF_SECRET": SANDBOX_CLIENT_SECRET}
    with closing(build(settings, environ=environ)) as installation:
        yield installation


def _wait(folder: Path, base_url: str, *, say: Console) -> None:
    """Keeps the sandbox alive and says how to go on by hand."""
    lines = [
        f"\nthe CRM: {base_url} (controls under {base_url}/__sandbox__/health)",
        "to go on by hand, in another terminal:",
        f"  export SYNC_WORKER_CONFIG_DIR={folder / 'config'}",
        f"  export SYNC_WORKER_MAPPINGS_DIR={_mappings_dir().resolve()}",
        f"  export SYNC_WORKER_DATABASE_URL=sqlite:///{folder}/sync-worker.db",
        f"  export ACME_SF_ID={SANDBOX_CLIENT_ID}",
        f"  export ACME_SF_SECRET={SANDBOX_CLIENT_SECRET}",
        f"  {sys.argv[0]} deals list acme",
        "stop with Ctrl-C",
    ]
    for line in lines:
        say.print(line, markup=False, highlight=False, soft_wrap=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell makes what it starts in the background deaf to it
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    err.print(f"the CRM is stopped; the folder stays: {folder}", markup=False)


def _mappings_dir() -> Path:
    return Path(os.environ.get("SYNC_WORKER_MAPPINGS_DIR", "mappings"))
