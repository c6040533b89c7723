"""Stories of what operators ask for: conflicts, another mode, sweeping, erasing; and of rules and groups."""

from __future__ import annotations

from datetime import date

from sqlalchemy import update

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.associations.mode import set_mode
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.erase import erase, forget_contact
from sync_worker.steps.operate.resolve import disputes, resolve
from sync_worker.steps.people.groups import WantedGroup, make
from sync_worker.store.operate.schema import metadata
from sync_worker.store.sync import backfills
from tests.crashes import acts
from tests.crashes.acts import SOME_S, changes, comes, edits_deal, passes, patched, reads, registers, works
from tests.crashes.scene import Scene
from tests.crashes.schedule import settle
from tests.crashes.story import Act, Story
from tests.simulation.fast.desks import FastHubspotDesk, FastSalesforceDesk
from tests.simulation.world import PORTAL

BY_RULES = {"associations": "{mode: rules, rules: [{name: same-region, match: [region]}]}"}
ASKED = {"overrides": "{deal.name.conflict: ask}"}
YEAR_S = 400 * 86_400


def resolves(scene: Scene) -> None:
    """A person takes the portal's value where the two sides differ."""
    for open_ in disputes(scene.tenant):
        resolve(scene.tenant, open_.id, take="portal", actor="Olga")


def began(mode: str) -> Act:
    """The portal began with that mode; its file says another by now."""

    def act(scene: Scene) -> None:
        with scene.world.store.transaction(PORTAL) as tx:
            tx.connection.execute(update(metadata.tables["portals"]).values(mode=mode))

    return act


def sets(mode: str) -> Act:
    return lambda scene: set_mode(scene.tenant, mode, actor="Olga", reason="the program is another now")


def erases_user(scene: Scene) -> None:
    erase(scene.tenant, "bea", actor="Olga", reason="asked for")


def forgets_contact(scene: Scene) -> None:
    deal = acts.the_deal(scene, "New 0")
    assert not isinstance(forget_contact(scene.tenant, deal.id, actor="Olga", reason="asked for"), Refusal)


def makes_group(scene: Scene) -> None:
    wanted = WantedGroup("partners", "Partners", (Condition("account_type", "is", ("partner",)),))
    make(scene.tenant, wanted, by="Olga", finish=lambda _tx, _group: None)


def orders_backfill(scene: Scene) -> None:
    with scene.world.store.side_transaction(PORTAL) as tx:
        backfills.order(tx, COMPANY, "region", by="Olga", is_queued=True)


def merges_deals(scene: Scene) -> None:
    """HubSpot makes a new record of two, which the ledger cannot follow."""
    scene.desk.merge(acts.deal_native(scene, "First 0"), acts.deal_native(scene, "First 1"))


def converts_lead(scene: Scene) -> None:
    """Salesforce makes an opportunity of a lead."""
    lead = acts.deal_native(scene, "First 0")
    scene.desk.convert(lead, is_mapped=True, omit=(), company=acts.named(scene, "company", "Birch"))


OPERATING = (
    Story(
        "resolve",
        "a person decides a conflict, and the value is written",
        (settle, changes("First 0", name="Ours"), edits_deal("First 0", name="Theirs"), passes(SOME_S), reads()),
        (resolves, works(Work.PUSH)),
        portal=ASKED,
        is_judged=False,
    ),
    Story(
        "erase",
        "a person and a contact are erased, and the CRM hears of it",
        (settle, comes("bea", "Birch"), registers("New 0"), settle),
        (erases_user, forgets_contact, works(Work.PUSH)),
        is_judged=False,
    ),
    Story(
        "evaluate",
        "rules are evaluated for the first time",
        (reads(deals_too=False), works(Work.PUSH)),
        (works(Work.EVALUATE),),
        portal=BY_RULES,
        patched=patched(associations__evaluate__PAGE_COUNT=4),
        is_judged=False,
    ),
    Story(
        "mode-rules",
        "an operator turns a portal with contracts over to rules",
        (settle, began("contracts")),
        (sets("rules"), works(Work.EVALUATE)),
        portal=BY_RULES,
        patched=patched(associations__evaluate__PAGE_COUNT=4),
        is_judged=False,
    ),
    Story(
        "mode-contracts",
        "an operator turns a portal with rules over to contracts",
        (settle, began("rules")),
        (sets("contracts"), works(Work.DERIVE)),
        patched=patched(associations__mode__PAGE_COUNT=4),
    ),
    Story(
        "sweep",
        "what is older than the portal keeps it goes",
        (settle, comes("bea", "Birch"), registers("New 0"), settle, passes(YEAR_S)),
        (works(Work.SWEEP),),
        is_judged=False,
    ),
    Story("backfill", "a field is read for all companies", (settle, orders_backfill), (works(Work.BACKFILL, COMPANY),)),
    Story(
        "regroup",
        "a group of users is evaluated",
        (settle, comes("bea", "Birch"), comes("arlo", "Arrow"), makes_group),
        (works(Work.REGROUP),),
        patched=patched(people__regroup__PAGE_COUNT=4),
    ),
    Story(
        "expire",
        "registrations whose last day has passed end, and the CRM hears of it",
        (
            settle,
            edits_deal("First 0", expires_on=date(2026, 3, 1)),
            edits_deal("First 1", expires_on=date(2026, 3, 1)),
            passes(SOME_S),
            reads(),
        ),
        (works(Work.EXPIRE), works(Work.PUSH)),
        patched=patched(deals__expire__BATCH_COUNT=1),
        is_judged=False,
    ),
    Story(
        "merge-deals",
        "two deals of HubSpot have become one",
        (settle, merges_deals, passes(SOME_S)),
        (reads(),),
        crms=(FastHubspotDesk.name,),
        is_judged=False,
    ),
    Story(
        "convert",
        "a lead of Salesforce has become an opportunity",
        (settle, converts_lead, passes(SOME_S)),
        (reads(),),
        crms=(FastSalesforceDesk.name,),
        is_judged=False,
    ),
)
