"""structlog, set up once: one line per step and batch, to stderr, as text for people or JSON for machines.

The lines of libraries pass through the same processors as ours. The last one before the renderer masks secrets, in tracebacks too.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from sync_worker.boundary.redaction import masked, masked_value


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes where stderr is now, as our own lines do."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


_LIBRARIES: Final = _Stderr()
_LIBRARIES.setLevel(logging.WARNING)


def set_up(log_format: Literal["console", "json"] = "console", *, level: int = logging.INFO) -> None:
    """Configures structlog and quiets the libraries below warnings."""
    renderer: Any = structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    begin: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    end: list[Any] = [structlog.processors.format_exc_info, redact, renderer]
    structlog.configure(
        processors=[*begin, *end],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _LIBRARIES.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*begin, structlog.stdlib.add_logger_name], processors=[ProcessorFormatter.remove_processors_meta, *end]
        )
    )
    logging.getLogger().addHandler(_LIBRARIES)  # the same one again changes nothing


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Masks every secret of a line, by its name or by its look, however deep it lies."""
    masked_event: dict[str, Any] = masked_value(event)
    return masked_event


def show_no_secrets_in_tracebacks() -> None:
    """For a process: an uncaught error is printed as ever, but masked."""

    def show(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        sys.stderr.write(masked("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = show
    threading.excepthook = lambda caught: show(caught.exc_type, caught.exc_value, caught.exc_traceback)


def get() -> structlog.typing.FilteringBoundLogger:
    """The logger; bind what identifies the work (`portal`, `run`, `object`)."""
    return structlog.get_logger()  # type: ignore[no-any-return]  # structlog types its proxy as Any
