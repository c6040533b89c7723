"""INQUIRE: a person asks for what takes long, and a worker does it: check, plan, compare, repair what differs, try other rules.

The worker holds a claim while it is at it. If it ends in the middle, another one begins again, three times at most. Whatever stops an
inquiry ends it with words, for the person who asked; the portal does not rest for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sync_worker.domain.operate.inquiry import BUG, GIVEN_UP, MOST_TRIES, SHOWN_COUNT, InquiryKind
from sync_worker.errors import ConfigError, Stopped, StoreDown, SyncError
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.keeper import CLAIM_S, Keeper
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.halt import let_in
from sync_worker.steps.operate.plan import plan, plan_rules, with_other_rules
from sync_worker.steps.operate.replay import work_off
from sync_worker.steps.operate.setup.check import Finding, check
from sync_worker.steps.sync.ingest.compare import Comparison, Difference, compare, repair
from sync_worker.steps.sync.push.record_rest import wake_fit
from sync_worker.store.core.runs import Counts
from sync_worker.store.operate import inquiries, interventions
from sync_worker.store.operate.inquiries import InquiryRow, NewInquiry
from sync_worker.store.operate.interventions import Intervention

INQUIRIES: Final = tuple(FollowUp(Work.INQUIRE, kind.value, share="operator") for kind in InquiryKind)


@dataclass(frozen=True, slots=True)
class _Held:
    """An inquiry under our claim."""

    tenant: Tenant
    asked: InquiryRow
    token: str

    def tell(self, words: str, done: int, total: int | None) -> None:
        """How far it is."""
        with self.tenant.store.side_transaction(self.tenant.name) as tx:
            inquiries.tell(tx, self.asked.id, self.token, words, (done, total))

    def renew(self) -> bool:
        with self.tenant.store.side_transaction(self.tenant.name) as tx:
            return inquiries.renew(tx, self.asked.id, self.token, tx.shared_now + timedelta(seconds=CLAIM_S))

    def let_go(self) -> None:
        with self.tenant.store.side_transaction(self.tenant.name) as tx:
            inquiries.let_go(tx, self.asked.id, self.token)

    def finish(self, result: Mapping[str, Any] | None = None, error: str = "") -> None:
        with self.tenant.store.side_transaction(self.tenant.name) as tx:
            if inquiries.finish(tx, self.asked.id, self.token, result=result, error=error):
                interventions.finish(tx, self.asked.id)  # of a repair; another kind has none
        self.tenant.log.info("inquiry ended", kind=self.asked.kind.value, inquiry=self.asked.id, actor=self.asked.actor, error=error)


def inquire(tenant: Tenant, kind: InquiryKind, *, actor: str, is_full: bool = False) -> InquiryRow:
    """Asks, unless the same is being asked: then that is returned. **Shapes** `is_full`: a plan that reads every record."""
    with tenant.store.side_transaction(tenant.name) as tx:
        return inquiries.ask(tx, NewInquiry(tenant.services.new_id(), kind, actor, is_full))


def ask_repair(tenant: Tenant, *, actor: str, reason: str) -> InquiryRow:
    """Asks a worker to mend what differs, unless one is at it. Who, when and why is kept among the interventions."""
    new = NewInquiry(tenant.services.new_id(), InquiryKind.REPAIR, actor, said=reason)
    with tenant.store.side_transaction(tenant.name) as tx:
        asked = inquiries.ask(tx, new)
        if asked.id == new.id:
            interventions.begin(tx, Intervention(new.id, "repair", "what differs", actor, reason), [])
    tenant.log.info("repair asked for", inquiry=asked.id, actor=actor, reason=reason)
    return asked


def ask_rules(tenant: Tenant, text: str, *, actor: str) -> InquiryRow | None:
    """Asks what these rules would do. None: other rules are being tried. **Raises** ConfigError: every mistake, at its line."""
    with_other_rules(tenant, text)
    with tenant.store.side_transaction(tenant.name) as tx:
        asked = inquiries.ask(tx, NewInquiry(tenant.services.new_id(), InquiryKind.RULES, actor, said=text))
    return asked if asked.said == text else None


def work_of(kind: InquiryKind) -> FollowUp:
    """What a worker is sent."""
    return next(one for one in INQUIRIES if one.record == kind)


def take_up(tenant: Tenant, kind: str) -> Done:
    """The open inquiry of this kind, if no other worker is at it. **Raises** Stopped, StoreDown; a bug, after the inquiry was ended."""
    token = tenant.services.new_id()
    with tenant.store.side_transaction(tenant.name) as tx:
        asked = inquiries.claim(tx, InquiryKind(kind), token, tx.shared_now + timedelta(seconds=CLAIM_S))
    if asked:
        held = _Held(tenant, asked, token)
        if asked.tries > MOST_TRIES:
            held.finish(error=GIVEN_UP)
        else:
            with Keeper(held.renew):
                _work(held)
    return Done("", Counts())


def _work(held: _Held) -> None:
    try:
        held.finish(_WORK[held.asked.kind](held))
    except Stopped:
        held.let_go()
        raise
    except StoreDown:
        raise  # the claim runs out, and the inquiry is taken over
    except SyncError as error:
        held.finish(error=str(error))
    except Exception:
        held.finish(error=BUG)
        raise


# ── what each kind does ──────────────────────────────────────────────────────────────────────────────────────────────


def _check(held: _Held) -> dict[str, Any]:
    tenant = held.tenant
    held.tell("asking for fields and data", 0, None)
    if tenant.admin is None:
        raise ConfigError("a rehearsal has no way to the CRM's record types — check the portal itself")
    report = check(tenant, tenant.admin())
    let_in(tenant)
    wake_fit(tenant)
    names = ("code", "native", "crm_id", "name", "field", "value", "wanted")
    wrong = [{name: getattr(one, name) for name in names} for one in report.problems[:SHOWN_COUNT]]
    return {
        "is_ok": report.is_ok,
        "findings": [_finding(one) for one in report.findings],
        "to_correct": {"count": len(report.problems), "shown": wrong},
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {"subject": one.subject, "ok": one.is_ok, "found": one.words, "what_to_do": one.remedy, "is_guess": one.is_guess}


def _plan(held: _Held) -> dict[str, Any]:
    def on_page(record: str, done: int, total: int | None) -> None:
        held.tell(f"reading {record}", done, total)

    return plan(held.tenant, is_full=held.asked.is_full, limit=SHOWN_COUNT, on_page=on_page).document()


def _compare(held: _Held) -> dict[str, Any]:
    return _compared(compare(held.tenant, on_page=held.tell))


def _repair(held: _Held) -> dict[str, Any]:
    """As `compare --repair`. What the brake holds ends it with the brake's words."""
    tenant = held.tenant
    found = compare(tenant, on_page=held.tell)
    left = found.differences
    if left:
        due = repair(tenant, found).follow_ups
        held.tell("reading and writing what differs", 0, None)
        with tenant.turn.lasting(math.inf):  # what is mended by half is not mended
            work_off(tenant, due)
        left = compare(tenant, on_page=held.tell).differences
    return {**_compared(found), "left": {"count": len(left), "shown": _differences(left[:SHOWN_COUNT])}}


def _try_rules(held: _Held) -> dict[str, Any]:
    held.tell("trying the rules on a copy of all companies", 0, None)
    return plan_rules(held.tenant, held.asked.said, limit=SHOWN_COUNT).document()


def _compared(found: Comparison) -> dict[str, Any]:
    return {
        "run": found.run_id,
        "records": found.counts.read,
        "fields": found.field_count,
        "census": found.census_count,
        "left_out": list(found.left_out),
        "differences": {"count": len(found.differences), "shown": _differences(found.differences[:SHOWN_COUNT])},
    }


def _differences(found: Sequence[Difference]) -> list[dict[str, Any]]:
    names = ("record", "id", "crm_id", "field", "portal", "crm", "is_gone", "is_missing")
    return [{name: getattr(one, name) for name in names} for one in found]


_WORK: Final[Mapping[InquiryKind, Callable[[_Held], dict[str, Any]]]] = {
    InquiryKind.CHECK: _check,
    InquiryKind.PLAN: _plan,
    InquiryKind.COMPARE: _compare,
    InquiryKind.REPAIR: _repair,
    InquiryKind.RULES: _try_rules,
}
