"""Templates of mails and documents: those that come with a package, each of which a portal may replace by a file of the same name.

    config/templates/<portal>/<name>     the portal's own; what is not there is taken from the package's `templates` folder

HTML is escaped by itself. Templates are run in jinja2's sandbox, and a name they do not know is a mistake, said with its file and line.
jinja2 is loaded with the first template: most processes send no mail and print no document.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync_worker.errors import ConfigError

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment


class Templates:
    """One portal's templates of one package."""

    def __init__(self, package: Path, config_dir: Path, portal: str) -> None:
        self.own = config_dir / "templates" / portal
        self._package = package

    @cached_property
    def _environment(self) -> ImmutableSandboxedEnvironment:
        from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        return ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(self.own), FileSystemLoader(self._package / "templates")]),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, name: str, context: Mapping[str, Any]) -> str:
        """The template filled in. **Raises** ConfigError with the file and what is wrong with it."""
        from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

        try:
            return self._environment.get_template(name).render(context)
        except TemplateNotFound as error:
            raise ConfigError(f"there is no template {error.name} — the portal's own lie in {self.own}") from error
        except TemplateSyntaxError as error:
            raise ConfigError(f"{error.filename}:{error.lineno}:1: {error.message}") from error
        except TemplateError as error:
            raise ConfigError(f"template {name} (the portal's own lie in {self.own}): {error}") from error
