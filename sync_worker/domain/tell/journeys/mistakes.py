"""What is wrong with a journey that a person wrote: each mistake with its place, and what is allowed there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from sync_worker.domain.core.conditions.check import check
from sync_worker.domain.core.conditions.condition import ConditionField
from sync_worker.domain.core.names import folded
from sync_worker.domain.tell.journeys.journey import Journey, RecipientRole, Trigger, parts_of
from sync_worker.domain.tell.journeys.tags import tags_in, unfinished_tag
from sync_worker.nearest import choose_from

KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MOST_LETTERS: Final[Mapping[str, int]] = {"name": 200, "subject": 500, "body": 20_000}
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class JourneyWords:
    """What a journey can name in one portal. **Shapes** `fields` and `tags` by their dotted names; `labels`: side → label."""

    fields: Mapping[str, ConditionField]
    tags: tuple[str, ...]
    recipients: tuple[str, ...]
    labels: Mapping[str, str]


class JourneyMistake(NamedTuple):
    """One thing that is wrong. **Shapes** `path`: from the top of what was written; `allowed`: where there is a list of what is right."""

    path: Path
    what: str
    remedy: str
    allowed: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """The place as the API spells it: `filters.0.operator`."""
        return ".".join(map(str, self.path))


def mistakes_in(journey: Journey, words: JourneyWords) -> list[JourneyMistake]:
    """Every mistake, in the order in which a journey is written."""
    return [
        *_key_mistakes(journey),
        *_text_mistakes(journey),
        *_choice_mistakes(("trigger",), journey.trigger, tuple(Trigger), "trigger"),
        *(
            JourneyMistake(("filters", one.index, one.part), one.what, one.remedy, one.allowed)
            for one in check(journey.filters, words.fields)
        ),
        *_recipient_mistakes(journey, words),
        *_tag_mistakes("subject", journey.subject, words),
        *_tag_mistakes("body", journey.body, words),
    ]


def _key_mistakes(journey: Journey) -> Iterator[JourneyMistake]:
    if not KEY.fullmatch(journey.key):
        remedy = "write small letters, digits and hyphens, at most 64, beginning with a letter or digit"
        yield JourneyMistake(("key",), f"{journey.key!r} is not a key of a journey", remedy)


def _text_mistakes(journey: Journey) -> Iterator[JourneyMistake]:
    for name, most in MOST_LETTERS.items():
        text = getattr(journey, name)
        if not folded(text):
            yield JourneyMistake((name,), f"{name} is blank", "write a text")
        elif len(text) > most:
            yield JourneyMistake((name,), f"{name} has {len(text):,} characters", f"write at most {most:,}")
        elif name != "body" and len(text.splitlines()) > 1:
            yield JourneyMistake((name,), f"{name} has several lines", "write one line")


def _choice_mistakes(path: Path, written: str, allowed: tuple[str, ...], what: str) -> Iterator[JourneyMistake]:
    if written not in allowed:
        names = tuple(map(str, allowed))
        yield JourneyMistake(path, f"there is no {what} {written!r}", choose_from(written, names), names)


def _recipient_mistakes(journey: Journey, words: JourneyWords) -> Iterator[JourneyMistake]:
    if not journey.recipients:
        yield JourneyMistake(("recipients",), "a journey needs a recipient", choose_from("", words.recipients), words.recipients)
    for index, recipient in enumerate(journey.recipients):
        path: Path = ("recipients", index)
        side, role = parts_of(recipient)
        if recipient in journey.recipients[:index]:
            yield JourneyMistake(path, f"{recipient!r} stands twice", "keep one")
        elif role == RecipientRole.USER and side in words.labels and recipient not in words.recipients:
            what = f"{recipient!r} would reach every user of a company, and this portal does not allow it"
            remedy = "an operator sets journeys.all_users in the portal file, or choose a role"
            yield JourneyMistake(path, what, remedy, words.recipients)
        else:
            yield from _choice_mistakes(path, recipient, words.recipients, "recipient")


def _tag_mistakes(name: str, text: str, words: JourneyWords) -> Iterator[JourneyMistake]:
    if rest := unfinished_tag(text):
        yield JourneyMistake(
            (name,), f"{rest!r} holds braces that make no tag", "write a tag as {{ deal.name }}; nothing else is filled in"
        )
    for tag in tags_in(text):
        if tag not in words.tags:
            yield JourneyMistake((name,), f"there is no tag {tag!r}", choose_from(tag, words.tags), words.tags)
