"""A parent named by a key of its own in place of its id: `{"Portal_Partner__r": {"Portal_Company_Id__c": "c-1"}}`."""

from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.values import kept
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.wire import errors


def resolved(org: Org, link: tuple[Field, SObject], value: Any) -> str | None:
    """The id of the parent that a key names; null names none.

    Raises: Refusal INVALID_FIELD for a key that no record has, or that is malformed.
    """
    if value is None:
        return None
    keys = {name: key for name, key in value.items() if name != "attributes"} if isinstance(value, dict) else {}
    if len(keys) != 1:
        raise errors.bad_json(f"Cannot deserialize instance of {link[1].name}: one external id is wanted at [line:1, column:1]")
    [(name, key)] = keys.items()
    field = org.field(link[1], name)
    if field is None or not field.is_upsert_key:
        raise errors.SalesforceRefusal(
            "INVALID_FIELD", f"Field name provided, {name} is not an External ID or indexed field for {link[1].name}"
        )
    found = org.store.ids_with(link[1], field, kept(field, key))
    if len(found) != 1:
        words = f"Foreign key external ID: {key} not found for field {field.name} in entity {link[1].name}"
        raise errors.SalesforceRefusal("INVALID_FIELD", words, fields=[])
    return found[0]
