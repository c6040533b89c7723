"""How a replay goes, and what it would do: the bar, the outcomes, the preview, for people and for programs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sync_worker.cli.core.command import bar
from sync_worker.cli.core.news import news, tell
from sync_worker.cli.core.output import Caption, err, out, show, show_json
from sync_worker.cli.operate.failure_words import as_row, held_words
from sync_worker.domain.operate.recovery import OUTCOMES, PAGE
from sync_worker.errors import Stopped
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.intervene import Result, go_on
from sync_worker.steps.operate.preview import Preview
from sync_worker.store.core import failures
from sync_worker.store.operate import interventions

SHOWN_COUNT = 20  # rows and field changes that are printed; --json has all of them


def with_bar(tenant: Tenant, asked: interventions.Intervention, selection: str) -> Result:
    """The replay, with a bar on stderr."""
    with tenant.store.reading(tenant.name) as tx:
        total = len(interventions.left(tx, asked.id))
    with bar("replaying") as (progress, task):
        try:
            return go_on(tenant, asked, on_batch=lambda count: progress.update(task, completed=count, total=total))
        except Stopped as stopped:
            raise Stopped(f"{stopped}\nto go on: sync-worker {selection}") from None


def report(tenant: Tenant, result: Result, before: Collection[str], *, as_json: bool) -> bool:
    """What became of it. False while some of it failed or is left, or where something else was opened. **Shapes** `before`: see `news`."""
    outcomes = {name or "left": count for name, count in result.outcomes.items()}
    with tenant.store.reading(tenant.name) as tx:
        failed = failures.by_ids(tx, interventions.of_outcome(tx, result.intervention.id, "failed"))
    found = news(tenant, {*before, *failed})
    rows = [as_row(row) for row in failed.values()]
    if as_json:
        told = {"outcomes": outcomes, "failed": rows, "held": held_words(result.held), "opened": found.opened}
        show_json({"replay": result.intervention.id, **told})
    else:
        said = [{"outcome": name, "failures": outcomes[name], "means": words} for name, words in OUTCOMES.items() if name in outcomes]
        show(said, columns=("outcome", "failures", "means"), as_json=False, caption=Caption(f"replayed in {tenant.name}"))
        show(
            rows[:SHOWN_COUNT],
            columns=("id", "code", "about", "message"),
            as_json=False,
            caption=Caption("failed again", empty="none"),
        )
    for words in held_words(result.held):
        err.print(f"{words}: correct it there, then give the same command again")
    is_any_left = bool(result.left_count or result.held_count or outcomes.get("failed"))
    if is_any_left:
        err.print("some failed again" if outcomes.get("failed") else "some were not tried")
    tell(tenant.name, found)
    return not (is_any_left or found.opened)


def show_previews(previews: Sequence[tuple[Tenant, Preview]], *, as_json: bool) -> None:
    if as_json:
        show_json([{"portal": tenant.name, **asdict(one)} for tenant, one in previews])
    for tenant, one in () if as_json else previews:
        changes = [asdict(change) for change in one.changes]
        columns = ("side", "record", "id", "field", "now", "then")
        show(changes[:SHOWN_COUNT], columns=columns, as_json=False, caption=Caption("what would change", empty="no field"))
        if len(changes) > SHOWN_COUNT:
            out.print(f"… and {len(changes) - SHOWN_COUNT} more fields: --json has them whole", highlight=False)
        out.print(
            f"{tenant.name}: {one.count} would be tried, {one.superseded} of them are superseded, {len(one.would_fail)} would fail as "
            f"before; {one.written} records written, about {one.calls} API calls, {one.minutes:g} minutes. Nothing was changed.",
            highlight=False,
        )
    if not previews and not as_json:
        out.print(f"nothing to try; what each code needs: {PAGE}")
