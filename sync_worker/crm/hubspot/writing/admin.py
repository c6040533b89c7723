"""The HubSpot `Schema`: properties, their options, and association labels, made as an admin would make them.

Options are read, merged, written and read back, one list at a time in this process. HubSpot has no compare-and-set: who writes the same
list between our read and our write may lose what it added. Of two processes, each sees its loss when it reads back and adds again, unless
the other had read before and writes after that; then the next check names the value.
Source: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sync_worker.crm.hubspot.associations.associations import TO, AssociationCalls
from sync_worker.crm.hubspot.connection.session import Ask, HubspotConnection
from sync_worker.crm.hubspot.reading import options
from sync_worker.crm.hubspot.reading.describe import field_of
from sync_worker.crm.hubspot.reading.options import Option
from sync_worker.errors import AuthFailed, ConnectionDown, SchemaRefused, UncertainWrite, WriteRejected
from sync_worker.mapping.catalog import ASSOCIATION
from sync_worker.mapping.required_schema import FieldKind, FieldWish, lack_of
from sync_worker.services import Services

GROUP = {"name": "partner_portal", "label": "Partner portal"}  # the heading that our properties stand under
READ_BACKS = 5
READ_BACK_S = 1.0  # between two of them, after the first
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_PIPELINED = ("pipeline", "dealstage")
_FLAGS = (("Yes", "true"), ("No", "false"))
_LISTS = threading.Lock()  # one list at a time
_TYPES: Mapping[FieldKind, tuple[str, str]] = {  # type and fieldType
    "key": ("string", "text"),
    "text": ("string", "text"),
    "text_area": ("string", "textarea"),
    "decimal": ("number", "number"),
    "integer": ("number", "number"),
    "boolean": ("bool", "booleancheckbox"),
    "date": ("date", "date"),
    "picklist": ("enumeration", "select"),
    "multi_picklist": ("enumeration", "checkbox"),
    "reference": ("string", "text"),  # a record's id
}


class HubspotSchema:
    """See `crm/port.py`. Over the connection of one thread."""

    most_options: int | None = None

    def __init__(self, connection: HubspotConnection, associations: AssociationCalls, services: Services) -> None:
        self._connection = connection
        self._associations = associations
        self._services = services

    def by_hand(self, wish: FieldWish) -> str:
        """See `crm/port.py`."""
        if wish.is_association:
            return "keep it in a property: `native:` instead of `association:` in the mapping" if wish.native == TO else ""
        if wish.name in _PIPELINED:
            return f"Settings, Objects, Deals, Pipelines: make a pipeline or stage with the internal value {' or '.join(wish.values)}"
        if wish.name.startswith("hs_"):
            return "a property of HubSpot's own; see that it is on, or name another one in the mapping"
        if not _NAME.fullmatch(wish.name):
            return "correct the mapping: HubSpot's property names are of small letters, digits and underscores"
        return ""

    def create(self, wish: FieldWish) -> None:
        """See `crm/port.py`."""
        if wish.is_association:
            self._create_label(wish)
            return
        if self._row(wish) is None:
            self._create_group(wish)
            body = _property(wish)
            self._make(
                wish,
                lambda apis: apis.properties.create(wish.native, body, _preload_content=False),
                is_there=lambda: self._row(wish) is not None,
            )
        self._fit(wish, self._shown(wish))

    def add_values(self, wish: FieldWish, values: Sequence[str]) -> None:
        """See `crm/port.py`. What cannot be an option is refused after the others were added."""
        unfit = options.unfit(values)
        with _LISTS:
            self._merge(wish, [value for value in values if value not in unfit])
        if unfit:
            words = "; ".join(f"{value!r} {why}" for value, why in unfit.items())
            raise SchemaRefused(f"{wish.subject}: no option was made for {words}; rename the company, or map the value by its record id")

    def conversion(self, native: str, into: str) -> Mapping[str, str] | None:
        """Nothing converts here."""
        return None

    # ── properties ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _row(self, wish: FieldWish) -> Mapping[str, Any] | None:
        """The property as HubSpot shows it now; None where there is none."""
        body = {"archived": False, "inputs": [{"name": wish.name}]}
        answer = self._connection.read(
            lambda apis: apis.property_batches.read(wish.native, body, _preload_content=False),
            doing=f"reading property {wish.subject}",
            is_counted=False,
        )
        return next((row for row in answer["results"] if row.get("name") == wish.name), None)

    def _shown(self, wish: FieldWish) -> Mapping[str, Any]:
        """The same, of a property that was made just now. **Raises** UncertainWrite where HubSpot does not show it."""
        for place in range(READ_BACKS):
            if (row := self._row(wish)) is not None:
                return row
            if place:
                self._services.sleep(READ_BACK_S)
        raise UncertainWrite(f"HubSpot accepted property {wish.subject} and does not show it yet; run the command again in a minute")

    def _fit(self, wish: FieldWish, row: Mapping[str, Any]) -> None:
        """Adds the values that a list lacks. **Raises** SchemaRefused where something else stands there under the name."""
        lack = lack_of(wish, field_of(row))
        if lack is None:
            return
        if lack.kind == "values":
            self.add_values(wish, lack.values)
            return
        if lack.kind == "read_only":
            raise SchemaRefused(
                f"{wish.subject} is computed by HubSpot, so the worker cannot write it: name another property in the mapping"
            )
        there = f"{row.get('type')}, {row.get('fieldType')}{', unique' if row.get('hasUniqueValue') else ''}"
        raise SchemaRefused(
            f"{wish.subject} is there already, as {there}: HubSpot lets neither its type nor its uniqueness be changed. "
            "Archive it and provision again, or name another property in the mapping"
        )

    def _merge(self, wish: FieldWish, values: Sequence[str]) -> None:
        for place in range(READ_BACKS):
            row = self._row(wish)
            if row is None:
                raise SchemaRefused(f"{wish.subject} is not there: create it first")
            told = row.get("options") or ()
            wished = options.merged(told, values)
            if wished == options.kept(told):
                return
            _check_list(wish, row, wished)
            if place > 1:
                self._services.sleep(READ_BACK_S)
            self._replace(wish, wished)
        raise UncertainWrite(f"{wish.subject}: somebody else keeps changing its options; run the command again in a minute")

    def _replace(self, wish: FieldWish, wished: Sequence[Option]) -> None:
        """Writes a whole list; a lost answer is told by the next read."""
        body = {"options": list(wished)}
        try:
            self._connection.define(
                lambda apis: apis.properties.update(wish.native, wish.name, body, _preload_content=False),
                doing=f"changing the options of {wish.subject}",
            )
        except UncertainWrite:
            return
        except (WriteRejected, ConnectionDown) as error:
            raise SchemaRefused(str(error)) from error

    def _create_group(self, wish: FieldWish) -> None:
        if not self._has_group(wish):
            self._make(
                wish,
                lambda apis: apis.groups.create(wish.native, {**GROUP, "displayOrder": -1}, _preload_content=False),
                is_there=lambda: self._has_group(wish),
            )

    def _has_group(self, wish: FieldWish) -> bool:
        answer = self._connection.read(
            lambda apis: apis.groups.get_all(wish.native, _preload_content=False),
            doing=f"reading the property groups of {wish.native}",
            is_counted=False,
        )
        return any(row.get("name") == GROUP["name"] for row in answer["results"])

    # ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _create_label(self, wish: FieldWish) -> None:
        if self._has_label(wish):
            return
        body = {"name": _label_name(wish), "label": wish.label}
        try:
            self._make(
                wish,
                lambda apis: apis.labels.create(wish.native, TO, body, _preload_content=False),
                is_there=lambda: self._has_label(wish),
            )
        except SchemaRefused as error:
            advice = "Labels need Professional or Enterprise; without them keep the company in a property: `native:` in the mapping"
            raise SchemaRefused(f"{error}. {advice}") from error

    def _has_label(self, wish: FieldWish) -> bool:
        return any(field.name == wish.name for field in self._associations.catalog(wish.native))

    def _make(self, wish: FieldWish, send: Ask, *, is_there: Callable[[], bool]) -> None:
        """Sends; a refusal or a lost answer counts only while the thing is not there: somebody may have been faster."""
        try:
            self._connection.define(send, doing=f"creating {wish.subject}")
        except AuthFailed:
            raise
        except UncertainWrite:
            if not is_there():
                raise
        except (WriteRejected, ConnectionDown) as error:
            if not is_there():
                raise SchemaRefused(str(error)) from error


def _property(wish: FieldWish) -> dict[str, Any]:
    kind, field_type = _TYPES[wish.kind]
    shape = {"name": wish.name, "label": wish.label, "type": kind, "fieldType": field_type, "groupName": GROUP["name"]}
    if wish.kind == "key":
        return {**shape, "hasUniqueValue": True}
    if kind == "bool":
        yes, no = ({"label": label, "value": value, "displayOrder": place, "hidden": False} for place, (label, value) in enumerate(_FLAGS))
        return {**shape, "options": [yes, no]}
    unfit = options.unfit(wish.values)
    values = [value for value in wish.values if value not in unfit]  # the others are refused by name, once the list is there
    return {**shape, "options": options.first(values)} if kind == "enumeration" else shape


def _label_name(wish: FieldWish) -> str:
    """A label's own name: it must not begin with a digit."""
    slug = wish.name.removeprefix(ASSOCIATION)
    return slug if slug[:1].isalpha() else f"portal_{slug}"


def _check_list(wish: FieldWish, row: Mapping[str, Any], wished: Sequence[Option]) -> None:
    """**Raises** SchemaRefused where the list is not ours to change, or would be longer than HubSpot allows."""
    if row.get("externalOptions") or (row.get("modificationMetadata") or {}).get("readOnlyOptions"):
        raise SchemaRefused(f"{wish.subject}: its options are HubSpot's own and cannot be changed; correct the mapping's values")
    if len(wished) > options.MOST:
        raise SchemaRefused(f"{wish.subject} would have {len(wished)} options, HubSpot allows {options.MOST}: delete those no record uses")
