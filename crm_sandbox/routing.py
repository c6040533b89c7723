"""An address of an imitation: found by how it begins, before anything dearer is asked."""

from collections.abc import Callable
from typing import Any

from starlette.routing import Match, Route
from starlette.types import Scope


class AddressRoute(Route):
    """A route. Every request is held against all addresses in turn, and nearly all of them begin with other letters."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, methods: list[str]) -> None:
        super().__init__(path, endpoint, methods=methods)
        self._beginning = path.partition("{")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As every route answers."""
        if scope["type"] == "http" and not scope["path"].startswith(self._beginning):
            return Match.NONE, {}
        return super().matches(scope)
