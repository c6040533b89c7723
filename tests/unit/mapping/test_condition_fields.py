"""Which fields conditions may name, and of what kind each is, in the mappings that we ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_worker.mapping.catalog import Catalog, CatalogField
from sync_worker.mapping.compile import CompiledMapping, compile_mapping
from sync_worker.mapping.condition_fields import company_fields, condition_fields
from sync_worker.mapping.examples import default_dialect
from sync_worker.mapping.load import load_mapping

MAPPINGS = Path(__file__).parents[3] / "mappings"


def compiled(crm: str, catalogs: dict[str, Catalog] | None = None) -> CompiledMapping:
    mapping = load_mapping(MAPPINGS / f"{crm}.yaml")
    return compile_mapping(mapping, default_dialect(mapping.grammar, {}), catalogs)


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
def test_a_companys_fields_are_those_that_the_mapping_reads(crm: str) -> None:
    found = company_fields(compiled(crm).records["company"], two_tier=True)

    assert found["account_type"].values == ("vendor", "partner", "second_partner")
    assert found["portal_status"].values == ("active", "inactive", "pending")
    assert (found["name"].kind, found["account_owner_email"].kind) == ("text", "text")
    tiers = found["tier"].values or ()
    assert (found["tier"].kind, [tier.title() for tier in tiers]) == ("list", ["Registered", "Silver", "Gold", "Platinum"])
    assert (found["product_lines"].kind, found["product_lines"].values, found["second_partners"].kind) == ("set", None, "set")
    assert not found.keys() & {"portal_id", "may_register", "agreement_state"}  # only written to the CRM


def test_without_second_partners_a_companys_fields_do_not_name_them() -> None:
    found = company_fields(compiled("salesforce").records["company"], two_tier=False)

    assert found["account_type"].values == ("vendor", "partner")
    assert "second_partners" not in found


def test_a_list_that_comes_from_the_crm_is_the_one_that_was_described() -> None:
    lines = CatalogField("Portal_Product_Lines__c", "multi_picklist", values=("Cloud", "Edge"))
    names = [field.native for field in compiled("salesforce").records["company"].fields.values()]
    account = Catalog("Account", {**{name: CatalogField(name, "text") for name in names}, lines.name: lines})

    found = company_fields(compiled("salesforce", {"Account": account}).records["company"], two_tier=True)

    assert (found["product_lines"].kind, found["product_lines"].values) == ("set", ("Cloud", "Edge"))


@pytest.mark.parametrize(("crm", "records"), [("salesforce", ("lead", "opportunity")), ("hubspot", ("deal",))])
def test_a_deals_fields_have_their_kinds(crm: str, records: tuple[str, ...]) -> None:
    mapping = compiled(crm)
    found = condition_fields(*(mapping.records[name] for name in records))

    kinds = {name: found[name].kind for name in ("owner_company", "amount", "licence_count", "expires_on", "is_registered", "outcome")}
    assert kinds == {
        "owner_company": "reference",
        "amount": "decimal",
        "licence_count": "integer",
        "expires_on": "date",
        "is_registered": "boolean",
        "outcome": "list",
    }
    assert found["prospect_name"].kind == "text"
    assert found["lifecycle"].values is not None
