"""What the vendor says when it refuses: one envelope, most of whose keys may be absent.

    {"status": "error", "message", "correlationId", "category"[, "subCategory"][, "errors"][, "context"][, "links"]}

In a batch the same envelope without `correlationId` stands in `errors`, with what it is about in `context`.
Source: https://developers.hubspot.com/docs/api-reference/error-handling
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

VALIDATION_ERROR = "VALIDATION_ERROR"
Context = dict[str, list[str]]


@dataclass(eq=False)
class HubspotRefusal(Exception):
    """One refusal by the vendor."""

    message: str
    category: str = VALIDATION_ERROR
    status: int = 400
    sub_category: str | None = None
    errors: Sequence[Mapping[str, Any]] = ()
    context: Context = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    tells_rows: bool = False  # whether `errors` stand in a batch's entry too

    def __post_init__(self) -> None:
        Exception.__init__(self, self.message)

    def body(self) -> dict[str, Any]:
        """As the answer to a whole request."""
        return {"status": "error", "message": self.message, "correlationId": str(uuid.uuid4()), **self._rest(), **self.extra}

    def in_batch(self, context: Context) -> dict[str, Any]:
        """As one row's entry in `errors` of a 207."""
        shape = {"status": "error", "category": self.category, "message": self.message, "context": {**self.context, **context}}
        more = {"errors": list(self.errors)} if self.tells_rows else {}
        return {**shape, **more} if self.sub_category is None else {**shape, **more, "subCategory": self.sub_category}

    def _rest(self) -> dict[str, Any]:
        known = {
            "errors": list(self.errors),
            "context": self.context,
            "links": self.links,
            "subCategory": self.sub_category,
            "category": self.category,
        }
        return {name: value for name, value in known.items() if value}


@dataclass(frozen=True, slots=True)
class BadValue:
    """One property whose value will not do; several make one refusal. `is_listed`: whether `errors` names it too."""

    name: str
    code: str
    message: str
    is_listed: bool = True
    portal_id: int | None = None

    def in_message(self) -> dict[str, Any]:
        """As it stands in the JSON inside of the message."""
        shape: dict[str, Any] = {"isValid": False, "message": self.message, "error": self.code, "name": self.name}
        if self.portal_id is not None:
            shape |= {"localizedErrorMessage": self.message, "portalId": self.portal_id}
        return shape


def invalid_values(found: Sequence[BadValue]) -> HubspotRefusal:
    """Values that the properties do not take."""
    listed = [{"message": bad.message, "code": bad.code, "context": {"propertyName": [bad.name]}} for bad in found if bad.is_listed]
    inside = orjson.dumps([bad.in_message() for bad in found]).decode()
    return HubspotRefusal(f"Property values were not valid: {inside}", errors=listed)


def invalid(message: str, **context: list[str]) -> HubspotRefusal:
    """A request that means nothing to the vendor."""
    return HubspotRefusal(message, context=dict(context))


def bad_json(message: str) -> HubspotRefusal:
    """The body is not JSON, or of another shape."""
    return HubspotRefusal(f"Invalid input JSON on line 1, column 1: {message}")


def not_found(message: str = "resource not found") -> HubspotRefusal:
    """No such record."""
    return HubspotRefusal(message, "OBJECT_NOT_FOUND", 404)


def no_address() -> HubspotRefusal:
    """Nothing at that address."""
    return HubspotRefusal("Unable to find the requested resource", "OBJECT_NOT_FOUND", 404)


def method_not_allowed() -> HubspotRefusal:
    """The address exists, the method does not fit."""
    return HubspotRefusal("HTTP 405 Method Not Allowed", "VALIDATION_ERROR", 405)


def conflict(message: str) -> HubspotRefusal:
    """What is to be made exists."""
    return HubspotRefusal(message, "CONFLICT", 409)


def unknown_type(name: str) -> HubspotRefusal:
    """No such record type."""
    return HubspotRefusal(f"Unable to infer object type from: {name}")


def unauthenticated() -> HubspotRefusal:
    """No token, or one that was never issued."""
    words = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at "
        "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
    )
    return HubspotRefusal(words, "INVALID_AUTHENTICATION", 401)


def non_unique(type_id: str, name: str, portal_id: int) -> HubspotRefusal:
    """A record is to be found by a property that does not tell records apart."""
    return HubspotRefusal(f"Unable to perform update/upsert by non-unique {type_id} property {name} in portal ID {portal_id}")


def no_such_association_type(name: str, one: str, other: str) -> HubspotRefusal:
    """An association of a type that there is not between two record types."""
    return HubspotRefusal(
        f"{name} is not a valid association type between {one} and {other}",
        sub_category="crm.associations.INVALID_ASSOCIATION_TYPE",
        context={"type": [name], "fromObjectType": [one], "toObjectType": [other]},
    )


def too_many_associations(one: str, record_id: int, other: str, most: int) -> HubspotRefusal:
    """An admin allows fewer associations of a type. (The category is known, the words are ours.)"""
    words = f"{one} {record_id} cannot be associated with more {other} under this label: the limit is {most}"
    return HubspotRefusal(words, sub_category="crm.associations.ASSOCIATION_LIMIT_EXCEEDED")


def duplicate_ids(ids: Sequence[str]) -> HubspotRefusal:
    """A batch names a record twice."""
    return HubspotRefusal(f"Duplicate IDs found in batch input: [{', '.join(ids)}]. IDs must be unique", context={"ids": list(ids)})


def missing(upper: str, ids: Sequence[str]) -> HubspotRefusal:
    """Records that are to be written and are not there."""
    words = f"Could not get some {upper} objects, they may be deleted or not exist. Check that ids are valid."
    return HubspotRefusal(words, "OBJECT_NOT_FOUND", 404, context={"ids": list(ids)})


def taken(words: str, name: str) -> HubspotRefusal:
    """A unique value belongs to another record."""
    listed = {"message": words, "code": "CONFLICTING_UNIQUE_VALUE", "context": {"propertyName": [name]}}
    return HubspotRefusal(words, errors=[listed])


def no_associations(record_id: str, one: str, other: str) -> dict[str, Any]:
    """A record has no association. A 207 reports it as an error, although it is not one."""
    found = HubspotRefusal(
        f"No {other} is associated with {one} {record_id}.", "OBJECT_NOT_FOUND", 404, "crm.associations.NO_ASSOCIATIONS_FOUND"
    )
    return found.in_batch({"fromObjectId": [record_id], "fromObjectType": [one], "toObjectType": [other]})


def not_paid_for(what: str) -> HubspotRefusal:
    """The account's tier does not have that."""
    return HubspotRefusal(f"Your account does not have access to {what}; they need Professional or Enterprise.", "FORBIDDEN", 403)


def property_exists(name: str) -> HubspotRefusal:
    """A property of that name is there."""
    words = f"A property named '{name}' already exists."
    return HubspotRefusal(words, "OBJECT_ALREADY_EXISTS", 409, sub_category="Properties.PROPERTY_WITH_NAME_EXISTS")
