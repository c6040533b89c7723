"""HubSpot on the bench: deals of the sandbox, through the adapter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any

from crm_sandbox.hubspot.login.credentials import SANDBOX_TOKEN
from crm_sandbox.hubspot.remote import HubspotRemote
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.login import StaticToken
from sync_worker.crm.hubspot.connection.session import Access
from sync_worker.crm.hubspot.reading import reader, search
from sync_worker.crm.port import Crm, WholeCrm
from sync_worker.services import Services
from tests.contract.crm.bench import closed_port

FREE_CALLS = {"token", "account", "properties", "labels"}  # what the port does not call data calls
CALLS = {"time": "account", "read": "batch_read", "scan": "batch_read", "create": "batch_upsert", "update": "batch_update"}
FULL_PAGE = reader.PAGE_COUNT
FULL_SEARCH = search.PAGE_COUNT


class HubspotBench:
    """See `Bench`. In this portal a merge keeps the primary's id; what another portal makes of it has tests of its own."""

    native = "deals"
    key_field = "portal_deal_key"
    name_field = "dealname"
    filter_field = "portal_prospect"
    bad_field = "portal_vendor_approval"
    rejects_with = "INVALID_OPTION"
    full_code = "RECORD_LIMIT_REACHED"

    def __init__(self, base_url: str, remote: HubspotRemote) -> None:
        self._remote = remote
        self._services = Services(random=Random(7), sleep=lambda _seconds: None)
        self._access = self._access_at(base_url)

    def _access_at(self, base_url: str) -> Access:
        return Access(StaticToken(SANDBOX_TOKEN, base_url), self._services, Patience())

    def connect(self) -> WholeCrm:
        return HubspotCrm(self._access, services=self._services, patience=Patience())

    def unreachable(self) -> Crm:
        access = self._access_at(f"http://127.0.0.1:{closed_port()}")
        return HubspotCrm(access, services=self._services, patience=Patience())

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
        return {self.name_field: name}

    def stored(self, crm_id: str) -> Mapping[str, Any]:
        return self._remote.record(self.native, crm_id)

    def with_key(self, key: str) -> list[Mapping[str, Any]]:
        return [row for row in self._remote.records(self.native) if row[self.key_field] == key and not row["archived"]]

    def pages_of(self, count: int) -> None:
        reader.PAGE_COUNT = min(count, FULL_PAGE)
        search.PAGE_COUNT = min(count, FULL_SEARCH)

    def lose_reply(self) -> None:
        self._remote.fault("/batch/up(date|sert)$", when="after_commit", drop_connection=True)

    def be_too_busy(self) -> None:
        self._remote.fault("batch_upsert", error_code="LOCKED")

    def lock_one(self) -> None:
        self._remote.fault("batch_upsert", record=True, error_code="LOCKED")

    def order(self, what: str, **order: Any) -> None:
        self._remote.fault(CALLS[what], **order)

    def new_field(self, word: str) -> str:
        return f"portal_{word}"

    def lose_definition(self) -> None:
        self._remote.fault(f"/properties/[^/]+/{self.native}$", when="after_commit", drop_connection=True)

    def leave_out_empty(self) -> None:
        self._remote.leave_out(empty=True)

    def take_field_away(self, name: str) -> None:
        self._remote.archive_property(self.native, name)

    def describe_count(self) -> int:
        return int(self._remote.calls()["kinds"].get("properties", 0))

    def data_calls(self) -> int:
        kinds = self._remote.calls()["kinds"]
        return sum(count for kind, count in kinds.items() if kind not in FREE_CALLS)
