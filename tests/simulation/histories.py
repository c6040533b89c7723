"""What the history of a deal must not show, whatever the deal looks like in the end: a value that nobody wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.simulation.ledger import TRACKED

if TYPE_CHECKING:
    from tests.simulation.rules import AtRest


def written_once(here: AtRest) -> Iterator[str]:
    """Nothing is taken from the CRM again after it was replaced. (No two edits of a field write the same value.)

    Left alone: deals whose record has become another one, and those whose record a late write may have changed under a person's eyes.
    """
    ledger = here.world.ledger
    for deal_id, link in here.links.items():
        if link.crm_id in ledger.deal_by_record or here.world.may_have_hidden_an_edit(link.crm_id):
            continue
        before: dict[str, list[Any]] = {name: [] for name in TRACKED if not ledger.is_untold(deal_id, name)}
        for change in here.history[deal_id]:
            values = before.get(change["field"])
            if values is None:
                continue
            new = change["new"]
            if change["side"] == "crm" and new is not None and new in values and new != "Unknown":
                yield f"{deal_id} in {link.crm_id}: {change['field']} {new!r} was taken from the CRM again, and nobody wrote it again"
            values += [change["old"], new]
