"""BOTH SIDES: what the CRM says and what we hold of the record that a failure is about, from what is stored. No call is made.

The CRM's side is the record as it came when the failure was seen last. Where the failure is about a write, it is what the CRM held when
both sides last agreed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sync_worker.crm.address import address_of
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.link import Link
from sync_worker.domain.core.values import Plain, plain
from sync_worker.domain.sync.ingest.deals.record import REFERENCES
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure, FailureRow
from sync_worker.store.deals import deals, links

COMPANY_VALUES: Mapping[str, str] = {"portal_status": "status", "second_partners": "second_partner_values", "portal_id": "id"}
"""A company's field in the mapping → what we call it, where that is not the same."""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One field. **Shapes** `native`: its name in the CRM; `is_crm_known`: a base is kept only of fields that we write."""

    name: str
    native: str
    crm: Any
    portal: Plain
    is_crm_known: bool


@dataclass(frozen=True, slots=True)
class BothSides:
    """A record on both sides.

    **Shapes** `crm_id` "": the CRM has no record of it yet; `address`: its page there. `our_id` "": we hold nothing of it.
    `is_as_it_came`: the CRM's side is what came with the failure.
    """

    record: str
    crm_id: str
    address: str | None
    our_id: str
    is_as_it_came: bool
    fields: list[SideBySide] = field(default_factory=list)


def both_sides(tx: Tx, tenant: Tenant, failure: Failure) -> BothSides | None:
    """None where the failure is about no record that we know."""
    came = dict(failure.payload) if failure.stage == "ingest" and isinstance(failure.payload, Mapping) else None
    records = tenant.plain_mapping.records
    if failure.object == COMPANY:
        stored = companies.by_crm_ids(tx, [failure.record]).get(failure.record)
        company = stored.company if stored else companies.by_ids(tx, [failure.record]).get(failure.record)
        crm_id = company.crm_id if company else failure.record
        our_id, held = (company.id, _of_company(company)) if company else ("", {})
        if not (came or company):
            return None
        found = BothSides(COMPANY, crm_id or "", None, our_id, is_as_it_came=came is not None)
        return _filled(tenant, found, came or {}, held)
    link = _link(tx, failure)
    deal_id = link.deal_id if link else failure.record
    deal = deals.by_ids(tx, [deal_id]).get(deal_id)
    record = records.get(link.object if link else failure.object) or records[tenant.portal.deals.record]
    if deal is None and came is None:
        return None
    crm = came if came is not None else _agreed(record, link)
    crm_id = link.crm_id if link else failure.record if deal is None else ""
    held = _named(tx, {name: plain(value) for name, value in deal.deal.values.items()}) if deal else {}
    found = BothSides(record.record, crm_id, None, deal_id if deal else "", is_as_it_came=came is not None)
    return _filled(tenant, found, crm, held)


def deal_names(tx: Tx, rows: Iterable[FailureRow]) -> dict[str, str]:
    """The names of the deals that these failures name by our id alone."""
    unnamed = {row.failure.record for row in rows if row.failure.stage == "push" and not row.failure.name}
    return {id_: str(plain(stored.deal.values.get("name")) or "") for id_, stored in deals.by_ids(tx, unnamed).items()}


def _link(tx: Tx, failure: Failure) -> Link | None:
    """The CRM record of the deal: named by its CRM id where it was read, by our id where it was written."""
    found = links.by_crm_ids(tx, failure.object, [failure.record])
    return found.get(failure.record) or links.current(tx, [failure.record]).get(failure.record)


def _agreed(record: RecordMap, link: Link | None) -> dict[str, Any]:
    """What the CRM held when both sides last agreed, by its own names."""
    return {one.native: link.base[name].crm for name, one in record.fields.items() if name in link.base} if link else {}


def _of_company(company: Company) -> dict[str, Plain]:
    names = ("name", "status", "account_type", "account_owner_email", "second_partner_values", "id")
    return {**{name: plain(getattr(company, name)) for name in names}, **company.attributes}


def _named(tx: Tx, values: dict[str, Plain]) -> dict[str, Plain]:
    """The same, with the companies that a deal names by their names."""
    ids = {str(values[name]) for name in REFERENCES if values.get(name)}
    names = {id_: company.name for id_, company in companies.by_ids(tx, ids).items()}
    return {name: names.get(str(value), value) if name in REFERENCES else value for name, value in values.items()}


def _filled(tenant: Tenant, found: BothSides, crm: Mapping[str, Any], held: Mapping[str, Plain]) -> BothSides:
    """The same with its page in the CRM and its fields."""
    record = tenant.plain_mapping.records[found.record]
    address = address_of(tenant.portal.crm, record.native, found.crm_id) if found.crm_id else None
    return replace(found, address=address, fields=list(_fields(record, crm, held)))


def _fields(record: RecordMap, crm: Mapping[str, Any], held: Mapping[str, Plain]) -> Iterator[SideBySide]:
    """Every field of the mapping that one of both sides has."""
    for name, one in sorted(record.fields.items()):
        ours = held.get(COMPANY_VALUES.get(name, name)) if record.record == COMPANY else held.get(name)
        theirs = crm.get(one.native)
        if ours not in (None, "", []) or theirs not in (None, "", []):
            yield SideBySide(name, one.native, theirs, ours, is_crm_known=one.native in crm)
