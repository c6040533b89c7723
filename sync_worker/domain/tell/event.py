"""What the portal is told of: which change makes which event, and what an event says. Pure; `docs/feed.md` is made from `KINDS`.

An event says what changed and where to ask for the rest. It never carries a secret, and never a list without a bound: whom a company may
work with is asked for, because one change can touch millions of pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sync_worker.domain.core.company import Company, company_values
from sync_worker.domain.core.values import Plain, plain

SCHEMA: Final = 1  # of an event's `data`; a key is only ever added within one
COMPANY, DEAL, NOTIFICATION, USER, GROUP = "company", "deal", "notification", "user", "group"
QUOTE, LICENCE, TERMS, AGREEMENT, PRICES, JOURNEY = "quote", "licence", "terms", "agreement", "prices", "journey"

KINDS: Final[Mapping[str, str]] = {
    "company.added": "The portal knows a company it did not know before.",
    "company.changed": "Fields of a company have changed.",
    "company.deactivated": "A company no longer takes part: its portal status is inactive, or its CRM record is gone. "
    "`changed` has all that changed with it.",
    "associations.changed": "The list of companies that this company may work with has changed, or may have changed: read it again. "
    "The same is true for the companies that were on the list before or are on it now, and they get no event of their own.",
    "deal.registered": "A deal is new. It was registered in the portal, or it began in the CRM.",
    "deal.changed": "Fields of a deal have changed. Its approvals, its lifecycle and its companies are fields like others.",
    "deal.note_added": "A person wrote a note on a deal. `changed.note_id.after` is its id, and `changed.user_id.after` is the person. The "
    "text is not in the event, and the deal keeps its version.",
    "deal.note_changed": "The author of a note on a deal has changed its text. `changed` has the `note_id` and the `user_id` as before.",
    "deal.note_removed": "A note was removed from a deal. `changed.note_id.before` is its id.",
    "deal.file_added": "A person added a file to a deal. `changed.file_id.after` is its id, and `changed.user_id.after` is the person. The "
    "name and the content are not in the event, and the deal keeps its version.",
    "deal.file_removed": "A file was removed from a deal. `changed.file_id.before` is its id.",
    "quote.made": "A deal has a new quote. A quote that was made never changes: another version is another quote.",
    "quote.sent": "A quote was sent to the people it is for. If `changed` has `offered_at`, the vendor offers it, and it may be signed.",
    "quote.signed": "A quote was signed. `changed.signed_for.after` is the company of the person who signed.",
    "prices.changed": "The vendor has changed the price list over HTTP: read it again. A price list that a file keeps has no events.",
    "licence.issued": "A company has licences of one line of a signed quote. `changed.ends_on.after` is their last day, "
    "and no event tells you when that day is over.",
    "licence.changed": "Licences belong to another company, because their company was merged into it.",
    "subgroup.added": "A company is a subgroup from now on. `changed.parent_id.after` is its parent.",
    "subgroup.changed": "A subgroup has another parent, because its parent was merged into another company. "
    "A new name of a subgroup is a `company.changed`.",
    "subgroup.ended": "A company is not a subgroup any more. `changed.parent_id.before` was its parent.",
    "terms.changed": "New terms hold between a company and the company above it. `changed` has `since`, and what differs from the terms "
    "before: `may_register`, and `percents.<deal type>` for each percent. After a merge, they are the terms of the company that is left.",
    "agreement.added": "A signed agreement of a company with the company above it is on file, or a new version of it.",
    "agreement.changed": "An agreement belongs to another company, because one of its two companies was merged into it.",
    "notification.created": "A user is told something. `changed` has the `user_id`, the `topic`, the `deal_id`, the `text`, and `why` the "
    "user is told.",
    "journey.changed": "A journey is new, was edited, switched on or off, or deleted. A journey of a file is told when the worker reads "
    "the file.",
    "user.changed": "A user belongs to another company, because a company of the user was merged into it. Other changes of users come "
    "from the portal itself, so they have no event.",
    "group.joined": "A user is a member of a group from now on. `changed.group.after` is the key of the group. "
    "A company of the user has changed, or the user.",
    "group.left": "A user is not a member of a group any more. `changed.group.before` is the key of the group.",
    "group.changed": "A group is new, was edited or deleted. A new or edited group has new members from this moment on: read them again. "
    "They get no event of their own.",
    "records.loaded": "A first load is complete. It sent no events, so read the companies or the deals once now.",
}
"""type → what it means."""


class Changed(NamedTuple):
    """One field. **Shapes** plain values; `None` where it was or is empty."""

    before: Plain
    after: Plain


@dataclass(frozen=True, slots=True)
class By:
    """Who changed something, on which side, in which run."""

    side: str
    actor: str
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The record that an event is about. **Shapes** `others`: name → the id of a record that it belongs to, as `deal_id` of a quote."""

    type: str
    id: str
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to tell.

    **Shapes** `record_id` "" = of no single record; events of one record arrive in order. `version`: a deal's, after the change. `others`:
    the subject's.
    """

    kind: str
    record: str
    record_id: str
    by: By
    changed: Mapping[str, Changed] = field(default_factory=dict)
    version: int | None = None
    others: Mapping[str, str] = field(default_factory=dict)


def difference_event(kind: str, subject: Subject, before: Mapping[str, Plain], after: Mapping[str, Plain], by: By) -> Event | None:
    """What to tell of a record: what the portal knows of it, before and after; None where that is the same."""
    changed = _differences(before, after)
    return Event(kind, subject.type, subject.id, by, changed, others=subject.others) if changed else None


def company_event(before: Company | None, after: Company, by: By) -> Event | None:
    """What to tell of a company that was saved; None where nothing changed that anybody is told."""
    then, now = _company_fields(before) if before else {}, _company_fields(after)
    changed = _differences(then, now)
    if not changed:
        return None
    kind = "company.added" if before is None else "company.deactivated" if _ends(before, after) else "company.changed"
    return Event(kind, COMPANY, after.id, by, changed)


def deal_event(deal_id: str, version: int, changes: Mapping[str, tuple[Any, Any]], by: By) -> Event:
    """What to tell of one version of a deal. **Shapes** `changes`: field → (old, new); "" = the deal as it came in, whole."""
    if "" in changes:
        _, whole = changes[""]
        return Event("deal.registered", DEAL, deal_id, by, {name: Changed(None, plain(value)) for name, value in whole.items()}, version)
    changed = {name: Changed(plain(old), plain(new)) for name, (old, new) in changes.items()}
    return Event("deal.changed", DEAL, deal_id, by, changed, version)


def attached_event(kind: str, deal_id: str, version: int, ids: Mapping[str, str], by: By) -> Event:
    """What to tell of a note or a file on a deal.

    **Shapes** `version`: the deal's, which stays as it is; `ids`: of the note or file, and of its author. The words are asked for, so that
    a note that is erased or removed stands in no event.
    """
    is_new, is_gone = kind.endswith("_added"), kind.endswith("_removed")
    changed = {name: Changed(None if is_new else id_, None if is_gone else id_) for name, id_ in ids.items()}
    return Event(kind, DEAL, deal_id, by, changed, version)


def associations_events(company_ids: Iterable[str], by: By) -> list[Event]:
    """One event for each of these companies."""
    return [Event("associations.changed", COMPANY, company_id, by) for company_id in sorted(set(company_ids))]


MOVES: Final = frozenset({"group.joined", "group.left"})
"""What is told of a user who is in another group than before."""


def group_move_event(user_id: str, group: str, move: str, by: By) -> Event:
    """A user has `joined` or `left` a group."""
    changed = Changed(None, group) if move == "joined" else Changed(group, None)
    return Event(f"group.{move}", USER, user_id, by, {"group": changed})


def group_event(key: str, before: Mapping[str, Plain], after: Mapping[str, Plain], by: By) -> Event | None:
    """What to tell of a group: what people know of it, before and after; None where that is the same."""
    return difference_event("group.changed", Subject(GROUP, key), before, after, by)


def prices_event(by: By) -> Event:
    """The price list is another one; up to a thousand rows of it at once, so none of them is carried."""
    return Event("prices.changed", PRICES, "", by)


def loaded_event(object_: str, by: By) -> Event:
    """The end of a silent first load. **Shapes** `object_`: the record type that was read."""
    return Event("records.loaded", COMPANY if object_ == COMPANY else DEAL, "", by)


def notification_event(notification_id: str, said: Mapping[str, str], by: By) -> Event:
    """A person is told something. **Shapes** `said`: what the portal shows of it."""
    return Event("notification.created", NOTIFICATION, notification_id, by, {name: Changed(None, text) for name, text in said.items()})


def gone_words(seq: int, oldest: int, last: int) -> str:
    """Why a place is refused, with the oldest place there is. **Shapes** `oldest`, `last`: as `feed.reach` says."""
    kept = (
        f"the oldest event there is has the number {oldest}"
        if oldest <= last
        else f"no event is kept; the next one gets the number {oldest}"
    )
    return f"event {seq} is older than feed.keep and is gone; {kept}"


def document(event: Event, *, portal: str, seq: int) -> dict[str, Any]:
    """The event's `data` as it is stored and sent."""
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "portal": portal,
        "seq": seq,
        "record": {"type": event.record, "id": event.record_id or None, **event.others},
        "changed": {name: change._asdict() for name, change in sorted(event.changed.items())},
        "side": event.by.side,
        "actor": event.by.actor,
        "run": event.by.run_id or None,
    }
    if event.version is not None:
        found["record"]["version"] = event.version
    return found


def _ends(before: Company, after: Company) -> bool:
    return after.is_inactive and not before.is_inactive


def _company_fields(company: Company) -> dict[str, Plain]:
    return {**company_values(company), "crm_id": company.crm_id, "is_deleted": company.is_deleted}


def _differences(then: Mapping[str, Plain], now: Mapping[str, Plain]) -> dict[str, Changed]:
    return {name: Changed(then.get(name), now.get(name)) for name in then.keys() | now.keys() if then.get(name) != now.get(name)}
