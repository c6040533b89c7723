"""Every kind of event, with the act that makes it on a real store: one event, in the commit of the change, that names its record."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Decision, Refusal, Track
from sync_worker.domain.core.user import Role
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.domain.tell.event import KINDS
from sync_worker.domain.tell.journeys.journey import WrittenJourney
from sync_worker.files import open_files
from sync_worker.steps.deals.complete import complete
from sync_worker.steps.deals.decide import decide
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.prices import keep
from sync_worker.steps.deals.quote import Quoted, send
from sync_worker.steps.distributors import agree, subgroups
from sync_worker.steps.distributors.agree import IncomingFile
from sync_worker.steps.distributors.subgroups import SubgroupChange
from sync_worker.steps.people.users import UserData, put
from sync_worker.steps.tell.journeys import keep as journeys
from sync_worker.steps.tell.journeys.standing import adopt
from sync_worker.store.core import feed
from sync_worker.store.core.feed import StoredEvent
from sync_worker.store.distributors import agreements, terms
from sync_worker.store.distributors import subgroups as parenthoods
from sync_worker.store.distributors.agreements import AgreementFile
from sync_worker.web.api.tell.feed_shapes import EventView
from tests.integration.steps import test_groups, test_journeys
from tests.integration.steps.test_completion import PRICES, Sale
from tests.integration.steps.test_feed import listening, told
from tests.integration.steps.test_moves import done
from tests.integration.steps.test_moves import told as user
from tests.integration.steps.world import World

AGREED: Final = Terms(True, {"new": Decimal("12.50"), "renewal": Decimal(5)})
SIGNED_PDF: Final = "Contract of Mrs Smith.pdf"


@dataclass
class Stage:
    """A portal with a feed, where everybody who acts is known."""

    world: World
    directory: Path
    bob: Actor  # of a partner
    dora: Actor  # of the distributor
    vera: Actor  # of the vendor

    def company(self, name: str) -> Company:
        return self.world.company(name)

    @property
    def arrow(self) -> Company:
        return self.company("Arrow Electronics")

    def sale(self) -> Sale:
        """A deal that both sides have approved, with a price list."""
        assert keep(self.world.tenant, PRICES, actor=self.vera) is None
        deal_id = self.world.registered(currency="EUR").id
        for track, actor in ((Track.DISTRIBUTOR, self.dora), (Track.VENDOR, self.vera)):
            done(decide(self.world.tenant, deal_id, track, Decision.APPROVE, MoveRequest(actor)))
        return Sale(self.world, deal_id, self.bob, self.dora, self.vera)

    def subgroup(self, name: str = "Delta IT") -> Company:
        made = subgroups.create(self.world.tenant, self.arrow, name, AGREED, actor=self.dora)
        assert isinstance(made, SubgroupChange), made
        return made.child.company

    def agreement(self, company: Company) -> None:
        files = open_files((self.directory / "files").as_uri())
        incoming = IncomingFile(SIGNED_PDF, [b"%PDF-1.7 signed by Mrs Smith"])
        kept = agree.put_on_file(self.world.tenant, files, company, self.arrow, incoming, actor=self.dora)
        assert not isinstance(kept, Refusal), kept

    def furnished(self, company: Company, upper: Company) -> None:
        """A subgroup with terms and an agreement."""
        pair = Pair(company.id, upper.id)
        with self.world.store.transaction("acme") as tx:
            parenthoods.begin(tx, Subgroup(company.id, upper.id, "promoted", tx.now, "Ann"))
            terms.begin(tx, pair, AGREED, "Ann")
            agreements.add(tx, pair, AgreementFile("a1", "a.pdf", "application/pdf", 9, "00", "k"), actor="Ann")

    def merge(self, survivor: str, loser: str) -> None:
        self.world.remote.merge(str(self.company(survivor).crm_id), [str(self.company(loser).crm_id)])
        self.world.pull()


@pytest.fixture
def stage(world: World, tmp_path: Path) -> Iterator[Stage]:
    before = world.store
    listening(world)
    world.configure(journeys={"confirm_above": "100%"})
    bob = user(world, "bob", "Birch Systems", Role.MANAGER)
    dora = user(world, "dora", "Arrow Electronics", Role.MANAGER)
    vera = user(world, "vera", "acme (vendor)", is_vendor_admin=True)
    yield Stage(world, tmp_path, bob, dora, vera)
    before.close()


# ── the acts: all before `yield` is set-up ───────────────────────────────────────────────────────────────────────────

Act: TypeAlias = Callable[[Stage], Iterator[None]]


def company_is_new(stage: Stage) -> Iterator[None]:
    yield
    new = {"Name": "Elm IT", "Portal_Account_Type__c": "Partner", "Portal_Status__c": "Active"}
    stage.world.remote.create("Account", new)
    stage.world.pull("company")


def subgroup_is_renamed(stage: Stage) -> Iterator[None]:
    child = stage.subgroup()
    yield
    assert isinstance(subgroups.rename(stage.world.tenant, stage.arrow, child, "Delta Ltd", actor=stage.dora), SubgroupChange)


def company_is_deleted(stage: Stage) -> Iterator[None]:
    yield
    stage.world.remote.delete("Account", str(stage.company("Cedar IT").crm_id))
    stage.world.pull()


def contract_ends(stage: Stage) -> Iterator[None]:
    yield
    stage.world.remote.edit("Account", str(stage.company("Birch Systems").crm_id), {"Associated_Second_Partner__c": None})
    stage.world.pull()


def deal_is_registered(stage: Stage) -> Iterator[None]:
    yield
    stage.world.registered()


def deal_is_changed(stage: Stage) -> Iterator[None]:
    deal = stage.world.registered()
    yield
    stage.world.change(deal.id, amount="1300")


def quote_is_made(stage: Stage) -> Iterator[None]:
    sale = stage.sale()
    yield
    sale.made()


def quote_is_sent(stage: Stage) -> Iterator[None]:
    sale = stage.sale()
    made = sale.made()
    yield
    for _ in range(2):  # the second time it is sent already
        assert isinstance(send(stage.world.tenant, sale.deal_id, made.id, MoveRequest(stage.vera)), Quoted)


def quote_is_offered(stage: Stage) -> Iterator[None]:
    sale = stage.sale()
    sale.finalized()
    made = sale.made()
    yield
    assert isinstance(send(stage.world.tenant, sale.deal_id, made.id, MoveRequest(stage.vera)), Quoted)


def quote_is_signed(stage: Stage) -> Iterator[None]:
    sale = stage.sale()
    sale.finalized()
    sale.sent()
    yield
    sale.signed()


def deal_is_completed(stage: Stage) -> Iterator[None]:
    sale = stage.sale()
    sale.finalized()
    sale.sent()
    sale.signed()
    yield
    complete(stage.world.tenant)
    complete(stage.world.tenant)


def owner_with_licences_is_merged(stage: Stage) -> Iterator[None]:
    for _ in deal_is_completed(stage):
        pass
    stage.world.pull()
    yield
    stage.merge("Cedar IT", "Birch Systems")


def price_list_is_kept(stage: Stage) -> Iterator[None]:
    yield
    assert keep(stage.world.tenant, PRICES, actor=stage.vera) is None
    assert keep(stage.world.tenant, PRICES, actor=stage.vera) is None  # nothing is new


def subgroup_is_made(stage: Stage) -> Iterator[None]:
    yield
    stage.subgroup()


def subgroup_is_promoted(stage: Stage) -> Iterator[None]:
    both = user(stage.world, "cleo", "Arrow Electronics", further_companies=["Cedar IT"])
    yield
    made = subgroups.promote(stage.world.tenant, stage.arrow, stage.company("Cedar IT"), AGREED, actor=both)
    assert isinstance(made, SubgroupChange), made


def subgroup_is_let_go(stage: Stage) -> Iterator[None]:
    child = stage.subgroup()
    yield
    gone = subgroups.disassociate(stage.world.tenant, stage.arrow, child, actor=stage.dora)
    assert isinstance(gone, SubgroupChange)
    again = subgroups.disassociate(stage.world.tenant, stage.arrow, child, actor=stage.dora)
    assert isinstance(again, Refusal)


def parent_is_merged(stage: Stage) -> Iterator[None]:
    stage.furnished(stage.company("Cedar IT"), stage.company("Bolt Distribution"))
    yield
    stage.merge("Arrow Electronics", "Bolt Distribution")


def subgroup_is_merged(stage: Stage) -> Iterator[None]:
    stage.furnished(stage.company("Cedar IT"), stage.arrow)
    user(stage.world, "cleo", "Cedar IT")
    yield
    stage.merge("Birch Systems", "Cedar IT")


def terms_are_set(stage: Stage) -> Iterator[None]:
    child = stage.subgroup()
    yield
    stage.world.forward(60)
    assert agree.set_terms(stage.world.tenant, child, stage.arrow, Terms(True, {"new": Decimal(15)}), actor=stage.dora) is None


def agreement_comes_in(stage: Stage) -> Iterator[None]:
    child = stage.subgroup()
    yield
    stage.agreement(child)


def journey_is_made(stage: Stage) -> Iterator[None]:
    yield
    test_journeys.saved(stage.world, test_journeys.journey())


def journey_is_switched(stage: Stage) -> Iterator[None]:
    test_journeys.saved(stage.world, test_journeys.journey())
    yield
    for _ in range(2):  # the second time nothing changes
        assert not isinstance(journeys.switch(stage.world.tenant, "welcome", is_on=False, actor=stage.vera), Refusal)


def journey_is_deleted(stage: Stage) -> Iterator[None]:
    test_journeys.saved(stage.world, test_journeys.journey())
    yield
    assert not isinstance(journeys.delete(stage.world.tenant, "welcome", actor=stage.vera), Refusal)


def journey_comes_from_a_file(stage: Stage) -> Iterator[None]:
    stage.world.filed_journeys = {"filed": WrittenJourney(test_journeys.journey("filed"), file="journeys/filed.yaml")}
    stage.world.tenant = stage.world.process()
    yield
    adopt(stage.world.tenant)
    adopt(stage.world.tenant)


def group_is_made(stage: Stage) -> Iterator[None]:
    yield
    test_groups.make(stage.world, "partners", test_groups.PARTNERS)


def user_comes_to_a_company(stage: Stage) -> Iterator[None]:
    test_groups.make(stage.world, "partners", test_groups.PARTNERS)
    yield
    test_groups.tell(stage.world, "nina", "Cedar IT")


def user_moves_to_a_distributor(stage: Stage) -> Iterator[None]:
    test_groups.make(stage.world, "partners", test_groups.PARTNERS)
    yield
    assert not isinstance(put(stage.world.tenant, UserData("bob", "bob@example.com", "Bob", Role.MANAGER, "Arrow Electronics")), Refusal)


@dataclass(frozen=True)
class Told:
    """What is told of each record. **Shapes** `besides`: what names it besides type and id; `changed` None: as other tests say."""

    record: str
    besides: Collection[str] = ()
    changed: Collection[str] | None = None
    count: int = 1


PAIR: Final = {"company_id", "upper_id"}
QUOTE: Final = {"number", "pricing", "column", "currency", "total"}
LICENCE: Final = {"company_id", "name", "count", "starts_on", "ends_on"}
TERMS: Final = {"may_register", "since", "percents.new", "percents.renewal"}
PARENT: Final = Told("company", changed={"parent_id"})
JOURNEY: Final = Told("journey", changed={"name", "version", "enabled"})
ACTS: Final[dict[Act, dict[str, Told]]] = {
    company_is_new: {"company.added": Told("company")},
    subgroup_is_renamed: {"company.changed": Told("company", changed={"name"})},
    company_is_deleted: {"company.deactivated": Told("company")},
    contract_ends: {"associations.changed": Told("company", changed=set())},
    deal_is_registered: {"deal.registered": Told("deal", {"version"}), "notification.created": Told("notification", count=3)},
    deal_is_changed: {"deal.changed": Told("deal", {"version"}, {"amount"})},
    quote_is_made: {"quote.made": Told("quote", {"deal_id"}, QUOTE)},
    quote_is_sent: {"quote.sent": Told("quote", {"deal_id"}, {"sent_at"})},
    quote_is_offered: {"quote.sent": Told("quote", {"deal_id"}, {"sent_at", "offered_at"})},
    quote_is_signed: {"quote.signed": Told("quote", {"deal_id"}, {"signed_at", "signed_for"})},
    deal_is_completed: {"licence.issued": Told("licence", {"deal_id"}, LICENCE, 2)},
    owner_with_licences_is_merged: {
        "licence.changed": Told("licence", {"deal_id"}, {"company_id"}, 2),
        "user.changed": Told("user", changed={"primary_company"}),
    },
    price_list_is_kept: {"prices.changed": Told("prices", changed=set())},
    subgroup_is_made: {"subgroup.added": PARENT, "terms.changed": Told("terms", PAIR, TERMS)},
    subgroup_is_promoted: {"subgroup.added": PARENT, "terms.changed": Told("terms", PAIR, TERMS)},
    subgroup_is_let_go: {"subgroup.ended": PARENT},
    subgroup_is_merged: {
        "subgroup.ended": PARENT,
        "subgroup.added": PARENT,
        "terms.changed": Told("terms", PAIR, TERMS),
        "agreement.changed": Told("agreement", PAIR, {"company_id"}),
        "user.changed": Told("user", changed={"primary_company"}),
    },
    parent_is_merged: {
        "subgroup.changed": PARENT,
        "terms.changed": Told("terms", PAIR, TERMS),
        "agreement.changed": Told("agreement", PAIR, {"upper_id"}),
    },
    terms_are_set: {"terms.changed": Told("terms", PAIR, {"since", "percents.new", "percents.renewal"})},
    agreement_comes_in: {"agreement.added": Told("agreement", PAIR, {"version", "media_type", "size_bytes"})},
    journey_is_made: {"journey.changed": JOURNEY},
    journey_is_switched: {"journey.changed": Told("journey", changed={"enabled"})},
    journey_is_deleted: {"journey.changed": JOURNEY},
    journey_comes_from_a_file: {"journey.changed": JOURNEY},
    group_is_made: {"group.changed": Told("group")},
    user_comes_to_a_company: {"group.joined": Told("user", changed={"group"})},
    user_moves_to_a_distributor: {"group.left": Told("user", changed={"group"})},
}
NOUNS: Final = ("quote.", "licence.", "prices.", "subgroup.", "terms.", "agreement.", "journey.", "user.")
ATTACHED: Final = {"deal.note_added", "deal.note_changed", "deal.note_removed", "deal.file_added", "deal.file_removed"}
ELSEWHERE: Final = {"records.loaded", *ATTACHED}  # test_feed.py, api/test_attached.py


def test_every_kind_of_event_has_an_act_that_makes_it() -> None:
    assert {kind for expected in ACTS.values() for kind in expected} | ELSEWHERE == set(KINDS)


@pytest.mark.parametrize(("act", "expected"), ACTS.items(), ids=[act.__name__ for act in ACTS])
def test_an_act_is_told_once(stage: Stage, act: Act, expected: dict[str, Told]) -> None:
    # Given what the act needs
    acting = act(stage)
    next(acting)
    with stage.world.store.reading("acme") as tx:
        seen = feed.reach(tx)[1]
    # When it is done
    next(acting, None)
    # Then there is one event of each record, which names the record and has what changed, and none of another kind
    found = told(stage.world, seen)
    assert {event.kind for event in found if event.kind.startswith(NOUNS)} == {kind for kind in expected if kind.startswith(NOUNS)}
    for kind, wanted in expected.items():
        events = [event for event in found if event.kind == kind]
        assert len(events) == len({event.record_id for event in events}) == wanted.count
        for data in (event.data for event in events):
            assert (data["record"]["type"], data["record"].keys() - {"type", "id"}) == (wanted.record, set(wanted.besides))
            assert wanted.changed is None or data["changed"].keys() == wanted.changed
            assert data["actor"]
    # and every event is as the OpenAPI says
    for event in found:
        shown = EventView(seq=event.seq, id=event.id, type=event.kind, timestamp=event.at, data=event.data)
        assert shown.model_dump(mode="json", by_alias=True)["data"] == event.data


def test_an_act_by_a_person_and_one_by_the_crm_say_so(stage: Stage) -> None:
    stage.furnished(stage.company("Cedar IT"), stage.arrow)
    stage.subgroup()
    stage.merge("Birch Systems", "Cedar IT")
    by = [(event.kind, event.data["side"], event.data["actor"]) for event in told(stage.world) if event.kind.startswith("subgroup.")]
    assert by == [
        ("subgroup.added", "portal", "Ann"),
        ("subgroup.added", "portal", "Dora (dora)"),
        ("subgroup.ended", "crm", "CRM"),
        ("subgroup.added", "crm", "CRM"),
    ]


def test_a_new_subgroup_is_told_after_its_company_and_pages_and_a_replay_keep_the_order(stage: Stage) -> None:
    # Given a subgroup with an agreement
    stage.agreement(stage.subgroup())
    whole = told(stage.world)
    assert [event.kind for event in whole] == [
        "company.added",
        "associations.changed",
        "subgroup.added",
        "terms.changed",
        "agreement.added",
    ]
    # When the portal reads them in pages of two, and asks for all of them again
    pages: list[StoredEvent] = []
    with stage.world.store.reading("acme") as tx:
        while page := feed.listed(tx, after=pages[-1].seq if pages else 0, limit=2):
            pages += page
    with stage.world.store.transaction("acme") as tx:
        count = feed.replay(tx, whole[0].seq)
    # Then it gets each once and in order, the same as before
    assert (pages, count, told(stage.world)) == (whole, 5, whole)


def test_a_change_that_is_undone_is_not_told(stage: Stage) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("the process dies before the commit")

    with pytest.raises(RuntimeError):
        subgroups.create(stage.world.tenant, stage.arrow, "Delta IT", AGREED, actor=stage.dora, finish=fails)
    assert told(stage.world) == []


def test_a_file_and_its_name_are_in_no_event(stage: Stage) -> None:
    stage.agreement(stage.subgroup())
    written = json.dumps([event.data for event in told(stage.world)])
    assert "Smith" not in written
    assert "agreements/" not in written


def test_a_subgroup_that_a_first_load_puts_back_is_silent(stage: Stage) -> None:
    # Given a subgroup in the CRM, and a database that was lost
    child = stage.subgroup()
    stage.world.push()
    stage.world.lose_database()
    empty = stage.world.store
    listening(stage.world)
    # When everything is read again
    stage.world.pull()
    # Then it is a subgroup again, and the portal is told of the load alone
    with stage.world.store.reading("acme") as tx:
        assert parenthoods.lasting(tx, [child.id]).keys() == {child.id}
    assert {event.kind for event in told(stage.world)} == {"records.loaded"}
    empty.close()
