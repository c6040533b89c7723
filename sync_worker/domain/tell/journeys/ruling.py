"""Whom a journey tells of one event, whom it means and does not tell, and why.

A journey reaches the roles that it names, whatever the notices say: also the person who made the change, and people who do not see the
deal. Once per event, person and journey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.conditions.holds import holds
from sync_worker.domain.core.deal import Deal, Lifecycle
from sync_worker.domain.core.user import User
from sync_worker.domain.tell.journeys.journey import OWNER_COMPANY, SECOND_PARTNER, SIDES, Journey, RecipientRole, Trigger, parts_of
from sync_worker.domain.tell.journeys.journey import recipient_label as label_of
from sync_worker.domain.tell.journeys.scene import DealScene, company_at
from sync_worker.domain.tell.notification import Topic, news_of
from sync_worker.domain.tell.recipients import account_owners

_TRIGGERS: Final = {Topic.DEAL_REGISTERED: Trigger.REGISTERED, Topic.DEAL_UPDATED: Trigger.UPDATED}


class Occasion(NamedTuple):
    """One event that can set journeys going. **Shapes** `event`: its key; `sides`: those for which it is news."""

    trigger: Trigger
    event: str
    sides: tuple[str, ...] = SIDES


class MeantPerson(NamedTuple):
    """Somebody that a journey means. **Shapes** `why_not`: why this person is not told; "" = is told."""

    user: User
    recipient: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class SideCompanies:
    """Companies that stand on one side of a deal, or could. **Shapes** `owner_addresses`: of their account-owner fields, case-folded."""

    ids: frozenset[str]
    owner_addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class JourneyRuling:
    """What a journey makes of one event. **Shapes** `reasons`: why there is no person to tell, or none in some role, in sentences."""

    people: tuple[MeantPerson, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[MeantPerson, ...]:
        """Those who get the mail."""
        return tuple(one for one in self.people if not one.why_not)


def occasions(before: Deal | None, after: Deal, *, version: int) -> list[Occasion]:
    """The events that this change of a deal is. A second partner that is new on a known deal is registered for its own side alone."""
    found = [(_TRIGGERS[news.notice], news.event) for news in news_of(before, after, version=version) if news.notice in _TRIGGERS]
    is_new_second = before is not None and before.lifecycle is not Lifecycle.DRAFT and any(one is Trigger.REGISTERED for one, _ in found)
    if not is_new_second:
        return [Occasion(trigger, event) for trigger, event in found]
    return [Occasion(trigger, event, (SECOND_PARTNER if trigger is Trigger.REGISTERED else OWNER_COMPANY,)) for trigger, event in found]


def rule_on(journey: Journey, scene: DealScene, labels: Mapping[str, str], sides: Sequence[str] = SIDES) -> JourneyRuling:
    """Whom the journey tells. **Shapes** `labels`: side → what the portal calls such a company; `sides`: for which it is news."""
    if failing := tuple(_why_not(one, scene) for one in journey.filters if not holds([one], scene.values)):
        return JourneyRuling(reasons=failing)
    people, reasons = list[MeantPerson](), list[str]()
    for recipient in journey.recipients:
        meant = meant_by(recipient, scene) if parts_of(recipient)[0] in sides else []
        if not meant:
            reasons.append(_why_nobody(recipient, scene.deal, labels, sides))
        for user in meant:
            if user.id not in {one.user.id for one in people}:
                people.append(_judged(user, recipient, people))
    return JourneyRuling(tuple(people), tuple(reasons))


def meant_by(recipient: str, scene: DealScene) -> list[User]:
    """The people in this role on this side, each once."""
    side, role = parts_of(recipient)
    company_id = company_at(scene.deal, side)
    if company_id is None:
        return []
    address = scene.owner_emails.get(company_id, "")
    at = SideCompanies(frozenset({company_id}), frozenset({address.casefold()} if address else ()))
    found = [user for user in scene.users if has_role(user, role, at)]
    named = account_owners(address, scene.users) if role == RecipientRole.ACCOUNT_OWNER else []
    return [*found, *(user for user in named if user not in found)]


def has_role(user: User, role: str, at: SideCompanies) -> bool:
    """Whether this user of the portal has the role at one of these companies. Members who are admins of the vendor do not count."""
    if role == RecipientRole.ACCOUNT_OWNER and user.email.casefold() in at.owner_addresses:
        return True
    is_member = not user.is_vendor_admin and not user.companies.isdisjoint(at.ids)
    return is_member and role in (RecipientRole.USER, user.role)


def _judged(user: User, recipient: str, before: Sequence[MeantPerson]) -> MeantPerson:
    same = next((one for one in before if not one.why_not and one.user.email.casefold() == user.email.casefold()), None)
    why_not = "is inactive" if not user.is_active else f"has the same address as {same.user.name}" if same else ""
    return MeantPerson(user, recipient, why_not)


def _why_not(condition: Condition, scene: DealScene) -> str:
    held = scene.shown.get(condition.field) or "blank"
    return f"the filter “{condition.words}” does not hold: {condition.field} is {held}"


def _why_nobody(recipient: str, deal: Deal, labels: Mapping[str, str], sides: Sequence[str]) -> str:
    side, _ = parts_of(recipient)
    if side not in sides:
        return f"{label_of(recipient, labels)}: this event is not news for that side"
    if company_at(deal, side) is None:
        return f"{label_of(recipient, labels)}: the deal has no {labels.get(side, side)}"
    return f"{label_of(recipient, labels)}: the company has no user in that role"
