"""A record's labelled associations to companies, read and written as plain fields: `association:portal_partner` → a company's id.

Rules, each with a reason
- Labels are found by their text and their type ids read from the account: ids of custom labels differ from account to account.
- In which order labels are made and ended: `label_plan.py`. What an answer does not speak of may have been done, or not.
- A label that moves to another company leaves the old pair's other labels, and the plain association, alone: they may be a person's. Only
  where an admin's limit leaves no room for another company does the plain association go, too.
- The primary company is a label like any other: written where the mapping names it (`association: Primary`), else left as it is.
- Two companies under one label cannot be one value: the value is the list, and the record's failure shows both ids.
Source: https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeAlias

from sync_worker.boundary.headers import whole
from sync_worker.crm.batches import as_refusal_of_the_call
from sync_worker.crm.blame import RowsRejected, sorted_out
from sync_worker.crm.hubspot.associations.label_plan import Label, LabelledPair, LabelPlan, Limits, Pairs, is_move, shown
from sync_worker.crm.hubspot.connection import faults
from sync_worker.crm.hubspot.connection.session import Ask, HubspotConnection, following
from sync_worker.crm.port import NativeRecord
from sync_worker.crm.siblings import side_by_side
from sync_worker.errors import SchemaChanged, SyncError, TransientError, UncertainWrite
from sync_worker.mapping.catalog import ASSOCIATION, CatalogField
from sync_worker.services import Services

TO = "companies"
READ_COUNT = 1000  # records a call. Source: developer changelog, "Bug Fix: Batch Read Limit for HubSpot Associations API"
WRITE_COUNT = 2000  # pairs a call; the guide above has this limit
LABELS_FRESH_S = 60.0  # a label that was renamed or deleted must not look like companies that were taken away


Timeout: TypeAlias = Callable[[], tuple[float, float]]
Between: TypeAlias = Callable[[Mapping[str, Mapping[str, Any]]], None]
"""Hears before a further call how the labels of records stand now: record id → field → company, as a read would show it."""


@dataclass(frozen=True, slots=True)
class _KnownLabels:
    """What the account said of one record type's labels, and when on the monotonic clock."""

    labels: Mapping[str, Label]
    asked_at_s: float


@dataclass(frozen=True, slots=True)
class LabelMemory:
    """What is known of labels, by record type; shared by the threads of a portal. **Shapes** `locks`: held while one of them asks."""

    locks: dict[str, Lock] = field(default_factory=dict)
    labels: dict[str, _KnownLabels] = field(default_factory=dict)
    limits: dict[str, Limits | None] = field(default_factory=dict)

    def lock(self, native: str) -> Lock:
        return self.locks.setdefault(native, Lock())


class AssociationCalls:
    """Those of one connection; labels are kept for a minute, by record type, for its siblings too."""

    def __init__(self, connection: HubspotConnection, services: Services, memory: LabelMemory | None = None) -> None:
        self._connection = connection
        self._services = services
        self._memory = memory or LabelMemory()

    def on(self, connection: HubspotConnection) -> AssociationCalls:
        """The same on another connection: what is known of labels is known to both."""
        return AssociationCalls(connection, self._services, self._memory)

    def catalog(self, native: str) -> Iterator[CatalogField]:
        """The labels as fields, as the account has them now."""
        with self._memory.lock(native):
            self._memory.labels.pop(native, None)
        for name, label in self.labels(native).items():
            yield CatalogField(name, "reference", label=label.text, refers_to=(TO,))

    def labels(self, native: str) -> Mapping[str, Label]:
        """The account's labels by field; no record type has any to itself."""
        if native == TO:
            return {}
        with self._memory.lock(native):
            known, now_s = self._memory.labels.get(native), self._services.monotonic()
            if known is None or now_s - known.asked_at_s > LABELS_FRESH_S:
                known = self._memory.labels[native] = _KnownLabels(self._asked_labels(native), now_s)
                self._memory.limits.pop(native, None)
            return known.labels

    def _asked_labels(self, native: str) -> Mapping[str, Label]:
        answer = self._connection.read(
            lambda apis: apis.labels.get_all(native, TO, _preload_content=False),
            doing=f"reading the association labels of {native}",
            is_counted=False,
        )
        found = [_label(row) for row in answer["results"]]
        return {label.field: label for label in sorted(found, reverse=True) if label.text}

    def limits(self, native: str) -> Limits | None:
        """What an admin allows of each label, as long known as the labels; None where HubSpot does not tell this token."""
        with self._memory.lock(native):
            if native not in self._memory.limits:
                self._memory.limits[native] = self._asked_limits(native)
            return self._memory.limits[native]

    def _asked_limits(self, native: str) -> Limits | None:
        try:
            answer = self._connection.read(
                lambda apis: apis.label_limits.get_all_between_two_object_types(native, TO, _preload_content=False),
                doing=f"reading the association limits of {native}",
                is_counted=False,
            )
            return dict(_limit(row) for row in answer["results"] if row.get("userEnforcedMaxToObjectIds") is not None)
        except SyncError:
            return None

    def fill(self, records: Sequence[NativeRecord], fields: Iterable[str]) -> None:
        """Sets each record's association fields; None where nothing is associated. No call where no such field is asked for.

        **Raises** SchemaChanged: a label was deleted, so it is unknown which companies have it.
        """
        wanted = [name for name in dict.fromkeys(fields) if name.startswith(ASSOCIATION)]
        if not wanted or not records:
            return
        self.check(records[0].native, wanted)
        labels = self.labels(records[0].native)
        pairs = self.read(records[0].native, [record.crm_id for record in records])
        for record in records:
            values = dict(record.fields)
            values |= {name: shown(pairs.get(record.crm_id, {}), labels[name]) for name in wanted}
            record.fields = values

    def read(self, native: str, crm_ids: Sequence[str]) -> dict[str, Pairs]:
        """The associations of these records; those without any are absent."""
        found: dict[str, dict[str, frozenset[Label]]] = {}
        asked: list[dict[str, str]] = [{"id": crm_id} for crm_id in crm_ids]
        while asked:
            most = READ_COUNT * self._connection.parallel_calls
            part, asked = asked[:most], asked[most:]
            for row in self._page(native, part):
                crm_id = str(row["from"]["id"])
                held = found.setdefault(crm_id, {})
                for company, label in _labels(row["to"]):
                    held[company] = held.get(company, frozenset()) | label
                if after := following(row):
                    asked.append({"id": crm_id, "after": after})
        return dict(found)

    def _page(self, native: str, inputs: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, Any]]:
        """The rows of these inputs, in as few calls as may be."""
        parts = [inputs[start : start + READ_COUNT] for start in range(0, len(inputs), READ_COUNT)]
        answers = side_by_side(self._connection, lambda connection, part: _associated(connection, native, part), parts)
        return [row for rows in answers for row in rows]

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def check(self, native: str, fields: Iterable[str]) -> None:
        """**Raises** SchemaChanged naming the labels that the account has not."""
        lost = sorted({name for name in fields if name.startswith(ASSOCIATION)} - self.labels(native).keys())
        if lost:
            words = ", ".join(name.removeprefix(ASSOCIATION) for name in lost)
            raise SchemaChanged(
                f"HubSpot has no association label {words} between {native} and {TO}; create it (Settings, Objects, Associations; "
                "needs Professional or Enterprise), or keep the company in a property: `native:` instead of `association:` in the mapping"
            )

    def plan(self, native: str, wishes: Mapping[str, Mapping[str, Any]], there: Mapping[str, Pairs]) -> LabelPlan:
        """What to write so that each record's labels stand as wished. **Shapes** `wishes`: record id → field → company id or None."""
        labels = self.labels(native)
        has_moves = any(is_move(labels, wish, there.get(crm_id, {})) for crm_id, wish in wishes.items())
        return LabelPlan(labels, wishes, there, self.limits(native) if has_moves else {})

    def write(self, native: str, plan: LabelPlan, timeout: Timeout, between: Between) -> dict[str, SyncError]:
        """Carries a plan out; what was refused, or may not have been done, by record id: no further call is made for it."""
        refused: dict[str, SyncError] = {}
        for number, (is_ending, pairs) in enumerate(plan.calls, start=1):
            due = [pair for pair in pairs if pair.crm_id not in refused]
            for part in _parts(due):
                refused |= self._try(_Call(native, is_ending, timeout), part)
            done = [pair for pair in due if pair.crm_id not in refused]
            plan.done(done, is_ending=is_ending)
            ahead = {pair.crm_id for _, later in plan.calls[number:] for pair in later}
            if half := {pair.crm_id: plan.standing(pair.crm_id) for pair in done if pair.crm_id in ahead}:
                between(half)
        return refused

    def _try(self, call: _Call, part: Sequence[LabelledPair]) -> dict[str, SyncError]:
        """What was refused, by record id. Never raises: other calls have been made for these records."""
        try:
            return self._send(call, part)
        except SyncError as error:
            return {pair.crm_id: error for pair in part}

    def _send(self, call: _Call, part: Sequence[LabelledPair]) -> dict[str, SyncError]:
        """One request, and others where HubSpot refuses it as a whole."""
        try:
            with as_refusal_of_the_call():
                answer = self._connection.write(call.asking(part), doing=call.doing, may_wait=call.timeout)
        except RowsRejected as error:
            names = error.names
            is_from = any(pair.crm_id in names for pair in part)
            bad, again = sorted_out(part, lambda pair: (pair.crm_id if is_from else pair.company) in names)
            refused: dict[str, SyncError] = {pair.crm_id: error for pair in bad}
            for less in again:
                refused |= self._try(call, less)
            return refused
        refused = {pair.crm_id: _unsaid(pair) for pair in call.unsaid(part, answer)}
        for row in faults.errors_of(answer):
            refused |= {crm_id: faults.of_record(row, ref=crm_id) for crm_id in _named(row, part)}
        self._connection.hear(refused.values())
        return refused


@dataclass(frozen=True, slots=True)
class _Call:
    """One kind of call: it ends labels, or makes them."""

    native: str
    is_ending: bool
    timeout: Timeout

    @property
    def doing(self) -> str:
        return f"{'ending labels of' if self.is_ending else 'associating'} {self.native} and {TO}"

    def asking(self, part: Sequence[LabelledPair]) -> Ask:
        body = {"inputs": [pair.to_input() for pair in part]}

        def ask(apis: Any) -> Any:
            send = apis.associations.archive_labels if self.is_ending else apis.associations.create
            return send(self.native, TO, body, _preload_content=False, _request_timeout=self.timeout)

        return ask

    def unsaid(self, part: Sequence[LabelledPair], answer: Mapping[str, Any]) -> list[LabelledPair]:
        """The pairs of which the answer does not say that they are done. An answer without a body says that all are."""
        if self.is_ending or not answer:
            return [] if answer.get("status") in (None, "COMPLETE") else list(part)
        said = {(str(row.get("fromObjectId")), str(row.get("toObjectId"))) for row in answer.get("results") or ()}
        return [pair for pair in part if (pair.crm_id, pair.company) not in said]


def _associated(connection: HubspotConnection, native: str, inputs: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, Any]]:
    answer = connection.read(
        lambda apis: apis.associations.get_page(native, TO, {"inputs": list(inputs)}, _preload_content=False),
        doing=f"reading the associations of {len(inputs)} {native}",
    )
    rows = [row for row in answer["results"] if row.get("to")]
    if not all(_is_whole(row) for row in rows):
        raise TransientError(f"HubSpot does not say whose associations it sends of {native}")
    return rows


def _is_whole(row: Mapping[str, Any]) -> bool:
    """Whether it says whose associations these are, and lists them."""
    whose, to = row.get("from"), row["to"]
    return isinstance(whose, Mapping) and bool(whose.get("id")) and isinstance(to, list) and all(isinstance(one, Mapping) for one in to)


def _parts(pairs: Sequence[LabelledPair]) -> Iterator[Sequence[LabelledPair]]:
    for start in range(0, len(pairs), WRITE_COUNT):
        yield pairs[start : start + WRITE_COUNT]


def _unsaid(pair: LabelledPair) -> SyncError:
    return UncertainWrite(f"HubSpot's answer does not say what became of record {pair.crm_id} and company {pair.company}")


def _named(error: Mapping[str, Any], part: Sequence[LabelledPair]) -> list[str]:
    """The records an error is about, by either end of a pair; where it names neither, all that were sent: none may pass for written."""
    ids = {one for name in ("fromObjectId", "toObjectId", "ids", "id") for one in faults.context_of(error, name)}
    by_from = [pair.crm_id for pair in part if pair.crm_id in ids]
    by_to = [pair.crm_id for pair in part if pair.company in ids]
    return by_from or by_to or [pair.crm_id for pair in part]


def _labels(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, frozenset[Label]]]:
    """(company id, its labels); a company may come more than once."""
    for row in rows:
        told = row.get("associationTypes") or []
        if not isinstance(told, list) or not all(isinstance(one, Mapping) for one in told):
            raise TransientError(f"HubSpot sends no list of association types with company {row.get('toObjectId')}")
        yield str(row.get("toObjectId")), frozenset(map(_label, told))


def _label(row: Mapping[str, Any]) -> Label:
    """**Raises** TransientError: a label that cannot be told from others must not look like one that was taken away."""
    type_id = whole(str(row.get("typeId")))
    if type_id is None:
        raise TransientError(f"HubSpot names an association type without its id: {row.get('label')}")
    return Label(str(row.get("category") or ""), type_id, str(row.get("label") or ""))


def _limit(row: Mapping[str, Any]) -> tuple[Label, int]:
    """**Raises** TransientError: a limit that cannot be read is not one that is not there."""
    most = whole(str(row["userEnforcedMaxToObjectIds"]))
    if most is None:
        raise TransientError(f"HubSpot's limit of the association type {row.get('typeId')} is not a number")
    return _label(row), most
