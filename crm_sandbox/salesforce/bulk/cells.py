"""A row of cells → the body of a write. An empty cell says nothing, `#N/A` says null; `Owner.Email` names a parent by a key."""

from typing import Any

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal

NULL = "#N/A"
Body = dict[str, Any]
_TRUTHS = {"1": "true", "0": "false"}


def checked_header(org: Org, sobject: SObject, header: list[str]) -> list[str]:
    """The columns, if every one is a field or a key of a parent.

    Raises: Refusal InvalidBatch, which fails the whole job.
    """
    for name in header:
        relation, _, key = name.partition(".")
        if key:
            link = org.relation(sobject, relation)
            found = None if link is None else org.field(link[1], key)
        else:
            found = sobject.field(name)
        if found is None:
            raise SalesforceRefusal("InvalidBatch", f"Field name not found : {name}")
    if len({name.lower() for name in header}) != len(header):
        raise SalesforceRefusal("InvalidBatch", "Duplicate column names found in the CSV header")
    return header


def body(sobject: SObject, header: list[str], cells: list[str]) -> Body:
    """What one row writes."""
    found: Body = {}
    for name, cell in zip(header, cells, strict=True):
        if cell == "":
            continue
        relation, _, key = name.partition(".")
        value: Any = None if cell == NULL else cell
        if key:
            found[relation] = None if value is None else {key: value}
        else:
            found[name] = _typed(sobject.field(name), value)
    return found


def _typed(field: Field | None, value: str | None) -> Any:
    """Text as it is, except checkboxes, which may be 1 and 0 in CSV."""
    if field is not None and field.kind == "boolean" and value is not None:
        return _TRUTHS.get(value, value)
    return value
