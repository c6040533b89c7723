"""Who sees which deals: each line of the policy, and the laws: no third company ever, never less for a higher role."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.move_context import Party
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.people.visibility import POLICY, Basis, Viewer, can_see, may_act, shares
from tests.unit.domain.stage import ACME, ARROW, BETA, COMPANIES, INGRAM, VENDOR, as_actor, submitted, user

ROLES = list(Role)


def sees(viewer: User | Viewer, deal: Deal, rep: User | None = None) -> bool:
    return can_see(viewer if isinstance(viewer, Viewer) else Viewer(viewer), deal, rep)


# ── the owner's side ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("of", ROLES)
def test_in_the_owner_company_one_sees_ones_own_and_those_below(role: Role, of: Role) -> None:
    rep = user("bob", ACME, of)
    is_below = ROLES.index(of) > ROLES.index(role)
    assert sees(user("ann", ACME, role), submitted(owner_user="bob"), rep) is is_below
    assert sees(rep, submitted(owner_user="bob"), rep)


@pytest.mark.parametrize(("role", "expected"), [(Role.SALES, False), (Role.MANAGER, True), (Role.EXECUTIVE, True)])
def test_a_deal_of_nobody_is_below_everybody_but_sales(role: Role, expected: bool) -> None:
    assert sees(user("ann", ACME, role), submitted()) is expected


def test_who_registered_for_a_colleague_goes_on_seeing_it() -> None:
    assert sees(user("ann", ACME), submitted(owner_user="bob", registered_by="ann"), user("bob", ACME, Role.EXECUTIVE))


def test_the_role_is_taken_along_to_further_companies() -> None:
    manager = user("ann", BETA, Role.MANAGER, further_companies=frozenset({"acme"}))
    assert sees(manager, submitted())


# ── the second partner's side ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", ROLES)
def test_the_second_partner_sees_what_names_it_sales_only_what_names_them(role: Role) -> None:
    assert sees(user("dora", ARROW, role), submitted(owner_user="bob"), user("bob", ACME, Role.EXECUTIVE)) is (role is not Role.SALES)
    assert sees(user("dora", ARROW, role), submitted(registered_by="dora"))


@pytest.mark.parametrize("role", ROLES)
def test_nobody_elses_draft_is_seen_from_the_other_side(role: Role) -> None:
    assert not sees(user("dora", ARROW, role), submitted(lifecycle="draft"))
    assert sees(user("dora", ARROW, role), submitted(lifecycle="draft", registered_by="dora"))


def test_a_changed_second_partner_ends_the_old_ones_sight() -> None:
    before, after = submitted(), submitted(second_partner="ingram")
    dora, ina = user("dora", ARROW, Role.MANAGER), user("ina", INGRAM, Role.MANAGER)
    assert (sees(dora, before), sees(dora, after)) == (True, False)
    assert (sees(ina, before), sees(ina, after)) == (False, True)


@pytest.mark.parametrize("role", ROLES)
def test_every_member_of_a_distributor_sees_its_subgroups_deals(role: Role) -> None:
    dora = Viewer(user("dora", ARROW, role), parents={"acme": "arrow", "beta": "ingram"})
    assert sees(dora, submitted(second_partner=None))
    assert not sees(dora, submitted(second_partner=None, owner_company="beta"))
    assert not sees(dora, submitted(second_partner=None, lifecycle="draft"))


# ── the vendor's ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_vendor_admin_sees_all_and_other_people_of_the_vendor_none() -> None:
    assert sees(user("vera", VENDOR, is_vendor_admin=True), submitted(lifecycle="draft"))
    assert not sees(user("vic", VENDOR, Role.EXECUTIVE), submitted())


@pytest.mark.parametrize("company", ["acme", "arrow"])
def test_the_account_owner_of_either_company_sees_its_deals(company: str) -> None:
    vic = Viewer(user("vic", VENDOR), as_account_owner=frozenset({company}))
    assert sees(vic, submitted(owner_user="bob"), user("bob", ACME, Role.ACCOUNT_OWNER))
    assert not sees(vic, submitted(lifecycle="draft"))
    assert not sees(vic, submitted(owner_company="beta", second_partner="ingram"))


def test_somebody_inactive_sees_nothing() -> None:
    everything = Viewer(
        user("ann", ACME, Role.EXECUTIVE, is_vendor_admin=True, is_active=False),
        as_account_owner=frozenset({"acme"}),
        parents={"acme": "acme"},
    )
    assert shares(everything) == ()


# ── acting ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("who", "parties"),
    [
        (user("ann", ACME, Role.MANAGER), {Party.OWNER}),
        (user("ann", ACME), set()),
        (user("dora", ARROW, Role.MANAGER), {Party.SECOND_PARTNER}),
        (user("vera", VENDOR, is_vendor_admin=True), {Party.VENDOR}),
        (user("vic", VENDOR, Role.EXECUTIVE), set()),
        (user("both", ACME, Role.MANAGER, further_companies=frozenset({"arrow"})), {Party.OWNER, Party.SECOND_PARTNER}),
    ],
)
def test_for_whom_a_user_acts(who: User, parties: set[Party]) -> None:
    assert may_act(as_actor(who), submitted(), companies=COMPANIES, rep=None).parties == parties


def test_a_parent_acts_on_a_subgroups_deal_only_where_the_deal_names_it() -> None:
    dora, parents = as_actor(user("dora", ARROW)), {"acme": "arrow"}
    assert may_act(dora, submitted(), companies=COMPANIES, rep=None, parents=parents).parties == {Party.SECOND_PARTNER}
    assert may_act(dora, submitted(second_partner="ingram"), companies=COMPANIES, rep=None, parents=parents).parties == set()


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

SIDES = st.sampled_from([None, *COMPANIES])
DEALS = st.builds(
    lambda owner, second, lifecycle, rep, by: submitted(
        owner_company=owner, second_partner=second, lifecycle=lifecycle, owner_user=rep, registered_by=by
    ),
    SIDES,
    SIDES,
    st.sampled_from(["draft", "submitted", "won"]),
    st.sampled_from([None, "me", "bob"]),
    st.sampled_from([None, "me", "bob"]),
)
USERS = st.builds(
    lambda company, role, further, is_active: user("me", company, role, further_companies=frozenset(further), is_active=is_active),
    st.sampled_from(list(COMPANIES.values())),
    st.sampled_from(ROLES),
    st.lists(st.sampled_from(list(COMPANIES)), max_size=2),
    st.booleans(),
)
REPS = st.builds(lambda role: user("bob", ACME, role), st.sampled_from(ROLES))
PARENTS = st.dictionaries(st.sampled_from(["acme", "beta"]), st.sampled_from(["arrow", "ingram"]))


@given(who=USERS, deal=DEALS, rep=REPS, parents=PARENTS)
def test_law_a_third_company_sees_nothing(who: User, deal: Deal, rep: User, parents: dict[str, str]) -> None:
    is_party = bool(who.companies & {deal.owner_company, deal.second_partner})
    is_parent = parents.get(deal.owner_company or "") in who.companies
    if not (is_party or is_parent):
        assert not sees(Viewer(who, parents=parents), deal, rep)


@given(who=USERS, deal=DEALS, rep=REPS, parents=PARENTS, named=st.booleans())
def test_law_a_higher_role_sees_no_less(who: User, deal: Deal, rep: User, parents: dict[str, str], named: bool) -> None:
    as_owner = frozenset({"acme"}) if named else frozenset[str]()
    seen = [sees(Viewer(replace(who, role=role), as_owner, parents), deal, rep) for role in ROLES]
    assert seen == sorted(seen, reverse=True)


@given(who=USERS, deal=DEALS, rep=REPS, parents=PARENTS)
def test_law_who_may_act_sees_it(who: User, deal: Deal, rep: User, parents: dict[str, str]) -> None:
    standing = may_act(as_actor(who), deal, companies=COMPANIES, rep=rep, parents=parents)
    if standing.parties | standing.idle:
        assert sees(Viewer(who, parents=parents), deal, rep)


def test_the_policy_names_every_role_on_both_sides() -> None:
    for side in ("owner_company", "second_partner"):
        assert {line.role for line in POLICY if line.basis is Basis.MEMBER and line.side == side} == set(Role)
