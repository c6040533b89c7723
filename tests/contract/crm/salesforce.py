"""Salesforce on the bench: Leads of the sandbox, through the adapter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any

from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from crm_sandbox.remote import Remote
from crm_sandbox.salesforce.soql import queries
from sync_worker.crm.faults import Patience
from sync_worker.crm.port import Crm, WholeCrm
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.login import Credentials
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.crm.salesforce.reading import bulk
from sync_worker.services import Services
from tests.contract.crm.bench import closed_port

FREE_CALLS = {"token", "versions", "describe"}  # what the port does not call data calls
CALLS = {"time": "versions", "read": "retrieve", "scan": "/query|/results", "create": "collections_write", "update": "collections_write"}
FULL_PAGE = queries.PAGE_SIZE


class SalesforceBench:
    """See `Bench`."""

    native = "Lead"
    key_field = "Portal_Deal_Key__c"
    name_field = "Company"
    filter_field = "Portal_Deal_Name__c"
    bad_field = "Portal_Vendor_Approval__c"
    bulk_above: int | None = None
    rejects_with = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    full_code = "STORAGE_LIMIT_EXCEEDED"

    def __init__(self, base_url: str, remote: Remote) -> None:
        self._remote = remote
        self._credentials = Credentials(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, domain="", base_url=base_url)
        self._services = Services(random=Random(7), sleep=lambda _seconds: None)
        self._patience = Patience()
        self._tokens = Tokens(self._credentials, self._services, self._patience)

    def connect(self) -> WholeCrm:
        return self._connect(self._credentials)

    def unreachable(self) -> Crm:
        self.connect().fetch(self.native, ["00QSb0000000000AAA"], fields=())
        return self._connect(Credentials(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, domain="", base_url=f"http://127.0.0.1:{closed_port()}"))

    def _connect(self, credentials: Credentials) -> WholeCrm:
        return SalesforceCrm(
            SalesforceConnection(login=credentials, tokens=self._tokens, services=self._services, patience=self._patience),
            assigns_on_create=False,
            bulk_above=self.bulk_above,
        )

    def now(self) -> datetime:
        return self._remote.now()

    def move_clock(self, to: datetime) -> None:
        self._remote.set_clock(to)

    def create(self, name: str, *, key: str | None = None, marker: str | None = None) -> str:
        return self._remote.create(self.native, {**self.required(name), self.key_field: key, self.filter_field: marker})

    def edit(self, crm_id: str, name: str) -> None:
        self._remote.edit(self.native, crm_id, {self.name_field: name})

    def delete(self, crm_id: str) -> None:
        self._remote.delete(self.native, crm_id)

    def purge(self, crm_id: str) -> None:
        self._remote.hard_delete([crm_id])

    def hide(self, crm_id: str) -> None:
        self._remote.hide([crm_id])

    def show(self, crm_id: str) -> None:
        self._remote.show([crm_id])

    def merge(self, winner: str, loser: str) -> None:
        self._remote.merge(winner, [loser])

    def required(self, name: str) -> dict[str, Any]:
        return {self.name_field: name, "LastName": "Doe"}

    def stored(self, crm_id: str) -> Mapping[str, Any]:
        return self._remote.record(self.native, crm_id)

    def with_key(self, key: str) -> list[Mapping[str, Any]]:
        return [row for row in self._remote.records(self.native) if row[self.key_field] == key and not row["IsDeleted"]]

    def pages_of(self, count: int) -> None:
        queries.PAGE_SIZE = bulk.PAGE_COUNT = count

    def lose_reply(self) -> None:
        self._remote.fault("collections_write", when="after_commit", drop_connection=True)

    def be_too_busy(self) -> None:
        self._remote.fault("collections_write", error_code="SERVER_UNAVAILABLE")

    def lock_one(self) -> None:
        self._remote.fault("collections_write", record=True, error_code="UNABLE_TO_LOCK_ROW")

    def order(self, what: str, **order: Any) -> None:
        self._remote.fault(CALLS[what], **order)

    def new_field(self, word: str) -> str:
        return f"Portal_{word.title()}__c"

    def lose_definition(self) -> None:
        self._remote.fault("tooling_create", when="after_commit", drop_connection=True)

    def leave_out_empty(self) -> None:
        self._remote.leave_out(empty=True)

    def take_field_away(self, name: str) -> None:
        self._remote.leave_out(object=self.native, field=name)

    def describe_count(self) -> int:
        return int(self._remote.calls()["kinds"].get("describe", 0))

    def data_calls(self) -> int:
        kinds = self._remote.calls()["kinds"]
        return sum(count for kind, count in kinds.items() if kind not in FREE_CALLS)
