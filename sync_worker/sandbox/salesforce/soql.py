"""SOQL as text → a tree. What a name means is not known here; `soql_sql.py` knows the org.

AND and OR do not mix without parentheses, and a moment is not quoted: as strict as the vendor where clients err.
Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from sync_worker.sandbox.salesforce.errors import Refusal

MAX_LENGTH = 100_000  # characters of one query

_GRAMMAR = r"""
start: _SELECT select _FROM NAME [_WHERE where] [_ORDER _BY orders] [_LIMIT ROWS] [_OFFSET ROWS]
select: COUNT "(" ")" -> count
      | NAME ("," NAME)* -> fields
where: _condition
_condition: conjunction | disjunction | _simple
conjunction: _simple (_AND _simple)+
disjunction: _simple (_OR _simple)+
_simple: "(" _condition ")" | negation | comparison | membership
negation: _NOT _simple
comparison: NAME OP value | NAME LIKE value
membership: NAME IN list | NAME NOT_IN list | NAME INCLUDES list | NAME EXCLUDES list
list: "(" value ("," value)* ")"
value: STRING | DATETIME | DATE | NUMBER | INT | TRUE | FALSE | NULL
orders: order ("," order)*
order: NAME [ASC | DESC] [_NULLS (FIRST | LAST)]

_SELECT.9: /SELECT\b/i
_FROM.9: /FROM\b/i
_WHERE.9: /WHERE\b/i
_ORDER.9: /ORDER\b/i
_BY.9: /BY\b/i
_LIMIT.9: /LIMIT\b/i
_OFFSET.9: /OFFSET\b/i
_AND.9: /AND\b/i
_OR.9: /OR\b/i
_NULLS.9: /NULLS\b/i
NOT_IN.10: /NOT\s+IN\b/i
_NOT.9: /NOT\b/i
IN.9: /IN\b/i
LIKE.9: /LIKE\b/i
INCLUDES.9: /INCLUDES\b/i
EXCLUDES.9: /EXCLUDES\b/i
ASC.9: /ASC\b/i
DESC.9: /DESC\b/i
FIRST.9: /FIRST\b/i
LAST.9: /LAST\b/i
COUNT.9: /COUNT(?=\s*\()/i
TRUE.9: /TRUE\b/i
FALSE.9: /FALSE\b/i
NULL.9: /NULL\b/i
OP: "!=" | "<>" | "<=" | ">=" | "=" | "<" | ">"
STRING: /'(?:[^'\\]|\\.)*'/s
DATETIME.8: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:?\d\d)(?![\w.:])/i
DATE.7: /\d{4}-\d\d-\d\d(?![\w:])/
NUMBER.6: /[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?(?![\w:])/
INT.5: /[+-]?\d+(?![\w:.-])/
ROWS.11: /\d+(?![\w:.-])/
NAME: /[A-Za-z][\w.]*/
%ignore /\s+/
"""

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "N": "\n", "R": "\r", "T": "\t"}
_NAIVE_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(?=\D)")


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written, and where."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written: `kind` is string, datetime, date, number, int, boolean or null; a string is still escaped."""

    kind: str
    text: str
    start: int

    def plain(self) -> str:
        """The characters that a quoted string stands for."""
        return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), self.text[1:-1], flags=re.DOTALL)

    def pattern(self) -> str:
        r"""The same for LIKE, where `\%`, `\_` and `\\` keep their backslash."""

        def unescape(match: re.Match[str]) -> str:
            char = match[1]
            return f"\\{char}" if char in "%_\\" else _ESCAPES.get(char, char)

        return re.sub(r"\\(.)", unescape, self.text[1:-1], flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field op value`; `op` in capitals."""

    name: Name
    op: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """`field IN (…)` and its likes; `op` is IN, NOT IN, INCLUDES or EXCLUDES."""

    name: Name
    op: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by AND or OR."""

    op: str
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT."""

    part: "Condition"


Condition = Comparison | Membership | Junction | Negation


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDER BY term; nulls come first unless told."""

    name: Name
    is_descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; `fields` is empty for COUNT()."""

    text: str
    fields: tuple[Name, ...]
    sobject: Name
    where: Condition | None
    orders: tuple[Order, ...]
    limit: int | None
    offset: int


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

    def comparison(self, name: Name, op: Token, value: Literal) -> Comparison:
        return Comparison(name, {"<>": "!="}.get(op, op.upper()), value)

    def membership(self, name: Name, op: Token, values: tuple[Literal, ...]) -> Membership:
        return Membership(name, " ".join(op.upper().split()), values)

    def where(self, part: Condition) -> Condition:
        return part

    def negation(self, part: Condition) -> Negation:
        return Negation(part)

    def conjunction(self, *parts: Condition) -> Junction:
        return Junction("AND", parts)

    def disjunction(self, *parts: Condition) -> Junction:
        return Junction("OR", parts)

    def order(self, name: Name, direction: Token | None, nulls: Token | None) -> Order:
        return Order(name, direction is not None and direction.type == "DESC", nulls is not None and nulls.type == "LAST")

    def orders(self, *orders: Order) -> tuple[Order, ...]:
        return orders

    def fields(self, *names: Name) -> tuple[Name, ...]:
        return names

    def count(self, _: Token) -> tuple[Name, ...]:
        return ()

    def start(self, *parts: Any) -> tuple[Any, ...]:
        return parts


_PARSER = Lark(_GRAMMAR, parser="lalr", transformer=_Build(), maybe_placeholders=True)


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """The query as a tree.

    Raises: Refusal MALFORMED_QUERY, with the place.
    """
    if len(text) > MAX_LENGTH:
        raise Refusal("MALFORMED_QUERY", f"SOQL statements cannot be longer than {MAX_LENGTH} characters.")
    try:
        parts: Any = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise _malformed(text, error) from None
    fields, sobject, where, orders, limit, offset = parts
    limit_rows = None if limit is None else int(limit)
    return Query(text, fields, sobject, where, tuple(orders or ()), limit_rows, int(offset or 0))


def _malformed(text: str, error: UnexpectedInput) -> Refusal:
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


def place(text: str, start: int, code: str, words: str) -> Refusal:
    """A refusal that quotes the query around a place and points at it, as the vendor does."""
    row, column = _row_and_column(text, start)
    line_start = start - column + 1
    shown_from = max(line_start, start - 40)
    line_end = text.find("\n", start)
    shown = text[shown_from : min(len(text) if line_end < 0 else line_end, start + 40)]
    caret = " " * (start - shown_from) + "^"
    return Refusal(code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{words}")


def _row_and_column(text: str, start: int) -> tuple[int, int]:
    row = text.count("\n", 0, start) + 1
    return row, start - (text.rfind("\n", 0, start) + 1) + 1
