"""PROVISION: what the CRM lacks is made in it, as far as its API makes it; the rest is an admin's, told click by click.

Nothing is removed or hidden. Each piece of work may be repeated, so that a run that stopped in the middle, or two at once, end alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sync_worker.crm.port import Schema
from sync_worker.errors import SchemaRefused, SyncError, UncertainWrite
from sync_worker.mapping.wishes import FieldWish, Lack, LackKind
from sync_worker.steps.check import of_conversion, remedy, what_lacks
from sync_worker.steps.survey import Survey, remember, survey
from sync_worker.steps.tenant import Tenant

Act = Literal["create", "grant", "add values"]
State = Literal["done", "refused", "uncertain", "not begun"]
MADE_BY: Mapping[LackKind, Act] = {"missing": "create", "read_only": "grant", "values": "add values"}


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that the API does. **Shapes** `values`: those to add, for `add values`."""

    act: Act
    wish: FieldWish
    values: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What is made, in a few words: *picklist: Active, Inactive, Pending*."""
        kind = "text(36), unique, external id" if self.wish.kind == "key" else self.wish.kind.replace("_", " ")
        target = f" to {self.wish.refers_to}" if self.wish.refers_to else ""
        values = self.values or self.wish.values
        return f"{kind}{target}{': ' + ', '.join(values) if values else ''}"


@dataclass(frozen=True, slots=True)
class ByHand:
    """One thing that is an admin's. **Shapes** `words`: what is wrong, and the clicks."""

    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the CRM lacks, in the order in which it is made."""

    tasks: tuple[Task, ...] = ()
    by_hand: tuple[ByHand, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task ended. **Shapes** `words`: why, where it was not done."""

    task: Task
    state: State
    words: str = ""


def planned(tenant: Tenant, schema: Schema) -> Plan:
    """What is to be done, as the CRM is now. **Raises** what every call of `Crm` raises."""
    found = survey(tenant, schema)
    return Plan(tuple(_tasks(found, schema)), tuple(_by_hand(found, schema, tenant.name)))


def carry_out(tenant: Tenant, schema: Schema, tasks: Sequence[Task]) -> list[Outcome]:
    """Every task, one by one; one that the CRM refuses does not stop the others, a CRM out of reach does.

    Afterwards the describe cache is new, for every process.
    """
    outcomes = list(_outcomes(schema, tasks))
    if outcomes and not any(outcome.state == "not begun" for outcome in outcomes):
        remember(tenant, dict.fromkeys(task.wish.native for task in tasks))
    return outcomes


def _outcomes(schema: Schema, tasks: Sequence[Task]) -> Iterator[Outcome]:
    for index, task in enumerate(tasks):
        try:
            _do(schema, task)
        except SchemaRefused as refusal:
            if len(task.values) > 1:
                yield from _outcomes(schema, _halves(task))
            else:
                yield Outcome(task, "refused", str(refusal))
        except UncertainWrite as silence:
            yield Outcome(task, "uncertain", f"{silence} — run it again: what is there already stays as it is")
        except SyncError as error:
            yield from (Outcome(left, "not begun", str(error)) for left in tasks[index:])
            return
        else:
            yield Outcome(task, "done")


def _do(schema: Schema, task: Task) -> None:
    if task.act == "add values":
        schema.add_values(task.wish, task.values)
    else:
        schema.create(task.wish)


def _halves(task: Task) -> list[Task]:
    """The same work in two, so that one value which the CRM refuses is found, and does not stop the others."""
    middle = len(task.values) // 2
    return [replace(task, values=values) for values in (task.values[:middle], task.values[middle:])]


def _act(lack: Lack, wish: FieldWish, schema: Schema) -> Act | None:
    """What `provision` does about a lack; None where it is an admin's."""
    return None if schema.by_hand(wish) else MADE_BY.get(lack.kind)


def _tasks(found: Survey, schema: Schema) -> Iterator[Task]:
    """Fields first, then the options of second partners."""
    for need in found.needs:
        if need.lack and (act := _act(need.lack, need.wish, schema)):
            yield Task(act, need.wish, need.lack.values)
    if found.options and found.options.missing:
        yield Task("add values", found.options.wish, found.options.missing)


def _by_hand(found: Survey, schema: Schema, portal: str) -> Iterator[ByHand]:
    for native, words in found.hidden.items():
        yield ByHand(native, f"{words} — grant the integration user access to {native}")
    for need in found.needs:
        if need.lack and not _act(need.lack, need.wish, schema):
            words = what_lacks(need.wish, need.lack)
            yield ByHand(need.wish.subject, f"{words} — {remedy(need.wish, need.lack, schema, portal)}")
    for conversion in found.conversions:
        if conversion.lost:
            finding = of_conversion(conversion)
            yield ByHand(finding.subject, f"{finding.words} — {finding.remedy}")
