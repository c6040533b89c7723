"""The cast of the domain's tests: companies, people, one deal, and the scene they play."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.core.deal import Actor, Deal, Move, Policy, Refusal
from sync_worker.domain.core.move_context import Scene
from sync_worker.domain.core.stamp import STAMPS
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.core.values import Value
from sync_worker.domain.people.visibility import may_act

ACME = Company("acme", "1", "Acme", PortalStatus.ACTIVE, AccountType.PARTNER)
BETA = Company("beta", "5", "Beta", PortalStatus.ACTIVE, AccountType.PARTNER)
ARROW = Company("arrow", "2", "Arrow", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
INGRAM = Company("ingram", "3", "Ingram", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
VENDOR = Company("vendor", "4", "Vendor", PortalStatus.ACTIVE, AccountType.VENDOR)
COMPANIES = {company.id: company for company in (ACME, BETA, ARROW, INGRAM, VENDOR)}
POLICY = Policy()
TODAY = date(2026, 3, 2)


def member_of(company: Company | None) -> Actor:
    assert company is not None
    return Actor(f"someone at {company.name}", company.id, "portal")


def user(id_: str, company: Company, role: Role = Role.SALES, **more: Any) -> User:
    return User(id_, f"{id_}@{company.id}.example", id_.title(), role, company.id, **more)


def as_actor(one: User) -> Actor:
    return Actor(one.name, one.primary_company, "portal", one)


def submitted(**values: Value) -> Deal:
    two_tier = values.get("second_partner", "arrow")
    begun: dict[str, Value] = {
        "name": "Deal",
        "prospect_name": "Prospect",
        "owner_company": "acme",
        "second_partner": "arrow",
        "vendor_approval": "pending",
        "distributor_approval": "pending" if two_tier else "not_required",
        "lifecycle": "submitted",
        "outcome": "open",
        "is_registered": True,
        "licence_count": 10,
        "deal_type": "new",
        **values,
    }
    return Deal("d1", begun)


def scene(deal: Deal, actor: Actor, *, companies: Iterable[Company] = (), rep: User | None = None, **more: Any) -> Scene:
    """The scene of one wish, as a step would set it; companies given stand in for those of the cast."""
    known = {**COMPANIES, **{company.id: company for company in companies}}
    settings: dict[str, Any] = {
        "policy": POLICY,
        "today": TODAY,
        "owner": known.get(deal.owner_company or ""),
        "second_partner": known.get(deal.second_partner or ""),
        "options": [ARROW],
        **more,
    }
    return Scene(deal=deal, actor=actor, standing=may_act(actor, deal, companies=known, rep=rep), **settings)


def refused(result: object) -> str:
    assert isinstance(result, Refusal), result
    assert result.why
    assert result.who_may
    return result.code


def moved(result: object) -> dict[str, Value]:
    """What became of the deal, but for who decided, when and why (`test_stamp.py`)."""
    assert isinstance(result, Move), result
    return {name: value for name, value in result.changes.items() if name not in STAMPS}
