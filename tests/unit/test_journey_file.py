"""Journeys as files: each mistake with file, line and column, what is allowed there, and the example of the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sync_worker.config.journey_file import journey_paths, load_journeys
from sync_worker.config.portal_file import load_portal
from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.tell.journeys.journey import WrittenJourney
from sync_worker.domain.tell.journeys.mistakes import JourneyWords
from sync_worker.errors import ConfigError
from sync_worker.mapping.compile import compile_mapping
from sync_worker.mapping.load import load_for_portal
from sync_worker.steps.tell.journeys.words import journey_words
from tests.integration.steps.world import PORTAL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "journeys.md").read_text()
EXAMPLE = re.findall(r"```yaml\n(name: .*?)```", PAGE, re.DOTALL)[0]
SOUND = """\
name: Welcome
trigger: registered
recipients: [second_partner.executive]
subject: "{{ deal.name }}"
body: Hello
"""


def words(folder: Path, **more: object) -> JourneyWords:
    path = folder / "acme.yaml"
    path.write_text(json.dumps({**PORTAL, **more}))
    portal = load_portal(path, {"SF_ID": "x", "SF_SECRET": "y"})
    return journey_words(compile_mapping(load_for_portal(portal, ROOT / "mappings"), portal), portal)


def loaded(folder: Path, text: str, name: str = "welcome.yaml", **more: object) -> WrittenJourney:
    path = folder / "journeys" / "acme" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    (found,) = load_journeys(journey_paths(folder, "acme"), lambda: words(folder, **more)).values()
    return found


def test_the_example_of_the_page_is_sound(tmp_path: Path) -> None:
    found = loaded(tmp_path, EXAMPLE)
    assert (found.key, found.is_on, found.journey.trigger) == ("welcome", True, "registered")
    assert found.journey.filters[1] == Condition("deal.amount", "at_least", ("1000",))
    assert found.file.endswith("journeys/acme/welcome.yaml")


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("registered", "regstered", "2:10", "did you mean 'registered'?"),
        ("second_partner.executive", "second_partner.boss", "3:14", "there is no recipient 'second_partner.boss'"),
        ("deal.name", "deal.nam", "4:10", "did you mean 'deal.name'?"),
        ("Hello", '"{% if x %}"', "5:7", "braces that make no tag"),
        ("body: Hello", "body: Hello\nfilters:\n  - {field: deal.amuont, operator: is}", "7:13", "did you mean 'deal.amount'?"),
        ("body: Hello", "body: Hello\nfilters:\n  - {field: deal.amount, operator: is, values: 1}", "7:36", "at_least"),
        ("body: Hello", "body: Hello\nfilters:\n  - {field: deal.amount, operator: equals, values: x}", "7:52", "'x' is not a number"),
        ("body: Hello", "", "1:1", "body"),
        ("body: Hello", "body: Hello\nsubjekt: x", "6:1", "subject"),
    ],
)
def test_a_mistake_has_its_line_and_column(tmp_path: Path, old: str, new: str, place: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, SOUND.replace(old, new))
    (mistake,) = caught.value.mistakes
    assert str(mistake.place).endswith(f"welcome.yaml:{place}"), mistake
    assert said in str(mistake)


def test_without_second_partners_nothing_of_them_can_be_named(tmp_path: Path) -> None:
    off: dict[str, Any] = {"two_tier": False, "deals": {"record": "lead", "approvals": ["vendor"]}}
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, SOUND, **off)
    assert "there is no recipient 'second_partner.executive'" in str(caught.value)
    assert not [name for name in words(tmp_path, **off).tags if "second_partner" in name or "distributor" in name]


def test_two_files_of_one_key_and_a_name_that_cannot_be_a_key_are_mistakes(tmp_path: Path) -> None:
    loaded(tmp_path, SOUND)
    with pytest.raises(ConfigError, match="holds a journey of the same key"):
        loaded(tmp_path, SOUND, "welcome.yml")
    (tmp_path / "journeys" / "acme" / "welcome.yml").unlink()
    with pytest.raises(ConfigError, match="is not a key of a journey"):
        loaded(tmp_path, SOUND, "Willkommen!.yaml")


def test_a_portal_without_the_folder_has_none_and_the_mapping_is_not_asked(tmp_path: Path) -> None:
    assert load_journeys(journey_paths(tmp_path, "acme"), lambda: pytest.fail("asked")) == {}
