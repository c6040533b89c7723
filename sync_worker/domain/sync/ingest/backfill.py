"""One field of all records that are held already: what is read beside it, and by which way that takes the fewest calls. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.deal import RESET_FIELDS
from sync_worker.domain.core.stamp import VENDOR

JOB_CALLS: Final = 5  # to order a job, and to ask some four times whether it is done

_BESIDE: Final[Mapping[str, frozenset[str]]] = {
    "amount": frozenset({"currency"}),
    "currency": frozenset({"amount"}),
    "owner_company": frozenset({"second_partner"}),
    "second_partner": frozenset({"owner_company"}),
    "vendor_approval": RESET_FIELDS | {VENDOR.reason},
    VENDOR.reason: frozenset({"vendor_approval"}),
}
"""Fields of a deal that cannot be judged by themselves: an amount has the decimals of its currency, an approval counts for the terms that
stand beside it, and a second partner for the owner company. They are read to judge the field, and bring in nothing of their own."""


class Way(StrEnum):
    """How the records are read."""

    BY_ID = "by_id"  # ours, in batches of ids
    SCAN = "scan"  # everything of that record type, in the CRM's order


@dataclass(frozen=True, slots=True)
class Part:
    """What is read of each record. **Shapes** `field` is applied; `beside`: what that is judged by, and is as it was."""

    field: str
    beside: frozenset[str] = frozenset()

    @property
    def fields(self) -> frozenset[str]:
        return self.beside | {self.field}


@dataclass(frozen=True, slots=True)
class Rates:
    """How many records one call of a CRM brings. **Shapes** `by_job`: one answer of a job, which is made for more than `job_above`."""

    by_id: int
    by_page: int
    by_job: int = 0
    job_above: int | None = None


def part_of(field: str, mapped: Collection[str], *, is_company: bool) -> Part:
    """The field with those that it is judged by, as far as the record type maps them."""
    beside = frozenset() if is_company else _BESIDE.get(field, frozenset()) - {field}
    return Part(field, beside & set(mapped))


def calls_by_id(count: int, rates: Rates) -> int:
    """Calls to read so many records by their ids."""
    return -(-count // rates.by_id)


def calls_to_scan(count: int, rates: Rates) -> int:
    """Calls to read everything, which is so many records: by pages, or by one page and a job for the rest where that is much."""
    rest = count - rates.by_page
    if rates.job_above is not None and rest > rates.job_above:
        return 1 + JOB_CALLS + -(-rest // rates.by_job)
    return max(1, -(-count // rates.by_page))


def may_scan(ours: int, rates: Rates) -> bool:
    """Whether a scan could be cheaper at all, if everything of that record type were ours: then it is worth a call to count it."""
    return calls_to_scan(ours, rates) + 1 < calls_by_id(ours, rates)


def cheaper_way(ours: int, in_all: int, rates: Rates) -> Way:
    """The way of fewer calls; by id where both cost the same, for it brings no stranger."""
    return Way.SCAN if calls_to_scan(in_all, rates) < calls_by_id(ours, rates) else Way.BY_ID
