"""Plain deals of a first load go field by field, all others one by one: both ways end in the same rows and say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from crm_sandbox.remote import Remote
from sync_worker.crm.port import NativeRecord
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.sync.ingest.deals.record import REFERENCES
from sync_worker.domain.tell.event import COMPANY
from sync_worker.mapping.compile import RecordMap
from sync_worker.services import Services
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.ingest.deals import plain
from sync_worker.steps.sync.ingest.ingest import Stored, store_chunk
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.tables import cursors
from sync_worker.store.distributors import subgroups
from tests.integration.hubspot.test_portal import portal_on
from tests.integration.steps.test_columns import FOREIGN_KEY, Undone, everything
from tests.integration.steps.world import World
from tests.servers import MONDAY, Clock

COMPANIES = {
    "partner": "Birch Systems",
    "subgroup": "Cedar IT",
    "pending": "Katsura Labs",
    "distributor": "Arrow Electronics",
    "other distributor": "Bolt Distribution",
    "inactive distributor": "Cascade Supply",
}
LOST_KEY = "0d5f3a56-31b1-4c1c-8f0e-6f4b7a4f2a10"
NOTE = {"deal.attributes.note": {"native": "Description", "direction": "both"}}


@dataclass(frozen=True)
class Shape:
    """How one CRM spells deals. **Shapes** `clean`, `odd`: native field → values to choose from; companies by their word here."""

    record: str
    ids: Sequence[str]
    unknown: str
    clean: Mapping[str, Sequence[Any]]
    odd: Mapping[str, Sequence[Any]]


SALESFORCE = Shape(
    "opportunity",
    [f"0060000000000{no:02}AAA" for no in range(6)],
    "0010000000000ZZAAA",
    {
        "Portal_Partner__c": ["partner", "subgroup"],
        "Portal_Second_Partner__c": [None, "distributor"],
        "Name": ["Acme", "Zo\u00eb"],
        "Portal_Prospect__c": [None, "Acme Inc"],
        "Amount": [None, 10, 10.125, 1200.5, 0],
        "CloseDate": ["2026-06-30", None],
        "StageName": ["Qualification", "Closed Won", "Closed Lost"],
        "Portal_Deal_Type__c": [None, "New", "Renewal"],
        "Portal_Licences__c": [None, 25.0],
        "Portal_Vendor_Approval__c": [None, "Pending", "Approved", "Rejected", "Renewal pending"],
        "Portal_Vendor_Reason__c": [None, "Too cheap"],
        "Portal_Distributor_Approval__c": [None, "Approved"],
        "Portal_Deal_State__c": [None, "submitted", "expired", "Odd"],
        "Portal_Registered__c": [False, True],
        "Portal_Expires__c": [None, "2026-01-31", "2027-01-31"],
        "Description": [None, "A note", ""],
    },
    {
        "Portal_Partner__c": [None, "", "unknown", "pending", "distributor"],
        "Portal_Second_Partner__c": ["", "unknown", "other distributor", "inactive distributor", "partner"],
        "Name": [None, "", " "],
        "Amount": ["much", -1, 10**20],
        "CloseDate": ["soon", ""],
        "StageName": ["Nowhere", None],
        "Portal_Deal_Type__c": ["Gift"],
        "Portal_Licences__c": [1.5, "absent"],
        "Portal_Vendor_Approval__c": ["", "Perhaps"],
        "Portal_Registered__c": [None, "absent"],
        "Portal_Deal_Key__c": ["own", "other's", FOREIGN_KEY, LOST_KEY, " "],
    },
)
HUBSPOT = Shape(
    "deal",
    [f"90{no}" for no in range(6)],
    "999999",
    {
        "association:portal_partner": ["partner", "subgroup"],
        "association:portal_second_partner": [None, "distributor"],
        "dealname": ["Acme", "Zo\u00eb"],
        "portal_prospect": [None, "Acme Inc"],
        "portal_contact_email": [None, "ann@acme.example"],
        "amount": [None, "10", "10.125", "1200.5"],
        "deal_currency_code": [None, "EUR", "JPY"],
        "closedate": ["2026-06-30T22:30:00Z", None],
        "dealstage": ["appointmentscheduled", "closedwon", "closedlost"],
        "portal_deal_type": [None, "new"],
        "portal_vendor_approval": [None, "pending", "approved", "rejected"],
        "portal_deal_state": [None, "submitted"],
        "portal_registered": [None, "true", "false"],
        "portal_expires": [None, "2027-01-31"],
    },
    {
        "association:portal_partner": [None, "unknown", "distributor", ["partner", "subgroup"]],
        "association:portal_second_partner": ["unknown", "other distributor", ["distributor", "partner"]],
        "dealname": [None, ""],
        "amount": ["much"],
        "closedate": ["soon", "1782858600000"],
        "dealstage": ["nowhere", None],
        "portal_vendor_approval": ["", "perhaps"],
        "portal_registered": ["odd", "absent"],
        "portal_deal_key": ["own", "other's", FOREIGN_KEY, LOST_KEY, " "],
    },
)


@dataclass(frozen=True)
class Place:
    """A portal whose companies were read, and whose deals were not."""

    tenant: Tenant
    shape: Shape


@contextmanager
def salesforce(sandbox: str, remote: Remote, directory: Path, database_url: str = "", **portal: Any) -> Iterator[Place]:
    with closing(World(sandbox, remote, directory, database_url=database_url)) as world:
        world.configure(overrides=NOTE, **portal)
        world.pull(COMPANY)
        yield Place(world.tenant, SALESFORCE)


@pytest.fixture(params=["salesforce", "postgresql", "one tier", "hubspot"])
def place(request: pytest.FixtureRequest, sandbox: str, remote: Remote, tmp_path: Path) -> Iterator[Place]:
    terms = {"unassociated_second_partner": "revert", "registration_period": {"default": "30d", "types": {"renewal": "90d"}}}
    if request.param == "hubspot":
        with portal_on(tmp_path, "professional", {}, deal_count=0, services=Services(clock=Clock())) as (tenant, _):
            pull(tenant, COMPANY)
            yield Place(tenant, HUBSPOT)
        return
    portal: dict[str, Any] = {"postgresql": {"deals": terms}, "one tier": {"two_tier": False, "deals": {"approvals": ["vendor"]}}}
    database_url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""
    with salesforce(sandbox, remote, tmp_path, database_url, **portal.get(request.param, {})) as found:
        yield found


def pages_of(shape: Shape) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Most records are clean; what is odd is odd in one or two fields."""
    clean = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in shape.clean.items()})
    odd = st.dictionaries(st.sampled_from(sorted(shape.odd)), st.integers(0, 9), min_size=1, max_size=2).map(
        lambda chosen: {name: shape.odd[name][no % len(shape.odd[name])] for name, no in chosen.items()}
    )
    record: st.SearchStrategy[dict[str, Any]] = st.builds(
        dict,
        place=st.integers(0, len(shape.ids) - 1),
        fields=st.tuples(clean, st.one_of(st.just({}), st.just({}), odd)).map(lambda both: {**both[0], **both[1]}),
        age=st.integers(0, 2),
        kind=st.sampled_from(["alive"] * 9 + ["deleted", "merged", "mended", "converted"]),
        into=st.integers(0, len(shape.ids) - 1),
    )
    page: st.SearchStrategy[dict[str, Any]] = st.builds(
        dict, records=st.lists(record, max_size=7), again=st.booleans(), is_loading=st.sampled_from([True, True, True, False])
    )
    return st.lists(page, min_size=1, max_size=3)


@settings(deadline=None, max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_both_ways_end_in_the_same_rows(place: Place, data: st.DataObject) -> None:
    # Given a portal, and pages of records that are new, known, broken, merged, converted, repeated, or with all kinds of keys
    pages = data.draw(pages_of(place.shape))
    # When they are stored with the plain ones field by field, and once more each record by itself
    apart = stored(place, pages)
    with one_by_one():
        alone = stored(place, pages)
    # Then the same was counted and made due, and every table holds the same
    assert apart == alone


def test_most_records_of_a_page_go_field_by_field(place: Place) -> None:
    # Given a page of new deals, one of them without an owner company that is known
    shape, record = place.shape, place.tenant.mapping.records[place.shape.record]
    clean = {name: values[0] for name, values in shape.clean.items()}
    with ready(place) as tx:
        known = company_ids(tx, shape)
        natives = [native(record, known, shape, place=no, fields=clean, age=0, kind="alive", into=0) for no in range(len(shape.ids))]
        owner = record.fields["owner_company"].native
        natives[0] = replace(natives[0], fields={**natives[0].fields, owner: shape.unknown})
        chunk = Chunk(place.tenant, record, natives, 1, "r1")
        # When they are set apart, then only that one is left to be judged by itself
        assert plain.part(tx, chunk, OpenFindings(tx, record.record, chunk.crm_ids)).rest.crm_ids == list(shape.ids[:1])


@contextmanager
def one_by_one() -> Iterator[None]:
    """No record is plain."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "alone", lambda tx, chunk, before: [])
        yield


@contextmanager
def ready(place: Place) -> Iterator[Tx]:
    """A transaction of which nothing stays: deals are loaded for the first time, a company is a subgroup, and a feed is listened to."""
    with suppress(Undone), place.tenant.store.transaction("acme") as tx:
        tx = replace(tx, events=frozenset({"deal.registered", "deal.changed"}))
        tx.connection.execute(insert(cursors).values(portal="acme", object=place.shape.record))
        ids = companies.ids_by_crm_id(tx, company_ids(tx, place.shape).values())
        child, parent = (ids[company_ids(tx, place.shape)[word]] for word in ("subgroup", "distributor"))
        subgroups.begin(tx, Subgroup(child, parent, "created", MONDAY, "Ann"))
        yield tx
        raise Undone


def stored(place: Place, pages: Sequence[Mapping[str, Any]]) -> tuple[list[Stored], Mapping[str, Sequence[Any]]]:
    """What each page leads to, and every row after the last one; all of it is undone."""
    told: list[Stored] = []
    rows: Mapping[str, Sequence[Any]] = {}
    record = place.tenant.mapping.records[place.shape.record]
    with ready(place) as tx:
        known = company_ids(tx, place.shape)
        natives: list[NativeRecord] = []
        for no, page in enumerate(pages, start=1):
            pulled_at = None if page["is_loading"] else MONDAY
            tx.connection.execute(cursors.update().filter_by(portal="acme", object=record.record).values(last_pulled_at=pulled_at))
            shown = [native(record, known, place.shape, **one) for one in page["records"]]
            natives = natives if page["again"] and natives else [with_key(place, record, one) for one in shown]
            told.append(store_chunk(tx, Chunk(place.tenant, record, natives, no, "r1")))
        rows = everything(tx)
    return told, rows


def company_ids(tx: Tx, shape: Shape) -> dict[str, str]:
    """By the word for it here, a company's CRM id."""
    found = {word: companies.by_names(tx, [name]).exact[name][0].crm_id or "" for word, name in COMPANIES.items()}
    return {**found, "unknown": shape.unknown}


def native(
    record: RecordMap, known: Mapping[str, str], shape: Shape, *, place: int, fields: Mapping[str, Any], age: int, kind: str, into: int
) -> NativeRecord:
    shown = {**dict.fromkeys(record.native_fields), **{name: value for name, value in fields.items() if name in record.native_fields}}
    named = {field.native for name, field in record.fields.items() if name in REFERENCES}
    spelled = {name: spell(value, known) if name in named else value for name, value in shown.items() if value != "absent"}
    return NativeRecord(
        record.native,
        shape.ids[place],
        MONDAY - timedelta(minutes=age),
        spelled,
        is_deleted=kind in ("deleted", "merged"),
        merged_into=shape.ids[into] if kind == "merged" else None,
        is_converted=kind == "converted",
        mended=("Name",) if kind == "mended" else (),
    )


def spell(company: Any, known: Mapping[str, str]) -> Any:
    if isinstance(company, list):
        return [known[word] for word in company]
    return known.get(company, company)


def with_key(place: Place, record: RecordMap, native: NativeRecord) -> NativeRecord:
    """The record with the key that is meant: that of its own deal, or of another record's."""
    key, ids = native.fields.get(record.key_field), place.shape.ids
    other = ids[(ids.index(native.crm_id) + 1) % len(ids)]
    meant = {"own": place.tenant.identity(record.record, native.crm_id), "other's": place.tenant.identity(record.record, other)}
    return replace(native, fields={**native.fields, record.key_field: meant.get(str(key), key)})
