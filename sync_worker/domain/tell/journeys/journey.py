"""A journey: a mail that the vendor makes up, sent by itself when a deal is registered or updated.

It says for which deals (filters), to whom (roles on either side of the deal), and what (a subject and a body with merge tags). Every
change of it is a new version. Names in it are those of the API, so that another label changes no journey.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sync_worker.domain.core.conditions.condition import Condition, conditions_of, documents_of

DEAL, OWNER_COMPANY, SECOND_PARTNER, RECIPIENT = "deal", "owner_company", "second_partner", "recipient"
SIDES: Final = (OWNER_COMPANY, SECOND_PARTNER)
"""The two companies of a deal."""


class Trigger(StrEnum):
    """What sets a journey going; the two mean what the notices of the same names mean."""

    REGISTERED = "registered"
    UPDATED = "updated"


class RecipientRole(StrEnum):
    """Whom of a company a journey can reach. `USER`: everybody of that company."""

    ACCOUNT_OWNER = "account_owner"
    EXECUTIVE = "executive"
    MANAGER = "manager"
    SALES = "sales"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Journey:
    """One journey as somebody wrote it; `mistakes_in` says what is wrong with it.

    **Shapes** fields of `filters` are `deal.amount`, `owner_company.tier`, `second_partner.region`; `recipients` are
    `second_partner.executive`.
    """

    key: str
    name: str
    trigger: str
    filters: tuple[Condition, ...]
    recipients: tuple[str, ...]
    subject: str
    body: str

    def to_document(self) -> dict[str, Any]:
        """JSON form, of what makes a version."""
        return {
            "name": self.name,
            "trigger": str(self.trigger),
            "filters": documents_of(self.filters),
            "recipients": list(self.recipients),
            "subject": self.subject,
            "body": self.body,
        }

    @classmethod
    def from_document(cls, key: str, document: Mapping[str, Any]) -> Journey:
        """The inverse of `to_document`."""
        return cls(
            key,
            document["name"],
            document["trigger"],
            conditions_of(document["filters"]),
            tuple(document["recipients"]),
            document["subject"],
            document["body"],
        )


@dataclass(frozen=True, slots=True)
class WrittenJourney:
    """A journey and how its writer wants it.

    **Shapes** `confirmed_count`: the reach that the writer has seen and wants; `file`: that keeps it, "" = the API does.
    """

    journey: Journey
    is_on: bool = True
    confirmed_count: int = 0
    file: str = ""

    @property
    def key(self) -> str:
        return self.journey.key


def parts_of(recipient: str) -> tuple[str, str]:
    """`second_partner.executive` as side and role."""
    side, _, role = recipient.partition(".")
    return side, role


def recipient_label(recipient: str, labels: Mapping[str, str]) -> str:
    """As people say it: Distributor Executive. **Shapes** `labels`: side → what the portal calls such a company."""
    side, role = parts_of(recipient)
    return f"{labels.get(side, side)} {role.replace('_', ' ').title()}"


def recipients_of(sides: Iterable[str], *, with_users: bool) -> tuple[str, ...]:
    """Every recipient that a journey can have. **Shapes** `with_users`: everybody of a company can be one."""
    roles = [role for role in RecipientRole if with_users or role is not RecipientRole.USER]
    return tuple(f"{side}.{role}" for side in sides for role in roles)
