"""SOQL as text → a tree. What a name means is not known here; `sql.py` knows the org.

AND and OR do not mix without parentheses, and a moment is not quoted: as strict as the vendor where clients err.
"""

import re
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from crm_sandbox.salesforce.soql.grammar import GRAMMAR
from crm_sandbox.salesforce.soql.tree import (
    Condition,
    Item,
    Junction,
    Literal,
    Name,
    Negation,
    Order,
    Query,
    Semijoin,
    SoqlComparison,
    SoqlMembership,
)
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal

MAX_LENGTH = 100_000  # characters of one query
_NAIVE_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(?=\D)")


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """Lark's parts into ours, while it parses."""

    def NAME(self, token: Token) -> Name:  # noqa: N802 - lark calls it by the terminal's name
        return Name(str(token), token.start_pos or 0)

    def value(self, token: Token) -> Literal:
        kind = {"TRUE": "boolean", "FALSE": "boolean"}.get(token.type, token.type.lower())
        return Literal(kind, str(token), token.start_pos or 0)

    def list(self, *values: Literal) -> tuple[Literal, ...]:
        return values

    def comparison(self, name: Name, op: Token, value: Literal) -> SoqlComparison:
        return SoqlComparison(name, {"<>": "!="}.get(op, op.upper()), value)

    def membership(self, name: Name, op: Token, values: tuple[Literal, ...]) -> SoqlMembership:
        return SoqlMembership(name, " ".join(op.upper().split()), values)

    def where(self, part: Condition) -> Condition:
        return part

    def negation(self, part: Condition) -> Negation:
        return Negation(part)

    def conjunction(self, *parts: Condition) -> Junction:
        return Junction("AND", parts)

    def disjunction(self, *parts: Condition) -> Junction:
        return Junction("OR", parts)

    def inner(self, field: Name, sobject: Name, where: Condition | None) -> tuple[Name, Name, Condition | None]:
        return field, sobject, where

    def semijoin(self, name: Name, op: Token, inner: tuple[Name, Name, Condition | None]) -> Semijoin:
        return Semijoin(name, " ".join(op.upper().split()), *inner)

    def order(self, name: Name, direction: Token | None, nulls: Token | None) -> Order:
        return Order(name, direction is not None and direction.type == "DESC", nulls is not None and nulls.type == "LAST")

    def function_order(self, function: Token, name: Name, direction: Token | None, nulls: Token | None) -> Order:
        is_descending = direction is not None and direction.type == "DESC"
        return Order(name, is_descending, nulls is not None and nulls.type == "LAST", function.upper())

    def orders(self, *orders: Order) -> tuple[Order, ...]:
        return orders

    def names(self, *names: Name) -> tuple[Name, ...]:
        return names

    def plain(self, name: Name) -> Item:
        return Item(name)

    def function(self, function: Token, name: Name, alias: Name | None) -> Item:
        return Item(name, function.upper(), None if alias is None else alias.text)

    def every(self, _: Token, name: Name) -> Item:
        return Item(name, "FIELDS")

    def items(self, *items: Item) -> tuple[Item, ...]:
        return items

    def count(self, function: Token) -> tuple[Item, ...] | Token:
        return () if function.upper() == "COUNT" else function

    def start(self, *parts: Any) -> tuple[Any, ...]:
        return parts


_PARSER = Lark(GRAMMAR, parser="lalr", transformer=_Build(), maybe_placeholders=True)


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """The query as a tree.

    Raises: Refusal MALFORMED_QUERY, with the place.
    """
    if len(text) > MAX_LENGTH:
        raise SalesforceRefusal("MALFORMED_QUERY", f"SOQL statements cannot be longer than {MAX_LENGTH} characters.")
    try:
        parts: Any = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise _malformed(text, error) from None
    items, sobject, alias, where, groups, orders, limit, offset = parts
    if isinstance(items, Token):
        raise place(text, items.start_pos or 0, "MALFORMED_QUERY", f"unexpected token: '{items}'")
    return Query(
        text,
        items,
        sobject,
        None if alias is None else alias.text,
        where,
        groups or (),
        tuple(orders or ()),
        None if limit is None else int(limit),
        int(offset or 0),
    )


def _malformed(text: str, error: UnexpectedInput) -> SalesforceRefusal:
    if isinstance(error, UnexpectedToken):
        token = error.token
        at_end = token.type == "$END"
        start = len(text) if at_end else token.start_pos or 0
        words = "unexpected token: '<EOF>'" if at_end else f"unexpected token: '{token}'"
        return place(text, start, "MALFORMED_QUERY", words)
    at: Any = error.pos_in_stream if isinstance(error, UnexpectedCharacters) else None
    start = int(at or 0)
    moment = _NAIVE_MOMENT.match(text, start)
    start = min(moment.end() if moment else start, len(text) - 1)
    row, column = _row_and_column(text, start)
    words = f"line {row}:{column} no viable alternative at character '{text[start]}'"
    return place(text, start, "MALFORMED_QUERY", words)


def place(text: str, start: int, code: str, words: str) -> SalesforceRefusal:
    """A refusal that quotes the query around a place and points at it, as the vendor does."""
    row, column = _row_and_column(text, start)
    line_start = start - column + 1
    shown_from = max(line_start, start - 40)
    line_end = text.find("\n", start)
    shown = text[shown_from : min(len(text) if line_end < 0 else line_end, start + 40)]
    caret = " " * (start - shown_from) + "^"
    return SalesforceRefusal(code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{words}")


def _row_and_column(text: str, start: int) -> tuple[int, int]:
    row = text.count("\n", 0, start) + 1
    return row, start - (text.rfind("\n", 0, start) + 1) + 1
