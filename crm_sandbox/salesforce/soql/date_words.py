"""SOQL's words for stretches of days: TODAY, LAST_N_DAYS:30, THIS_MONTH. Weeks begin on Sunday, fiscal years with the calendar's.

Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_dateformats.htm
"""

import re
from datetime import date, timedelta

_WORD = re.compile(
    r"(?P<when>LAST_N|NEXT_N|LAST|THIS|NEXT|N)_(?:FISCAL_)?(?P<unit>DAY|WEEK|MONTH|QUARTER|YEAR)S?(?:_AGO)?(?::(?P<count>\d+))?"
)
_SINGLE = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def span(word: str, today: date) -> tuple[date, date]:
    """The first day of the stretch, and the first day after it.

    Raises: ValueError for a stretch beyond the calendar.
    """
    word = word.upper().replace("_90_DAYS", "_N_DAYS:90")
    if word in _SINGLE:
        day = today + timedelta(days=_SINGLE[word])
        return day, day + timedelta(days=1)
    match = _WORD.fullmatch(word)
    if match is None:
        raise ValueError(f"unknown date literal: {word}")
    try:
        return _span(match["when"], match["unit"], int(match["count"] or 1), today)
    except OverflowError:
        raise ValueError(f"date literal out of range: {word}") from None


def _span(when: str, unit: str, count: int, today: date) -> tuple[date, date]:
    this = _start(unit, today)
    if when == "THIS":
        return this, _moved(unit, this, 1)
    if when in ("LAST", "N"):
        start = _moved(unit, this, -count)
        return start, _moved(unit, start, 1)
    if when == "NEXT" or when == "NEXT_N":
        start = _moved(unit, this, 1)
        return start, _moved(unit, start, count)
    # The last n days run up to now, today included; the last n of anything longer end before the current one.
    return _moved(unit, this, -count), _moved(unit, this, 1) if unit == "DAY" else this


def _start(unit: str, day: date) -> date:
    """The first day of the unit that the day is in."""
    if unit == "DAY":
        return day
    if unit == "WEEK":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    months = _MONTHS[unit]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def _moved(unit: str, start: date, count: int) -> date:
    if unit in ("DAY", "WEEK"):
        return start + timedelta(days=count * (7 if unit == "WEEK" else 1))
    year, month = divmod(start.year * 12 + start.month - 1 + count * _MONTHS[unit], 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return start.replace(year=year, month=month + 1)
