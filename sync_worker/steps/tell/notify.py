"""TELL: what a commit is news of is told in that very commit: a notification for each person, and a mail where there is a mail server.

There is one of each for each event and person. Sending is MAIL's work. Without a mail server no mail waits for one: old news would all go
out on the day there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from sync_worker.domain.core.deal import Actor, Deal
from sync_worker.domain.core.values import plain
from sync_worker.domain.tell.event import By
from sync_worker.domain.tell.notification import Audience, News, Topic, news_of, waiting_tracks
from sync_worker.domain.tell.recipients import PersonalNotice, notices
from sync_worker.domain.tell.wording import NoticeNames, changes_of, why
from sync_worker.steps.core.tenant import DEAL, Tenant, identity_of
from sync_worker.steps.tell.crowds import Crowds
from sync_worker.steps.tell.journeys.send import send_journeys
from sync_worker.steps.tell.stages import stage_labels
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.tell import mails, notifications
from sync_worker.store.tell.mails import OwedMail
from sync_worker.store.tell.notifications import Notification

CALENDAR: Final = "The portal"


class ChangedDeal(NamedTuple):
    """One deal's. **Shapes** `before` None: it is new; `version`: after it; `reason`: why, where somebody gave one."""

    before: Deal | None
    after: Deal
    version: int
    reason: str = ""


class DealNews(NamedTuple):
    """One change, or one thing, to tell of one deal.

    **Shapes** `news`: all that it is news of; each person is told one of them. `words`: what its template needs beside the usual;
    `quote_id`: what goes with the mail.
    """

    news: tuple[News, ...]
    deal: Deal
    before: Deal | None = None
    words: Mapping[str, Any] = {}
    quote_id: str | None = None


class Told(NamedTuple):
    """One person is told. **Shapes** `words`: what is said, beside the person's name."""

    news: DealNews
    notice: PersonalNotice
    words: Mapping[str, Any]

    @property
    def address(self) -> str:
        return self.notice.user.email.casefold()


def tell_changes(tx: Tx, tenant: Tenant, changes: Sequence[ChangedDeal], *, actor: Actor) -> int:
    """What these changes are news of; how many letters. A first load gives none, whichever step makes it."""
    if not changes or (actor.side == "crm" and feed.is_loading(tx, DEAL)):
        return 0
    seen = [one._replace(before=one.before and tenant.shown(one.before), after=tenant.shown(one.after)) for one in changes]
    words = {"is_new": True, "since": tenant.today(tx).isoformat()}  # of an approval that waits
    found = [
        DealNews(news, one.after, one.before, {**words, "reason": one.reason})
        for one in seen
        if (news := news_of(one.before, one.after, version=one.version, tracks=tenant.tracks))
    ]
    if not found:  # what is news of nothing sets no journey going either
        return 0
    crowds = _crowds_of(tx, tenant, found)
    letters = _write(tx, tenant, found, crowds, actor=actor)
    return letters + send_journeys(tx, tenant, [(one.before, one.after, one.version) for one in seen], crowds)


def tell(tx: Tx, tenant: Tenant, found: Sequence[DealNews], *, actor: Actor | None) -> int:
    """Writes the notifications and the letters; how many letters, those that were written before included.

    **Shapes** `actor` None: the calendar's doing.
    """
    if not found:
        return 0
    shown = [one._replace(deal=tenant.shown(one.deal)) for one in found]
    return _write(tx, tenant, shown, _crowds_of(tx, tenant, shown), actor=actor)


def _crowds_of(tx: Tx, tenant: Tenant, found: Sequence[DealNews]) -> Crowds:
    """The people around these deals, fetched once for everything that a commit tells them."""
    with_admins = any(Audience.VENDOR in news.audience for one in found for news in one.news)
    return Crowds(tx, tenant, [one.deal for one in found], with_admins=with_admins)


def _write(tx: Tx, tenant: Tenant, found: Sequence[DealNews], crowds: Crowds, *, actor: Actor | None) -> int:
    switched_on = frozenset(Topic(name) for name in tenant.portal.mail.notices)
    names = replace(crowds.names, stages=_stages(tx, tenant, found))
    told = [
        Told(one, notice, _words(tenant, one, notice, names, actor))
        for one in found
        for notice in notices(one.news, one.deal, crowds.of(one.deal), actor=actor, switched_on=switched_on)
    ]
    notifications.write(tx, [_notification(tx, one) for one in told if one.notice.user.id in crowds.people], _by(actor))
    return _post(tx, tenant, told) if tenant.post else 0


def _stages(tx: Tx, tenant: Tenant, found: Sequence[DealNews]) -> dict[str, str]:
    """What people of the CRM call its stages, if a stage has changed."""
    is_asked = any("stage" in news.fields for one in found for news in one.news)
    return stage_labels(tx, tenant) if is_asked else {}


def _post(tx: Tx, tenant: Tenant, told: Sequence[Told]) -> int:
    """Of users with one address, the first gets the letter."""
    letters = {(one.news.news, one.address): one for one in reversed(told)}
    mails.write(tx, [_letter(tx, tenant, one) for one in letters.values()])
    return len(letters)


def _letter(tx: Tx, tenant: Tenant, told: Told) -> OwedMail:
    event, link = told.notice.news.event, tenant.portal.mail.deal_url
    words = {**told.words, "name": told.notice.user.name, "link": link.replace("{id}", told.news.deal.id) if link else ""}
    id_ = identity_of(f"{tx.portal}/mail/{event}/{told.address}")
    return OwedMail(id_, event, told.address, told.notice.news.notice.value, words, told.news.quote_id)


def _notification(tx: Tx, told: Told) -> Notification:
    news, user_id = told.notice.news, told.notice.user.id
    id_ = identity_of(f"{tx.portal}/notification/{news.event}/{user_id}")
    return Notification(id_, user_id, told.news.deal.id, news.event, news.notice.value, told.words)


def _words(tenant: Tenant, told: DealNews, notice: PersonalNotice, names: NoticeNames, actor: Actor | None) -> dict[str, Any]:
    """What a letter and a notification say."""
    deal = told.deal
    return {
        "deal": plain(deal.values.get("name")) or deal.id,
        "company": names.company(deal.owner_company),
        "actor": actor.name if actor else CALENDAR,  # as history keeps it, so that it is found when the person is erased
        "changes": changes_of(notice.fields, told.before, deal, names),
        "because": why(notice, deal, names, waiting_tracks(deal, tenant.tracks)),
        **told.words,
    }


def _by(actor: Actor | None) -> By:
    return By(actor.side, actor.name) if actor else By("worker", CALENDAR)
