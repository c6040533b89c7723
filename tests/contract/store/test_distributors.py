"""What the database itself holds of a distributor's business: one parent, one signature, each licence and each mail once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sync_worker.domain.deals.quotes.quote import Pricing
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.store.core.engine import Store
from sync_worker.store.core.trouble import StatementRefused
from sync_worker.store.deals import licences, quotes
from sync_worker.store.distributors import agreements, subgroups, terms, waivers
from sync_worker.store.distributors.waivers import Waiver
from sync_worker.store.tell import mails
from sync_worker.store.tell.mails import OwedMail
from tests.contract.store.distributors import AGREED, MAIL, PAIR, licence, quote, subgroup, upload
from tests.servers import MONDAY, Clock

# ── subgroups ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_company_leaves_one_parent_for_another_and_both_stay_written(store: Store, clock: Clock) -> None:
    # Given a company under a parent
    with store.transaction("acme") as tx:
        subgroups.begin(tx, subgroup(tx))

    # When it leaves, and is promoted by another one later
    clock.forward(days=1)
    with store.transaction("acme") as tx:
        assert subgroups.end(tx, "c1", "Bo")
        assert not subgroups.end(tx, "c1", "Bo")
        subgroups.begin(tx, subgroup(tx, parent_id="c9"))

    # Then it is under the second one, and both are history
    with store.reading("acme") as tx:
        assert subgroups.lasting(tx, ["c1", "c5"])["c1"].parent_id == "c9"
        assert subgroups.under(tx, "c2") == []
        assert subgroups.known(tx, ["c1", "c2", "c5"]) == {"c1"}
        [first], [second] = (subgroups.involving(tx, "c1", at) for at in (MONDAY, tx.now))
    assert (first.parent_id, first.until_at, first.until_by) == ("c2", MONDAY + timedelta(days=1), "Bo")
    assert (second.parent_id, second.until_at) == ("c9", None)


def test_nobody_has_two_parents(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        subgroups.begin(tx, subgroup(tx))
    clock.forward(seconds=1)
    with pytest.raises(StatementRefused), store.transaction("acme") as tx:
        subgroups.begin(tx, subgroup(tx, parent_id="c9"))


# ── deals that go without their distributor ──────────────────────────────────────────────────────────────────────────


def test_a_waiver_comes_back_whole_and_the_latest_word_counts(store: Store, clock: Clock) -> None:
    # Given the vendor's word on two deals
    with store.transaction("acme") as tx:
        for deal_id in ("d1", "d2"):
            waivers.keep(tx, Waiver(deal_id, "c1", "c2", tx.now, "Vera (v1)", "sold by us"))

    # When it is given again on one of them, and a company loses a merge
    clock.forward(days=1)
    with store.transaction("acme") as tx:
        waivers.keep(tx, Waiver("d1", "c1", "c3", tx.now, "Vera (v1)", "another one"))
        waivers.move_company(tx, "c3", "c4")
        waivers.move_company(tx, "c1", "c5")

    # Then one word stands on each deal, of the companies that live
    with store.reading("acme") as tx:
        found = waivers.of_deals(tx, ["d1", "d2", "d3"])
    assert found == {
        "d1": Waiver("d1", "c5", "c4", MONDAY + timedelta(days=1), "Vera (v1)", "another one"),
        "d2": Waiver("d2", "c5", "c2", MONDAY, "Vera (v1)", "sold by us"),
    }

    # and what has ended is gone
    with store.transaction("acme") as tx:
        waivers.end(tx, ["d1"])
        waivers.end(tx, [])
        assert set(waivers.of_deals(tx, ["d1", "d2"])) == {"d2"}


# ── terms and agreements ─────────────────────────────────────────────────────────────────────────────────────────────


def test_terms_come_back_to_the_digit_and_the_newest_hold(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        terms.begin(tx, PAIR, AGREED, "Ann")
    clock.forward(days=1)
    with store.transaction("acme") as tx:
        terms.begin(tx, PAIR, Terms(False, {"new": Decimal("0.01")}), "Bo")
        assert terms.current(tx, [PAIR, Pair("c2", "c9")]) == {PAIR: Terms(False, {"new": Decimal("0.01")})}
        assert [(dated.terms, dated.actor) for dated in terms.history(tx, PAIR)] == [
            (AGREED, "Ann"),
            (Terms(False, {"new": Decimal("0.01")}), "Bo"),
        ]
        assert str(terms.history(tx, PAIR)[0].terms.percents["new"]) == "12.50"


def test_every_version_of_an_agreement_is_kept(store: Store) -> None:
    with store.transaction("acme") as tx:
        assert not agreements.is_on_file(tx, PAIR)
        upload(tx, "a1")
        upload(tx, "a2")
        assert agreements.is_on_file(tx, PAIR)
        assert not agreements.is_on_file(tx, Pair("c2", "c1"))
        assert [(one.id, one.version) for one in agreements.versions(tx, PAIR)] == [("a2", 2), ("a1", 1)]
        assert agreements.keys(tx) == {"k/a1", "k/a2"}


# ── quotes and licences ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_quote_comes_back_to_the_digit(store: Store) -> None:
    with store.transaction("acme") as tx:
        made = quotes.add(tx, "q1", quote(), "Ann")
        again = quotes.add(tx, "q2", quote(), "Ann")
        other = quotes.add(tx, "q3", quote(pricing=Pricing.RETAIL), "Ann")
    assert (made.version, again.version, other.version) == (1, 2, 1)
    with store.reading("acme") as tx:
        assert quotes.get(tx, "q1") == made
        assert {stored.id for stored in quotes.of_deal(tx, "d1")} == {"q1", "q2", "q3"}


def test_the_first_signature_counts_and_a_second_one_is_shown_it(store: Store, clock: Clock) -> None:
    # Given a quote sent twice and signed
    with store.transaction("acme") as tx:
        quotes.add(tx, "q1", quote(), "Ann")
        quotes.add(tx, "q2", quote(), "Ann")
        assert quotes.mark_sent(tx, "q1", "Ann")
        assert not quotes.mark_sent(tx, "q1", "Bo")
        first = quotes.sign(tx, "q1", "Cy", "c2")

    # When somebody signs again, this version or another one
    clock.forward(hours=1)
    with store.transaction("acme") as tx:
        again, newer = quotes.sign(tx, "q1", "Di", "c9"), quotes.sign(tx, "q2", "Di", "c9")

    # Then the answer is the first
    assert first == again == newer
    assert first is not None
    assert (first.id, first.sent_by, first.signed_by, first.signed_for, first.signed_at) == ("q1", "Ann", "Cy", "c2", MONDAY)
    with store.transaction("acme") as tx:
        assert quotes.signed(tx, "d1") == first
        assert quotes.sign(tx, "none", "Di", "c9") is None


def test_licences_are_issued_once_however_often(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        licences.issue(tx, [licence(1)])
    clock.forward(hours=1)
    with store.transaction("acme") as tx:
        licences.issue(tx, [replace(licence(1), count=99), licence(2)])
        assert licences.of_deal(tx, "d1") == licences.of_company(tx, "c1") == [licence(1), licence(2)]


def test_no_other_id_makes_a_second_licence_of_one_number(store: Store) -> None:
    with store.transaction("acme") as tx:
        licences.issue(tx, [licence(1)])
        licences.issue(tx, [replace(licence(1), id="other")])
        assert licences.of_deal(tx, "d1") == [licence(1)]


# ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def claim(store: Store, by: str = "t", limit: int = 9) -> list[str]:
    with store.side_transaction("acme") as tx:
        return [row.mail.id for row in mails.claim(tx, limit=limit, token=by, until_at=tx.now + timedelta(seconds=60))]


def test_one_event_is_told_to_one_person_once(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        mails.write(tx, [MAIL])
    assert claim(store) == ["m1"]
    with store.transaction("acme") as tx:
        assert mails.settle(tx, "m1", "t", "sent")
        mails.write(tx, [replace(MAIL, context={"deal": "other words"})])
        (row,) = mails.listed(tx)
        assert (row.mail, row.outcome, row.attempts) == (MAIL, "sent", 1)
        assert not mails.has_due(tx)
    assert claim(store) == []


def test_a_claim_is_one_claimers_until_it_expires(store: Store, clock: Clock) -> None:
    # Given a mail in somebody's hands
    with store.transaction("acme") as tx:
        mails.write(tx, [MAIL])
    assert claim(store, "first") == ["m1"]
    assert claim(store, "second") == []

    # When the claim expires without a word
    clock.forward(seconds=61)
    assert claim(store, "second") == ["m1"]

    # Then the first one has nothing to say any more
    with store.transaction("acme") as tx:
        assert not mails.settle(tx, "m1", "first", "given_up")
        assert not mails.later(tx, "m1", "first", tx.now, error="")
        assert mails.settle(tx, "m1", "second", "sent")


def test_a_mail_put_off_is_due_at_its_time(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        mails.write(tx, [MAIL])
    claim(store)
    with store.transaction("acme") as tx:
        assert mails.later(tx, "m1", "t", tx.now + timedelta(minutes=5), error="451 later")
    assert claim(store) == []
    clock.forward(minutes=5)
    assert claim(store) == ["m1"]
    with store.reading("acme") as tx:
        (row,) = mails.listed(tx)
    assert (row.attempts, row.error, row.outcome) == (2, "451 later", "")


def test_claimers_side_by_side_never_get_one_mail(open_store: Callable[[], Store]) -> None:
    stores = [open_store() for _ in range(4)]
    with stores[0].transaction("acme") as tx:
        mails.write(tx, [OwedMail(f"m{number}", f"e{number}", "ann@example.com", "deal_updated") for number in range(120)])
    with ThreadPoolExecutor(4) as threads:
        taken = [mail for part in threads.map(lambda place: claim(stores[place], f"t{place}", 40), range(4)) for mail in part]
    assert len(taken) == len(set(taken))
    assert len(taken) + len(claim(stores[0], "rest", 120)) == 120


# ── merges ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_company_had_that_lost_a_merge_is_the_survivors(store: Store, clock: Clock) -> None:
    # Given a subgroup with terms, an agreement and a licence
    with store.transaction("acme") as tx:
        subgroups.begin(tx, subgroup(tx))
        terms.begin(tx, PAIR, AGREED, "Ann")
        upload(tx)
        licences.issue(tx, [licence()])
    clock.forward(days=1)

    # When it loses a merge, and later its parent does
    with store.transaction("acme") as tx:
        for keeps in (subgroups, terms, agreements, licences):
            keeps.move_company(tx, "c1", "c5")
    clock.forward(days=1)
    with store.transaction("acme") as tx:
        for keeps in (subgroups, terms, agreements, licences):
            keeps.move_company(tx, "c2", "c6")

    # Then the survivor of each has it all
    with store.reading("acme") as tx:
        assert subgroups.lasting(tx, ["c1", "c5"])["c5"].parent_id == "c6"
        assert subgroups.lasting(tx, ["c1"]) == {}
        assert terms.current(tx, [Pair("c5", "c6"), PAIR]) == {Pair("c5", "c6"): AGREED}
        assert agreements.is_on_file(tx, Pair("c5", "c6"))
        assert [one.id for one in licences.of_company(tx, "c5")] == ["l1"]


def test_the_survivor_of_a_merge_keeps_its_own_parent_and_terms_and_is_never_its_own_parent(store: Store, clock: Clock) -> None:
    # Given two subgroups of two parents, each with terms with the first
    with store.transaction("acme") as tx:
        subgroups.begin(tx, subgroup(tx))
        subgroups.begin(tx, subgroup(tx, "c5", "c9"))
        terms.begin(tx, PAIR, AGREED, "Ann")
        terms.begin(tx, Pair("c5", "c2"), Terms(False), "Bo")
    clock.forward(days=1)

    # When one is merged into the other, and a parent into its own subgroup
    with store.transaction("acme") as tx:
        for keeps in (subgroups, terms):
            keeps.move_company(tx, "c1", "c5")
        kept = subgroups.lasting(tx, ["c5"])["c5"].parent_id
        subgroups.move_company(tx, "c9", "c5")

    # Then the survivor has what it had, and no parent where it would be itself
    with store.reading("acme") as tx:
        assert kept == "c9"
        assert subgroups.lasting(tx, ["c1", "c5"]) == {}
        assert terms.current(tx, [Pair("c5", "c2")]) == {Pair("c5", "c2"): Terms(False)}
