"""Nothing of a person is left in any table, on both databases: of a user who is erased, and of the contact on a deal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, Text, insert, select

from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.operate.erasure import CONTACT, ERASED
from sync_worker.domain.tell.event import KINDS
from sync_worker.store.core import failures
from sync_worker.store.core.columns import Document, Money, PublicId, Utc
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.deals import conflicts, deals, links
from sync_worker.store.deals.tables import quotes
from sync_worker.store.distributors.tables import agreements, subgroups, terms, waivers
from sync_worker.store.operate import erasure
from sync_worker.store.operate.schema import metadata
from sync_worker.store.people import answers, people
from sync_worker.store.people.answers import Answer, Ask
from sync_worker.store.tell import mails
from sync_worker.store.tell.mails import OwedMail
from tests.contract.store.samples import change, conflict, deal, failure, link
from tests.servers import MONDAY

BERG: Any = {"contact_first_name": "Jo", "contact_last_name": "Berg", "contact_email": "jo.berg@globex.com"}
ANN = User("u1", "Ann.Birch@example.com", "Ann Birch", Role.MANAGER, "c1")
SIGNED = {"signed_at": MONDAY, "signed_by": "Ann Birch (u1)", "signed_for": "c1"}


def left(store: Store, *words: str) -> list[str]:
    """Tables in which one of the words stands."""
    with store.reading("acme") as tx:
        rows = {table.name: repr(tx.connection.execute(select(table)).all()) for table in metadata.sorted_tables}
    return sorted(name for name, text in rows.items() if any(word in text for word in words))


def of_deal(tx: Tx, deal_id: str, record: str) -> None:
    """A deal with a contact that has been everywhere a contact can be."""
    deals.save(tx, [deal(deal_id, **BERG)])
    deals.record_changes(tx, [change(deal_id, field="", old=None, new={**BERG, "name": "A deal"})])
    deals.record_changes(tx, [change(deal_id, 2, "contact_email", old="jo@globex.com", new=BERG["contact_email"])])
    base = {"amount": Base("1", 1), **{name: Base(value, value) for name, value in BERG.items()}}
    links.save(tx, [link(record, deal_id, base=base), link(f"{record}old", deal_id, base=base, is_current=False)])
    conflicts.record(
        tx, [(f"k{deal_id}", deal_id, conflict("contact_email", base="jo@globex.com", crm="b", portal="jo.berg@globex.com"))], "r1"
    )
    failures.record(tx, [failure(f"f{deal_id}", record, object="lead", payload={"Id": record, "Deep": [{"LastName": "Berg"}]})])
    failures.record(tx, [failure(f"g{deal_id}", deal_id, object="deal", field="contact_email", message="jo.berg@globex.com is no address")])
    ask = Ask("t1", deal_id, "h", "claim")
    answers.begin(tx, ask)
    answers.settle(tx, ask, Answer(201, f'{{"id": "{deal_id}", "contact_last_name": "Berg", "contact_email": "jo.berg@globex.com"}}'))


def test_a_contact_is_nowhere_and_everything_else_stays(store: Store) -> None:
    # Given two deals with one contact, whose events were told
    with store.transaction("acme") as tx:
        tx = replace(tx, events=frozenset(KINDS))
        of_deal(tx, "d1", "00Q1")
        of_deal(tx, "d2", "00Q2")
    # When the contact is forgotten on both
    with store.transaction("acme") as tx:
        for deal_id in ("d1", "d2"):
            stored = deals.get(tx, deal_id)
            assert stored
            deals.save(tx, [replace(stored, deal=stored.deal.changed(dict.fromkeys(CONTACT)))])
            erasure.forget_contact(tx, deal_id, CONTACT, natives=["LastName"], untold=CONTACT)
            if deal_id == "d1":
                still = deals.history(tx, "d2")
    # Then no table knows the person, and no other deal was touched by the first of it
    assert left(store, "Berg", "jo.berg", "jo@globex", "'Jo'") == []
    assert "Berg" in repr(still)
    with store.reading("acme") as tx:
        history = {row["field"]: (row["old"], row["new"]) for row in deals.history(tx, "d1")}
        assert history["contact_email"] == (ERASED, ERASED)
        assert history[""] == (None, {**dict.fromkeys(BERG, ERASED), "name": "A deal"})
        assert links.current(tx, ["d1"])["d1"].base == {"amount": Base("1", 1)}
        (payload,) = [row.failure.payload for row in failures.listed(tx) if row.failure.id == "fd1"]
        assert payload == {"Id": "00Q1", "Deep": [{"LastName": ERASED}]}


def test_a_base_that_the_crm_is_still_to_be_told_against_stays(store: Store) -> None:
    with store.transaction("acme") as tx:
        of_deal(tx, "d1", "00Q1")
        erasure.forget_contact(tx, "d1", CONTACT, natives=[], untold=["contact_last_name"])
        kept = links.current(tx, ["d1"])["d1"].base
    assert set(kept) == {"amount", "contact_first_name", "contact_email"}


CANARY = User("canary.bird@example.com", "Canary.Bird@example.com", "Canary Bird", Role.SALES, "c1")
LABEL = f"{CANARY.name} ({CANARY.id})"
CRM_OR_ALIVE = ["catalogs", "companies", "company_pasts", "contract_values", "deal_links", "deals", "outbox", "past_contracts", "quotes"]


def filled(column: Column[Any]) -> Any:
    """A value of the column's type; where it is text or JSON, the person stands in it."""
    said = f"{LABEL} said so; <CANARY.BIRD@example.com> was asked"
    plants: dict[type[Any], Any] = {
        Document: {"owner_user": CANARY.id, "to": [{"address": CANARY.email}], "changed": {"registered_by": {"before": CANARY.id}}},
        Utc: MONDAY,
        Money: Decimal(1),
        Date: MONDAY.date(),
        Boolean: True,
        BigInteger: 1,
        Integer: 1,
        PublicId: f"k-{column.name}",
    }
    if isinstance(column.type, Text):
        return f"k-{column.name}" if column.primary_key else said
    return next(value for kind, value in plants.items() if isinstance(column.type, kind))


def test_a_person_who_stands_in_every_column_of_every_table_is_left_in_none_that_tells_of_the_past(store: Store) -> None:
    # Given a person whose id is an address, and who stands wherever text or JSON can stand, in two portals
    tables = [table for table in metadata.sorted_tables if table.name not in ("users", "memberships")]
    with store.transaction("acme") as tx:
        for table, portal in product(tables, ("acme", "other")):
            row = {column.name: filled(column) for column in table.c} | {"portal": portal}
            tx.connection.execute(insert(table).values(row))
        people.save(tx, [CANARY])
    # When the person is erased in one of them
    with store.transaction("acme") as tx:
        erasure.erase(tx, CANARY.id)
        erasure.forget_person(tx, CANARY)
    # Then only what is alive and what the CRM says still knows the person there, and the other portal is as it was
    with store.reading("acme") as tx:
        rows = {(table.name, row.portal): repr(row).casefold() for table in tables for row in tx.connection.execute(select(table))}
    knows = {place for place, text in rows.items() if "canary" in text}
    assert sorted(name for name, portal in knows if portal == "acme") == CRM_OR_ALIVE
    assert {name for name, portal in knows if portal == "other"} >= {"deal_changes", "failures", "answers", "events", "mails"}


def test_decisions_that_name_a_person_are_found_with_what_is_left_of_them(store: Store) -> None:
    with store.transaction("acme") as tx:
        deals.save(
            tx,
            [
                deal("d1", vendor_decided_by=LABEL, vendor_reason="no", distributor_decided_by="Xu (u2)"),
                deal("d2", vendor_decided_by="CRM", distributor_reason=f"ask {CANARY.email.upper()}, or Xu"),
                deal("d3", vendor_decided_by="Xu (u2)", vendor_reason="canary birds are not our market"),
            ],
        )
        found = erasure.named_in_decisions(tx, CANARY)
    assert found == {"d1": {"vendor_decided_by": ERASED}, "d2": {"distributor_reason": f"ask {ERASED}, or Xu"}}


@pytest.mark.parametrize("user_id", ["u7", "ada.lovelace@example.com"])
def test_an_id_is_found_by_its_field_and_nothing_that_looks_alike_is_touched(store: Store, user_id: str) -> None:
    user = replace(ANN, id=user_id)
    with store.transaction("acme") as tx:
        people.save(tx, [user])
        deals.save(tx, [deal(owner_user=user_id, registered_by=user_id)])
        deals.record_changes(
            tx, [change(version=1, field="", old=None, new={"owner_user": user_id, "registered_by": user_id, "region": "u7"})]
        )
        deals.record_changes(tx, [change(version=2, field="owner_user", old=user_id, new="u77")])
        deals.record_changes(tx, [change(version=3, field="region", old="u7", new="xada.lovelace@example.com")])
        erasure.erase(tx, user_id)
        erasure.forget_person(tx, user)
        history = {row["field"]: (row["old"], row["new"]) for row in deals.history(tx, "d1")}
    assert history[""][1] == {"owner_user": ERASED, "registered_by": ERASED, "region": "u7"}
    assert history["owner_user"] == (ERASED, "u77")
    assert history["region"] == ("u7", "xada.lovelace@example.com")


@pytest.fixture
def acted(store: Store) -> Store:
    """Ann did everything that is not a deal's move, got mail, and stands in somebody else's; Xu, whose id ends alike, did so too."""
    rows: list[tuple[Any, dict[str, Any]]] = []
    for number, who in enumerate(("Ann Birch (u1)", "Xu (xu1)")):
        at = {"portal": "acme", "company_id": f"c{number}"}
        rows += [
            (
                subgroups,
                {**at, "since_at": MONDAY, "parent_id": "p", "how": "created", "since_by": who, "until_at": MONDAY, "until_by": who},
            ),
            (waivers, {**at, "deal_id": f"d{number}", "parent_id": "p", "at": MONDAY, "actor": who, "reason": "x"}),
            (terms, {**at, "upper_id": "p", "since_at": MONDAY, "may_register": True, "percents": {}, "actor": who}),
            (
                agreements,
                {
                    **at,
                    **dict.fromkeys(("upper_id", "name", "media_type", "sha256", "key"), "x"),
                    "id": f"a{number}",
                    "version": 1,
                    "size_bytes": 1,
                    "uploaded_at": MONDAY,
                    "uploaded_by": who,
                },
            ),
            (
                quotes,
                {
                    **dict.fromkeys(("deal_id", "pricing", "currency"), f"x{number}"),
                    "portal": "acme",
                    "id": f"q{number}",
                    "version": 1,
                    "total": 1,
                    "numbers": {},
                    "made_at": MONDAY,
                    "made_by": who,
                    "sent_by": who,
                    **(SIGNED if number == 0 else {}),
                },
            ),
        ]
    with store.transaction("acme") as tx:
        people.save(tx, [ANN])
        for table, row in rows:
            tx.connection.execute(insert(table).values(row))
        mails.write(
            tx,
            [
                OwedMail("m1", "e1", "ann.birch@example.com", "t", {"name": "Ann Birch"}),
                OwedMail("m2", "e1", "bo@example.com", "t", {"name": "Bo", "actor": "Ann Birch (u1)"}),
                OwedMail("m3", "e2", "bo@example.com", "t", {"name": "Bo", "actor": "Xu (xu1)"}),
            ],
        )
    return store


def test_what_a_user_did_beside_deals_was_done_by_nobody_but_for_a_signature(acted: Store) -> None:
    with acted.transaction("acme") as tx:
        erasure.erase(tx, "u1")
        erasure.forget_person(tx, ANN)
    assert left(acted, "Ann", "ann.birch") == ["quotes"]
    with acted.reading("acme") as tx:
        assert tx.connection.execute(select(quotes.c.made_by, quotes.c.sent_by, quotes.c.signed_by).order_by(quotes.c.id)).all() == [
            (ERASED, ERASED, "Ann Birch (u1)"),
            ("Xu (xu1)", "Xu (xu1)", None),
        ]
        assert [(row.mail.id, row.mail.context["actor"]) for row in mails.listed(tx)] == [("m2", ERASED), ("m3", "Xu (xu1)")]
        assert tx.connection.execute(select(terms.c.actor).order_by(terms.c.company_id)).scalars().all() == [ERASED, "Xu (xu1)"]
