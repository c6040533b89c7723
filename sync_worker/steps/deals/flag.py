"""FLAG: what is wrong with deals, for the people who look at them: three queries for any number of deals."""

from __future__ import annotations

from collections.abc import Collection

from sync_worker.domain.core.deal import Actor
from sync_worker.domain.deals.flags import WAITS, Flag, FlagReader, Wrong, flags_for, speaks_of_two_tiers
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import conflicts, links


def flags_of(tx: Tx, tenant: Tenant, deal_ids: Collection[str], reader: FlagReader) -> dict[str, list[Flag]]:
    """By deal id, those that this reader is shown. What an operator discarded is not a flag any more."""
    homes = {(home.object, home.crm_id): deal_id for deal_id, home in links.homes(tx, deal_ids).items()}
    places = {**{(DEAL, deal_id): deal_id for deal_id in deal_ids}, **homes}
    wrong: dict[str, list[Wrong]] = {deal_id: [] for deal_id in deal_ids}
    for row in failures.shown_of(tx, places.keys()):
        wrong[places[row.object, row.record]].append(Wrong(row.code, row.field, row.message, row.first_seen_at))
    for deal_id, field, since in conflicts.waiting(tx, deal_ids):
        wrong[deal_id].append(Wrong(WAITS, field, "both sides changed it, and it waits for a person", since))
    label = tenant.portal.second_partner.display_label or "second partner"
    shown = {deal_id: flags_for(reader, found, label=label) for deal_id, found in wrong.items()}
    if tenant.portal.two_tier or reader is FlagReader.OPERATOR:
        return shown
    return {deal_id: [flag for flag in found if not speaks_of_two_tiers(flag)] for deal_id, found in shown.items()}


def reader_of(actor: Actor) -> FlagReader:
    """As whom somebody reads: the vendor's admins as the vendor, other users as partners, a person who is not a user as an operator."""
    if actor.user is None:
        return FlagReader.OPERATOR
    return FlagReader.VENDOR if actor.user.is_vendor_admin else FlagReader.PARTNER
