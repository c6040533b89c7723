"""The values of a list have what people read beside what records hold, where the two differ."""

from __future__ import annotations

from typing import Any

from sync_worker.crm.hubspot.reading.describe import field_of
from sync_worker.crm.salesforce.reading.describe import _field
from sync_worker.mapping.catalog import Catalog, CatalogField

OPTIONS: list[dict[str, Any]] = [{"value": "Gold", "label": "Gold partner"}, {"value": "Silver", "label": "Silver"}]


def of_salesforce() -> CatalogField:
    picklist = [{**option, "active": True} for option in OPTIONS]
    return _field({"name": "Tier__c", "type": "picklist", "label": "Tier", "picklistValues": picklist})


def of_hubspot() -> CatalogField:
    return field_of({"name": "tier", "type": "enumeration", "fieldType": "select", "label": "Tier", "options": OPTIONS})


def test_both_crms_tell_the_labels_that_differ() -> None:
    assert of_salesforce().labels == of_hubspot().labels == {"Gold": "Gold partner"}


def test_labels_are_kept_and_missing_in_what_an_older_version_kept() -> None:
    catalog = Catalog("Account", {"Tier__c": of_salesforce()})
    document = catalog.to_document()
    assert Catalog.from_document(document) == catalog
    for field in document["fields"]:
        del field["labels"]
    assert Catalog.from_document(document).fields["Tier__c"].labels == {}
