"""Stories of reading: first loads, polls, notices, merges, comparisons."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sync_worker.domain.core.values import Value
from sync_worker.steps.core.follow_up import Work
from tests.crashes import acts
from tests.crashes.acts import SOME_S, edits_company, edits_deal, passes, reads, works
from tests.crashes.scene import Scene
from tests.crashes.schedule import settle
from tests.crashes.story import Story
from tests.simulation.desk import Native
from tests.simulation.fast.desks import FastSalesforceDesk

EDITED = (
    edits_company("Birch", name="Birch and Sons"),
    edits_company("Elm", portal_status="inactive"),
    edits_deal("First 0", amount=Decimal("77.5"), licence_count=77),
    edits_deal("First 1", expected_close_on=date(2026, 9, 9)),
)


def restores_backup(scene: Scene) -> None:
    """The CRM's admin puts older records back, with their old stamps: no poll can notice that."""
    company, deal = acts.named(scene, "company", "Cedar"), acts.deal_native(scene, "First 2")
    edits: tuple[tuple[Native, dict[str, Value]], ...] = ((company, {"region": scene.desk.regions[1]}), (deal, {"term_years": 3}))
    for native, values in edits:
        row = scene.desk.vendor.record(native.id)
        row.fields |= scene.desk.ways.stored(scene.desk.ways.types[row.native], scene.world.typed(native.record, values))


def merges_companies(scene: Scene) -> None:
    """Two partners become one; deals of the loser are the survivor's."""
    winner, loser = acts.named(scene, "company", "Alder"), acts.named(scene, "company", "Birch")
    scene.world.ledger.departed |= {winner.id, loser.id}
    scene.desk.merge(winner, loser)


READING = (
    Story("first-load-companies", "all companies are read for the first time, in lanes", (acts.without_deals,), (reads(deals_too=False),)),
    Story(
        "first-load-jobs",
        "all companies are read for the first time, from answers that the CRM prepares",
        (acts.without_deals, acts.prepares_answers),
        (reads(deals_too=False),),
        crms=(FastSalesforceDesk.name,),
    ),
    Story("first-load-deals", "all deals are read for the first time", (reads(deals_too=False), works(Work.PUSH)), (reads(),)),
    Story("poll", "what people have edited in the CRM is read", (settle, *EDITED, passes(SOME_S)), (reads(),)),
    Story("notices", "what webhooks name is read", (settle, *EDITED, acts.says, passes(SOME_S)), (acts.refreshes,)),
    Story("compare", "the night's comparison mends what no poll could notice", (settle, restores_backup), (works(Work.COMPARE),)),
    Story("merge-companies", "two companies of the CRM have become one", (settle, merges_companies, passes(SOME_S)), (reads(),)),
)
