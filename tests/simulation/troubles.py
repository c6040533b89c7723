"""Every trouble that a soak must have met, by its words."""

from __future__ import annotations

from tests.simulation import actions, admin, further, mailbox, receiver
from tests.simulation.fast.desks import FAULTS, HUBSPOT_FAULTS, LABEL_FAULTS, OVERTAKES, SALESFORCE_FAULTS
from tests.simulation.fast.port import BUDGET_SPENT, EDITED_MEANWHILE, WRITTEN_MEANWHILE
from tests.simulation.world import NOTICES_LOST

ADMINS = (admin.HIDDEN, admin.SHOWN, admin.ADDED, admin.DEACTIVATED, admin.DELETED)


def every_trouble() -> list[str]:
    """What people do, what befalls workers, and what befalls calls."""
    events = [chance.words for chance in (*actions.EVENTS, *further.FURTHER)]
    ordered = [name for name, _ in (*FAULTS, *OVERTAKES, *LABEL_FAULTS, *SALESFORCE_FAULTS, *HUBSPOT_FAULTS)]
    befalls = (
        actions.RELEASED,
        actions.MEANWHILE,
        actions.CRASH,
        actions.DATABASE,
        actions.AWAY,
        BUDGET_SPENT,
        WRITTEN_MEANWHILE,
        EDITED_MEANWHILE,
        NOTICES_LOST,
        *ADMINS,
        actions.MODE_CHANGED,
        actions.ASLEEP,
        *receiver.ANSWERS,
        *mailbox.TROUBLES,
    )
    return list(dict.fromkeys([*events, *befalls, *ordered]))
