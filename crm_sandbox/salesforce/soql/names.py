"""A name in a query → the column it means: own fields, fields of parents along lookups, behind the type's name or its alias.

A parent's field is a scalar subquery, so that the rows stay those of one table. A parent that is deleted counts as none.
"""

from dataclasses import dataclass

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import quoted
from crm_sandbox.salesforce.schema.schema import TEXT_KINDS, Field, SObject
from crm_sandbox.salesforce.soql.parser import place
from crm_sandbox.salesforce.soql.tree import Name

HELP = "Please reference your WSDL or the describe call for the appropriate names."
MAX_HOPS = 5  # parents of parents


@dataclass(frozen=True, slots=True)
class Parent:
    """A record reached along lookups: by which names, of which type, and its id in SQL."""

    path: tuple[str, ...]
    sobject: SObject
    id_sql: str


@dataclass(frozen=True, slots=True)
class SoqlColumn:
    """What a name means. `parents` are the records on the way, nearest first; `sql` is its value."""

    field: Field
    sql: str
    parents: tuple[Parent, ...] = ()
    alias: str | None = None

    @property
    def key(self) -> str:
        """Its name in the answer."""
        return self.alias or self.field.name

    @property
    def dotted(self) -> str:
        """Its name as a column of a table: `Account.Owner.Name`."""
        return ".".join((*(parent.path[-1] for parent in self.parents), self.key))


class Names:
    """The names of one query on one record type; its rows are called `table` in SQL."""

    def __init__(self, org: Org, text: str, sobject: SObject, *, alias: str | None = None, table: str = "t") -> None:
        self._org, self._text, self._table = org, text, table
        self.sobject, self._alias = sobject, (alias or "").lower()

    def column(self, name: Name, *, alias: str | None = None) -> SoqlColumn:
        """The column of a name.

        Raises: Refusal INVALID_FIELD.
        """
        *hops, last = self._split(name)
        sobject, parents, link_sql = self.sobject, list[Parent](), ""
        for hop in hops:
            link = self._org.relation(sobject, hop)
            if link is None or len(parents) == MAX_HOPS:
                words = f"Didn't understand relationship '{hop}' in field path. {HELP}"
                raise place(self._text, name.start, "INVALID_FIELD", words)
            link_sql = self._value(sobject, link[0], link_sql, depth=len(parents))
            sobject = link[1]
            path = (*(parents[-1].path if parents else ()), link[0].relationship or "")
            parents.append(Parent(path, sobject, _of_parent(sobject, "Id", link_sql, depth=len(path))))
        field = self._field(sobject, last, name)
        sql = self._value(sobject, field, link_sql, depth=len(parents))
        if parents and field.kind in TEXT_KINDS:
            sql += " COLLATE NOCASE"  # a subquery forgets the collation of its column
        return SoqlColumn(field, sql, tuple(parents), alias)

    def _split(self, name: Name) -> list[str]:
        """The parts of a path, without the type's alias or its own name in front."""
        parts = name.text.split(".")
        if len(parts) > 1:
            head = parts[0].lower()
            if head == self._alias:
                return parts[1:]
            if head == self.sobject.name.lower() and self._org.relation(self.sobject, parts[0]) is None:
                return parts[1:]
        return parts

    def _field(self, sobject: SObject, text: str, name: Name) -> Field:
        field = self._org.field(sobject, text)
        if field is None:
            words = (
                f"No such column '{text}' on entity '{sobject.name}'. If you are attempting to use a custom "
                f"field, be sure to append the '__c' after the custom field name. {HELP}"
            )
            raise place(self._text, name.start, "INVALID_FIELD", words)
        return field

    def _value(self, sobject: SObject, field: Field, link_sql: str, *, depth: int) -> str:
        """A field of the row itself, or of the parent that `link_sql` is the id of."""
        return f"{self._table}.{quoted(field.name)}" if depth == 0 else _of_parent(sobject, field.name, link_sql, depth=depth)


def _of_parent(sobject: SObject, name: str, link_sql: str, *, depth: int) -> str:
    table = f"p{depth}"
    alive = f' AND {table}."IsDeleted" = 0' if sobject.field("IsDeleted") else ""
    return f'(SELECT {table}.{quoted(name)} FROM {quoted(sobject.name)} AS {table} WHERE {table}."Id" = {link_sql}{alive})'  # noqa: S608


def sobject_named(org: Org, name: Name, text: str) -> SObject:
    """The record type behind FROM.

    Raises: Refusal INVALID_TYPE.
    """
    found = org.objects.get(name.text.lower())
    if found is None:
        words = (
            f"sObject type '{name.text}' is not supported. If you are attempting to use a custom object, "
            f"be sure to append the '__c' after the entity name. {HELP}"
        )
        raise place(text, name.start, "INVALID_TYPE", words)
    return found
