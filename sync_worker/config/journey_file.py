"""`config/journeys/<portal>/<key>.yaml`: one journey of a portal as a file, every mistake with its place.

    name: Welcome in EMEA
    trigger: registered
    filters:
      - {field: second_partner.region, operator: one_of, values: [EMEA]}
    recipients: [second_partner.executive, owner_company.manager]
    subject: "{{ deal.name }} was registered"
    body: |
      Hello {{ recipient.name }},

      {{ owner_company.name }} registered {{ deal.name }} with {{ second_partner.name }}.

The file's name is the journey's key. Where the file is there, HTTP requests cannot change the journey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict

from sync_worker.config.scalars import Count, Flag, Text
from sync_worker.config.source import Source, in_order, read_source
from sync_worker.config.validation import validated
from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.tell.journeys.journey import Journey, WrittenJourney
from sync_worker.domain.tell.journeys.mistakes import JourneyMistake, JourneyWords, mistakes_in
from sync_worker.errors import ConfigError, Mistake

SUFFIXES = (".yaml", ".yml")


def _listed(value: Any) -> Any:
    """A single value needs no list."""
    return [value] if isinstance(value, str) else value


SeveralTexts: TypeAlias = Annotated[tuple[Text, ...], BeforeValidator(_listed)]


class JourneyFilterPart(BaseModel):
    """One filter."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    field: Text
    operator: Text
    values: SeveralTexts = ()


class JourneyFile(BaseModel):
    """The whole file. **Shapes** `confirm_users`: the reach that its writer has seen and wants."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: Text
    enabled: Flag = True
    trigger: Text
    filters: tuple[JourneyFilterPart, ...] = ()
    recipients: SeveralTexts
    subject: Text
    body: Text
    confirm_users: Count | None = None


def journey_paths(config_dir: Path, portal: str) -> list[Path]:
    """The files of the portal's journeys, by name."""
    folder = config_dir / "journeys" / portal
    return sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES) if folder.is_dir() else []


def load_journeys(paths: list[Path], words: Callable[[], JourneyWords]) -> dict[str, WrittenJourney]:
    """The journeys in these files, by key. **Shapes** `words`: what a journey of that portal can name; asked where there is a file.

    **Raises** ConfigError: every mistake, each with its place.
    """
    found: dict[str, WrittenJourney] = {}
    mistakes: list[Mistake] = []
    for path in paths:
        try:
            written = load_journey(path, words())
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        if twin := found.get(written.key):
            mistakes.append(read_source(path).mistake((), f"{twin.file} holds a journey of the same key", "keep one of the two files"))
        found.setdefault(written.key, written)
    if mistakes:
        raise ConfigError(in_order(mistakes))
    return found


def load_journey(path: Path, words: JourneyWords) -> WrittenJourney:
    """The journey in this file. **Raises** ConfigError: every mistake, each with its place."""
    source = read_source(path)
    file = validated(JourneyFile, source)
    filters = tuple(Condition(one.field, one.operator, one.values) for one in file.filters)
    journey = Journey(path.stem, file.name, file.trigger, filters, file.recipients, file.subject, file.body)
    if wrong := mistakes_in(journey, words):
        raise ConfigError(in_order(_placed(source, wrong)))
    return WrittenJourney(journey, file.enabled, file.confirm_users or 0, str(path))


def _placed(source: Source, wrong: list[JourneyMistake]) -> Iterator[Mistake]:
    for one in wrong:
        yield source.mistake(() if one.path == ("key",) else one.path, one.what, one.remedy)
