"""Plain records of a page go field by field, all others one by one: whatever the page, both ways end in the same rows and say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.associations.association import Binding
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.associations import contract_values
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import OpenFindings
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.companies import plain
from sync_worker.steps.sync.ingest.ingest import Stored, store_chunk
from sync_worker.store.associations import associations
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.tables import companies as company_rows
from sync_worker.store.operate.schema import metadata
from tests.integration.steps.world import World
from tests.servers import MONDAY

IDS = [f"0010000000000{no:02}AAA" for no in range(6)]
FOREIGN_KEY = "ERP-17"
NAMES = ["North", "South", "Zo\u00eb", "Zoe\u0308", "A; B", " ", None]
VALUES = ["North;Nowhere", "North;North; ", "Zo\u00eb;Zoe\u0308", "North\u00a0", IDS[1], f"{IDS[2][:15].lower()};South", "By map;Nowhere"]
Told = tuple[Stored, Mapping[str, Sequence[Any]]]

CONTRACTS = {"mode": "contracts", "contract_values": {"By map": IDS[0]}}
RULES = {"mode": "rules", "rules": [{"name": "region", "match": ["region"]}]}


class Undone(Exception):  # no error: nothing of this is to stay
    """Ends a transaction."""


def given_fields(names: Sequence[str | None]) -> st.SearchStrategy[dict[str, Any]]:
    """Most are clean; what is odd is odd in one or two fields."""
    clean = st.fixed_dictionaries(
        {
            "Name": st.sampled_from(NAMES[:2]),
            "Portal_Status__c": st.sampled_from(["Active", "Inactive"]),
            "Portal_Account_Type__c": st.sampled_from(["Partner", "Distributor"]),
            "Associated_Second_Partner__c": st.sampled_from([None, "North", "South;North", IDS[0][:15], "Nowhere"]),
            "Portal_Company_Id__c": st.none(),
            "Portal_Account_Owner_Email__c": st.sampled_from([None, "ann@acme.example", ""]),
            "Portal_Region__c": st.sampled_from(["EMEA", "APAC"]),
            "Portal_Tier__c": st.sampled_from(["Gold", "Silver"]),
            "BillingCountryCode": st.sampled_from(["DE", "US"]),
            "Portal_Product_Lines__c": st.sampled_from([None, "Cloud", "Security;Cloud"]),
        }
    )
    odd = st.fixed_dictionaries(
        {},
        optional={
            "Name": st.sampled_from(names),
            "Portal_Status__c": st.sampled_from([None, "", "Odd", " Active "]),
            "Portal_Account_Type__c": st.sampled_from([None, "Vendor", "Odd", 1, True]),
            "Associated_Second_Partner__c": st.sampled_from(VALUES),
            "Portal_Company_Id__c": st.sampled_from(["own", "other's", FOREIGN_KEY, ""]),
            "Portal_Region__c": st.sampled_from([None, "", "Moon"]),
            "Portal_Tier__c": st.just("absent"),
            "BillingCountryCode": st.sampled_from([None, "XX"]),
            "Portal_Product_Lines__c": st.sampled_from(["Nothing", ["Cloud"], 5]),
        },
    )
    return st.tuples(clean, st.one_of(st.just({}), st.just({}), odd)).map(lambda both: {**both[0], **both[1]})


FIELDS = given_fields(NAMES)
RECORDS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    place=st.integers(0, len(IDS) - 1),
    fields=FIELDS,
    age=st.integers(0, 2),
    kind=st.sampled_from(["alive"] * 8 + ["deleted", "merged", "mended"]),
    into=st.integers(0, len(IDS) - 1),
)
PAGES: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        records=st.lists(RECORDS, max_size=7),
        again=st.booleans(),
        late=st.sampled_from([False, False, True]),
        is_poll=st.booleans(),
        is_filling=st.booleans(),
        patched=st.sets(st.integers(0, len(IDS) - 1), max_size=3),
        edited=st.sampled_from([None, None, *IDS]),
        by_person=st.sampled_from([None, None, "North", "Nowhere"]),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("mode", [CONTRACTS, RULES], ids=["contracts", "rules"])
@settings(deadline=None, max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pages=PAGES)
def test_both_ways_end_in_the_same_rows(empty_world: World, mode: Mapping[str, Any], pages: list[dict[str, Any]]) -> None:
    # Given a portal, and pages of records that are new, known, broken, merged, late, repeated, or edited by hand in the database
    if empty_world.tenant.portal.associations.model_dump(include=set(mode), exclude_defaults=True) != mode:
        empty_world.configure(associations=mode)
    # When they are stored with the plain ones field by field, and once more each record by itself
    apart = stored(empty_world, pages)
    with one_by_one():
        alone = stored(empty_world, pages)
    # Then the same was counted and made due, and every table holds the same
    assert apart == alone


def test_most_records_of_a_page_go_field_by_field(empty_world: World) -> None:
    # Given a page of new companies, and the same page read again
    clean = {"Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner", "Portal_Region__c": "EMEA", "Portal_Tier__c": "Gold"}
    record = empty_world.tenant.mapping.records[COMPANY]
    natives = [NativeRecord("Account", crm_id, MONDAY, {**dict.fromkeys(record.native_fields), **clean, "Name": crm_id}) for crm_id in IDS]
    natives[0] = replace(natives[0], fields={**natives[0].fields, "Name": None})
    chunk = Chunk(empty_world.tenant, record, natives, 1, "r1")
    with undone(empty_world) as tx:
        # When they are set apart, then only what is odd is left to be judged by itself
        assert rest(tx, chunk) == IDS[:1]
        store_chunk(tx, chunk)
        assert rest(tx, chunk) == IDS[:1]


def rest(tx: Tx, chunk: Chunk) -> list[str]:
    return plain.part(tx, chunk, OpenFindings(tx, COMPANY, chunk.crm_ids)).rest.crm_ids


@contextmanager
def undone(world: World) -> Iterator[Tx]:
    """A transaction of which nothing stays."""
    with suppress(Undone), world.store.transaction("acme") as tx:
        yield tx
        raise Undone


@contextmanager
def one_by_one() -> Iterator[None]:
    """No record is plain, and no contract value is bound for many partners at once."""
    with pytest.MonkeyPatch.context() as patch:
        bind_each = contract_values._bind_known
        patch.setattr(contract_values, "_bind_new", lambda tx, run_id, partners, found: bind_each(tx, run_id, partners, found, {}))
        patch.setattr(plain, "alone", lambda tx, chunk, before: [])
        yield


def stored(world: World, pages: Sequence[Mapping[str, Any]]) -> list[Told]:
    """What each page leads to; all of it is undone."""
    told: list[Told] = []
    record = world.tenant.mapping.records[COMPANY]  # the CRM is asked what it has before the transaction begins
    with undone(world) as tx:
        natives: list[NativeRecord] = []
        for no, page in enumerate(pages, start=1):
            known = companies.ids_by_crm_id(tx, IDS)
            natives = natives if page["again"] and natives else [native(world, **record) for record in page["records"]]
            shown = [replace(one, fields=with_key(one.fields, one.crm_id, known, page["patched"])) for one in natives]
            companies.mark_patched(tx, [known[IDS[place]] for place in page["patched"] if IDS[place] in known])
            tx.connection.execute(update(company_rows).filter_by(portal="acme", crm_id=page["edited"]).values(name="By hand"))
            rebind(tx, page["by_person"], sorted(known.values()))
            if page["late"]:
                for crm_id, company_id in known.items():
                    companies.place(tx, company_id, crm_id, settled_no=no + 1)
            told.append((store_chunk(tx, chunk_of(world, record, shown, no, page)), everything(tx)))
    return told


def rebind(tx: Tx, value: str | None, company_ids: Sequence[str]) -> None:
    """A person has bound this value to the first company."""
    held = associations.holding(tx, value) if value and company_ids else []
    associations.save(tx, [replace(row, binding=Binding(row.binding.value, company_ids[0], "person")) for row in held])


def chunk_of(world: World, record: RecordMap, natives: Sequence[NativeRecord], no: int, page: Mapping[str, Any]) -> Chunk:
    return Chunk(world.tenant, record, natives, no, "r1", is_filling=page["is_filling"], is_poll=page["is_poll"])


def native(world: World, *, place: int, fields: Mapping[str, Any], age: int, kind: str, into: int) -> NativeRecord:
    names = world.tenant.mapping.records[COMPANY].native_fields
    shown = {**dict.fromkeys(names), **{name: value for name, value in fields.items() if name in names}}
    shown = {name: value for name, value in shown.items() if value != "absent"}
    return NativeRecord(
        "Account",
        IDS[place],
        MONDAY - timedelta(minutes=age),
        shown,
        is_deleted=kind in ("deleted", "merged"),
        merged_into=IDS[into] if kind == "merged" else None,
        mended=("Name",) if kind == "mended" else (),
    )


def with_key(fields: Mapping[str, Any], crm_id: str, known: Mapping[str, str], patched: set[int]) -> dict[str, Any]:
    """The record with the key that is meant: its own where it was patched."""
    key = fields.get("Portal_Company_Id__c")
    others = [company_id for other, company_id in known.items() if other != crm_id]
    meant = {"own": known.get(crm_id), "other's": others[0] if others else None}
    own = known.get(crm_id) if IDS.index(crm_id) in patched else None
    return {**fields, "Portal_Company_Id__c": meant.get(key, key) if isinstance(key, str) and key else own}


def everything(tx: Tx) -> dict[str, list[Any]]:
    """Every row of the portal, without the ids that are drawn."""
    drawn = {"failures": {"id"}, "conflicts": {"id"}}
    found = {}
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if column.name not in drawn.get(table.name, ())]
        if "portal" in table.columns:
            found[table.name] = sorted(map(tuple, tx.connection.execute(select(*columns).where(table.c.portal == tx.portal))), key=repr)
    return found
