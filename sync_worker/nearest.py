"""The nearest word: what a person may have meant who wrote another one. Capitals never count."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

MOST_NAMED = 40  # words of a list in one message
LEAST_LETTERS = 4  # a shorter word with another letter is another word: AMER and APAC, EUR and EUA


def nearest(word: str, allowed: Collection[str]) -> str:
    """The one of `allowed` that is most like the word, or nothing."""
    return _nearest(word.casefold(), tuple(allowed))


@lru_cache(maxsize=1000)  # one wrong value may stand on thousands of records
def _nearest(form: str, allowed: tuple[str, ...]) -> str:
    by_form = {other.casefold(): other for other in reversed(allowed)}
    near = difflib.get_close_matches(form, by_form, n=1, cutoff=0.6)
    return by_form[near[0]] if near else ""


def did_you_mean(word: str, allowed: Collection[str]) -> str:
    """`did you mean 'x'?` with the nearest of `allowed`, or nothing."""
    near = nearest(word, allowed)
    return f"did you mean {near!r}?" if near else ""


def choose_from(word: str, allowed: Sequence[str]) -> str:
    """The remedy for a word outside a list: the nearest, then the list."""
    return f"{did_you_mean(word, allowed)} allowed: {listed(allowed)}".lstrip()


def listed(words: Sequence[str], *, most: int = MOST_NAMED) -> str:
    """`A, B, C`, or the first of many and how many more there are."""
    rest = len(words) - most
    return ", ".join(words) if rest <= 0 else f"{', '.join(words[:most])} and {rest} more"


def slip_of(word: str, others: Iterable[str]) -> str:
    """The one of the others from which the word differs by its capitals, or else by one letter; "" where there is none."""
    there = [other for other in others if other != word]
    same = next((other for other in there if other.casefold() == word.casefold()), "")
    return same or next((other for other in there if _is_one_letter_off(word.casefold(), other.casefold())), "")


def _is_one_letter_off(word: str, other: str) -> bool:
    """One letter more, less or another, or two that changed places. Another digit is not a slip: Tier 1 and Tier 2 are two things."""
    short, long = sorted((word, other), key=len)
    if len(short) < LEAST_LETTERS or len(long) - len(short) > 1:
        return False
    start = next((place for place, (one, two) in enumerate(zip(short, long, strict=False)) if one != two), len(short))
    if len(short) < len(long):
        return not long[start].isdigit() and short[start:] == long[start + 1 :]
    if short[start + 1 :] == long[start + 1 :]:
        return start < len(short) and not (short[start].isdigit() or long[start].isdigit())
    pair = short[start : start + 2]
    return pair[::-1] == long[start : start + 2] and short[start + 2 :] == long[start + 2 :] and not any(map(str.isdigit, pair))
