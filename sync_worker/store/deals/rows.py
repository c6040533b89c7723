"""A deal as a row of its table, and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.deal_edit import StoredDeal
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


def to_row(tx: Tx, stored: StoredDeal) -> tuple[Any, ...]:
    """The columns of a deal, in the order of the table."""
    values = stored.deal.values
    attributes = {name: value for name, value in values.items() if name not in _CANONICAL}
    same = (prospect_key(values), contact_key(values))
    own = (tx.portal, stored.deal.id, stored.version, stored.created_at, tx.now)
    return (*own, *map(values.get, COLUMNS), *same, attributes, stored.registered_by_now(tx.now))
