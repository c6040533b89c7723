"""EXPLAIN: for each field of a deal, who set its value, on which side, in which run, when and why; the CRM's value; and what lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync_worker.domain.core.link import Link
from sync_worker.domain.core.reconcile import owed
from sync_worker.domain.core.values import Plain, plain
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import DEAL, Tenant, field_rules
from sync_worker.store.core import failures, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.sync import outbox

_SIDES = {"crm": "the CRM", "portal": "the portal", "worker": "the worker"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What set a value. **Shapes** `side`: portal | crm | worker; `verb`: of the run, "" where that is forgotten. **Units** aware UTC."""

    side: str
    actor: str
    why: str
    run_id: str
    verb: str
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that lost. **Shapes** `side`: whose it was; `rule`: of the field; `taken`: whose counted, "" while that is not decided."""

    value: Plain
    side: str
    rule: str
    code: str
    taken: str
    decided_by: str
    reason: str
    run_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class InCrm:
    """How the CRM has a field. **Shapes** `state`: agreed | owed | waits | read only | nowhere; `spelling`: as the CRM last said it."""

    state: str
    spelling: Any = None


@dataclass(frozen=True, slots=True)
class FieldStory:
    """One field. **Shapes** `set_by` None = it was never set; `replaced`: earlier values, the latest first; `lost`: in conflicts."""

    field: str
    value: Plain
    set_by: Setting | None
    crm: InCrm
    replaced: tuple[tuple[Plain, Setting], ...]
    lost: tuple[Lost, ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """Our writes of the record. **Shapes** `run_id`, `attempt`: of the last one, None before; `state`: of what is due now, "" where nothing
    is; `refused`, `unanswered`: its tries until now; `errors`: what the CRM said to it, by code.
    """

    run_id: str | None
    at: datetime | None
    attempt: int | None
    state: str
    due_at: datetime | None
    refused: int
    unanswered: int
    errors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DealStory:
    """One deal, field by field. **Shapes** `crm_record` "" = not in the CRM yet."""

    id: str
    version: int
    crm_record: str
    writing: Writing
    fields: tuple[FieldStory, ...]


def explain(tenant: Tenant, deal_id: str) -> DealStory | None:
    """The story of a deal; None where the portal has no such deal."""
    with tenant.store.reading(tenant.name) as tx:
        stored = deals.get(tx, deal_id)
        if stored is None:
            return None
        link = links.current(tx, [deal_id]).get(deal_id)
        record = tenant.plain_mapping.records[link.object if link else tenant.portal.deals.record]
        settings = _settings(tx, deals.history(tx, deal_id))
        disputes = conflicts.of(tx, deal_id)
        writing = _writing(tx, deal_id, link)
    waiting = {row["field"] for row in disputes if row["resolved_at"] is None}
    due = owed(field_rules(record), base=link.base if link else {}, portal=stored.deal.values, is_create=link is None, waiting=waiting)
    names = sorted({*stored.deal.values, *settings, *(row["field"] for row in disputes)})
    told = [_told(name, stored, settings.get(name, []), disputes, _in_crm(name, record, link, due, waiting)) for name in names]
    return DealStory(deal_id, stored.version, f"{link.object} {link.crm_id}" if link else "", writing, tuple(told))


def _told(
    name: str, stored: StoredDeal, settings: Sequence[tuple[Plain, Setting]], disputes: Sequence[Mapping[str, Any]], crm: InCrm
) -> FieldStory:
    """One field of it, from what was ever written down of it."""
    lost = tuple(one for row in disputes if row["field"] == name and row["resolution"] != "agreed" for one in _lost(row))
    set_by = settings[-1][1] if settings else None
    return FieldStory(name, plain(stored.deal.values.get(name)), set_by, crm, tuple(reversed(settings[:-1])), lost)


# ── how it came about ────────────────────────────────────────────────────────────────────────────────────────────────


def _settings(tx: Tx, history: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[Plain, Setting]]]:
    """By field, every value it was given, the oldest first."""
    verbs = {run_id: run.verb for run_id in {change["run_id"] for change in history} if (run := runs.get(tx, run_id))}
    fields_by_version: dict[int, set[str]] = {}
    for change in history:
        if change["side"] != "worker":
            fields_by_version.setdefault(change["version"], set()).add(change["field"])
    found: dict[str, list[tuple[Plain, Setting]]] = {}
    for change in history:
        why = change["note"] or _why(change, fields_by_version.get(change["version"], set()))
        setting = Setting(
            change["side"], change["actor"], why, change["run_id"], verbs.get(change["run_id"], ""), change["version"], change["at"]
        )
        values = change["new"] if change["field"] == "" else {change["field"]: change["new"]}
        for name, value in values.items():
            found.setdefault(name, []).append((value, setting))
    return found


def _why(change: Mapping[str, Any], beside: Collection[str]) -> str:
    """Why the value was taken, where that was not written down."""
    if change["side"] == "worker":
        return f"it follows from {', '.join(sorted(beside))}" if beside else "it follows from the deal's other fields"
    return f"only {_SIDES.get(change['side'], change['side'])} had changed it"


def _lost(row: Mapping[str, Any]) -> list[Lost]:
    """The side that was not taken; both while that is not decided."""
    sides = [side for side in ("crm", "portal") if side != row["taken"]] if row["resolution"] != "moved" else []
    whose = (
        row["rule"],
        row["code"],
        row["taken"],
        row["decided_by"],
        row["reason"],
        row["run_id"],
        row["resolved_at"] or row["last_seen_at"],
    )
    return [Lost(row[f"{side}_value"], side, *whose) for side in sides]


# ── how the CRM has it ───────────────────────────────────────────────────────────────────────────────────────────────


def _in_crm(name: str, record: RecordMap, link: Link | None, due: Collection[str], waiting: Collection[str]) -> InCrm:
    field = record.fields.get(name)
    pair = link.base.get(name) if link else None
    spelling = pair.crm if pair else None
    if field is None:
        return InCrm("nowhere")
    if name in waiting:
        return InCrm("waits", spelling)
    if field.direction == "pull":
        return InCrm("read only", spelling)
    return InCrm("owed" if name in due else "agreed", spelling)


def _writing(tx: Tx, deal_id: str, link: Link | None) -> Writing:
    due = next(iter(outbox.of(tx, DEAL, [deal_id])), None)
    errors = [(row.code, row.message) for row in failures.open_rows(tx, DEAL, [deal_id], "push")]
    last = (link.written_run, link.written_at, link.written_attempt) if link else (None, None, None)
    if due is None:
        return Writing(*last, "", None, 0, 0, tuple(errors))
    return Writing(*last, due.state, due.due_at, due.refused, due.unanswered, tuple(errors))
