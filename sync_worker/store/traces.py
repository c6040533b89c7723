"""What rows of many tables keep of a person beside the person's own row: who acted, mail, and a deal's contact wherever it was copied to.

A signature under a quote stays: it is the proof of a contract.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Column, Table, Text, cast, delete, func, or_, select, update

from sync_worker.domain.traces import ERASED, renamed, without
from sync_worker.store import documents
from sync_worker.store.engine import Tx, among
from sync_worker.store.tables import (
    agreements,
    answers,
    conflicts,
    deal_changes,
    deal_links,
    events,
    failures,
    mails,
    prices,
    quotes,
    subgroups,
    terms,
    waivers,
)

_ACTED: Final = (
    agreements.c.uploaded_by,
    conflicts.c.decided_by,
    prices.c.said_by,
    quotes.c.made_by,
    quotes.c.offered_by,
    quotes.c.sent_by,
    subgroups.c.since_by,
    subgroups.c.until_by,
    terms.c.actor,
    waivers.c.actor,
)
"""Who did something, as `Name (user id)`; deals' history and the feed have functions of their own."""


def forget_actor(tx: Tx, user_id: str) -> None:
    """Whatever the user did beside deals was done by nobody that can be named."""
    ending = f"({user_id})"
    for column in _ACTED:
        is_theirs = func.substr(column, func.length(column) - len(ending) + 1) == ending
        tx.connection.execute(update(column.table).where(column.table.c.portal == tx.portal, is_theirs).values({column.name: ERASED}))


def forget_mail(tx: Tx, address: str, user_id: str) -> None:
    """Mail to the person is gone, sent or not; mail to others names the person no more."""
    mine = (mails.c.portal == tx.portal, mails.c.address == address.casefold())
    tx.connection.execute(delete(mails).where(*mine))
    ending = f"({user_id})"
    for mail_id, context in _holding(tx, mails.c.id, mails.c.context, documents.dump(ending)[1:-1]):
        here = (mails.c.portal == tx.portal, mails.c.id == mail_id)
        tx.connection.execute(update(mails).where(*here).values(context=renamed(context, ending)))


def forget_contact(tx: Tx, deal_id: str, fields: Collection[str], *, natives: Collection[str], untold: Collection[str]) -> None:
    """The deal's contact is gone from its history, conflicts, bases, failures, events, and answers that were given.

    **Shapes** `fields`: canonical names; `natives`: the CRM's own for them; `untold`: those that the CRM is never told of again.
    """
    _from_history(tx, deal_id, fields)
    _from_bases(tx, deal_id, fields, untold)
    _from_failures(tx, deal_id, {*fields, *natives})
    _from_documents(tx, events.c.seq, events.c.data, deal_id, fields)
    _from_answers(tx, deal_id, fields)
    values = dict.fromkeys(("base_value", "crm_value", "portal_value"))
    here = (conflicts.c.portal == tx.portal, conflicts.c.deal_id == deal_id, among(tx, conflicts.c.field, set(fields)))
    tx.connection.execute(update(conflicts).where(*here).values(**values))


def _from_history(tx: Tx, deal_id: str, fields: Collection[str]) -> None:
    mine = (deal_changes.c.portal == tx.portal, deal_changes.c.deal_id == deal_id)
    of_contact = among(tx, deal_changes.c.field, set(fields))
    for name in ("old", "new"):
        column = deal_changes.c[name]
        tx.connection.execute(update(deal_changes).where(*mine, of_contact, column.is_not(None)).values({name: ERASED}))
    query = select(deal_changes.c.version, deal_changes.c.new).where(*mine, deal_changes.c.field == "")
    for version, whole in tx.connection.execute(query).all():
        here = (*mine, deal_changes.c.field == "", deal_changes.c.version == version)
        tx.connection.execute(update(deal_changes).where(*here).values(new=without(whole, fields)))


def _from_bases(tx: Tx, deal_id: str, fields: Collection[str], untold: Collection[str]) -> None:
    """What the record a deal lives in is still to be told of keeps its base until then; that write replaces it."""
    mine = (deal_links.c.portal == tx.portal, deal_links.c.deal_id == deal_id)
    query = select(deal_links.c.object, deal_links.c.crm_id, deal_links.c.base, deal_links.c.is_current).where(*mine)
    for object_, crm_id, base, is_current in tx.connection.execute(query).all():
        here = (*mine, deal_links.c.object == object_, deal_links.c.crm_id == crm_id)
        kept = {name: pair for name, pair in base.items() if name not in (untold if is_current else fields)}
        tx.connection.execute(update(deal_links).where(*here).values(base=kept))


def _from_failures(tx: Tx, deal_id: str, names: Collection[str]) -> None:
    records = select(deal_links.c.crm_id).where(deal_links.c.portal == tx.portal, deal_links.c.deal_id == deal_id)
    mine = (failures.c.portal == tx.portal, or_(failures.c.record == deal_id, failures.c.record.in_(records)))
    of_contact = among(tx, failures.c.field, set(names))
    tx.connection.execute(update(failures).where(*mine, of_contact).values(message=ERASED))
    query = select(failures.c.id, failures.c.payload).where(*mine, failures.c.payload.is_not(None))
    for id_, payload in tx.connection.execute(query).all():
        here = (failures.c.portal == tx.portal, failures.c.id == id_)
        tx.connection.execute(update(failures).where(*here).values(payload=without(payload, names)))


def _from_answers(tx: Tx, deal_id: str, fields: Collection[str]) -> None:
    mine = (answers.c.portal == tx.portal, answers.c.body.contains(deal_id, autoescape=True))
    query = select(answers.c.token_id, answers.c.key, answers.c.body).where(*mine)
    for token_id, key, body in tx.connection.execute(query).all():
        here = (*mine, answers.c.token_id == token_id, answers.c.key == key)
        tx.connection.execute(update(answers).where(*here).values(body=documents.dump(without(documents.load(body), fields))))


def _from_documents(tx: Tx, key: Column[Any], column: Column[Any], text: str, names: Collection[str]) -> None:
    for found, document in _holding(tx, key, column, text):
        here = (key.table.c.portal == tx.portal, key == found)
        tx.connection.execute(update(key.table).where(*here).values({column.name: without(document, names)}))


def _holding(tx: Tx, key: Column[Any], column: Column[Any], text: str) -> list[Any]:
    """(key, document) of the rows whose document holds this text somewhere."""
    table: Table = key.table
    is_there = cast(column, Text).contains(text, autoescape=True)
    return list(tx.connection.execute(select(key, column).where(table.c.portal == tx.portal, is_there)).all())
