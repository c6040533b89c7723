"""`sandbox salesforce`, `sandbox hubspot`: a local CRM alone, to try mappings and failures on."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from crm_sandbox.hubspot.login import credentials as hubspot_credentials
from crm_sandbox.process import HubspotOptions, Options, SalesforceOptions
from crm_sandbox.process import run as serve
from crm_sandbox.salesforce.login import credentials as salesforce_credentials
from sync_worker.cli.core.output import err
from sync_worker.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Runs a local CRM with made-up data. docs/sandbox.md says what it imitates.")

Port = Annotated[int, typer.Option(help="0 takes any free port.", min=0, max=65535)]
Number = Annotated[int, typer.Option(help="How many of them the CRM has.", min=0)]
Seed = Annotated[int, typer.Option(help="The same seed gives the same data.")]
Tier = Literal["free", "professional", "enterprise"]


@app.command()
def salesforce(
    port: Port = 8081,
    companies: Number = SalesforceOptions.companies,
    leads: Number = SalesforceOptions.leads,
    opportunities: Number = SalesforceOptions.opportunities,
    seed: Seed = SalesforceOptions.seed,
    clean: Annotated[bool, typer.Option("--clean", help="A new org without our fields, to try `provision` on.")] = False,
) -> None:
    """Runs a local Salesforce until you stop it with Ctrl-C, and prints how to log in.

    Example: sync-worker sandbox salesforce --port 8081 --companies 1000
    """
    options = SalesforceOptions(companies=companies, leads=leads, opportunities=opportunities, seed=seed, clean=clean)
    known = salesforce_credentials
    _serve(options, port, client_id=known.SANDBOX_CLIENT_ID, client_secret=known.SANDBOX_CLIENT_SECRET)


@app.command()
def hubspot(
    port: Port = 8082,
    companies: Number = HubspotOptions.companies,
    deals: Number = HubspotOptions.deals,
    inquiries: Annotated[int, typer.Option(help="Deals from the web that belong to no partner.", min=0)] = HubspotOptions.inquiries,
    seed: Seed = HubspotOptions.seed,
    tier: Annotated[Tier, typer.Option(help="What the account has paid for. `free` has no association labels.")] = "professional",
    clean: Annotated[bool, typer.Option("--clean", help="A new account without our properties, to try `provision` on.")] = False,
) -> None:
    """Runs a local HubSpot until you stop it with Ctrl-C, and prints how to log in.

    Example: sync-worker sandbox hubspot --port 8082 --tier free
    """
    options = HubspotOptions(companies=companies, deals=deals, inquiries=inquiries, seed=seed, tier=tier, clean=clean)
    known = hubspot_credentials
    _serve(
        options,
        port,
        token=known.SANDBOX_TOKEN,
        client_id=known.SANDBOX_CLIENT_ID,
        client_secret=known.SANDBOX_CLIENT_SECRET,
        refresh_token=known.SANDBOX_REFRESH_TOKEN,
    )


def _serve(options: Options, port: int, **credentials: str) -> None:
    """Says how to log in, and serves. **Raises** ConfigError where the port is taken."""
    for name, value in credentials.items():
        err.print(f"{name}: {value}", markup=False)
    err.print("stop with Ctrl-C")
    try:
        serve(options, port=port)
    except OSError as error:
        raise ConfigError(f"127.0.0.1:{port} cannot be listened on ({error.strerror}) — choose another --port") from None
