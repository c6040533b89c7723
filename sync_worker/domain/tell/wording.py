"""How a notice is said: labels instead of names of fields and states, why this person is told, and a notice in one line. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sync_worker.domain.core.deal import RESET_FIELDS, Deal, DistributorApproval, Lifecycle, Track, VendorApproval
from sync_worker.domain.core.user import Role
from sync_worker.domain.core.values import plain
from sync_worker.domain.tell.notification import Audience, Topic
from sync_worker.domain.tell.recipients import PersonalNotice

LABELS: Final[Mapping[str, str]] = {
    "amount": "Amount",
    "crm_owner": "Owner in the CRM",
    "distributor_approval": "{second}'s approval",
    "expected_close_on": "Expected close date",
    "lifecycle": "Status",
    "owner_user": "Deal owner",
    "stage": "Sales stage",
    "vendor_approval": "Vendor's approval",
}
"""A field that people are told of → its label. **Shapes** `{second}`: what the portal calls a second partner."""

ROLES: Final[Mapping[Role, str]] = {
    Role.ACCOUNT_OWNER: "an account owner",
    Role.EXECUTIVE: "an executive",
    Role.MANAGER: "a manager",
    Role.SALES: "a sales user",
}
EMPTY: Final = "–"

_STATES: Final = frozenset({"lifecycle", "stage", "vendor_approval", "distributor_approval"})
_OURS: Final = {name for name in (*RESET_FIELDS, *LABELS, *Lifecycle, *VendorApproval, *DistributorApproval) if "_" in name}
_WORDS_OF_OURS: Final = re.compile(rf"\b(?:{'|'.join(sorted(_OURS, key=len, reverse=True))})\b")
_ID: Final = re.compile(r" \([^()]*\)$")
_DECIDES: Final[Mapping[Audience, Track]] = {
    Audience.SECOND_REP: Track.DISTRIBUTOR,
    Audience.SECOND_MANAGERS: Track.DISTRIBUTOR,
    Audience.SECOND_EXECUTIVES: Track.DISTRIBUTOR,
    Audience.VENDOR: Track.VENDOR,
}


@dataclass(frozen=True, slots=True)
class NoticeNames:
    """What things and people are called.

    **Shapes** `second`: the portal's word for a second partner; `companies`, `people`: by id; `stages`: value → its
    label in the CRM.
    """

    second: str = "second partner"
    companies: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)

    def company(self, company_id: str | None) -> str:
        return self.companies.get(company_id or "", "")


def spoken(state: str) -> str:
    """A state as people read it: `finalize_requested` is Finalize requested."""
    words = state.replace("_", " ")
    return words[:1].upper() + words[1:]


def without_names(words: str) -> str:
    """An operator's words for people: names of our fields and states are written as words."""
    return _WORDS_OF_OURS.sub(lambda name: name[0].replace("_", " "), words)


def changes_of(fields: Sequence[str], before: Deal | None, after: Deal, names: NoticeNames) -> list[dict[str, str]]:
    """What changed, by labels."""
    return [
        {
            "field": LABELS[name].format(second=names.second),
            "before": _shown(name, before, names) if before else EMPTY,
            "after": _shown(name, after, names),
        }
        for name in fields
    ]


def _shown(name: str, deal: Deal, names: NoticeNames) -> str:
    value = plain(deal.values.get(name))
    if value in (None, ""):
        return EMPTY
    if name == "stage" and value in names.stages:
        return names.stages[str(value)]
    if name in _STATES:
        return spoken(str(value))
    if name == "owner_user":
        return names.people.get(str(value), str(value))
    currency = deal.values.get("currency") if name == "amount" else None
    return f"{value} {currency}" if currency else str(value)


def why(notice: PersonalNotice, deal: Deal, names: NoticeNames, waiting: frozenset[Track]) -> str:
    """Why this person is told: what the person is to the deal, and whether it waits for the person's decision."""
    reasons = dict.fromkeys(_reason(audience, notice, deal, names) for audience in notice.audiences)
    is_asked = any(_DECIDES.get(audience) in waiting for audience in notice.audiences)
    return " and ".join(reasons) + ("; your approval is needed" if is_asked else "")


def _reason(audience: Audience, notice: PersonalNotice, deal: Deal, names: NoticeNames) -> str:
    owner, second, role = names.company(deal.owner_company), names.company(deal.second_partner), ROLES[notice.user.role]
    is_maker = notice.user.id == deal.registered_by
    reasons = {
        Audience.DEAL_OWNER: "you registered this deal" if is_maker else "you are the owner of this deal",
        Audience.OWNER_MANAGERS: f"you are {role} of {owner}",
        Audience.OWNER_NAMED: f"you are the account owner of {owner}",
        Audience.OWNER_MEMBERS: f"you are {role} of {owner}",
        Audience.SECOND_REP: f"you registered this deal for {owner}",
        Audience.SECOND_MANAGERS: f"as {role} of {second}, you are the {names.second} on this deal",
        Audience.SECOND_EXECUTIVES: f"as {role} of {second}, you are the {names.second} on this deal",
        Audience.SECOND_NAMED: f"you are the account owner of {second}, the {names.second} on this deal",
        Audience.SECOND_MEMBERS: f"as {role} of {second}, you are the {names.second} on this deal",
        Audience.VENDOR: "you are an admin of the vendor",
    }
    return reasons[audience]


def for_people(words: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a notice with the names of persons as people say them: without the id that is kept with the name."""
    changes = [_named(one) if one.get("field") == LABELS["owner_user"] else one for one in words.get("changes", ())]
    return {**words, **({"changes": changes} if changes else {}), **({"actor": _person(words["actor"])} if "actor" in words else {})}


def _named(change: Mapping[str, str]) -> dict[str, str]:
    return {**change, "before": _person(change["before"]), "after": _person(change["after"])}


def _person(name: str) -> str:
    return _ID.sub("", name)


def line_of(topic: str, words: Mapping[str, Any]) -> str:
    """The notice in one line. **Shapes** `words`: what a mail of this topic says."""
    return _LINES[Topic(topic)]({**for_people(words), "of": f" of {words['company']}" if words["company"] else ""})


def _updated(words: Mapping[str, Any]) -> str:
    changed = "; ".join(f"{one['field']}: {one['before']} → {one['after']}" for one in words["changes"])
    return f"{words['actor']} changed {words['deal']}{words['of']}. {changed}"


def _awaits(words: Mapping[str, Any]) -> str:
    since = "" if words.get("is_new") else f" since {words['since']}"
    return f"{words['deal']}{words['of']} waits for your approval{since}"


_LINES: Final[Mapping[Topic, Callable[[Mapping[str, Any]], str]]] = {
    Topic.DEAL_REGISTERED: lambda words: f"{words['actor']} registered {words['deal']}{words['of']}",
    Topic.DEAL_UPDATED: _updated,
    Topic.FINALIZE_REQUESTED: lambda words: f"{words['company'] or words['actor']} asks to finalize {words['deal']}",
    Topic.QUOTE_SENT: lambda words: "{actor} sent the quote for {deal}: {total}, {pricing} pricing, {term}".format_map(words),
    Topic.EXPIRES_SOON: lambda words: "The registration of {deal}{of} ends on {expires_on}".format_map(words),
    Topic.APPROVAL_WAITS: _awaits,
    Topic.DECISION_UNTAKEN: lambda words: (
        "The vendor's approval of {deal}{of} was set to {said} in the CRM, and the portal did not take it over: {why}".format_map(words)
    ),
}
