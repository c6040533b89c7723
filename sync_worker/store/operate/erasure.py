"""What rows of many tables keep of a person beside the person's own row: who acted, mail, and a deal's contact wherever it was copied to.

A signature under a quote stays: it is the proof of a contract.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, Text, cast, delete, func, literal, or_, select, update

from sync_worker.domain.core.stamp import TEXTS
from sync_worker.domain.core.user import User
from sync_worker.domain.operate.erasure import (
    CONTACT,
    ERASED,
    USER_FIELDS,
    Person,
    document_without,
    file_name_without,
    without,
    without_words,
)
from sync_worker.domain.tell.event import USER
from sync_worker.domain.tell.journeys.tags import tags_in
from sync_worker.store.associations.tables import company_pasts, contract_values, past_contracts
from sync_worker.store.core import documents, feed
from sync_worker.store.core.columns import Document
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, begins
from sync_worker.store.core.tables import catalogs, companies, events, failures
from sync_worker.store.deals.tables import conflicts, deal_changes, deal_files, deal_links, deal_notes, deals, quotes
from sync_worker.store.operate.schema import metadata
from sync_worker.store.people.tables import answers, memberships, users
from sync_worker.store.sync.tables import outbox
from sync_worker.store.tell import journey_log as journey_logs
from sync_worker.store.tell.tables import journey_log, journey_versions, mails, notifications

_ALIVE: Final = frozenset(
    column.table.name + "." + column.name
    for column in (
        *companies.c,
        *contract_values.c,
        *company_pasts.c,
        *past_contracts.c,
        *catalogs.c,
        *deals.c,
        *deal_links.c,
        outbox.c.sent,
        quotes.c.signed_by,
    )
)
"""What is not a trace: what the CRM says now, what a deal holds now and what is on its way to the CRM; and who signed a quote."""


_PROSE: Final = (answers, deal_notes, deal_files, mails, journey_log)
"""Where people are called by their plain name: in refusals that were answered, in what people wrote, and in what journeys say."""

_PREVIEW: Final = '{"told":'
"""How the answer to a preview of a journey begins: it holds mails."""

_WRITTEN: Final = {deal_notes.c.text: without_words, deal_files.c.name: file_name_without}
"""What people wrote about many things, and how somebody is left out of it: the rest of it stays."""


def erase(tx: Tx, user_id: str) -> None:
    """The user, its memberships, its place on deals, its notes and files, and the events about it are gone.

    `forget_person` erases what was written down of it.
    """
    feed.forget_record(tx, USER, user_id)
    tx.connection.execute(delete(memberships).where(memberships.c.portal == tx.portal, memberships.c.user_id == user_id))
    tx.connection.execute(delete(users).where(users.c.portal == tx.portal, users.c.id == user_id))
    _forget_attached(tx, user_id)
    _forget_previewed(tx, user_id)
    for column in (deals.c.owner_user, deals.c.registered_by):
        tx.connection.execute(update(deals).where(deals.c.portal == tx.portal, column == user_id).values({column.name: None}))


def _forget_attached(tx: Tx, user_id: str) -> None:
    """The notes and files of the user, and what answers that were given tell of them. The content of the files is removed by a sweep."""
    for table in (deal_notes, deal_files):
        tx.connection.execute(delete(table).where(table.c.portal == tx.portal, table.c.author_id == user_id))
    _from_answers(tx, f'"author_id":{documents.dump(user_id)}', {"text", "name"})


def _forget_previewed(tx: Tx, user_id: str) -> None:
    """Mails that previews of journeys showed, where one of them was for the user."""
    its = f'"user":{documents.dump(user_id)}'
    _from_answers(tx, its, {"user", "name", "email", "subject", "body", "why"}, begins_with=_PREVIEW)


def forget_person(tx: Tx, user: User) -> None:
    """Nothing that was written down names the user any more: what the user did was done by a person without a name.

    Every column of text or JSON is looked through, so that a new table needs no word here. Mail to the person is gone, sent or not, and
    so are the person's notifications and what journeys told it.
    """
    tx.connection.execute(delete(notifications).where(notifications.c.portal == tx.portal, notifications.c.user_id == user.id))
    journey_logs.forget_people(tx, {user.id, user.email, user.email.casefold()})
    tx.connection.execute(delete(mails).where(mails.c.portal == tx.portal, mails.c.address == user.email.casefold()))
    person = Person(user.id, user.email, _labels(tx, user))
    called = replace(person, labels=person.labels | {user.name}) if " " in user.name else person
    for table in metadata.sorted_tables:
        keys = [column for column in table.primary_key if column.name != "portal"]
        columns = [column for column in table.c if _may_tell(column)]
        if columns:
            _leave_out(tx, table, keys, columns, called if table in _PROSE else person)


def named_in_decisions(tx: Tx, user: User) -> dict[str, dict[str, str]]:
    """Where deals name the user as who decided, or in a reason: by deal, field → the text without the user.

    A deal's fields are alive, and the CRM holds them as well: the caller that writes these texts owes them to the CRM.
    """
    person = Person(user.id, user.email, _labels(tx, user))
    columns = [deals.c[name] for name in TEXTS]
    found = or_(*(_holds(column, _needles(person)) for column in columns))
    left: dict[str, dict[str, str]] = {}
    for deal_id, *held in tx.connection.execute(
        select(deals.c.id, *columns).where(deals.c.portal == tx.portal, found).order_by(deals.c.id)
    ):
        texts = {name: person.left_out(text) for name, text in zip(TEXTS, held, strict=True)}
        if changed := {name: text for (name, text), before in zip(texts.items(), held, strict=True) if text != before}:
            left[deal_id] = changed
    return left


def _labels(tx: Tx, user: User) -> frozenset[str]:
    """What the user was called over time, as histories have it."""
    ending = f"({user.id})"
    is_theirs = func.substr(deal_changes.c.actor, func.length(deal_changes.c.actor) - len(ending) + 1) == ending
    names = tx.connection.execute(select(deal_changes.c.actor).where(deal_changes.c.portal == tx.portal, is_theirs).distinct())
    return frozenset({f"{user.name} {ending}", *names.scalars()})


def _may_tell(column: Column[Any]) -> bool:
    """Whether a person's name may stand in it: text or JSON that is not a key and is not alive."""
    is_text = isinstance(column.type, Text | Document)
    return is_text and not column.primary_key and f"{column.table.name}.{column.name}" not in _ALIVE


def _leave_out(tx: Tx, table: Table, keys: Sequence[Column[Any]], columns: Sequence[Column[Any]], person: Person) -> None:
    needles = {documents.dump(person.id), *_needles(person)}
    found = or_(*(_holds(column, needles) for column in columns))
    about = (table.c.field if "field" in table.c else literal("")).label("about")
    query = select(*keys, about, *columns).where(table.c.portal == tx.portal, found)
    for row in tx.connection.execute(query).all():
        key, is_user, held = row[: len(keys)], row[len(keys)] in USER_FIELDS, row[len(keys) + 1 :]
        left = {one.name: _left(one, value, person, is_user=is_user) for one, value in zip(columns, held, strict=True)}
        here = (column == value for column, value in zip(keys, key, strict=True))
        tx.connection.execute(update(table).where(table.c.portal == tx.portal, *here).values(left))


def _needles(person: Person) -> set[str]:
    """What is looked for in texts, as JSON spells it."""
    return {documents.dump(text)[1:-1] for text in (person.ending, *person.words, *person.labels)}


def _left(column: Column[Any], value: Any, person: Person, *, is_user: bool) -> Any:
    """**Source** an answer that was given is JSON, kept as text."""
    if column is answers.c.body and value and value.startswith("{"):
        return documents.dump(person.left_out(documents.load(value)))
    if column in _WRITTEN:
        return _WRITTEN[column](value, person.names)
    return person.left_out(value, is_user=is_user)


def _holds(column: Column[Any], needles: Collection[str]) -> ColumnElement[bool]:
    text = func.lower(cast(column, Text))
    spelled = {spell(needle) for needle in needles for spell in (str.lower, _ascii_lower)}
    return or_(*(text.contains(needle, autoescape=True) for needle in sorted(spelled)))


def _ascii_lower(text: str) -> str:
    """**Source** SQLite lowers the letters of ASCII alone, PostgreSQL all of them."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def forget_contact(tx: Tx, deal_id: str, fields: Collection[str], *, natives: Collection[str], untold: Collection[str]) -> None:
    """The deal's contact is gone from its history, conflicts, bases, failures, events, and answers that were given.

    **Shapes** `fields`: canonical names; `natives`: the CRM's own for them; `untold`: those that the CRM is never told of again.
    """
    _from_history(tx, deal_id, fields)
    forget_bases(tx, deal_id, fields, untold)
    _from_failures(tx, deal_id, {*fields, *natives})
    _from_documents(tx, events.c.seq, events.c.data, deal_id, fields)
    _from_answers(tx, deal_id, fields)
    values = dict.fromkeys(("base_value", "crm_value", "portal_value"))
    here = (conflicts.c.portal == tx.portal, conflicts.c.deal_id == deal_id, among(tx, conflicts.c.field, set(fields)))
    tx.connection.execute(update(conflicts).where(*here).values(**values))


def leave_out_of_attached(tx: Tx, deal_id: str, words: Collection[str]) -> None:
    """These words stand in no note of the deal and in no name of a file, and in no answer that was given of them."""
    for column, leave_out in _WRITTEN.items():
        table: Table = column.table
        query = select(table.c.id, column).where(table.c.portal == tx.portal, table.c.deal_id == deal_id)
        for id_, text in tx.connection.execute(query).all():
            if (left := leave_out(text, words)) != text:
                here = (table.c.portal == tx.portal, table.c.id == id_)
                tx.connection.execute(update(table).where(*here).values({column.name: left}))
                _from_answers(tx, f'"id":{documents.dump(id_)}', {column.name})


def leave_out_of_told(tx: Tx, deal_id: str, words: Collection[str], names: Collection[str]) -> None:
    """These words stand in nothing that people were told of the deal, or are to be told, nor in why a journey told somebody or did not.

    **Shapes** `names`: single names of the contact. They are words of any text, so they are looked for only where a journey asked for them.
    """
    whole = {*words, *names}
    asking = _journeys_of_contact(tx)
    query = select(mails.c.id, mails.c.context).where(mails.c.portal == tx.portal, mails.c.event.contains(deal_id, autoescape=True))
    for id_, context in tx.connection.execute(query).all():
        is_asked = (context.get("journey"), context.get("version")) in asking
        _put_without(tx, mails.c.id, id_, mails.c.context, context, whole if is_asked else words)
    for key, column in ((notifications.c.id, notifications.c.words), (journey_log.c.id, journey_log.c.why)):
        table: Table = key.table
        for id_, text in tx.connection.execute(select(key, column).where(table.c.portal == tx.portal, table.c.deal_id == deal_id)).all():
            _put_without(tx, key, id_, column, text, whole if isinstance(text, str) and "deal.contact_" in text else words)
    previews = select(answers.c.token_id, answers.c.key, answers.c.body).where(
        answers.c.portal == tx.portal, begins(answers.c.body, _PREVIEW)
    )
    for token_id, key, body in tx.connection.execute(previews).all():
        here = (answers.c.portal == tx.portal, answers.c.token_id == token_id, answers.c.key == key)
        left = documents.dump(document_without(documents.load(body), whole))
        tx.connection.execute(update(answers).where(*here).values(body=left))


def _journeys_of_contact(tx: Tx) -> set[tuple[str, int]]:
    """(key, version) of the journeys whose mails name the contact of a deal."""
    query = select(journey_versions.c.key, journey_versions.c.version, journey_versions.c.document)
    rows = tx.connection.execute(query.where(journey_versions.c.portal == tx.portal)).all()
    tags = {f"deal.{name}" for name in CONTACT}
    return {(key, version) for key, version, document in rows if not tags.isdisjoint(tags_in(f"{document['subject']} {document['body']}"))}


def _put_without(tx: Tx, key: Column[Any], id_: str, column: Column[Any], held: Any, words: Collection[str]) -> None:
    if (left := document_without(held, words)) != held:
        tx.connection.execute(update(key.table).where(key.table.c.portal == tx.portal, key == id_).values({column.name: left}))


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


def forget_bases(tx: Tx, deal_id: str, fields: Collection[str], untold: Collection[str]) -> None:
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


def _from_answers(tx: Tx, part: str, fields: Collection[str], *, begins_with: str = "") -> None:
    """**Shapes** `part`: what stands in the answers that are meant; `begins_with`: how they begin."""
    mine = (answers.c.portal == tx.portal, answers.c.body.contains(part, autoescape=True), begins(answers.c.body, begins_with))
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
