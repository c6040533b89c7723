"""Chains of merges, in any order and cut into any answers: all that a company has ends at the company that lives."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_sandbox.remote import Remote
from sync_worker.crm.port import NativeRecord
from sync_worker.domain.associations.association import Binding
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.link import Link
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.completion import Licence
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.mapping.catalog import Catalog
from sync_worker.services import Services
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.tenant import COMPANY, DEAL, Tenant
from sync_worker.steps.sync.ingest.ingest import ingest
from sync_worker.store.associations import associations
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.core import companies, portals
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.deals import deals, licences, links
from sync_worker.store.distributors import agreements, subgroups, terms
from sync_worker.store.distributors.agreements import AgreementFile
from sync_worker.store.people import people
from sync_worker.store.sync import company_links, notices, outbox
from tests.integration.steps.world import World
from tests.servers import MONDAY, Clock

MANY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True
)
AGREED = Terms(True, {"new": Decimal(20)})
PORTALS = count()


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge by a person. **Shapes** `survivor` is one of the two, or a new record where the vendor makes one."""

    primary: str
    other: str
    survivor: str


def crm_id(number: int) -> str:
    return f"001{number:012d}AAA"


@st.composite
def histories(draw: st.DrawFn) -> list[Merge]:
    """Merges one after the other, some among strangers, some into a record that nobody knew."""
    living = [crm_id(number) for number in draw(st.permutations(range(1, 8)))]
    found: list[Merge] = []
    for number in range(draw(st.integers(1, 6))):
        primary, other = draw(st.permutations(living))[:2]
        survivor = draw(st.sampled_from([primary, primary, crm_id(100 + number)]))
        living = [one for one in living if one not in (primary, other)] + [survivor]
        found.append(Merge(primary, other, survivor))
    return found


@dataclass(frozen=True, slots=True)
class Crm:
    """What the CRM tells after some merges. **Shapes** `tells_ends`: each loser with the record that lives now, as HubSpot does."""

    merges: Sequence[Merge]
    tells_ends: bool

    def became(self) -> dict[str, str]:
        """Each record that is gone, with its direct survivor."""
        return {lost: merge.survivor for merge in self.merges for lost in (merge.primary, merge.other) if lost != merge.survivor}

    def end(self, one: str) -> str:
        became = self.became()
        while one in became:
            one = became[one]
        return one

    def loser(self, one: str) -> NativeRecord:
        into = self.end(one) if self.tells_ends else self.became()[one]
        return NativeRecord("Account", one, MONDAY, {}, is_deleted=True, merged_into=into)

    def record(self, one: str) -> NativeRecord:
        """What is read where this id is asked for."""
        return self.loser(one) if one in self.became() else account(one)


def account(one: str, **more: Any) -> NativeRecord:
    fields = {"Name": f"Company {one}", "Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner", **more}
    return NativeRecord("Account", one, MONDAY + timedelta(seconds=1), fields)


@pytest.fixture
def described(sandbox: str, remote: Remote, tmp_path: Path) -> Tenant:
    """A portal whose record types were described once."""
    with closing(World(sandbox, remote, tmp_path)) as world:
        world.configure(brake="100%")
        real = world.tenant.crm
        catalogs: Mapping[str, Catalog] = {native: real.describe(native) for native in ("Account", "Lead", "Opportunity")}
        crm: Any = SimpleNamespace(
            calls=0,
            canonical_id=real.canonical_id,
            describe=catalogs.__getitem__,
            describe_each=lambda natives: {native: catalogs[native] for native in natives},
        )
        return Tenant(Ports(portal=world.tenant.portal, store=world.store, crm=crm, services=Services()), grammar=world.tenant.grammar)


def done(_tx: Tx, _is_last: bool) -> None:
    """No cursor moves."""


class Portal:
    """One portal of its own on the test's database, in which every company below has one of everything."""

    def __init__(self, described: Tenant, store: Store, clock: Clock) -> None:
        self._clock = clock
        portal = described.portal.model_copy(update={"portal": f"p{next(PORTALS)}"})
        self.tenant = Tenant(
            Ports(portal=portal, store=store, crm=described.crm, services=Services(clock=clock)), grammar=described.grammar
        )
        with store.transaction(portal.name) as tx:
            portals.enter(tx, "contracts")
        self.read(account(crm_id(0), Portal_Account_Type__c="Distributor"), *(account(crm_id(number)) for number in range(1, 5)))
        with store.transaction(portal.name) as tx:
            notices.settle(tx, COMPANY, notices.oldest(tx, COMPANY, 99))
        self.distributor = self.company(crm_id(0))
        self.ours = {crm_id(number): self.company(crm_id(number)) for number in range(1, 5)}
        for company in self.ours.values():
            self._furnish(company)

    def read(self, *natives: NativeRecord, is_poll: bool = False) -> None:
        """One answer of the CRM is stored."""
        self._clock.forward(seconds=1)
        record = self.tenant.mapping.records[COMPANY]
        with self.tenant.store.side_transaction(self.tenant.name) as tx:
            read_no = portals.draw_read_no(tx)
        with self.tenant.run("pull", COMPANY) as run_id:
            ingest(Chunk(self.tenant, record, natives, read_no, run_id, is_poll=is_poll), done)

    def read_noticed(self, crm: Crm) -> None:
        """What the answers made due is read, until nothing is."""
        for _ in range(20):
            with self.tenant.store.side_transaction(self.tenant.name) as tx:
                waiting = notices.oldest(tx, COMPANY, 99)
                notices.settle(tx, COMPANY, waiting)
            if not waiting:
                return
            self.read(*(crm.record(notice.crm_id) for notice in waiting))
        raise AssertionError("notices that never end")

    def company(self, reference: str) -> Company:
        with self.tenant.store.reading(self.tenant.name) as tx:
            found = companies.find(tx, reference)
        assert found is not None, reference
        return found

    def _furnish(self, company: Company) -> None:
        name, pair = company.id, Pair(company.id, self.distributor.id)
        with self.tenant.store.transaction(self.tenant.name) as tx:
            people.save(tx, [User(f"u-{name}", f"{name}@example.com", name, Role.SALES, name, frozenset())])
            people.save(tx, [User(f"f-{name}", f"f{name}@example.com", name, Role.SALES, self.distributor.id, frozenset({name}))])
            deals.save(
                tx, [StoredDeal(Deal(f"d-{name}", {"owner_company": name, "name": name, "lifecycle": "submitted"}), 1, MONDAY, MONDAY)]
            )
            licences.issue(tx, [Licence(f"l-{name}", f"d-{name}", 1, name, "Seat", 5, date(2026, 1, 1), date(2026, 12, 31))])
            terms.begin(tx, pair, AGREED, "Ann")
            agreements.add(
                tx,
                pair,
                AgreementFile(id=f"a-{name}", name="a.pdf", media_type="application/pdf", size_bytes=9, sha256="00", key="k"),
                actor="Ann",
            )
            subgroups.begin(tx, Subgroup(name, self.distributor.id, "promoted", tx.now, "Ann"))
            company_links.begin(tx, {name: {"may_register": Base(False, False)}})
            associations.save(tx, [ContractRow(self.distributor.id, Binding(name, name, "name"), tx.now, "r")])

    def check(self, crm: Crm) -> None:
        """Everything of every company is at the company of the record that lives."""
        with self.tenant.store.reading(self.tenant.name) as tx:
            vendor = self.distributor.id
            bound = {row.binding.value: row.binding.company_id for row in associations.listed(tx)}
            for began_as, company in self.ours.items():
                end = crm.end(began_as)
                held = companies.by_crm_ids(tx, [end])[end].company
                assert not held.is_deleted
                assert people.get(tx, f"u-{company.id}").primary_company == held.id  # type: ignore[union-attr]
                assert people.get(tx, f"f-{company.id}").further_companies == {held.id}  # type: ignore[union-attr]
                assert deals.by_ids(tx, [f"d-{company.id}"])[f"d-{company.id}"].deal.owner_company == held.id
                assert f"l-{company.id}" in {licence.id for licence in licences.of_company(tx, held.id)}
                assert terms.current(tx, [Pair(held.id, vendor)]) == {Pair(held.id, vendor): AGREED}
                assert agreements.is_on_file(tx, Pair(held.id, vendor))
                assert subgroups.lasting(tx, [held.id])[held.id].parent_id == vendor
                assert held.id in company_links.agreed(tx, [held.id])
                assert bound[company.id] == held.id
                assert links.survivors(tx, COMPANY, [began_as]).get(began_as, began_as) == end
                if held.id != company.id:
                    assert subgroups.lasting(tx, [company.id]) == {}
                    assert companies.by_ids(tx, [company.id])[company.id].is_deleted
                    assert {held.id, f"d-{company.id}"} <= {row.record_id for row in outbox.listed(tx) if row.object in (COMPANY, DEAL)}


def told(portal: Portal, crm: Crm, seed: int, cuts: int) -> None:
    """The answers in which the CRM tells of these merges: any order, any cuts, survivors among them, some records twice."""
    chance = random.Random(seed)
    natives = [crm.loser(one) for one in crm.became()]
    natives += [account(end) for end in sorted({crm.end(one) for one in crm.became()})]
    natives += chance.sample(natives, chance.randint(0, 2))
    chance.shuffle(natives)
    places = sorted(chance.randint(0, len(natives)) for _ in range(cuts))
    for begin, end in zip([0, *places], [*places, len(natives)], strict=True):
        portal.read(*natives[begin:end], is_poll=chance.random() < 0.5)
        if chance.random() < 0.3:
            portal.read_noticed(crm)
    portal.read_noticed(crm)


@MANY
@given(merges=histories(), tells_ends=st.booleans(), seed=st.integers(0, 10**6), cuts=st.integers(0, 4))
def test_all_that_a_company_has_ends_at_the_company_that_lives(
    described: Tenant, store: Store, clock: Clock, merges: list[Merge], tells_ends: bool, seed: int, cuts: int
) -> None:
    # Given a portal whose companies have one of everything, and a CRM in which people merged, one merge after the other
    portal, crm = Portal(described, store, clock), Crm(merges, tells_ends)
    # When the CRM tells of it
    told(portal, crm, seed, cuts)
    # Then all of it is where the live record is
    portal.check(crm)


def test_a_chain_whose_later_merge_stands_first_in_the_answer(described: Tenant, store: Store, clock: Clock) -> None:
    # Given A merged into B and B into C within one second, and B's id lower than A's
    a, b, c = crm_id(3), crm_id(1), crm_id(2)
    portal, crm = Portal(described, store, clock), Crm([Merge(b, a, b), Merge(c, b, c)], tells_ends=False)
    # When one answer tells of both, then A's people are C's
    portal.read(crm.loser(b), crm.loser(a), account(c))
    portal.check(crm)


def test_what_came_to_a_dead_company_is_handed_on_when_it_is_read_again(described: Tenant, store: Store, clock: Clock) -> None:
    # Given a company that lost a merge long ago, and a person whom the portal puts there still
    a, b = crm_id(1), crm_id(2)
    portal, crm = Portal(described, store, clock), Crm([Merge(b, a, b)], tells_ends=False)
    portal.read(crm.loser(a))
    dead = portal.ours[a].id
    with store.transaction(portal.tenant.name) as tx:
        people.save(tx, [User("late", "late@example.com", "Late", Role.SALES, dead, frozenset())])
    # When the record is read again, then the person belongs to the survivor
    portal.read(crm.loser(a))
    with store.reading(portal.tenant.name) as tx:
        assert people.get(tx, "late").primary_company == portal.ours[b].id  # type: ignore[union-attr]


def test_a_record_that_vanished_before_its_merge_was_told_hands_over_too(described: Tenant, store: Store, clock: Clock) -> None:
    # Given a company whose record was hidden when it was read
    a, b = crm_id(1), crm_id(2)
    portal, crm = Portal(described, store, clock), Crm([Merge(b, a, b)], tells_ends=False)
    portal.read(replace(account(a), fields={}, is_deleted=True, is_gone=True))
    # When the CRM tells later that it was merged, then what it had is the survivor's
    portal.read(crm.loser(a))
    portal.check(crm)


def test_a_merge_that_was_undone_is_forgotten(described: Tenant, store: Store, clock: Clock) -> None:
    # Given a merge
    a, b = crm_id(1), crm_id(2)
    portal, crm = Portal(described, store, clock), Crm([Merge(b, a, b)], tells_ends=False)
    portal.read(crm.loser(a))
    # When a person takes the loser out of the bin, and merges the other way round
    portal.read(account(a))
    with store.reading(portal.tenant.name) as tx:
        assert links.survivors(tx, COMPANY, [a]) == {}
    turned = Crm([Merge(a, b, a)], tells_ends=False)
    portal.read(turned.loser(b), account(a))
    # Then everything is where the live record is
    portal.check(turned)


def lead(one: str, key: str | None = None) -> NativeRecord:
    return NativeRecord("Lead", one, MONDAY, {"Company": one, "LastName": "Doe", "Portal_Deal_Key__c": key})


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_deal_goes_on_with_the_end_of_the_chain(described: Tenant, store: Store, clock: Clock, order: tuple[int, ...], cut: int) -> None:
    # Given a deal whose lead was merged into a stranger, which was merged into another one
    portal = Portal(described, store, clock)
    a, b, c = (f"00Q{number:012d}EAA" for number in (3, 1, 2))
    with store.transaction(portal.tenant.name) as tx:
        deals.save(tx, [StoredDeal(Deal("d1", {"name": "Deal", "lifecycle": "submitted"}), 1, MONDAY, MONDAY)])
        links.save(tx, [Link("lead", a, "d1")])
    gone = [NativeRecord("Lead", old, MONDAY, {}, is_deleted=True, merged_into=new) for old, new in ((a, b), (b, c))]
    answer = [[*gone, lead(c)][place] for place in order]
    # When the CRM tells of it in any order, in one answer or two
    read_leads(portal, answer[:cut])
    read_leads(portal, answer[cut:])
    # Then the deal lives in the last one
    with store.reading(portal.tenant.name) as tx:
        link = links.current(tx, ["d1"])["d1"]
        noticed = {notice.crm_id for notice in notices.oldest(tx, "lead", 9)}
    assert (link.crm_id, link.deleted_at) == (c, None)
    assert c in noticed


def test_of_two_deals_that_are_merged_the_one_goes_on_whose_key_the_survivor_carries(described: Tenant, store: Store, clock: Clock) -> None:
    # Given two deals whose records become one new record, which has the key of the second
    portal = Portal(described, store, clock)
    a, b, c = (f"00Q{number:012d}EAA" for number in (1, 2, 3))
    with store.transaction(portal.tenant.name) as tx:
        for deal_id, one in (("d1", a), ("d2", b)):
            deals.save(tx, [StoredDeal(Deal(deal_id, {"name": deal_id, "lifecycle": "submitted"}), 1, MONDAY, MONDAY)])
            links.save(tx, [Link("lead", one, deal_id)])
    # When the CRM tells of it, then the second deal goes on, and the first is disconnected
    gone = [NativeRecord("Lead", old, MONDAY, {}, is_deleted=True, merged_into=c) for old in (a, b)]
    read_leads(portal, [*gone, lead(c, "d2")])
    with store.reading(portal.tenant.name) as tx:
        current = links.current(tx, ["d1", "d2"])
    assert (current["d2"].crm_id, current["d2"].deleted_at) == (c, None)
    assert current["d1"].deleted_at is not None


def read_leads(portal: Portal, natives: Sequence[NativeRecord]) -> None:
    tenant = portal.tenant
    with tenant.store.side_transaction(tenant.name) as tx:
        read_no = portals.draw_read_no(tx)
    with tenant.run("pull", "lead") as run_id:
        ingest(Chunk(tenant, tenant.mapping.records["lead"], natives, read_no, run_id), done)
