"""How `deals explain` prints a deal's story for people: a table of its fields, one of what lost, and where its writes stand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sync_worker.cli.core.output import Caption, out, show
from sync_worker.domain.core.moments import whence
from sync_worker.steps.deals.explain import DealStory, FieldStory, Lost, Writing

_CRM = {"agreed": "the same", "owed": "is owed", "waits": "waits for a person", "read only": "read from it", "nowhere": "does not have it"}


def show_story(story: DealStory, names: Mapping[str, str], now: datetime) -> None:
    """**Shapes** `names`: of the deal's companies, by our id."""
    rows = [_field(one, names) for one in story.fields if one.value is not None or one.set_by]
    title = f"deal {story.id}, version {story.version}, {story.crm_record or 'not in the CRM yet'}"
    show(rows, columns=("field", "value", "by", "why", "run", "at", "crm"), as_json=False, now=now, caption=Caption(title))
    lost = [{"field": one.field, **_lost(value, names)} for one in story.fields for value in one.lost]
    if lost:
        out.print()
        columns = ("field", "value", "side", "rule", "taken", "decided_by", "run", "at")
        show(lost, columns=columns, as_json=False, now=now, caption=Caption("what lost"))
    out.print(_words(story.writing, now), markup=False, highlight=False)


def _field(one: FieldStory, names: Mapping[str, str]) -> dict[str, Any]:
    by = one.set_by
    how = {"by": by.actor, "why": by.why, "run": f"{by.verb} {by.run_id[:8]}", "at": by.at} if by else {}
    return {"field": one.field, "value": names.get(str(one.value), one.value), **how, "crm": _CRM[one.crm.state]}


def _lost(lost: Lost, names: Mapping[str, str]) -> dict[str, Any]:
    what = {"value": names.get(str(lost.value), lost.value), "side": lost.side, "rule": lost.rule, "taken": lost.taken or "not decided yet"}
    return {**what, "decided_by": lost.decided_by or "the rule", "run": lost.run_id[:8], "at": lost.at}


def _words(writing: Writing, now: datetime) -> str:
    """Our writes, in a line or two."""
    done = "not written yet"
    if writing.at:
        done = f"last written {whence(writing.at, now)} by push {str(writing.run_id)[:8]}, attempt {writing.attempt}"
    tries = f"refused {writing.refused} times, sent {writing.unanswered} times without answer"
    due = f"; now {writing.state}, {tries}" if writing.state else "; nothing is due"
    return "\n".join([done + due, *(f"refused ({code}): {message}" for code, message in writing.errors)])
