"""What every CRM must offer, and the shapes that cross the line. Steps know this file, and not the vendor behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

from sync_worker.domain.sync.ingest.backfill import Rates
from sync_worker.errors import SchemaChanged, SyncError
from sync_worker.mapping.catalog import Catalog
from sync_worker.mapping.required_schema import FieldWish


@dataclass(slots=True)
class NativeRecord:
    """One record as the CRM sends it.

    **Shapes** `crm_id` in its one canonical spelling; `merged_into`: the survivor's id, where this record lost a merge;
    `is_converted`: it turned into another record, `converted_to`, which is None where nothing came of it. `is_gone`: deleted, and the CRM
    shows nothing of it any more (deleted for good, or hidden from us); set by who asked by id, not by the CRM. `mended`: the
    fields in which characters were replaced that cannot be stored (`text.py`). `is_ours`: whether the user we work as changed it last;
    None where the CRM does not say. `is_indexed`: as a search's index shows it, which may be late: enough to see that nothing changed.
    **Units** `modified_at`: the CRM's own stamp; whole seconds at some vendors.
    """

    native: str
    crm_id: str
    modified_at: datetime
    fields: Mapping[str, Any]
    is_deleted: bool = False
    merged_into: str | None = None
    is_converted: bool = False
    converted_to: str | None = None
    is_gone: bool = False
    mended: tuple[str, ...] = ()
    is_ours: bool | None = None
    is_indexed: bool = False


OwnEchoes: TypeAlias = Callable[[Mapping[str, datetime]], Set[str]]
"""Hears which records a search has found, each with its stamp. Returns those that show our own last write, and nothing newer."""


def no_echoes(_found: Mapping[str, datetime]) -> Set[str]:
    """For a scan that is to read every record by itself."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Scan:
    """What to read: everything of one native type whose stamp lies in [from_at, until_at],
    in an order that can be resumed at `position`.

    **Shapes** `from_at` None reads from the beginning; `position` "" starts again, otherwise it is what a `Page` of the same window gave;
    `only_with`: a native field that must hold a value (a first load's filter), or else one of `or_with`; `read_no`: the reader's number,
    drawn before the scan began or went on; a `Page` may give it back. `up_to`: the end of a `Range`, "" = of the whole scan.
    `echoes`: which of the records that a search finds may be handed out as it shows them (`is_indexed`), without a call for them. The
    thread that asks for the page hears of them.
    """

    native: str
    fields: tuple[str, ...]
    from_at: datetime | None
    until_at: datetime
    position: str = ""
    only_with: str | None = None
    read_no: int = 0
    or_with: tuple[str, ...] = ()
    up_to: str = ""
    echoes: OwnEchoes = no_echoes


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a scan that can be read beside the others.

    **Shapes** opaque, as a position is: `begin` is the position at which it begins; `up_to`: where it ends, "" = where the scan ends.
    """

    begin: str
    up_to: str = ""


class OutOfOrder(ValueError):
    """The CRM's order is not the one that ranges count on: records of this scan may lie in none of them. It is to be read in one piece."""


@dataclass(frozen=True, slots=True)
class Roll:
    """A part of what the CRM holds, without its values.

    **Shapes** `stamps`: when each record changed last, by id, as far as the CRM's index knows; `total`: of the whole census, where it is
    told.
    """

    stamps: Mapping[str, datetime]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """How much of a scan lies after a page, as the CRM told it on the way.

    **Shapes** `last`: the key of its last record, spelled by the adapter; "" where no call has told it.
    """

    count: int
    last: str = ""


@dataclass(slots=True)
class Page:
    """One answer of a scan; without records where the CRM is still preparing them.

    **Shapes** `position` covers every record up to and including this page: a reader that goes on there gets all others. It is opaque, and
    the order need not be that of the stamps: only the last page says how far in time a scan has come. `total`: the scan's size, if known.
    `left`: what lies after this page, if known; more than the scan gives where its filter is not the CRM's.
    `read_no`: where the values are older than the request for this page (the CRM had prepared them), the number of the scan that had them
    prepared, which `position` keeps; else None. `warning`: the scan goes on, but otherwise than wished.
    """

    records: list[NativeRecord]
    position: str
    is_last: bool
    total: int | None = None
    left: Left | None = None
    read_no: int | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """One record to write. `ref` is ours and comes back. With `crm_id` it is an update, without it a first create by `key`."""

    ref: str
    fields: Mapping[str, Any]
    crm_id: str | None = None
    key: str | None = None


class Wrote(StrEnum):
    """How one write ended."""

    WRITTEN = "written"
    CREATED = "created"
    REJECTED = "rejected"  # the CRM said no to this record: a person or a later state must change something
    LATER = "later"  # surely not written, and may pass later
    UNCERTAIN = "uncertain"  # sent, outcome unknown: read back first
    NOT_BEGUN = "not_begun"  # the claim had too little time left


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """The end of one write.

    **Shapes** `crm_id` is there when written or created; `error` when it was not; `warning`: written, but look. `record`: what the CRM's
    answer shows of the record after the write, the fields that were sent at least; None where it shows nothing.
    """

    ref: str
    wrote: Wrote
    crm_id: str | None = None
    error: SyncError | None = None
    warning: str = ""
    record: NativeRecord | None = None


BeforeSend: TypeAlias = Callable[[Sequence[str]], None]
"""Hears the refs of a call's changes just before it is made; a record of two calls is heard of before its first. **Raises** TimeIsUp
where they may not be sent: they are NOT_BEGUN then."""


def unnoted(refs: Sequence[str]) -> None:
    """For writes that may be sent twice without harm."""
    del refs


@dataclass(frozen=True, slots=True)
class Half:
    """One write between two of its calls: the record is there, and what the calls until now have done stands in it.

    **Shapes** `fields`: those that a call has answered for, by native name, spelled as they stand now: as sent, or in between.
    """

    ref: str
    crm_id: str
    fields: Mapping[str, Any]


OnHalf: TypeAlias = Callable[[Sequence[Half]], None]
"""Hears of writes that take another call, before that call. What it raises ends the write there."""


def forget_halves(_halves: Sequence[Half]) -> None:
    """For writes that never take two calls, and for who keeps nothing."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Who hears of a write while it is on its way. The default keeps nothing: such a write may be sent twice without harm."""

    before_send: BeforeSend = unnoted
    on_half: OnHalf = forget_halves


UNWITNESSED: Final = Witness()


class Schema(Protocol):
    """What an admin does to the CRM's record types, done for one.

    Nothing is ever removed, hidden or made smaller. Every call may be repeated, and made by two at once: what is there already stays as
    it is, and is not an error.

    **Raises** SchemaRefused where the CRM refuses this one field (the others may be tried); else what every call of `Crm` raises, and
    UncertainWrite: repeat it.
    """

    @property
    def most_options(self) -> int | None:
        """How many values a list of several choices can hold; None where the vendor names no number that matters."""

    def by_hand(self, wish: FieldWish) -> str:
        """What an admin clicks where the vendor's API makes no such field; "" where `create` makes it. No call."""

    def create(self, wish: FieldWish) -> None:
        """Afterwards the field (or the labelled association) is there, and this user sees it, and may edit it where we write it."""

    def add_values(self, wish: FieldWish, values: Sequence[str]) -> None:
        """Afterwards each of these values can be chosen in the field's list; the others and their order stay, hidden ones hidden."""

    def conversion(self, native: str, into: str) -> Mapping[str, str] | None:
        """Field → field: what a converted record hands on. None where there is no conversion, or the API does not tell this user."""


class Crm(Protocol):
    """One connection of one portal, for one thread.

    **Raises** from every call: AuthFailed, SchemaChanged, RateLimited, TooLarge, TransientError (after bounded retries).
    """

    @property
    def calls(self) -> int:
        """Data calls made since this object was built, those of its other connections included.

        Describe, log-in and `now` are not data calls.
        """

    @property
    def write_count(self) -> int:
        """How many records one call writes at most."""

    @property
    def batch_count(self) -> int:
        """How many records one list of outcomes of `write` is about at most."""

    @property
    def parallel_calls(self) -> int:
        """How many calls the portal may have in flight now, for this kind of work; it changes while calls are answered. No call."""

    @property
    def is_trusted(self) -> bool:
        """Whether several calls may be made at once; not before the CRM has taken the token that a person gave. No call."""

    def another_connection(self) -> AbstractContextManager[Crm]:
        """A connection of the same portal, for one other thread while the context lasts. Any thread may ask for one, as often as it likes.

        It shares this one's log-in, pace, budget, what was described, and `calls`. It is kept, and lent again. No call.
        """

    def now(self) -> datetime:
        """The CRM's own clock; a call the CRM does not count."""

    def canonical_id(self, text: str) -> str:
        """The one spelling we keep of a CRM id; any other text comes back as it is. No call."""

    def hands_on(self, field: str, target: str) -> bool:
        """Whether an admin can have a conversion copy this field into that one; what becomes of the others is the vendor's. No call."""

    def name_after_conversion(self, native: NativeRecord) -> str:
        """What the CRM itself calls the record that this one turned into, if we give it no name; "" where that is not known. No call."""

    def describe(self, native: str) -> Catalog:
        """What the CRM says of one record type. **Raises** SchemaChanged where there is none."""

    def describe_each(self, natives: Sequence[str]) -> Mapping[str, Catalog | SchemaChanged]:
        """The same of several record types, asked for side by side; in the place of one that there is not, why."""

    def changed_since(self, scan: Scan) -> Iterator[Page]:
        """Pages in the scan's order; at least one, the last marked. Deleted and merged records come too where the CRM still shows them.

        **Raises** OutOfOrder where the scan is one of several ranges, and they do not lie as `cuts` took them to lie.
        """

    def cuts(self, scan: Scan, most: int, *, left: Left | None) -> Sequence[Range]:
        """How what lies after the scan's position can be read side by side: ranges in its order, `most` at the most, without a gap.

        One range alone where more are not worth it, or where the CRM cannot count what it would take. A few cheap calls.
        Ranges may overlap a little. **Shapes** `left`: what lies after the position; None where no page has told it.
        """

    def fetch(self, native: str, crm_ids: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        """The records of these ids, any number, in batches, each once. Deleted ones come marked while the CRM shows them; else absent."""

    def rates(self, native: str) -> Rates:
        """How many records of this type one call brings, by each way to read them. No call."""

    def count(self, native: str) -> int:
        """How many live records of this type there are. One call."""

    def untouched(self, native: str, crm_ids: Sequence[str], *, since: datetime) -> set[str]:
        """Those of these ids that have not changed since, as far as the CRM can tell for less than what reading them costs.

        What changed within the last seconds may be missed; which id is missing is not known.
        """

    def census(self, native: str, any_of: Sequence[str]) -> Iterator[Roll]:
        """Every live record in which one of these native fields holds a value, by the way that costs the fewest calls.

        Complete whatever the stamps are: also what became visible late. What was written within the last seconds may be missed.
        """

    def find_by_key(self, native: str, key_field: str, keys: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        """The live records that carry one of our keys."""

    def write(
        self,
        native: str,
        key_field: str,
        changes: Sequence[RecordWrite],
        *,
        time_left_s: Callable[[], float],
        witness: Witness = UNWITNESSED,
    ) -> Iterator[list[WriteOutcome]]:
        """Writes in batches, one list of outcomes a batch; every change gets exactly one outcome.

        A write that takes several calls is several facts: the witness hears before each further call of what the calls before it have done.

        Updates go first, then creates, each in the order given, so that a record named twice ends as its last change says.
        No batch is begun with less than five seconds of `time_left_s()`; what is left is NOT_BEGUN. Its answer may come later.
        An error ends the iteration before anything of the batch at hand was written; the outcomes given until then stand. A connection that
        fails in the middle of a batch ends it once that batch's outcomes are given.
        """


class WholeCrm(Crm, Protocol):
    """What an adapter offers: the records, and the record types."""

    @property
    def schema(self) -> Schema:
        """The same connection, as an admin."""
