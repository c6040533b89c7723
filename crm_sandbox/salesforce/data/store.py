"""Rows in an in-memory SQLite database: one table per record type, one column per field, spelled as the vendor spells them.

Values are kept as they go out on the wire (moments as text that sorts), so that a page is one SELECT and one dump.
Only booleans differ: 0 and 1 inside. Field names come from the schema, never from a request.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from crm_sandbox.salesforce.schema.schema import ADDRESS_PARTS, NUMBER_KINDS, TEXT_KINDS, Field, SObject
from crm_sandbox.salesforce.wire.ids import make_id

Values = dict[str, Any]
_FIRST_SERIAL = 1_000_000  # so that ids look like those of an org that has lived


def fold(text: str | None) -> str | None:
    """Text for comparison without regard to case, beyond what SQLite's own NOCASE knows (ASCII only)."""
    return None if text is None else text.casefold()


def quoted(name: str) -> str:
    """A column or table name in SQL; names are the schema's."""
    return f'"{name}"'


def _column(sobject: SObject, field: Field) -> str:
    if field.kind == "address":
        return f"{quoted(field.name)} TEXT GENERATED ALWAYS AS ({_address(sobject, field)}) VIRTUAL"
    if field.kind in TEXT_KINDS:
        spec = "TEXT COLLATE NOCASE"
    elif field.kind in NUMBER_KINDS:
        spec = "INTEGER" if field.kind == "int" else "REAL"
    else:
        spec = "INTEGER" if field.kind == "boolean" else "TEXT"
    return f"{quoted(field.name)} {spec}"


def _address(sobject: SObject, field: Field) -> str:
    """An address as JSON, in the order of names; null when all of its parts are."""
    stem = field.name.removesuffix("Address")
    parts = {part: stem + part if sobject.field(stem + part) else None for part in sorted(ADDRESS_PARTS)}
    pairs = ", ".join(f"'{part[0].lower()}{part[1:]}', {quoted(name) if name else 'NULL'}" for part, name in parts.items())
    known = ", ".join(quoted(name) for name in parts.values() if name)
    return f"CASE WHEN coalesce({known}) IS NULL THEN NULL ELSE json_object({pairs}) END"


def as_json(field: Field) -> Callable[[Any], Any] | None:
    """How a kept value becomes what JSON has, if it is not that already."""
    if field.kind == "boolean":
        return lambda value: value == 1
    return (lambda value: None if value is None else orjson.loads(value)) if field.kind == "address" else None


class OrgTables:
    """The tables. One thread at a time: the server's event loop."""

    def __init__(self, sobjects: Iterable[SObject]) -> None:
        self.db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.db.create_function("fold", 1, fold, deterministic=True)
        self._serial_by_prefix: dict[str, int] = {}
        self._removed: list[tuple[str, str, str]] = []
        self.watched: set[str] = set()  # record types whose saves are noted
        self._saved: list[tuple[str, str]] = []
        for sobject in sobjects:
            columns = ", ".join(_column(sobject, field) for field in sobject.fields)
            self.db.execute(f"CREATE TABLE {quoted(sobject.name)} (n INTEGER PRIMARY KEY, {columns})")

    def close(self) -> None:
        """Let go of the memory."""
        self.db.close()

    def index(self, sobject: SObject) -> None:
        """Make the indexes, once the seed is in: id, keyset order, and keys and lookups.

        Keys are mostly null at first. Their nulls stay out of the index, and ANALYZE is not run: it would take such an
        index for useless and read the whole table at every write.
        """
        table = quoted(sobject.name)
        self.db.execute(f'CREATE UNIQUE INDEX "{sobject.name}_id" ON {table} ("Id")')
        self.db.execute(f'CREATE INDEX "{sobject.name}_stamp" ON {table} ("SystemModstamp", "Id")')
        for field in sobject.fields:
            if (field.is_upsert_key and field.kind != "id") or (field.kind == "reference" and field.is_custom):
                name = f'"{sobject.name}_{field.name}"'
                self.db.execute(f"CREATE INDEX {name} ON {table} ({quoted(field.name)}) WHERE {quoted(field.name)} IS NOT NULL")

    def add_column(self, sobject: SObject, field: Field) -> None:
        """A field that an admin adds to records that are there already."""
        self.db.execute(f"ALTER TABLE {quoted(sobject.name)} ADD COLUMN {_column(sobject, field)}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested."""
        self.db.execute("SAVEPOINT s")
        removed, saved = len(self._removed), len(self._saved)
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK TO s")
            del self._removed[removed:], self._saved[saved:]
            raise
        finally:
            self.db.execute("RELEASE s")

    def next_id(self, prefix: str) -> str:
        """An id never given before."""
        serial = self._serial_by_prefix.get(prefix, _FIRST_SERIAL) + 1
        self._serial_by_prefix[prefix] = serial
        return make_id(prefix, serial)

    def insert_many(self, sobject: SObject, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Many rows of one shape, for the seed."""
        columns = ", ".join(map(quoted, names))
        marks = ", ".join("?" * len(names))
        with self.transaction():
            self.db.executemany(f"INSERT INTO {quoted(sobject.name)} ({columns}) VALUES ({marks})", rows)  # noqa: S608

    def insert(self, sobject: SObject, values: Mapping[str, Any]) -> None:
        """One row, with its `Id`; fields left out are null."""
        self.insert_many(sobject, list(values), [list(values.values())])
        self._note(sobject, values["Id"])

    def update(self, sobject: SObject, record_id: str, values: Mapping[str, Any]) -> None:
        """Change some columns of one row."""
        sets = ", ".join(f"{quoted(name)} = ?" for name in values)
        sql = f'UPDATE {quoted(sobject.name)} SET {sets} WHERE "Id" = ?'  # noqa: S608
        self.db.execute(sql, [*values.values(), record_id])
        if "SystemModstamp" in values and not values.get("IsDeleted"):  # a lookup that goes blank by itself is not a save
            self._note(sobject, record_id)

    def _note(self, sobject: SObject, record_id: str) -> None:
        if sobject.name in self.watched:
            self._saved.append((sobject.name, record_id))

    def drain(self) -> list[tuple[str, str]]:
        """Records of watched types saved since the last time, as often as they were."""
        saved, self._saved = self._saved, []
        return saved

    def remove(self, sobject: SObject, record_id: str, *, at: str) -> None:
        """Take the row away for good; only that it was there is remembered."""
        self.db.execute(f'DELETE FROM {quoted(sobject.name)} WHERE "Id" = ?', [record_id])  # noqa: S608
        self._removed.append((sobject.name, record_id, at))

    def lift(self, sobject: SObject, record_id: str) -> Values:
        """Take the row away as it stands; no notification is sent. What it held, for `put_back`; nothing where there is none."""
        kept = self.db.execute(f"PRAGMA table_info({quoted(sobject.name)})")  # except what is made of other columns
        names = [name for _, name, *_ in kept if name != "n"]
        sql = f'SELECT {", ".join(map(quoted, names))} FROM {quoted(sobject.name)} WHERE "Id" = ?'  # noqa: S608
        row = self.db.execute(sql, [record_id]).fetchone()
        self.db.execute(f'DELETE FROM {quoted(sobject.name)} WHERE "Id" = ?', [record_id])  # noqa: S608
        return dict(zip(names, row, strict=True)) if row else {}

    def put_back(self, sobject: SObject, values: Values) -> None:
        """The row as it was lifted, its stamp too."""
        self.insert_many(sobject, list(values), [list(values.values())])

    def removed(self, sobject: SObject) -> list[tuple[str, str]]:
        """Ids of rows taken away for good, and when."""
        return [(record_id, at) for name, record_id, at in self._removed if name == sobject.name]

    def get(self, sobject: SObject, record_id: str) -> Values | None:
        """The whole row, deleted or not."""
        return next(iter(self.select(sobject, [f.name for f in sobject.fields], '"Id" = ?', [record_id])), None)

    def select(self, sobject: SObject, names: Sequence[str], where: str = "1", bound: Sequence[Any] = (), tail: str = "") -> list[Values]:
        """Rows as dictionaries with wire values, in the order of `tail`."""
        columns = ", ".join(map(quoted, names))
        sql = f"SELECT {columns} FROM {quoted(sobject.name)} WHERE {where} {tail}"  # noqa: S608
        rows = [dict(zip(names, row, strict=True)) for row in self.db.execute(sql, bound)]
        fields = {field.name: field for field in sobject.fields}
        for name in names:
            if change := as_json(fields[name]):
                for values in rows:
                    values[name] = change(values[name])
        return rows

    def ids_with(self, sobject: SObject, field: Field, value: object) -> list[str]:
        """Ids of the records, not deleted, whose field has that value, in order."""
        alive = 'AND "IsDeleted" = 0' if sobject.field("IsDeleted") else ""
        sql = f'SELECT "Id" FROM {quoted(sobject.name)} WHERE {quoted(field.name)} = ? {alive} ORDER BY "Id"'  # noqa: S608
        return [row[0] for row in self.db.execute(sql, [value])]

    def numbers(self, sql: str, bound: Sequence[Any]) -> list[int]:
        """The first column of a SELECT."""
        return [row[0] for row in self.db.execute(sql, bound)]

    def count(self, sobject: SObject) -> int:
        """Rows, deleted ones included."""
        return int(self.numbers(f"SELECT count(*) FROM {quoted(sobject.name)}", [])[0])  # noqa: S608
