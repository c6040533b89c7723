"""What the vendor says when it refuses, in its own shapes.

single request   [{"message", "errorCode"[, "fields"]}]          with a 4xx status
collections      {"statusCode", "message", "fields"}             per record, inside a 200
token endpoint   {"error", "error_description"}                  see login/auth.py
"""

from collections.abc import Sequence
from typing import Any

_LAST_MISSPELT = 54


class SalesforceRefusal(Exception):
    """One refusal by the vendor."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Sequence[str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = None if fields is None else list(fields)
        self.extra = extra or {}

    def single(self) -> dict[str, Any]:
        """As an item of the list that answers a single request."""
        shape: dict[str, Any] = {**self.extra, "message": self.message, "errorCode": self.code}
        if self.fields is not None:
            shape["fields"] = self.fields
        return shape

    def in_collection(self) -> dict[str, Any]:
        """As an item of one record's `errors` in a collection."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}


def session_invalid() -> SalesforceRefusal:
    """The token is unknown or has expired."""
    return SalesforceRefusal("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def not_found(message: str = "The requested resource does not exist") -> SalesforceRefusal:
    """Nothing at that address."""
    return SalesforceRefusal("NOT_FOUND", message, status=404)


def not_imitated(what: str) -> SalesforceRefusal:
    """The vendor has it, and the sandbox does not: our own words, with a status that the vendor does not use."""
    words = f"The sandbox does not imitate {what}. docs/sandbox.md says what it imitates."
    return SalesforceRefusal("NOT_IMITATED", words, status=501)


def method_not_allowed(method: str, allowed: Sequence[str]) -> SalesforceRefusal:
    """The address exists, the method does not fit."""
    words = f"HTTP Method '{method}' not allowed. Allowed are {','.join(allowed)}"
    return SalesforceRefusal("METHOD_NOT_ALLOWED", words, status=405)


def limit_exceeded() -> SalesforceRefusal:
    """The day's API calls are used up."""
    return SalesforceRefusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)


def too_many_long_calls() -> SalesforceRefusal:
    """As many calls as the org may have are running for 20 seconds and more."""
    return SalesforceRefusal("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", status=403)


def unable_to_lock(ids: Sequence[str]) -> SalesforceRefusal:
    """Another call holds rows that the write needs, and has not let them go in time."""
    words = f"unable to obtain exclusive access to this record or {len(ids)} records: {','.join(ids)}"
    return SalesforceRefusal("UNABLE_TO_LOCK_ROW", words, fields=[])


def bad_json(message: str) -> SalesforceRefusal:
    """The body is not JSON, or a value is of the wrong JSON type."""
    return SalesforceRefusal("JSON_PARSER_ERROR", message)


def entity_deleted() -> SalesforceRefusal:
    """The record lies in the recycle bin."""
    return SalesforceRefusal("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=[])


def bad_reference(status: int = 400) -> SalesforceRefusal:
    """An id of the right form that belongs to no record."""
    return SalesforceRefusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=status, fields=[])


def malformed_id(label: str, value: str, fields: Sequence[str] = ()) -> SalesforceRefusal:
    """Not an id, or one of another record type."""
    return SalesforceRefusal("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", fields=fields)


def no_such_column(name: str, sobject: str) -> SalesforceRefusal:
    """A write or a retrieve names a field that does not exist, or that the user may not see."""
    return SalesforceRefusal("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def read_only(names: Sequence[str]) -> SalesforceRefusal:
    """A write names fields that no user may write, or that this user may not write."""
    listed = ", ".join(names)
    words = (
        f"Unable to create/update fields: {listed}. Please check the security settings of this field and verify that "
        "it is read/write for your profile or permission set."
    )
    return SalesforceRefusal("INVALID_FIELD_FOR_INSERT_UPDATE", words, fields=names)


def required_missing(names: Sequence[str]) -> SalesforceRefusal:
    """A create leaves them out, or an update empties them."""
    return SalesforceRefusal("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", fields=names)


def duplicate_value(field: str, record_id: str) -> SalesforceRefusal:
    """A unique field holds that value elsewhere."""
    words = f"duplicate value found: {field} duplicates value on record with id: {record_id}"
    return SalesforceRefusal("DUPLICATE_VALUE", words, fields=[])


def converted_lead() -> SalesforceRefusal:
    """A converted lead can be read and deleted, not changed."""
    return SalesforceRefusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])


def rolled_back() -> SalesforceRefusal:
    """Innocent, but another record of an all-or-none call failed."""
    words = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return SalesforceRefusal("ALL_OR_NONE_OPERATION_ROLLED_BACK", words)


def duplicates_detected(sobject: str, urls_by_id: dict[str, str]) -> SalesforceRefusal:
    """A duplicate rule found the record's likes. Up to API 54 the vendor misspells the key."""
    words = "Use one of these records?"
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": sobject, "url": url}, "Id": record_id},
        }
        for record_id, url in urls_by_id.items()
    ]
    match_result = {
        "entityType": sobject,
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": matches,
        "rule": f"Standard_{sobject}_Match_Rule_v1_0",
        "size": len(matches),
        "success": True,
    }
    version = next((url.split("/")[3] for url in urls_by_id.values()), "v60.0")
    key = "duplicateResult" if float(version[1:]) > _LAST_MISSPELT else "duplicateResut"
    result = {
        "allowSave": True,
        "duplicateRule": f"Standard_{sobject}_Duplicate_Rule",
        "duplicateRuleEntityType": sobject,
        "errorMessage": words,
        "matchResults": [match_result],
    }
    return SalesforceRefusal("DUPLICATES_DETECTED", words, extra={key: result})
