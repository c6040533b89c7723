"""`python -m crm_sandbox salesforce|hubspot --port N …`: one sandbox in the foreground, until SIGTERM."""

import argparse
from dataclasses import fields
from datetime import UTC, datetime

from crm_sandbox.process import CRM_BY_OPTIONS, HubspotOptions, Options, SalesforceOptions, run


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crm_sandbox", description=__doc__)
    crms = parser.add_subparsers(dest="crm", required=True)
    salesforce = _shared(crms.add_parser("salesforce", help="the Salesforce REST API"), SalesforceOptions)
    salesforce.add_argument("--leads", type=int, default=SalesforceOptions.leads)
    salesforce.add_argument("--opportunities", type=int, default=SalesforceOptions.opportunities)
    salesforce.add_argument("--every-opportunity-has-partner", action="store_true")
    salesforce.add_argument("--clean", action="store_true", help="no field of an admin's")
    hubspot = _shared(crms.add_parser("hubspot", help="HubSpot's CRM API"), HubspotOptions)
    hubspot.add_argument("--deals", type=int, default=HubspotOptions.deals)
    hubspot.add_argument("--inquiries", type=int, default=HubspotOptions.inquiries, help="deals from the web that belong to no partner")
    hubspot.add_argument("--every-deal-has-partner", action="store_true")
    hubspot.add_argument("--clean", action="store_true", help="no property and no label of an admin's")
    hubspot.add_argument("--tier", choices=("free", "professional", "enterprise"), default=HubspotOptions.tier, help="labels are not free")
    hubspot.add_argument("--time-zone", default=HubspotOptions.time_zone, help="when the portal's day begins")
    hubspot.add_argument("--enforces-limits", action="store_true", help="190 calls in ten seconds, five searches a second")
    return parser


def _shared(crm: argparse.ArgumentParser, options: type[Options]) -> argparse.ArgumentParser:
    crm.add_argument("--port", type=int, default=0, help="0 takes any free port")
    crm.add_argument("--companies", type=int, default=options.companies)
    crm.add_argument("--seed", type=int, default=options.seed)
    crm.add_argument("--every-company-active", action="store_true", help="no company without a portal status")
    crm.add_argument("--now", type=_moment, help="the sandbox's time at the start, ISO 8601; the machine's if absent")
    return crm


def main() -> None:
    """Read the command line and serve."""
    wish = vars(_parser().parse_args())
    options = next(kind for kind, crm in CRM_BY_OPTIONS.items() if crm == wish["crm"])
    run(options(**{field.name: wish[field.name] for field in fields(options)}), port=wish["port"])


if __name__ == "__main__":
    main()
