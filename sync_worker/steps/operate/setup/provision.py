"""PROVISION: makes what the CRM lacks, as far as its API can. For the rest it prints the clicks of an admin.

Nothing is removed or hidden. Each piece of work may be repeated. So a run that is repeated after a stop, or two runs at once, end in the
same way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sync_worker.crm.port import Schema
from sync_worker.errors import ConfigError, SchemaRefused, SyncError, UncertainWrite
from sync_worker.mapping.required_schema import FieldWish, Lack, LackKind
from sync_worker.nearest import did_you_mean
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.setup.check import advice, by_name, meant, of_conversion, one_option, what_lacks
from sync_worker.steps.operate.setup.survey import Survey, remember, survey

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
class Doubt:
    """Something that is made only by name, because it looks like what is there. **Shapes** `words`: like what, and what to do."""

    task: Task
    words: str

    @property
    def name(self) -> str:
        """How `only` calls it."""
        return name_of(self.task.wish, *self.task.values)


@dataclass(frozen=True, slots=True)
class ByHand:
    """One thing that is an admin's. **Shapes** `words`: what is wrong, and the clicks."""

    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class ProvisionPlan:
    """What the CRM lacks, in the order in which it is made. **Shapes** `there`: the names of what is there already."""

    tasks: tuple[Task, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    by_hand: tuple[ByHand, ...] = ()
    there: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """How one task ended. **Shapes** `words`: why, where it was not done."""

    task: Task
    state: State
    words: str = ""


def planned(tenant: Tenant, schema: Schema) -> ProvisionPlan:
    """What is to be done, as the CRM is now. **Raises** what every call of `Crm` raises."""
    found = survey(tenant, schema)
    return ProvisionPlan(
        tuple(_tasks(found, schema)),
        tuple(_doubts(found, schema, tenant.name)),
        tuple(_by_hand(found, schema, tenant.name)),
        frozenset(_there(found)),
    )


def name_of(wish: FieldWish, value: str = "") -> str:
    """What a person calls a field, or one value of its list: `Account.Portal_Status__c`, `Account.Portal_Status__c=Active`."""
    return f"{wish.subject}={value}" if value else wish.subject


def chosen(plan: ProvisionPlan, only: Collection[str]) -> ProvisionPlan:
    """What is named of a plan; all of it where nothing is. **Raises** ConfigError for a name that is nothing of this portal."""
    if not only:
        return plan
    tasks = [part for task in plan.tasks if (part := _part(task, only))]
    tasks += [doubt.task for doubt in plan.doubts if doubt.name in only]
    by_hand = tuple(one for one in plan.by_hand if one.subject in only)
    known = {name_of(task.wish, value) for task in plan.tasks for value in ("", *task.values)}
    known |= {doubt.name for doubt in plan.doubts} | {one.subject for one in plan.by_hand} | plan.there
    if unknown := [name for name in only if name not in known]:
        near = did_you_mean(unknown[0], sorted(known))
        raise ConfigError(f"--only {unknown[0]}: the mapping names no such field or value — {near or 'run it without --only to see which'}")
    return ProvisionPlan(tuple(tasks), (), by_hand, plan.there)


def _part(task: Task, only: Collection[str]) -> Task | None:
    """The task whole where its field is named, else those of its values that are."""
    if name_of(task.wish) in only:
        return task
    named = tuple(value for value in task.values if name_of(task.wish, value) in only)
    return replace(task, values=named) if named else None


def carry_out(tenant: Tenant, schema: Schema, tasks: Sequence[Task]) -> list[TaskOutcome]:
    """Every task, one by one; one that the CRM refuses does not stop the others, a CRM out of reach does.

    Afterwards the describe cache is new, for every process.
    """
    outcomes = list(_outcomes(schema, tasks))
    if outcomes and not any(outcome.state == "not begun" for outcome in outcomes):
        remember(tenant, dict.fromkeys(task.wish.native for task in tasks))
    return outcomes


def _outcomes(schema: Schema, tasks: Sequence[Task]) -> Iterator[TaskOutcome]:
    for index, task in enumerate(tasks):
        try:
            _do(schema, task)
        except SchemaRefused as refusal:
            if len(task.values) > 1:
                yield from _outcomes(schema, _halves(task))
            else:
                yield TaskOutcome(task, "refused", str(refusal))
        except UncertainWrite as silence:
            yield TaskOutcome(task, "uncertain", f"{silence} — run it again: what is there already stays as it is")
        except SyncError as error:
            yield from (TaskOutcome(left, "not begun", str(error)) for left in tasks[index:])
            return
        else:
            yield TaskOutcome(task, "done")


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
    for task, slips in _wanted(found, schema):
        values = tuple(value for value in task.values if value not in slips)
        if values or not (slips or task.values):
            yield replace(task, values=values)


def _wanted(found: Survey, schema: Schema) -> Iterator[tuple[Task, Mapping[str, str]]]:
    """Everything that the API could make, and what of it looks like something that is there."""
    for need in found.needs:
        if need.lack and (act := _act(need.lack, need.wish, schema)):
            yield Task(act, need.wish, need.lack.values), need.slips
    if found.options and found.options.missing:
        yield Task("add values", found.options.wish, found.options.missing), found.options.slips


def _doubts(found: Survey, schema: Schema, portal: str) -> Iterator[Doubt]:
    """One for each field or value that may be a slip of the person who wrote it."""
    for task, slips in _wanted(found, schema):
        is_option = found.options is not None and task.wish == found.options.wish and task.act == "add values"
        for word, near in slips.items():
            one = replace(task, values=(word,) if task.values else ())
            like = one_option(near) if is_option else meant({word: near}).removeprefix("; ")
            yield Doubt(one, f"{like} If it is another one: {by_name(portal, [name_of(one.wish, *one.values)])}")


def _there(found: Survey) -> Iterator[str]:
    for need in found.needs:
        if need.is_there:
            yield from (name_of(need.wish, value) for value in ("", *need.listed))


def _by_hand(found: Survey, schema: Schema, portal: str) -> Iterator[ByHand]:
    for native, words in found.hidden.items():
        yield ByHand(native, f"{words} — grant the integration user access to {native}")
    for need in found.needs:
        if need.lack and not _act(need.lack, need.wish, schema):
            words = what_lacks(need.wish, need.lack) + meant(need.slips)
            yield ByHand(need.wish.subject, f"{words} — {advice(need, need.lack, schema, portal)}")
    for conversion in found.conversions:
        if conversion.lost:
            finding = of_conversion(conversion)
            yield ByHand(finding.subject, f"{finding.words} — {finding.remedy}")
