"""`sandbox`: the local CRM alone, to try mappings and failures on."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sync_worker.cli.output import err
from sync_worker.errors import ConfigError
from sync_worker.sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SalesforceOptions
from sync_worker.sandbox.process import run as serve


def sandbox(
    crm: Annotated[Literal["salesforce"], typer.Option(help="Which CRM to imitate.")] = "salesforce",
    port: Annotated[int, typer.Option(help="0 takes any free port.", min=0, max=65535)] = 8081,
    companies: Annotated[int, typer.Option(min=0)] = SalesforceOptions.companies,
    opportunities: Annotated[int, typer.Option(min=0)] = SalesforceOptions.opportunities,
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = SalesforceOptions.seed,
) -> None:
    """Serves a local CRM with made-up data until it is stopped. What it imitates stands in docs/sandbox.md.

    Example: sync-worker sandbox --port 8081 --companies 1000
    """
    err.print(f"{crm}: client_id {SANDBOX_CLIENT_ID}, client_secret {SANDBOX_CLIENT_SECRET}; stop with Ctrl-C", highlight=False)
    try:
        serve(SalesforceOptions(companies=companies, opportunities=opportunities, seed=seed), port=port)
    except OSError as error:
        raise ConfigError(f"127.0.0.1:{port} cannot be listened on ({error.strerror}) — choose another --port") from None
