"""What another portal must never see of the feed, inquiries, tokens, answers and people's traces: test_tenants.py has the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.domain.people.attached import Author, AuthorSide
from sync_worker.domain.people.console import ConsoleRole
from sync_worker.domain.people.group import GroupPart, UserGroup
from sync_worker.domain.tell.event import KINDS, By, Event
from sync_worker.store.core import companies, feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import attached
from sync_worker.store.deals.attached import DealFile, Note
from sync_worker.store.operate import erasure, inquiries, retention
from sync_worker.store.operate.inquiries import NewInquiry
from sync_worker.store.people import answers, console, groups, tokens
from sync_worker.store.people.answers import Answer, Ask
from sync_worker.store.people.console import ConsoleLink, ConsoleSession
from sync_worker.store.people.tokens import NewToken
from sync_worker.store.tell import deliveries

MODULES = (answers, attached, console, deliveries, feed, groups, inquiries, retention, tokens, erasure)
FORGETTING = (
    retention.forget_answers,
    retention.forget_deal_files,
    retention.forget_deal_notes,
    retention.forget_events,
    retention.forget_failures,
    retention.forget_inquiries,
    retention.forget_interventions,
    retention.forget_mails,
    retention.forget_notifications,
    retention.forget_journey_log,
    retention.forget_removals,
    retention.forget_runs,
)
GOLD = Condition("tier", "is", ("Gold",))
AUTHOR = Author("u1", "Ann (u1)", Role.SALES, AuthorSide.OWNER_COMPANY)
ASK = Ask("t1", "k1", "h1", "claim")


def note(tx: Tx, id_: str = "n1") -> Note:
    return Note(AUTHOR, id_, "d1", "Jo Berg called", tx.now)


def file(tx: Tx, id_: str = "f1") -> DealFile:
    return DealFile(AUTHOR, id_, "d1", "Jo Berg.pdf", "application/pdf", 9, "00", f"acme/deals/{id_}", tx.now)


def told(tx: Tx, *kinds: str) -> None:
    """The portal has a feed, and these events of one company."""
    found = [Event(kind, "company", "c1", By("crm", "CRM", "r1")) for kind in kinds]
    feed.tell(replace(tx, events=frozenset(KINDS)), found)


def grouped(tx: Tx) -> None:
    """A group that stands, with one company in it, and one that is being evaluated."""
    groups.stand(tx, groups.write(tx, "gold", name="Gold", conditions=[GOLD], by="Ann"))
    groups.enter(tx, [("c1", GroupPart("gold", 1))])
    groups.settle(tx, "gold")
    groups.write(tx, "new", name="New", conditions=[GOLD], by="Ann")


def gold(tx: Tx) -> UserGroup:
    """The group as this portal's worker would hold it."""
    return UserGroup("gold", "Gold", (GOLD,), 2, 1, (GOLD,), "", "Ann", tx.now, None)


def sending(tx: Tx) -> Any:
    """An event as this portal's sender would hold it, under the lease `s`."""
    deliveries.acquire(tx, "s")
    return deliveries.due(tx, 1)[0]


def console_link(tx: Tx, link_id: str = "l1") -> ConsoleLink:
    return ConsoleLink(link_id, "h", ConsoleRole.OPERATOR, "Ann", "root", tx.now + timedelta(minutes=10))


def console_session(tx: Tx, session_id: str = "s1", *, seen_min: int = 0) -> ConsoleSession:
    begun_at = tx.now - timedelta(minutes=seen_min)
    return ConsoleSession(session_id, "h", ConsoleRole.OPERATOR, "Ann", begun_at, tx.now + timedelta(hours=1), begun_at)


def asked(tx: Tx) -> None:
    """A check that a worker is at, and a plan that was answered."""
    for inquiry_id, kind in (("q1", InquiryKind.CHECK), ("q2", InquiryKind.PLAN)):
        inquiries.ask(tx, NewInquiry(inquiry_id, kind, "Ann"))
        inquiries.claim(tx, kind, "q", tx.shared_now + timedelta(seconds=30))
    inquiries.finish(tx, "q2", "q", result={"is_empty": True})


FILL: list[Callable[[Tx], object]] = [
    lambda tx: console.add_link(tx, console_link(tx)),
    lambda tx: console.begin(tx, console_session(tx, seen_min=5)),
    lambda tx: told(tx, "company.added", "company.changed"),
    lambda tx: tokens.add(tx, NewToken(id="t1", name="portal", hash="h", scopes=["read"], made_by="Ann", expires_at=None)),
    lambda tx: answers.begin(tx, ASK),
    asked,
    grouped,
    lambda tx: attached.add(tx, note(tx)),
    lambda tx: attached.add(tx, file(tx)),
    lambda tx: retention.forget_runs(tx, tx.now + timedelta(days=1), None),  # keeps its place; history names the run
]

READS: dict[str, Callable[[Tx], object]] = {
    "attached.get": lambda tx: (attached.get(tx, Note, "d1", "n1"), attached.get(tx, DealFile, "d1", "f1")),
    "attached.listed": lambda tx: [*attached.listed(tx, Note, "d1", limit=9), *attached.listed(tx, DealFile, "d1", limit=9)],
    "attached.count": lambda tx: attached.count(tx, Note, "d1") + attached.count(tx, DealFile, "d1"),
    "attached.keys": attached.keys,
    "deliveries.standing": deliveries.standing,
    "deliveries.owed": deliveries.owed,
    "deliveries.is_due": deliveries.is_due,
    "deliveries.due": lambda tx: deliveries.due(tx, 9),
    "feed.is_loading": lambda tx: feed.is_loading(tx, "company"),
    "feed.listed": feed.listed,
    "feed.latest": lambda tx: feed.latest(tx, limit=9),
    "feed.get": lambda tx: feed.get(tx, 1),
    "feed.reach": feed.reach,
    "feed.first_since": lambda tx: feed.first_since(tx, tx.now - timedelta(days=1)),
    "groups.listed": groups.listed,
    "groups.get": lambda tx: groups.get(tx, "gold"),
    "groups.unsettled": groups.unsettled,
    "groups.held": lambda tx: groups.held(tx, ["c1"]),
    "groups.of_users": lambda tx: groups.of_users(tx, ["u1"]),
    "groups.member_ids": lambda tx: groups.member_ids(tx, "gold", limit=9),
    "groups.user_ids_of": lambda tx: groups.user_ids_of(tx, ["c1"]),
    "groups.companies_in": lambda tx: groups.companies_in(tx, gold(tx), companies.EVERY),
    "groups.members_of": lambda tx: tx.connection.execute(groups.members_of(tx, "gold")).all(),
    "groups.counts": lambda tx: groups.counts(tx, "gold", 1),
    "groups.reach": lambda tx: groups.reach(tx, ["c1"]),
    "inquiries.get": lambda tx: inquiries.get(tx, "q1"),
    "inquiries.open_one": lambda tx: inquiries.open_one(tx, InquiryKind.CHECK),
    "inquiries.latest": lambda tx: inquiries.latest(tx, limit=9),
    "tokens.get": lambda tx: tokens.get(tx, "t1"),
    "console.link": lambda tx: console.link(tx, "l1"),
    "console.session": lambda tx: console.session(tx, "s1"),
    "console.sessions": console.sessions,
    "erasure.named_in_decisions": lambda tx: erasure.named_in_decisions(tx, User("u1", "ann@example.com", "Ann", Role.SALES, "c1")),
    "tokens.listed": tokens.listed,
}

WRITES: dict[str, Callable[[Tx], object]] = {
    "attached.add": lambda tx: attached.add(tx, note(tx, "n2")),
    "attached.edit": lambda tx: attached.edit(tx, "n1", "said otherwise"),
    "attached.remove": lambda tx: attached.remove(tx, file(tx)),
    "answers.begin": lambda tx: answers.begin(tx, replace(ASK, claim="other")),
    "answers.settle": lambda tx: answers.settle(tx, ASK, Answer(200, "{}")),
    "answers.let_go": lambda tx: answers.let_go(tx, ASK),
    "deliveries.acquire": lambda tx: deliveries.acquire(tx, "s"),
    "deliveries.put_off": lambda tx: deliveries.put_off(tx, "s", sending(tx), tx.now),
    "deliveries.rest": lambda tx: deliveries.rest(tx, "s", 1, tx.now),
    "deliveries.give_up": lambda tx: deliveries.give_up(tx, "s", sending(tx)),
    "deliveries.settle": lambda tx: deliveries.settle(tx, "s", [sending(tx)]),
    "deliveries.release": lambda tx: deliveries.release(tx, "s"),
    "deliveries.pause": lambda tx: deliveries.pause(tx, "why"),
    "deliveries.resume": deliveries.resume,
    "feed.tell": lambda tx: told(tx, "company.changed"),
    "feed.tell_associations": lambda tx: feed.tell_associations(replace(tx, events=frozenset(KINDS)), ["c1"]),
    "feed.tell_of_companies": lambda tx: feed.tell_of_companies(
        replace(tx, events=frozenset(KINDS)), [Event("subgroup.added", "company", "c1", By("portal", "Ann"))]
    ),
    "feed.tell_loaded": lambda tx: feed.tell_loaded(replace(tx, events=frozenset(KINDS)), "company"),
    "feed.replay": lambda tx: feed.replay(tx, 1),
    "feed.owe_again": lambda tx: feed.owe_again(tx, [1]),
    "feed.forget_record": lambda tx: feed.forget_record(tx, "company", "c1"),
    "groups.write": lambda tx: groups.write(tx, "gold", name="G", conditions=[], by="Bo"),
    "groups.move": lambda tx: groups.move(tx, "gold", "c9"),
    "groups.stand": lambda tx: groups.stand(tx, gold(tx)),
    "groups.enter": lambda tx: groups.enter(tx, [("c1", GroupPart("gold", 2)), ("c2", GroupPart("gold", 1))]),
    "groups.leave": lambda tx: groups.leave(tx, [("c1", GroupPart("gold", 1))]),
    "groups.clear": lambda tx: groups.clear(tx, "gold", but_no=9, limit=9),
    "groups.remove": lambda tx: groups.remove(tx, "gold"),
    "groups.settle": lambda tx: groups.settle(tx, "gold"),
    "groups.tell_moves": lambda tx: groups.tell_moves(replace(tx, events=frozenset(KINDS)), {}, {"u1": {"gold": {"c1"}}}),
    "feed.forget": lambda tx: feed.forget(tx, [1, 2]),
    **{
        f"retention.{forget.__name__}": partial(lambda forget, tx: forget(tx, tx.now + timedelta(days=1), None), forget)
        for forget in FORGETTING
    },
    "inquiries.ask": lambda tx: inquiries.ask(tx, NewInquiry("q3", InquiryKind.COMPARE, "Bo", is_full=True)),
    "inquiries.claim": lambda tx: (
        inquiries.let_go(tx, "q1", "q"),
        inquiries.claim(tx, InquiryKind.CHECK, "other", tx.now),
    ),
    "inquiries.renew": lambda tx: inquiries.renew(tx, "q1", "q", tx.now + timedelta(hours=1)),
    "inquiries.tell": lambda tx: inquiries.tell(tx, "q1", "q", "reading", (1, 2)),
    "inquiries.let_go": lambda tx: inquiries.let_go(tx, "q1", "q"),
    "inquiries.finish": lambda tx: inquiries.finish(tx, "q1", "q", error="why"),
    "tokens.add": lambda tx: tokens.add(tx, NewToken(id="t1", name="x", hash="g", scopes=["write"], made_by="Bo", expires_at=None)),
    "console.add_link": lambda tx: console.add_link(tx, console_link(tx, "l2")),
    "console.use_link": lambda tx: console.use_link(tx, "l1"),
    "console.begin": lambda tx: console.begin(tx, console_session(tx, "s2")),
    "console.note_visit": lambda tx: console.note_visit(tx, "s1"),
    "console.end": lambda tx: console.end(tx, "s1"),
    "tokens.note_use": lambda tx: tokens.note_use(tx, "t1"),
    "tokens.revoke": lambda tx: tokens.revoke(tx, "t", "Ann"),
    "erasure.erase": lambda tx: erasure.erase(tx, "u1"),
    "erasure.forget_person": lambda tx: erasure.forget_person(tx, User("u1", "ann@example.com", "Ann", Role.SALES, "c1")),
    "erasure.leave_out_of_told": lambda tx: erasure.leave_out_of_told(tx, "d1", ["Jo Berg"], ["Jo", "Berg"]),
    "erasure.leave_out_of_attached": lambda tx: erasure.leave_out_of_attached(tx, "d1", ["Jo Berg"]),
    "erasure.forget_bases": lambda tx: erasure.forget_bases(tx, "d1", ["amount"], ["amount"]),
    "erasure.forget_contact": lambda tx: erasure.forget_contact(tx, "d1", ["amount"], natives=["Name"], untold=["amount"]),
}
