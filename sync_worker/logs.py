"""structlog, set up once: one line per step and batch, to stderr, as text for people or JSON for machines. Secrets never pass."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

_SECRET_KEY = re.compile(r"secret|token$|password|authorization|api_key", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(Bearer\s+|client_secret=|access_token=)[^\s&\"']+")


def set_up(log_format: Literal["console", "json"] = "console", *, level: int = logging.INFO) -> None:
    """Configures structlog and quiets the libraries below warnings."""
    renderer: Any = structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Masks whatever is named like a secret or looks like a bearer token inside a text."""
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = "•••"
        elif isinstance(value, str):
            event[key] = _SECRET_TEXT.sub(r"\1•••", value)
    return event


def get() -> structlog.typing.FilteringBoundLogger:
    """The logger; bind what identifies the work (`portal`, `run`, `object`)."""
    return structlog.get_logger()  # type: ignore[no-any-return]  # structlog types its proxy as Any
