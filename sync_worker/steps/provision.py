"""PROVISION: what the CRM lacks is made in it, as far as its API makes it; the rest is an admin's, told click by click.

Nothing is removed or hidden. Each piece of work may be repeated, so that a run that stopped in the middle, or two at once, end alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sync_worker.crm.port import Schema
from sync_worker.errors import SchemaRefused, SyncError, UncertainWrite
from sync_worker.mapping.wishes import FieldWish
from sync_worker.steps.check import of_conversion, remedy, what_lacks
from sync_worker.steps.survey import Need, Options, Survey, remember, survey
from sync_worker.steps.tenant import Tenant

Act = Literal["create", "grant", "add values", "by hand"]
State = Literal["done", "refused", "uncertain", "not begun"]
MADE_BY: dict[str, Act] = {"missing": "create", "read_only": "grant", "values": "add values"}


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. **Shapes** `words`: what is made, or for `by hand` what an admin clicks; `wish` None where no field is meant."""

    act: Act
    subject: str
    words: str
    wish: FieldWish | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task ended. **Shapes** `words`: why, where it was not done."""

    task: Task
    state: State
    words: str = ""


def tasks(tenant: Tenant, schema: Schema) -> list[Task]:
    """What is to be done, fields first. **Raises** what every call of `Crm` raises."""
    return list(tasks_of(survey(tenant, schema), schema, tenant.name))


def tasks_of(found: Survey, schema: Schema, portal: str) -> Iterator[Task]:
    """The tasks that follow from what the CRM lacks."""
    for native, words in found.hidden.items():
        yield Task("by hand", native, f"{words} — grant the integration user access to {native}")
    for need in found.needs:
        yield from _of_need(need, found.options, schema, portal)
    yield from _of_options(found)
    for conversion in found.conversions:
        if conversion.lost:
            finding = of_conversion(conversion)
            yield Task("by hand", finding.subject, f"{finding.words} — {finding.remedy}")


def carry_out(tenant: Tenant, schema: Schema, work: Sequence[Task]) -> list[Outcome]:
    """Every task that the API can do, one by one; one that the CRM refuses does not stop the others, a CRM out of reach does.

    Afterwards the describe cache is new, for every process.
    """
    found = list(_outcomes(schema, [task for task in work if task.act != "by hand"]))
    natives = dict.fromkeys(one.task.wish.native for one in found if one.task.wish and one.state == "done")
    if natives and not any(one.state == "not begun" for one in found):
        remember(tenant, natives)
    return found


def _outcomes(schema: Schema, work: Sequence[Task]) -> Iterator[Outcome]:
    for index, task in enumerate(work):
        try:
            _do(schema, task)
        except SchemaRefused as refusal:
            yield Outcome(task, "refused", str(refusal))
        except UncertainWrite as silence:
            yield Outcome(task, "uncertain", f"{silence} — run it again: what is there already stays as it is")
        except SyncError as error:
            yield from (Outcome(left, "not begun", str(error)) for left in work[index:])
            return
        else:
            yield Outcome(task, "done")


def _do(schema: Schema, task: Task) -> None:
    if task.wish is None:
        return
    if task.act == "add values":
        schema.add_values(task.wish, task.values)
    else:
        schema.create(task.wish)


def _of_need(need: Need, options: Options | None, schema: Schema, portal: str) -> Iterator[Task]:
    wish, lack = need.wish, need.lack
    if lack is None:
        return
    act = "by hand" if schema.by_hand(wish) else MADE_BY.get(lack.kind, "by hand")
    if act == "by hand":
        yield Task(act, wish.subject, f"{what_lacks(wish, lack)} — {remedy(wish, lack, schema, portal)}")
        return
    if act == "create" and options is not None and options.wish.subject == wish.subject:
        wish = replace(wish, values=options.missing)
    yield Task(act, wish.subject, _words(wish, lack.values or wish.values), wish, lack.values)


def _of_options(found: Survey) -> Iterator[Task]:
    """The options of new second partners, in a field that is there already."""
    options = found.options
    is_there = options is not None and any(need.is_there for need in found.needs if need.wish.subject == options.wish.subject)
    if options is None or not is_there or not options.missing:
        return
    yield Task("add values", options.wish.subject, _words(options.wish, options.missing), options.wish, options.missing)


def _words(wish: FieldWish, values: Sequence[str]) -> str:
    """What is made, in a few words: *picklist: Active, Inactive, Pending*."""
    kind = "text(36), unique, external id" if wish.kind == "key" else wish.kind.replace("_", " ")
    target = f" to {wish.refers_to}" if wish.refers_to else ""
    return f"{kind}{target}{': ' + ', '.join(values) if values else ''}"
