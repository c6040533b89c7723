"""Stories of writing: portal ids, new deals, edits, decisions, several batches in flight."""

from __future__ import annotations

from sync_worker.domain.core.deal import Track
from sync_worker.steps.core.follow_up import Work
from tests.crashes import acts
from tests.crashes.acts import approves, changes, reads, registers, works
from tests.crashes.schedule import settle
from tests.crashes.story import Story

NEW = tuple(registers(f"New {number}") for number in range(3))

WRITING = (
    Story(
        "patch-back",
        "companies get their portal ids, several calls at a time",
        (acts.without_deals, reads(deals_too=False)),
        (works(Work.PUSH),),
    ),
    Story("push-new", "new deals are made in the CRM, several calls at a time", (settle, *NEW), (works(Work.PUSH),), batch_count=2),
    Story(
        "push-edits",
        "edited deals are written, several calls at a time",
        (
            settle,
            changes("First 0", amount="99.50", licence_count="9", second_partner="Bolt"),
            changes("First 1", expected_close_on="2026-12-24", second_partner=None),
            changes("First 2", name="First 2 and a half", owner_company="Alder"),
        ),
        (works(Work.PUSH),),
        batch_count=2,
    ),
    Story(
        "push-hidden",
        "edited deals wait for a field that the CRM hides",
        (settle, changes("First 0", amount="99.50"), acts.hides_of_deals("amount")),
        (works(Work.PUSH),),
        is_judged=False,
    ),
    Story(
        "push-states",
        "decisions of the portal are written",
        (settle, registers("New 0"), settle, approves("New 0", Track.DISTRIBUTOR), approves("New 0", Track.VENDOR)),
        (works(Work.PUSH),),
    ),
    Story(
        "portal",
        "people register, edit and approve a deal, and their request dies with the process",
        (settle,),
        (registers("New 0"), changes("New 0", amount="5.50"), approves("New 0", Track.DISTRIBUTOR), approves("New 0", Track.VENDOR)),
    ),
)
