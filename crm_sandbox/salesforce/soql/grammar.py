"""The grammar of SOQL, as far as clients of a REST API write it.

Keywords are words with a higher priority than names. A function is known by the parenthesis behind it, so that a field may bear its name.
Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm
"""

_UNIT = "(?:FISCAL_)?(?:DAY|WEEK|MONTH|QUARTER|YEAR)"
_DATE_WORD = "|".join(
    (
        "YESTERDAY|TODAY|TOMORROW",
        "(?:LAST|NEXT)_90_DAYS",
        f"(?:LAST|THIS|NEXT)_{_UNIT}",
        rf"(?:LAST|NEXT)_N_{_UNIT}S:\d+",
        rf"N_{_UNIT}S_AGO:\d+",
    )
)

GRAMMAR = r"""
start: _SELECT select _FROM NAME [NAME] [_WHERE where] [_GROUP _BY names] [_ORDER _BY orders] [_LIMIT ROWS] [_OFFSET ROWS]
select: FUNCTION "(" ")" -> count
      | item ("," item)* -> items
item: NAME -> plain
    | FUNCTION "(" NAME ")" [NAME] -> function
    | FIELDS "(" NAME ")" -> every
names: NAME ("," NAME)*
where: _condition
_condition: conjunction | disjunction | _simple
conjunction: _simple (_AND _simple)+
disjunction: _simple (_OR _simple)+
_simple: "(" _condition ")" | negation | comparison | membership | semijoin
negation: _NOT _simple
comparison: NAME OP value | NAME LIKE value
membership: NAME IN list | NAME NOT_IN list | NAME INCLUDES list | NAME EXCLUDES list
semijoin: NAME IN "(" inner ")" | NAME NOT_IN "(" inner ")"
inner: _SELECT NAME _FROM NAME [_WHERE where]
list: "(" value ("," value)* ")"
value: STRING | DATETIME | DATE | NUMBER | INT | TRUE | FALSE | NULL | DATE_WORD
orders: order ("," order)*
order: NAME [ASC | DESC] [_NULLS (FIRST | LAST)] -> order
     | FUNCTION "(" NAME ")" [ASC | DESC] [_NULLS (FIRST | LAST)] -> function_order

_SELECT.9: /SELECT\b/i
_FROM.9: /FROM\b/i
_WHERE.9: /WHERE\b/i
_GROUP.9: /GROUP\b(?=\s+BY\b)/i
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
FUNCTION.9: /(?:COUNT_DISTINCT|COUNT|MIN|MAX|SUM|AVG|toLabel|FORMAT)(?=\s*\()/i
FIELDS.9: /FIELDS(?=\s*\()/i
DATE_WORD.9: /(?:{DATE_WORD})(?![\w:])/i
TRUE.9: /TRUE\b/i
FALSE.9: /FALSE\b/i
NULL.9: /NULL\b/i
OP: "!=" | "<>" | "<=" | ">=" | "=" | "<" | ">"
STRING: /'(?:[^'\\]|\\.)*'/s
DATETIME.8: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)(?![\w.:])/i
DATE.7: /\d{4}-\d\d-\d\d(?![\w:])/
NUMBER.6: /[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?(?![\w:])/
INT.5: /[+-]?\d+(?![\w:.-])/
ROWS.11: /\d+(?![\w:.-])/
NAME: /[A-Za-z][\w.]*/
%ignore /\s+/
""".replace("{DATE_WORD}", _DATE_WORD)
