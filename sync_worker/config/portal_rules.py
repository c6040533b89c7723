"""Other rules for a portal, as a person writes them beside its file: to see what they would do before they stand there.

Nothing is saved. Mistakes point into the text, as those of a file point into the file.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from sync_worker.config.nodes import NodePath
from sync_worker.config.portal import AssociationSettings, Portal
from sync_worker.config.portal_file import association_checks
from sync_worker.config.source import source_of
from sync_worker.config.validation import validated
from sync_worker.errors import ConfigError

TYPED: Final = Path("rules")  # what the text is called in a mistake: rules:3:5
_AT: Final[NodePath] = ("associations", "rules")
_WIDE: Final = 10_000  # letters of a line: no value is broken in two


def written_rules(portal: Portal) -> str:
    """The portal's rules as its file may have them, under the key `rules`."""
    found: list[dict[str, Any]] = []
    for rule in portal.associations.rules:
        sides = {"partner": rule.partner, "second_partner": rule.second_partner}
        conditions = {side: {name: list(values) for name, values in held.items()} for side, held in sides.items() if held}
        found.append({"name": rule.name, **conditions, **({"match": list(rule.match)} if rule.match else {})})
    yaml, text = YAML(), StringIO()
    yaml.width = _WIDE
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump({"rules": found}, text)
    return text.getvalue()


def with_rules(portal: Portal, text: str) -> Portal:
    """The portal with the rules of this text in place of its own.

    **Shapes** `text`: the key `rules` with its list, as in the portal file. **Raises** ConfigError: every mistake, at its line of the text.
    """
    typed = source_of(text.encode(), TYPED)
    if wrong := [
        typed.mistake((key,), "only rules are written here", "begin with the key `rules:`") for key in typed.data if key != "rules"
    ]:
        raise ConfigError(wrong)
    settings = validated(AssociationSettings, typed, data={"mode": portal.associations.mode, **typed.data})
    places, keys = typed.beneath(("rules",))
    source = portal.source.grafted(_AT, typed.at(("rules",)), places=places, keys=keys)
    edited = portal.model_copy(update={"associations": settings}).written_in(source, portal.unset)
    if mistakes := list(association_checks(edited)):
        raise ConfigError(mistakes)
    return edited
