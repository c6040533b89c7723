"""A record's labelled associations to companies, read and written as plain fields: `association:portal_partner` → a company's id.

Rules, each with a reason
- Labels are found by their text and their type ids read from the account: ids of custom labels differ from account to account.
- A pair is always written whole: HubSpot replaces a pair's labels by what it is sent, so what stands there goes along.
- A label that moves to another company leaves the old pair's other labels, and the plain association, alone: they may be a person's.
- The primary company is a label like any other: written where the mapping names it (`association: Primary`), else left as it is.
- Two companies under one label are no company: the value is the list, and the record's failure shows both ids.
Source: https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sync_worker.crm.blame import RowsRejected, sorted_out
from sync_worker.crm.hubspot import faults
from sync_worker.crm.hubspot.session import Ask, Connection
from sync_worker.crm.port import NativeRecord
from sync_worker.errors import SchemaChanged, SyncError, TransientError
from sync_worker.headers import whole
from sync_worker.mapping.catalog import ASSOCIATION, CatalogField, association_field
from sync_worker.services import Services

TO = "companies"
READ_COUNT = 1000  # records a call; the vendor's limit
WRITE_COUNT = 2000  # pairs a call
LABELS_FRESH_S = 60.0  # a label that was renamed or deleted must not look like companies that were taken away


@dataclass(frozen=True, order=True, slots=True)
class Label:
    """One association type, the same whatever it is called. **Shapes** `text` "" for the plain one that every associated pair has."""

    category: str
    type_id: int
    text: str = field(default="", compare=False)

    @property
    def field(self) -> str:
        return association_field(self.text)

    def to_type(self) -> dict[str, Any]:
        """As a write names it."""
        return {"associationCategory": self.category, "associationTypeId": self.type_id}


Pair: TypeAlias = dict[str, Any]
Timeout: TypeAlias = Callable[[], tuple[float, float]]
Pairs: TypeAlias = Mapping[str, frozenset[Label]]
"""One record's associations: company id → its labels."""


class Associations:
    """Those of one connection; labels are kept for a minute, by record type."""

    def __init__(self, connection: Connection, services: Services) -> None:
        self._connection = connection
        self._services = services
        self._labels: dict[str, dict[str, Label]] = {}
        self._asked_at_s: dict[str, float] = {}

    def catalog(self, native: str) -> Iterator[CatalogField]:
        """The labels as fields."""
        self._labels.pop(native, None)
        for name, label in self.labels(native).items():
            yield CatalogField(name, "reference", label=label.text, refers_to=(TO,))

    def labels(self, native: str) -> Mapping[str, Label]:
        """The account's labels by field; no record type has any to itself."""
        if native == TO:
            return {}
        now_s = self._services.monotonic()
        if native not in self._labels or now_s - self._asked_at_s[native] > LABELS_FRESH_S:
            answer = self._connection.read(
                lambda apis: apis.labels.get_all(native, TO, _preload_content=False),
                doing=f"reading the association labels of {native}",
                is_counted=False,
            )
            found = [_label(row) for row in answer["results"]]
            self._labels[native] = {label.field: label for label in sorted(found, reverse=True) if label.text}
            self._asked_at_s[native] = now_s
        return self._labels[native]

    def fill(self, records: Sequence[NativeRecord], fields: Iterable[str]) -> None:
        """Sets each record's association fields; None where nothing is associated. No call where no such field is asked for.

        **Raises** SchemaChanged: a label that is no more says nothing of its companies.
        """
        wanted = [name for name in dict.fromkeys(fields) if name.startswith(ASSOCIATION)]
        if not wanted or not records:
            return
        self.check(records[0].native, wanted)
        labels = self.labels(records[0].native)
        pairs = self.read(records[0].native, [record.crm_id for record in records])
        for record in records:
            values = dict(record.fields)
            for name in wanted:
                holders = sorted(crm_id for crm_id, held in pairs.get(record.crm_id, {}).items() if labels[name] in held)
                values[name] = holders if len(holders) > 1 else next(iter(holders), None)
            record.fields = values

    def read(self, native: str, crm_ids: Sequence[str]) -> dict[str, Pairs]:
        """The associations of these records; those without any are absent."""
        found: dict[str, dict[str, frozenset[Label]]] = {}
        asked: list[dict[str, str]] = [{"id": crm_id} for crm_id in crm_ids]
        while asked:
            part, asked = asked[:READ_COUNT], asked[READ_COUNT:]
            for row in self._page(native, part):
                crm_id = str(row["from"]["id"])
                held = found.setdefault(crm_id, {})
                for company, label in _labels(row["to"]):
                    held[company] = held.get(company, frozenset()) | label
                if after := ((row.get("paging") or {}).get("next") or {}).get("after"):
                    asked.append({"id": crm_id, "after": after})
        return dict(found)

    def _page(self, native: str, inputs: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, Any]]:
        answer = self._connection.read(
            lambda apis: apis.associations.get_page(native, TO, {"inputs": list(inputs)}, _preload_content=False),
            doing=f"reading the associations of {len(inputs)} {native}",
        )
        rows = [row for row in answer["results"] if row.get("to")]
        if not all((row.get("from") or {}).get("id") for row in rows):
            raise TransientError(f"HubSpot does not say whose associations it sends of {native}")
        return rows

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

    def plan(self, native: str, wishes: Mapping[str, Mapping[str, Any]], there: Mapping[str, Pairs]) -> Plan:
        """What to write so that each record's labels stand as wished. **Shapes** `wishes`: record id → field → company id or None."""
        plan = Plan()
        for crm_id, fields in wishes.items():
            before = there.get(crm_id, {})
            wished: dict[str, set[Label]] = {}
            for name, company in fields.items():
                label = self.labels(native)[name]
                for other in sorted(other for other, labels in before.items() if label in labels and other != company):
                    plan.gone.append(_pair(crm_id, other, [label]))
                if company:
                    wished.setdefault(str(company), set()).add(label)
            for company, labels in sorted(wished.items()):
                if not labels <= before.get(company, frozenset()):
                    plan.new.append(_pair(crm_id, company, sorted(labels | before.get(company, frozenset()))))
        return plan

    def write(self, native: str, plan: Plan, timeout: Timeout) -> dict[str, SyncError]:
        """Carries a plan out; what was refused, by record id. What ends goes first: an admin may allow one company a label."""
        refused: dict[str, SyncError] = {}
        for part in _parts(plan.gone):
            self._send(_ending(native, timeout), part, refused, doing=f"ending labels of {native} and {TO}")
        for part in _parts(plan.new):
            self._send(_making(native, timeout), part, refused, doing=f"associating {native} and {TO}")
        return refused

    def _send(self, ask_for: Callable[[Sequence[Pair]], Ask], part: Sequence[Pair], refused: dict[str, SyncError], *, doing: str) -> None:
        """One request, and others where HubSpot refuses it as a whole."""
        try:
            answer = self._connection.write(ask_for(part), doing=doing)
        except RowsRejected as error:
            names = error.names
            end = "from" if any(pair["from"]["id"] in names for pair in part) else "to"
            bad, again = sorted_out(part, lambda pair: pair[end]["id"] in names)
            refused |= {pair["from"]["id"]: error for pair in bad}
            for less in again:
                self._send(ask_for, less, refused, doing=doing)
            return
        for row in faults.errors_of(answer):
            refused |= {crm_id: faults.of_record(row, ref=crm_id) for crm_id in _named(row, part)}


class Plan:
    """Pairs to write whole, and labels to take away."""

    def __init__(self) -> None:
        self.new: list[Pair] = []
        self.gone: list[Pair] = []


def _parts(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    for start in range(0, len(pairs), WRITE_COUNT):
        yield pairs[start : start + WRITE_COUNT]


def _making(native: str, timeout: Timeout) -> Callable[[Sequence[Pair]], Ask]:
    def ask_for(part: Sequence[Pair]) -> Ask:
        body = {"inputs": list(part)}
        return lambda apis: apis.associations.create(native, TO, body, _preload_content=False, _request_timeout=timeout)

    return ask_for


def _ending(native: str, timeout: Timeout) -> Callable[[Sequence[Pair]], Ask]:
    def ask_for(part: Sequence[Pair]) -> Ask:
        body = {"inputs": list(part)}
        return lambda apis: apis.associations.archive_labels(native, TO, body, _preload_content=False, _request_timeout=timeout)

    return ask_for


def _named(error: Mapping[str, Any], part: Sequence[Pair]) -> list[str]:
    """The records an error is about, by either end of a pair; where it names neither, all that were sent: none may pass for written."""
    ids = {one for name in ("fromObjectId", "toObjectId", "ids", "id") for one in faults.context_of(error, name)}
    by_from = [pair["from"]["id"] for pair in part if pair["from"]["id"] in ids]
    by_to = [pair["from"]["id"] for pair in part if pair["to"]["id"] in ids]
    return by_from or by_to or [pair["from"]["id"] for pair in part]


def _pair(from_id: str, to_id: str, labels: Iterable[Label]) -> Pair:
    return {"from": {"id": from_id}, "to": {"id": to_id}, "types": [label.to_type() for label in labels]}


def _labels(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, frozenset[Label]]]:
    """(company id, its labels); a company may come more than once."""
    for row in rows:
        yield str(row.get("toObjectId")), frozenset(_label(one) for one in row.get("associationTypes") or ())


def _label(row: Mapping[str, Any]) -> Label:
    """**Raises** TransientError: a label that cannot be told from others must not look like one that was taken away."""
    type_id = whole(str(row.get("typeId")))
    if type_id is None:
        raise TransientError(f"HubSpot names an association type without its id: {row.get('label')}")
    return Label(str(row.get("category") or ""), type_id, str(row.get("label") or ""))
