"""What can go wrong, sorted by what to do next. The type of an error says how to go on; its message is for people.

SyncError
├── ConfigError               settings, portal or mapping wrong      stop at start, with file:line; never retried
├── StoreDown                 our own database is out of reach       stop taking work; exit 3
├── ConnectionDown            one CRM connection unusable            pause that portal; alert
│   ├── AuthFailed            credentials refused
│   └── SchemaChanged         a field is gone or of another type     pause that record type of that portal; name the field
├── SchemaRefused             the CRM does not let us make a field   name it, and what its admin does; the others go on
├── HeldForReview             the mass-change brake                  page and cursor held; a person releases it
├── Stopped                   asked to stop in the middle of work    let go; the next run goes on from there
├── TransientError            may work later                         retry with back-off, counts
│   ├── RateLimited           retry_after_s, scope                   wait, does not count
│   ├── CallRefused           the call, not its records              its rows stay due, and do not count as tried
│   ├── WritesRest            no room, or maintenance                what is owed stays due; one problem for all
│   ├── TooLarge              query time-out, page too big           halve the window
│   └── StaleRead             lost a race, fence moved               read again, decide again
├── UncertainWrite            sent, outcome unknown                  read back first
└── RecordError               this record cannot pass                failure row; the others go on
    ├── InvalidRecord         field, rule, allowed values
    ├── UnresolvedLink        waiting for parent                     heals when the parent arrives
    └── WriteRejected         vendor code, fields
        └── FieldRefused      perhaps the field is hidden            describe; then it rests, or its record type does

A skip is a return value, and so is a refused move (`domain.deal.Refusal`). An exception outside this tree is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sync_worker.boundary.redaction import masked

MOST_OF_A_BUG: Final = 200  # characters


class SyncError(Exception):
    """Everything this product raises on purpose. Its words are for people, so no secret of an answer stays in them."""

    def __init__(self, *words: object) -> None:
        super().__init__(*(masked(word) if isinstance(word, str) else word for word in words))


def told(error: BaseException) -> str:
    """The words of an error, for the reader of a failure. Of a bug only the kind and the first line, because the rest may quote data."""
    if isinstance(error, SyncError):
        return str(error)
    first = masked(next(iter(str(error).splitlines()), ""))
    return f"{type(error).__name__}: {first[:MOST_OF_A_BUG]}".rstrip(": ")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file: 1-based line and column."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in what a person wrote.

    **Shapes** `path` is dotted (`deal.amount.transform`); `remedy` says what would be right (allowed values, "did you mean").
    """

    place: Place
    path: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f" — {self.remedy}" if self.remedy else ""
        return f"{self.place}: {self.path}: {self.what}{remedy}"


class ConfigError(SyncError):
    """What a person wrote is wrong: every mistake at once, each with its place."""

    def __init__(self, mistakes: Sequence[Mistake] | str) -> None:
        self.mistakes: tuple[Mistake, ...] = () if isinstance(mistakes, str) else tuple(mistakes)
        super().__init__(mistakes if isinstance(mistakes, str) else "\n".join(str(mistake) for mistake in mistakes))


class StoreDown(SyncError):
    """Our own database is out of reach."""


class ConnectionDown(SyncError):
    """One CRM connection is unusable until a person acts."""


class AuthFailed(ConnectionDown):
    """The CRM refused the credentials. One attempt only: repeating locks the user out."""


class SchemaChanged(ConnectionDown):
    """A field or record type the mapping names is gone, hidden or of another type.

    **Shapes** `record`: the record type of ours that cannot be read or written meanwhile; "" where the error does not know it.
    """

    def __init__(self, *words: object, record: str = "") -> None:
        super().__init__(*words)
        self.record = record


class SchemaRefused(SyncError):
    """The CRM did not let us make or change one field: a permission, a limit, or a thing of another kind stands there."""


class HeldForReview(SyncError):
    """A page would change more than the brake allows; a person must release it."""


class Stopped(SyncError):
    """Asked to stop in the middle of work: what is committed stands, and the next run goes on from there."""


class TransientError(SyncError):
    """May work later."""


class RateLimited(TransientError):
    """The CRM asks us to wait, or our own budget does.

    **Units** `retry_after_s`: seconds. `scope`: `daily` (the whole org's allowance), `burst`, or `budget` (our own, of one kind of work).
    """

    def __init__(self, message: str, *, retry_after_s: float, scope: str) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.scope = scope


class WritesRest(TransientError):
    """The CRM takes no writes, or no new records, of any kind. What is owed stays due, and reading goes on.

    **Shapes** `code`: `no_room_in_crm` (new records only) or `crm_in_maintenance`. **Units** `rest_s`: until another try is worth it.
    """

    def __init__(self, message: str, *, code: str, rest_s: float) -> None:
        super().__init__(message)
        self.code = code
        self.rest_s = rest_s


class CallRefused(TransientError):
    """The CRM did not take a call that writes, and not because of its records. Later it may."""


class TooLarge(TransientError):
    """The CRM gave up on the size of what we asked; ask for less."""


class StaleRead(TransientError):
    """Somebody else changed it in the meantime: read again, decide again."""


OF_THE_CALL: Final = (ConnectionDown, RateLimited, CallRefused)
"""What refuses a call that writes and says nothing of the records in it."""


class UncertainWrite(SyncError):
    """A write was sent, and its outcome is not known: read the record back before anything else."""


class RecordError(SyncError):
    """One record cannot pass; the others go on. `code` is stable, `field` is canonical where known."""

    def __init__(self, message: str, *, code: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class InvalidRecord(RecordError):
    """A value breaks a rule of ours or of the mapping."""


class UnresolvedLink(RecordError):
    """The record names another one we do not know yet.

    **Shapes** `waits_for`: the CRM id of the parent.
    """

    def __init__(self, message: str, *, code: str, field: str, waits_for: str) -> None:
        super().__init__(message, code=code, field=field)
        self.waits_for = waits_for


class WriteRejected(RecordError):
    """The CRM refused this record's write; `code` is the vendor's own."""


class FieldRefused(WriteRejected):
    """The CRM refused a field of this record as one that it does not have, or that the user may not write. A describe tells which."""
