"""Ids are 16 bytes in the database and text everywhere else; what is not an id finds nothing, and no error."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from sync_worker.domain.core.user import Role, User
from sync_worker.domain.people.visibility import DealShare, Scope
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, failures, runs
from sync_worker.store.core.columns import id_bytes, id_text
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.tables import companies as company_rows
from sync_worker.store.deals import deals, links, pipeline
from sync_worker.store.deals.narrowing import Narrowing
from sync_worker.store.people import people
from sync_worker.store.sync import patch_backs
from tests.contract.store.samples import company, contract, deal, failure, link

BIRCH, CEDAR, RUN = "79d425eb-347d-5f72-9ef7-f51cccc8f418", "003a002b-b1b7-53bb-a3c5-633bcda34129", "6512cb45-f3cd-41f2-a77e-e7b941fb487d"
NO_IDS = (
    "",
    "x",
    BIRCH.upper(),
    BIRCH.replace("-", ""),
    f"{{{BIRCH}}}",
    f"{BIRCH} ",
    "sixteen letters!",
    "ö" * 8,
    "\U0001f600",
    "' OR 1=1 --",
    "%",
)

EVERYTHING = DealShare("u1", "any", frozenset(), Scope.EVERY)

texts = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: len(text.encode()) != 17 or not text.endswith(" "))
ids = st.uuids().map(str)


@given(texts | ids)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    assert id_text(id_bytes(text)) == text


@given(ids, ids)
def test_bytes_are_ordered_as_texts_are(one: str, other: str) -> None:
    assert sorted(["", one, other]) == sorted([other, one, ""], key=lambda text: id_bytes(text) or b"")


def test_an_id_takes_sixteen_bytes(store: Store) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company(BIRCH)])
    with store.reading("acme") as tx:
        length = func.octet_length if tx.is_postgresql else func.length
        assert tx.connection.execute(select(length(company_rows.c.id))).scalar_one() == 16
        assert tx.connection.execute(select(company_rows.c.id)).scalar_one() == BIRCH


LOOKS: dict[str, Callable[[Tx, str], object]] = {
    "a company": companies.stored,
    "a company by whatever a person calls it": companies.called,
    "companies by their ids": lambda tx, text: companies.by_ids(tx, [text]),
    "a deal": deals.get,
    "the records of deals": lambda tx, text: links.current(tx, [text]),
    "deals of a company": lambda tx, text: pipeline.ids_seen(tx, [EVERYTHING], Narrowing(equal=[("owner_company", text)])),
    "contract values that involve a company": associations.involving,
    "users of a company": lambda tx, text: people.of_companies(tx, [text]),
}
OF_DEALS = ("a deal", "the records of deals")


def test_a_text_that_is_not_an_id_finds_nothing(store: Store) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company(BIRCH), company(CEDAR, crm_id="002", name="Cedar")])
        associations.save(tx, [contract(BIRCH, resolved_id=CEDAR)])
        deals.save(tx, [deal(RUN, owner_company=BIRCH, second_partner=CEDAR)])
        links.save(tx, [link(deal_id=RUN)])
        people.save(tx, [User("u1", "ann@example.com", "Ann", Role.SALES, BIRCH)])
    with store.reading("acme") as tx:
        assert all(look(tx, RUN if name in OF_DEALS else BIRCH) for name, look in LOOKS.items())
        found = {(name, text): look(tx, text) for name, look in LOOKS.items() for text in NO_IDS}
    assert {key: rows for key, rows in found.items() if rows} == {}


def test_the_beginning_of_an_id_finds_its_run(store: Store) -> None:
    with store.side_transaction("acme") as tx:
        runs.start(tx, RUN, "pull", "company")
    with store.reading("acme") as tx:
        found = {text: bool(runs.get(tx, text)) for text in (RUN, RUN[:4], RUN[:9], RUN[:-1], RUN[1:5], RUN.replace("-", "")[:12])}
    assert list(found.values()) == [True, True, True, True, False, False]


def test_pages_by_id_hold_every_company_once_in_the_order_of_the_texts(store: Store) -> None:
    with store.transaction("acme") as tx:
        companies.save(
            tx, [company(BIRCH, name="Same"), company(CEDAR, crm_id="002", name="Same"), company(RUN, crm_id="003", name="Same")]
        )
    with store.reading("acme") as tx:
        by_id, by_name, after, place = list[str](), list[str](), "", ("", "")
        while page := companies.page(tx, after=after, limit=1):
            by_id.append(after := page[-1].id)
        while rows := companies.listed(tx, after=place, limit=1):
            by_name.append(rows[-1].company.id)
            place = (rows[-1].company.name, rows[-1].company.id)
    assert by_id == by_name == sorted([BIRCH, CEDAR, RUN])


def test_a_company_that_the_crm_refused_is_not_patched_again(store: Store) -> None:
    """The one place where the database compares an id with a column of texts."""
    with store.transaction("acme") as tx:
        companies.save(tx, [company(BIRCH), company(CEDAR, crm_id="002", name="Cedar")])
        failures.record(tx, [failure(record=BIRCH, object="company", stage="push", kind="failure")])
    with store.side_transaction("acme") as tx:
        claimed = patch_backs.claim(tx, limit=9, token="t", until_at=tx.shared_now, alone_from=9)
    assert [one.company_id for one in claimed] == [CEDAR]
