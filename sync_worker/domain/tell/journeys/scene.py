"""A deal with all that journeys ask of it: its values for filters, the same in words for tags, and the people of its two companies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sync_worker.domain.core.company import Company, company_values
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.user import User
from sync_worker.domain.core.values import Plain, Value, values_of
from sync_worker.domain.tell.journeys.journey import DEAL, OWNER_COMPANY, SECOND_PARTNER, SIDES
from sync_worker.domain.tell.wording import spoken

STATES: Final = frozenset(
    {
        "account_type",
        "lifecycle",
        "outcome",
        "stage",
        "vendor_approval",
        "distributor_approval",
        "billing_cycle",
        "quote_state",
        "portal_status",
    }
)
"""Fields whose values are names that people should not have to read as they are kept."""
FLAGS: Final = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class JourneyNames:
    """How a portal says things.

    **Shapes** `types`: account type → its label; `deal_url`: a deal's page, with `{id}`, or ""; `stages`: value → its label in the CRM.
    """

    types: Mapping[str, str]
    deal_url: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DealScene:
    """One deal.

    **Shapes** `values` and `shown` by dotted names (`second_partner.region`); `users`: members of both companies, and whom their
    account-owner fields name; `owner_emails`: company → the address in that field.
    """

    deal: Deal
    values: Mapping[str, Value | Plain]
    shown: Mapping[str, str] = field(default_factory=dict)
    users: Sequence[User] = ()
    owner_emails: Mapping[str, str] = field(default_factory=dict)


def scene_of(deal: Deal, companies: Mapping[str, Company], people: Sequence[User], names: JourneyNames) -> DealScene:
    """**Shapes** `companies`: those on the deal, by our id; `people`: everybody who may have to do with it, the deal owner too."""
    values = _values(deal, companies)
    rep = next((user for user in people if user.id == deal.owner_user), None)
    shown = {name: text for name, value in values.items() if (text := in_words(name.partition(".")[2], value, names))}
    for side, company in _sides(deal, companies):
        shown |= {f"{DEAL}.{side}": company.name, f"{side}.id": company.id, f"{side}.crm_id": company.crm_id or ""}
    shown |= {"deal.id": deal.id, "deal.link": names.deal_url.replace("{id}", deal.id), "deal.owner_user": rep.name if rep else ""}
    emails = {company.id: email for _, company in _sides(deal, companies) if (email := company.account_owner_email)}
    return DealScene(deal, values, shown, tuple(people), emails)


def _values(deal: Deal, companies: Mapping[str, Company]) -> dict[str, Value | Plain]:
    """The values that filters ask of. A company on the deal is itself by its name, our id and its CRM id."""
    found: dict[str, Value | Plain] = {f"{DEAL}.{name}": value for name, value in deal.values.items()}
    for side, company in _sides(deal, companies):
        found |= {f"{side}.{name}": value for name, value in company_values(company).items()}
        found[f"{DEAL}.{side}"] = [text for text in (company.name, company.id, company.crm_id) if text]
    return found


def _sides(deal: Deal, companies: Mapping[str, Company]) -> Iterator[tuple[str, Company]]:
    for side in SIDES:
        if company := companies.get(company_at(deal, side) or ""):
            yield side, company


def in_words(name: str, value: Value | Plain, names: JourneyNames) -> str:
    """A value as people read it: labels instead of the names of states, yes and no, several values one after the other."""
    if isinstance(value, bool):
        return FLAGS[value]
    texts = values_of(value)
    labels = {"account_type": names.types, "stage": names.stages}.get(name, {})
    return ", ".join(labels.get(text) or (spoken(text) if name in STATES else text) for text in texts)


def company_at(deal: Deal, side: str) -> str | None:
    """Our id of the company on this side."""
    return {OWNER_COMPANY: deal.owner_company, SECOND_PARTNER: deal.second_partner}.get(side)
