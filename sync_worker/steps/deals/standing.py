"""STANDING: problems of deals that no read mends. They are opened once, told to those they wait for, and closed when it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.deals.standing import AWAITS_VENDOR, CAME_BACK, LOST_IN_CONVERSION, Stands, is_decided, still_lost
from sync_worker.domain.tell.notification import decision_untaken
from sync_worker.domain.tell.wording import spoken, without_names
from sync_worker.steps.core.deal_problem import deal_problem
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.tell.notify import DealNews, tell
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import FailureFilter

STAGE: Literal["ingest"] = "ingest"
TRACK: Final = "vendor_approval"


def stand(tx: Tx, tenant: Tenant, found: Sequence[Stands], run_id: str) -> None:
    """Opens what is news, and tells the vendor's people of a decision of theirs that was not taken over."""
    if not found:
        return
    open_rows = failures.open_rows(tx, DEAL, {one.deal.id for one in found}, STAGE)
    known = {(row.record, row.code, row.field, row.message) for row in open_rows}
    news = [one for one in found if one.is_said_now or _key(one) not in known]
    rows = [deal_problem(tenant, one.deal, one.problem, run_id, stage=STAGE, payload=dict(one.lost) or None) for one in news]
    failures.record(tx, rows)
    told = [
        DealNews((decision_untaken(one.deal.id, run_id),), one.deal, words=_words(one.problem))
        for one in news
        if one.problem.field == TRACK
    ]
    tell(tx, tenant, told, actor=None)


def close_decided(tx: Tx, changed: Iterable[tuple[Deal, Deal]]) -> None:
    """Closes what has waited for the vendor's decision. **Shapes** `changed`: (before, after)."""
    if ids := [after.id for before, after in changed if is_decided(before, after)]:
        rows = [row.id for row in failures.open_rows(tx, DEAL, ids, STAGE) if row.code in (*AWAITS_VENDOR, CAME_BACK)]
        failures.close(tx, rows, "the vendor has decided, or the deal is over")


def lost_fields(tx: Tx, native: str, into: str) -> dict[str, str]:
    """What conversions of this record type lost, as far as it is not known to be mended. **Shapes** native field → native field."""
    return {name: target for _, lost in _losses(tx, native, into) for name, target in lost.items()}


def close_mapped(tx: Tx, native: str, into: str, told: Mapping[str, str]) -> None:
    """Closes the losses that this set-up of conversions prevents from now on."""
    mended = [row_id for row_id, lost in _losses(tx, native, into) if not still_lost(lost, told)]
    failures.close(tx, mended, "the CRM's set-up copies these fields now")


def _losses(tx: Tx, native: str, into: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(id of the problem, what was lost) of each conversion that lost something of ours."""
    for row in failures.listed(tx, FailureFilter(code=LOST_IN_CONVERSION, object=DEAL)):
        pairs = [(name.partition("."), target.partition(".")) for name, target in row.failure.payload.items()]
        if lost := {name[2]: target[2] for name, target in pairs if (name[0], target[0]) == (native, into)}:
            yield row.failure.id, lost


def _key(one: Stands) -> tuple[str, str, str, str]:
    return one.deal.id, one.problem.code, one.problem.field, one.problem.message


def _words(problem: Problem) -> dict[str, str]:
    """What the letter says."""
    return {"said": spoken(str(problem.value or "empty")), "why": without_names(problem.message)}
