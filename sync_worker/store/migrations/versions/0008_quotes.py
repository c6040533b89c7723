"""Price lists; which quotes the vendor offered, and to whom each goes; which quote goes with a mail.

A distributor-priced quote that was sent before is the vendor's: nobody else could send one. Where finalize was requested it stays what may
be signed, as if the vendor had sent it again at the upgrade.
"""

from __future__ import annotations

import json
from datetime import UTC as Z
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import DATE, DOCUMENT, MONEY, TEXT, UTC, column, key, required

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "prices",
        required("portal", TEXT),
        required("product_key", TEXT),
        required("currency", TEXT),
        required("valid_from", DATE),
        required("said_at", UTC),
        required("product", TEXT),
        column("unit_price", MONEY),
        required("said_by", TEXT),
        key("portal", "product_key", "currency", "valid_from", "said_at"),
    )
    op.add_column("mails", column("quote_id", TEXT))
    op.add_column("quotes", column("offered_at", UTC))
    op.add_column("quotes", column("offered_by", TEXT))
    _carry_over()


def _carry_over() -> None:
    connection, is_sqlite = op.get_bind(), op.get_bind().dialect.name == "sqlite"
    now = datetime.now(Z)
    shown: Any = now.isoformat(" ", "microseconds") if is_sqlite else now
    offered = """UPDATE quotes SET offered_at = :now, offered_by = sent_by
        WHERE pricing = 'distributor' AND sent_at IS NOT NULL AND EXISTS (SELECT 1 FROM deals
        WHERE deals.portal = quotes.portal AND deals.id = quotes.deal_id AND deals.lifecycle = 'finalize_requested')"""
    connection.execute(sa.text(offered), {"now": shown})
    told = sa.table("quotes", sa.column("portal", TEXT), sa.column("id", TEXT), sa.column("pricing", TEXT), sa.column("numbers", DOCUMENT))
    for portal, id_, pricing, written in connection.execute(sa.select(told)).all():
        numbers = json.loads(written) if isinstance(written, str) else written
        numbers["column"] = "distributor" if pricing == "distributor" else "deal"
        for line in numbers["lines"]:
            line["discount_percent"] = "0"
        here = (told.c.portal == portal, told.c.id == id_)
        connection.execute(told.update().where(*here).values(numbers=json.dumps(numbers) if is_sqlite else numbers))
