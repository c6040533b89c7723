"""Stories of telling: events to the receiver, letters to people, reminders."""

from __future__ import annotations

from sync_worker.domain.core.deal import Track
from sync_worker.steps.core.follow_up import Work
from tests.crashes.acts import approves, comes, passes, patched, registers, works
from tests.crashes.schedule import settle
from tests.crashes.story import Story
from tests.simulation.time import AtOnce

FED = {"feed": '{url: "https://portal.example/events", secret: "${FEED_SECRET}"}'}
MOST_WAIT_S = 40 * 86_400

PEOPLE = (comes("bea", "Birch"), comes("arlo", "Arrow"))

TELLING = (
    Story(
        "mail",
        "letters go to people",
        (settle, *PEOPLE, registers("New 0")),
        (works(Work.MAIL),),
        patched=patched(tell__mail__BATCH_COUNT=1),
    ),
    Story(
        "feed",
        "events go to the receiver, each record's in their order",
        (settle, registers("New 0"), registers("New 1"), approves("New 0", Track.DISTRIBUTOR)),
        (works(Work.DELIVER),),
        portal=FED,
        patched=patched(tell__deliver__ThreadPoolExecutor=lambda *_given, **_words: AtOnce(), tell__deliver__BATCH_COUNT=2),
    ),
    Story(
        "remind",
        "people are reminded of what waits for them",
        (settle, *PEOPLE, registers("New 0"), registers("New 1"), settle, passes(MOST_WAIT_S)),
        (works(Work.REMIND), works(Work.MAIL)),
        patched=patched(tell__remind__BATCH_COUNT=1),
        is_judged=False,
    ),
)
