"""A deal as a row of its table, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import NewDeals, StoredDeal
from sync_worker.domain.deals.prospect import contact_key, prospect_key
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.tables import deals

NAMES: Final = tuple(column.name for column in deals.columns)
_OWN = ("portal", "id", "version", "created_at", "updated_at", "prospect_key", "contact_key", "attributes", "registered_at")
COLUMNS = tuple(str(column.name) for column in deals.columns if column.name not in _OWN)
"""The canonical fields that have a column; everything else is an attribute."""
_CANONICAL = frozenset(COLUMNS)


def from_row(_: str, id_: str, version: int, created_at: datetime, updated_at: datetime, *rest: Any) -> StoredDeal:
    """A deal from its columns in the order of the table."""
    *canonical, _prospect_key, _contact_key, attributes, registered_at = rest
    values: dict[str, Value] = dict(zip(COLUMNS, canonical, strict=True))
    for name, value in attributes.items():
        values[name] = tuple(value) if isinstance(value, list) else value
    return StoredDeal(Deal(id_, values), version, created_at, updated_at, registered_at)


def to_columns(tx: Tx, new: NewDeals) -> dict[str, Sequence[Any]]:
    """The columns of deals that begin, in the order of the table, without the portal's."""
    count, values = len(new.ids), new.values
    empty = [None] * count
    names = [name for name in values if name not in _CANONICAL]
    attributes = (
        [dict(zip(names, row, strict=True)) for row in zip(*(values[name] for name in names), strict=True)] if names else [{}] * count
    )
    return {
        "id": new.ids,
        "version": [1] * count,
        "created_at": [tx.now] * count,
        "updated_at": [tx.now] * count,
        **{name: values.get(name, empty) for name in COLUMNS},
        "prospect_key": [prospect_key({"prospect_name": name}) for name in values.get("prospect_name", empty)],
        "contact_key": [contact_key({"contact_email": email}) for email in values.get("contact_email", empty)],
        "attributes": attributes,
        "registered_at": [tx.now if is_registered else None for is_registered in values["is_registered"]],
    }


def to_row(tx: Tx, stored: StoredDeal) -> tuple[Any, ...]:
    """The columns of a deal, in the order of the table."""
    values = stored.deal.values
    attributes = {name: value for name, value in values.items() if name not in _CANONICAL}
    same = (prospect_key(values), contact_key(values))
    own = (tx.portal, stored.deal.id, stored.version, stored.created_at, tx.now)
    return (*own, *map(values.get, COLUMNS), *same, attributes, stored.registered_by_now(tx.now))
