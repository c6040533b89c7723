"""`check`: is the CRM set up for the portal, and is its data? With a CSV per field, for bulk update."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from sync_worker.cli.output import out, show, show_json
from sync_worker.cli.work import AsJson, PortalName, tenant_of
from sync_worker.domain.problem import CODES
from sync_worker.mapping.catalog import ASSOCIATION
from sync_worker.steps.check import DataProblem, Finding, data_problems
from sync_worker.steps.check import check as check_portal


def check(
    portal: PortalName,
    folder: Annotated[
        Path | None, typer.Option("--csv", metavar="DIR", help="Write a CSV per field with the records to correct.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Holds the CRM against portal file and mapping: is it reachable, are the fields there, unique, writable, with the values we write?

    What is wrong with its data, as of the last pull, is listed by cause. Exit 1 while something of the set-up is missing.

    Example: sync-worker check acme --csv to-correct
    """
    with tenant_of(portal) as tenant:
        findings, problems = check_portal(tenant), data_problems(tenant)
    files = write_csv(folder, problems) if folder else []
    if as_json:
        show_json([_row(finding) for finding in findings])
    else:
        _print(findings, problems)
        for file in files:
            out.print(f"written: {file}", markup=False, highlight=False, soft_wrap=True)
    if not all(finding.is_ok for finding in findings):
        raise typer.Exit(1)


def write_csv(folder: Path, problems: Iterable[DataProblem]) -> list[Path]:
    """One file per record type and field: the id, an empty column of the field's API name to fill in, and what is wrong.

    An empty column is left alone by bulk updates, so a file that was filled in half corrects half. Associations are no column.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_file: dict[tuple[str, str], list[DataProblem]] = {}
    for problem in problems:
        by_file.setdefault((problem.native, problem.field), []).append(problem)
    return [_write_one(folder, native, field, rows) for (native, field), rows in sorted(by_file.items())]


def _write_one(folder: Path, native: str, field: str, problems: list[DataProblem]) -> Path:
    path = folder / f"{native}.{field.removeprefix(ASSOCIATION) or 'record'}.csv"
    columns = [] if field.startswith(ASSOCIATION) or not field else [field]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([problems[0].id_field, *columns, "record", "code", "what_is_wrong"])
        for problem in problems:
            writer.writerow([problem.crm_id, *("" for _ in columns), problem.name, problem.code, problem.message])
    return path


def _print(findings: list[Finding], problems: list[DataProblem]) -> None:
    wrong = [_row(finding) for finding in findings if not finding.is_ok]
    show(wrong, columns=("subject", "found", "what_to_do"), as_json=False, empty="nothing is missing")
    out.print(f"{len(findings) - len(wrong)} of {len(findings)} in order", highlight=False)
    counts = Counter((problem.code, problem.native) for problem in problems)
    rows = [
        {"code": code, "object": native, "records": count, "what_to_do": CODES.get(code, "")}
        for (code, native), count in sorted(counts.items())
    ]
    if rows:
        show(rows, columns=("code", "object", "records", "what_to_do"), as_json=False, title="data to correct, as of the last pull")


def _row(finding: Finding) -> dict[str, object]:
    return {"subject": finding.subject, "ok": finding.is_ok, "found": finding.words, "what_to_do": finding.remedy}
