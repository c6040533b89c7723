"""Salesforce's fields as an admin makes them: there, seen and editable after one call, whatever was there before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from crm_sandbox.process import SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.errors import SchemaRefused
from sync_worker.mapping.required_schema import FieldKind, FieldWish, lack_of
from tests.integration.salesforce.conftest import Lab

WISHES = [
    FieldWish("Account", "Key__c", "key", is_written=True),
    FieldWish("Account", "Tier__c", "picklist", ("tier",), values=("Gold", "Silver")),
    FieldWish("Account", "Partners__c", "multi_picklist", values=("Arrow",), is_written=True),
    FieldWish("Lead", "Partner__c", "reference", refers_to="Account", is_written=True),
    FieldWish("Opportunity", "Partner__c", "reference", refers_to="Account", is_written=True),
    FieldWish("Lead", "Amount__c", "decimal", ("amount",), places=2, is_written=True),
    FieldWish("Lead", "Licences__c", "integer", is_written=True),
    FieldWish("Lead", "Registered__c", "boolean", is_written=True),
    FieldWish("Lead", "Expires__c", "date", is_written=True),
    FieldWish("Lead", "Note__c", "text"),
    FieldWish("Lead", "Why__c", "text_area"),
    FieldWish("Lead", "Region__c", "picklist"),
]
TIER = WISHES[1]


@pytest.fixture(scope="module")
def clean_url() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=20, leads=2, opportunities=2, clean=True)) as url:
        yield url


@pytest.fixture
def clean(clean_url: str) -> Iterator[Lab]:
    with Remote(clean_url) as remote:
        remote.clear_faults()
        remote.reset()
        yield Lab(clean_url, remote)


def lacks(crm: SalesforceCrm, *wishes: FieldWish) -> list[str]:
    return [wish.subject for wish in wishes if lack_of(wish, crm.describe(wish.native).fields.get(wish.name))]


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: f"{wish.native}-{wish.kind}")
def test_each_kind_is_there_as_wished_and_a_second_call_changes_nothing(clean: Lab, wish: FieldWish) -> None:
    # Given an org without any field of ours
    crm = clean.connect()
    assert lacks(crm, wish) == [wish.subject]

    # When the field is made, and made again by another process
    crm.schema.create(wish)
    clean.connect().schema.create(wish)

    # Then describe shows this user what was wished, and what we only read is not editable
    assert lacks(crm, wish) == []
    assert crm.describe(wish.native).fields[wish.name].is_updateable is wish.is_written


def test_two_at_once_make_each_field_once(clean: Lab) -> None:
    # Given two processes with the same wishes
    def provision(_: int) -> None:
        crm = clean.connect()
        for wish in WISHES:
            crm.schema.create(wish)

    # When both make them at the same time
    with ThreadPoolExecutor(2) as both:
        list(both.map(provision, range(2)))

    # Then all are there, in one permission set
    assert lacks(clean.connect(), *WISHES) == []
    assert len(clean.remote.records("PermissionSet")) == len(clean.remote.records("PermissionSetAssignment")) == 1
    assert len(clean.remote.records("FieldPermissions")) == len(WISHES)


def test_a_field_that_is_hidden_is_granted(clean: Lab) -> None:
    # Given a run that stopped between the field and its permission
    clean.remote.fault("row_create", object_name="FieldPermissions", error_code="INSUFFICIENT_ACCESS_OR_READONLY")
    with pytest.raises(SchemaRefused, match=r"Account\.Key__c.*INSUFFICIENT_ACCESS_OR_READONLY.*Assign Permission Sets"):
        clean.connect().schema.create(WISHES[0])
    assert lacks(clean.connect(), WISHES[0]) == ["Account.Key__c"]

    # When it is made again
    clean.connect().schema.create(WISHES[0])

    # Then it is seen
    assert lacks(clean.connect(), WISHES[0]) == []


def test_values_are_added_and_none_is_taken_away(clean: Lab) -> None:
    # Given a list
    schema = clean.connect().schema
    schema.create(TIER)

    # When values are added, one of them there already, twice
    for _ in range(2):
        schema.add_values(TIER, ["Silver", "Bronze"])

    # Then the list has grown by one, at its end
    assert clean.connect().describe("Account").fields["Tier__c"].values == ("Gold", "Silver", "Bronze")
    assert clean.counted("tooling_update") == 1


def test_more_values_than_the_vendor_takes_are_refused_in_its_words(clean: Lab) -> None:
    schema = clean.connect().schema
    schema.create(TIER)
    with pytest.raises(SchemaRefused, match=r"Account\.Tier__c.*LIMIT_EXCEEDED"):
        schema.add_values(TIER, [f"Tier {number}" for number in range(1000)])
    assert clean.connect().describe("Account").fields["Tier__c"].values == ("Gold", "Silver")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("StageName", "picklist", "a standard field"),
        ("CurrencyIsoCode", "text", "a standard field"),
        ("acme__Partner__c", "reference", "a managed package"),
    ],
)
def test_what_the_api_does_not_make_is_an_admins(clean: Lab, name: str, kind: FieldKind, words: str) -> None:
    schema, wish = clean.connect().schema, FieldWish("Opportunity", name, kind, values=("Won",))
    assert words in schema.by_hand(wish)
    with pytest.raises(SchemaRefused, match="Setup → Object Manager → Opportunity"):
        schema.add_values(wish, ["Won"])
