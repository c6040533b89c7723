"""REMIND: once a day, people are told of registrations that end soon and of approvals that wait: once per mark and person."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.tell.notification import Marks, News, Topic, reminders
from sync_worker.steps.core.follow_up import Done
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.tell.mail import MAIL
from sync_worker.steps.tell.notify import DealNews, tell
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import deals

BATCH_COUNT: Final = 500  # deals a commit


def remind(tenant: Tenant) -> Done:
    """Writes the day's reminders; nothing is sent here. **Raises** StoreDown."""
    told, after = 0, ""
    with tenant.run("remind", DEAL) as run_id:
        while found := _page(tenant, after):
            with tenant.store.transaction(tenant.name) as tx:
                told += tell(tx, tenant, _reminders(tx, tenant, found), actor=None)
            after = found[-1].deal.id
    tenant.log.info("reminded", run=run_id, letters=told)
    return Done(run_id, Counts(), frozenset({MAIL} if told else ()))


def _page(tenant: Tenant, after: str) -> list[StoredDeal]:
    with tenant.store.reading(tenant.name) as tx:
        until = tx.now.astimezone(tenant.portal.zone).date() + timedelta(days=max(tenant.portal.mail.remind_before, default=0))
        return deals.to_remind_of(tx, until=until, after=after, limit=BATCH_COUNT)


def _reminders(tx: Tx, tenant: Tenant, found: list[StoredDeal]) -> list[DealNews]:
    settings, today = tenant.portal.mail, tenant.today(tx)
    marks = Marks(settings.remind_before, settings.remind_waiting, tenant.tracks)
    since_at = deals.waiting_since(tx, [stored.deal.id for stored in found])
    since = {deal_id: at.astimezone(tenant.portal.zone).date() for deal_id, at in since_at.items()}
    return [
        DealNews((news,), stored.deal, words=_words(news, stored, since.get(stored.deal.id, today)))
        for stored in found
        for news in reminders(stored.deal, today, since=since.get(stored.deal.id, today), marks=marks)
    ]


def _words(news: News, stored: StoredDeal, since: date) -> dict[str, str]:
    if news.notice is Topic.EXPIRES_SOON:
        return {"expires_on": str(stored.deal.values["expires_on"])}
    return {"since": since.isoformat()}
