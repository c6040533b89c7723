"""`python -m sync_worker.sandbox salesforce --port N …`: one sandbox in the foreground, until SIGTERM."""

import argparse
from dataclasses import fields
from datetime import UTC, datetime

from sync_worker.sandbox.process import SalesforceOptions, run


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sync_worker.sandbox", description=__doc__)
    crm = parser.add_subparsers(dest="crm", required=True).add_parser("salesforce", help="the Salesforce REST API")
    crm.add_argument("--port", type=int, default=0, help="0 takes any free port")
    crm.add_argument("--companies", type=int, default=SalesforceOptions.companies)
    crm.add_argument("--leads", type=int, default=SalesforceOptions.leads)
    crm.add_argument("--opportunities", type=int, default=SalesforceOptions.opportunities)
    crm.add_argument("--seed", type=int, default=SalesforceOptions.seed)
    crm.add_argument("--every-company-active", action="store_true", help="no company without a portal status")
    crm.add_argument("--every-opportunity-has-partner", action="store_true")
    crm.add_argument("--now", type=_moment, help="the sandbox's time at the start, ISO 8601; the machine's if absent")
    return parser


def main() -> None:
    """Read the command line and serve."""
    wish = vars(_parser().parse_args())
    run(SalesforceOptions(**{field.name: wish[field.name] for field in fields(SalesforceOptions)}), port=wish["port"])


if __name__ == "__main__":
    main()
