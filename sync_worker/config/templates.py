"""Templates of mails and documents: those that come with a package, each of which a portal may replace by a file of the same name.

    config/templates/<portal>/<name>     the portal's own; what is not there is taken from the package's `templates` folder

HTML is escaped by itself. Templates are run in jinja2's sandbox, and a name they do not know is a mistake, said with its file and line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sync_worker.errors import ConfigError


class Templates:
    """One portal's templates of one package."""

    def __init__(self, package: Path, config_dir: Path, portal: str) -> None:
        self.own = config_dir / "templates" / portal
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(self.own), FileSystemLoader(package / "templates")]),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, name: str, context: Mapping[str, Any]) -> str:
        """The template filled in. **Raises** ConfigError with the file and what is wrong with it."""
        try:
            return self._environment.get_template(name).render(context)
        except TemplateNotFound as error:
            raise ConfigError(f"there is no template {error.name} — the portal's own lie in {self.own}") from error
        except TemplateSyntaxError as error:
            raise ConfigError(f"{error.filename}:{error.lineno}:1: {error.message}") from error
        except TemplateError as error:
            raise ConfigError(f"template {name} (the portal's own lie in {self.own}): {error}") from error
