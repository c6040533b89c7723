"""Rows to store, each with every column set that a caller may set. Only what a test is about is spelled out in the test."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sync_worker.domain.associations.association import Binding
from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.link import Link
from sync_worker.domain.core.reconcile import Base, Conflict
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import FieldChange, StoredDeal
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.core.failures import Failure
from tests.servers import MONDAY


def company(id_: str = "c1", *, crm_id: str | None = "001", name: str = "Acme", **more: Any) -> StoredCompany:
    values: dict[str, Any] = {
        "status": PortalStatus.ACTIVE,
        "account_type": AccountType.PARTNER,
        "account_owner_email": "owner@example.com",
        "attributes": {"region": "EMEA", "seats": 3, "is_key": True, "tags": ["a", "b"]},
        "second_partner_values": ("North", "South"),
        **more,
    }
    return StoredCompany(Company(id=id_, crm_id=crm_id, name=name, **values), MONDAY)


def contract(company_id: str = "c1", value: str = "North", resolved_id: str | None = "c2", **more: Any) -> ContractRow:
    how: Any = "name" if resolved_id else ""
    return ContractRow(company_id, Binding(value, resolved_id, how), **{"since_at": MONDAY, "run_id": "r1", **more})


def deal(id_: str = "d1", *, version: int = 1, **values: Value) -> StoredDeal:
    fields: dict[str, Value] = {
        "owner_company": "c1",
        "second_partner": "c2",
        "name": "A deal",
        "amount": Decimal("1200.50"),
        "currency": "EUR",
        "expected_close_on": date(2026, 6, 30),
        "licence_count": 25,
        "lifecycle": "submitted",
        "is_registered": True,
        "segment": "public",
        **values,
    }
    return StoredDeal(Deal(id=id_, values=fields), version, MONDAY, MONDAY)


def change(deal_id: str = "d1", version: int = 1, field: str = "amount", **more: Any) -> FieldChange:
    values: dict[str, Any] = {"side": "portal", "actor": "Ann", "run_id": "r1", "old": "1", "new": "2", **more}
    return FieldChange(deal_id=deal_id, version=version, field=field, **values)


def link(crm_id: str = "00Q1", deal_id: str = "d1", *, object_: str = "lead", **more: Any) -> Link:
    return Link(
        object_, crm_id, deal_id, **{"base": {"amount": Base("1200.50", 1200.5), "name": Base("A deal", None, is_awaited=True)}, **more}
    )


def failure(id_: str = "f1", record: str = "001", **more: Any) -> Failure:
    values: dict[str, Any] = {
        "kind": "failure",
        "object": "company",
        "stage": "ingest",
        "code": "name_blank",
        "message": "a company needs a name",
        "run_id": "r1",
        "field": "name",
        "name": "Acme",
        "payload": {"Id": record, "Name": None, "Deep": {"List": [1, 2.5, "ü"]}},
        "payload_hash": "p1",
        "mapping_hash": "m1",
    }
    return Failure(**{"id": id_, "record": record, **values, **more})


def conflict(field: str = "amount", *, taken: Any = "", **more: Any) -> Conflict:
    return Conflict(**{"field": field, "base": "1", "crm": "2", "portal": "3", "code": "both_changed", "taken": taken, **more})
