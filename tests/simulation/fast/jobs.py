"""Answers that the vendor prepares: a job is ordered, then it is not done for a while, then its answer is fetched in parts.

A position says which job, how many of its records are done, and the read number under which it was ordered.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sync_worker.crm.port import Page, Scan
from tests.simulation.fast.vendor import Job, Row

if TYPE_CHECKING:
    from tests.simulation.fast.port import FastCrm

_JOB: Final = "job "
WORKS_S, POLL_S = 12, 5


def is_of_job(position: str) -> bool:
    return position.startswith(_JOB)


def pages(crm: FastCrm, scan: Scan) -> Iterator[Page]:
    """Pages without records while the job is not done; then its answer, part by part."""
    position = scan.position or crm.call("order", lambda: _ordered(crm, scan))
    number, done_count, read_no = map(int, position.removeprefix(_JOB).split())
    if not scan.position:
        yield Page([], position, is_last=False, read_no=read_no)
    while not crm.call("status", lambda: _is_done(crm, number)):
        yield Page([], position, is_last=False, read_no=read_no)
        crm.gate.time.forward(POLL_S)
    is_last = False
    while not is_last:
        rows = crm.call("results", lambda at=done_count: _part(crm, number, at))  # type: ignore[misc]
        done_count += len(rows)
        total = len(crm.vendor.jobs[number].rows)
        is_last = done_count >= total
        records = [one for row in rows for one in crm._told(row, scan.fields)]
        yield Page(records, f"{_JOB}{number} {done_count} {read_no}", is_last, total, read_no=read_no)


def _ordered(crm: FastCrm, scan: Scan) -> str:
    rows = deepcopy(crm._after(scan, ""))
    random.Random(0).shuffle(rows)
    crm.vendor.jobs.append(Job(tuple(rows), crm.vendor.now + timedelta(seconds=WORKS_S)))
    return f"{_JOB}{len(crm.vendor.jobs) - 1} 0 {scan.read_no}"


def _is_done(crm: FastCrm, number: int) -> bool:
    return crm.vendor.jobs[number].ready_at <= crm.vendor.now


def _part(crm: FastCrm, number: int, at: int) -> tuple[Row, ...]:
    return crm.vendor.jobs[number].rows[at : at + crm.vendor.page_count]
