"""`check` and `provision`: is the CRM set up for the portal, and are its data? What it lacks is made in it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from sync_worker.boundary.text import cell
from sync_worker.cli.core.command import AsJson, PortalName, WhilePaused, opened, refuse_paused
from sync_worker.cli.core.mistakes import AS_IT_IS, AsFormat, Format, annotation
from sync_worker.cli.core.output import Caption, err, out, show, show_json
from sync_worker.mapping.catalog import ASSOCIATION
from sync_worker.steps.operate.halt import let_in
from sync_worker.steps.operate.setup import provision as provisioning
from sync_worker.steps.operate.setup.check import Finding
from sync_worker.steps.operate.setup.check import check as check_portal
from sync_worker.steps.operate.setup.company_data import DataProblem
from sync_worker.steps.sync.push.record_rest import wake_fit


def check(
    portal: PortalName,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="DIR", help="Write the records to correct into this folder: one CSV file for each problem.", show_default=False
        ),
    ] = None,
    while_paused: WhilePaused = False,
    as_json: AsJson = False,
    form: AsFormat = Format.TEXT,
) -> None:
    """Checks that the CRM has what the portal file and the mapping need, and says what to do about what is missing.

    It looks at the log-in, the fields, their types, their values and the right to write them. Then it reads the data of the CRM and reports
    wrong values: account types, fields that rules use, contract values that name no second partner. It also says which fields a
    conversion lost. Exit 1 while something is missing or wrong. `provision` makes what the API can make.

    Example: sync-worker check acme --csv to-correct
    """
    with opened() as installation:
        tenant = installation.tenant(portal)
        refuse_paused(tenant, while_paused=while_paused)
        report = check_portal(tenant, installation.schema(portal))
        let_in(tenant)
        wake_fit(tenant)
    files = write_csv(folder, report.problems) if folder else []
    if as_json or form is Format.JSON:
        show_json([_row(finding) for finding in report.findings])
    elif form is Format.GITHUB:
        for finding in report.findings:
            if not finding.is_ok:
                out.print(annotation(finding.written, f"{finding.subject}: {finding.words} — {finding.remedy}"), **AS_IT_IS)
    else:
        wrong = [_row(finding) for finding in report.findings if not finding.is_ok]
        show(wrong, columns=("subject", "found", "what_to_do"), as_json=False, caption=Caption(empty="nothing is missing"))
        out.print(f"{len(report.findings) - len(wrong)} of {len(report.findings)} in order", highlight=False)
        for finding in report.findings:
            if finding.is_guess:
                out.print(f"{finding.subject}: {finding.words}", markup=False, highlight=False)
        for file in files:
            out.print(f"written: {file}", markup=False, highlight=False, soft_wrap=True)
    if not report.is_ok:
        raise typer.Exit(1)


def provision(
    portal: PortalName,
    is_applied: Annotated[
        bool, typer.Option("--apply", help="Make it. On a terminal the command asks first. Without --apply it only shows it.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD[=VALUE]",
            help="Make only this field, or this value of its list. You may write it several times.",
            show_default=False,
        ),
    ] = None,
    is_agreed: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    while_paused: WhilePaused = False,
    as_json: AsJson = False,
) -> None:
    """Makes what the CRM lacks: fields, list values, lookups or labels, unique keys, the right to see them, an option per second partner.

    It removes and hides nothing, and what is there stays as it is. So you may run it again, for example after each new second partner. If
    the CRM has a field or value that differs only in capitals or one letter, the new one is made only if `--only` names it. For what the
    API cannot make, the command prints the clicks of an admin. Exit 1 while something is left to do.

    Example: sync-worker provision acme --apply
    """
    with opened() as installation:
        tenant, schema = installation.tenant(portal), installation.schema(portal)
        refuse_paused(tenant, while_paused=while_paused)
        plan = provisioning.chosen(provisioning.planned(tenant, schema), only or ())
        is_applied = is_applied and (is_agreed or _is_wanted(portal, plan))
        outcomes = provisioning.carry_out(tenant, schema, plan.tasks) if is_applied else []
    to_do = [_task_row(task, "to do") for task in plan.tasks]
    rows = [_task_row(one.task, one.state, one.words) for one in outcomes] if is_applied else to_do
    rows += [_task_row(one.task, "by name only", one.words) for one in plan.doubts]
    rows += [{"act": "by hand", "subject": one.subject, "words": one.words, "state": "an admin's"} for one in plan.by_hand]
    show(rows, columns=("act", "subject", "words", "state"), as_json=as_json, caption=Caption(empty="nothing is missing"))
    if plan.tasks and not (is_applied or as_json):
        out.print(f"nothing was changed; make it: sync-worker provision {portal} --apply", markup=False, highlight=False)
    if any(row["state"] != "done" for row in rows):
        raise typer.Exit(1)


def _is_wanted(portal: str, plan: provisioning.ProvisionPlan) -> bool:
    """Asks the person at the terminal; without a terminal there is no answer."""
    if not plan.tasks or not sys.stdin.isatty():
        return True
    for task in plan.tasks:
        err.print(f"{task.act} {task.wish.subject}: {task.words}", markup=False)
    return typer.confirm(f"make {'this' if len(plan.tasks) == 1 else f'these {len(plan.tasks)}'} in the CRM of {portal}?", err=True)


def write_csv(folder: Path, problems: Iterable[DataProblem]) -> list[Path]:
    """One file per problem and field, for bulk update: the id, what is there and what is wanted, and a column of the field's API name.

    That column is empty, for a person to fill in; bulk updates leave empty cells alone, so a file that was filled in half corrects half.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_file: dict[tuple[str, str, str], list[DataProblem]] = {}
    for problem in problems:
        by_file.setdefault((problem.native, problem.field, problem.code), []).append(problem)
    return [_write_one(folder, rows) for _, rows in sorted(by_file.items())]


def _write_one(folder: Path, problems: list[DataProblem]) -> Path:
    first = problems[0]
    path = folder / f"{first.native}.{first.field.removeprefix(ASSOCIATION)}.{first.code}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([first.id_field, "name", "field", "value", "wanted", first.field])
        rows = ([one.crm_id, one.name, one.field, one.value, one.wanted, ""] for one in problems)
        writer.writerows([cell(str(value)) for value in row] for row in rows)
    return path


def _row(finding: Finding) -> dict[str, object]:
    return {"subject": finding.subject, "ok": finding.is_ok, "found": finding.words, "what_to_do": finding.remedy}


def _task_row(task: provisioning.Task, state: str, words: str = "") -> dict[str, object]:
    return {"act": task.act, "subject": task.wish.subject, "words": f"{task.words} — {words}" if words else task.words, "state": state}
