"""What ingest finds wrong with the records of one chunk, compared with what is open already.

What is new is opened, and what is not found again is resolved. A record that is found as it was costs no write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import orjson

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.company import NOT_LISTED
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.ruling import Remark, Ruling
from sync_worker.domain.core.values import plain
from sync_worker.mapping.compile import Reading
from sync_worker.mapping.fields import UNLISTED
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure, OpenRow

STAGE: Literal["ingest"] = "ingest"


def contract_field(value: str) -> str:
    """The field of a problem that concerns one contract value: each value has its own row."""
    return f"{CONTRACTS}[{value}]"


def text_problem(native: NativeRecord) -> Problem | None:
    """What is to be said of a record whose text could not be stored as it stands."""
    if not native.mended:
        return None
    words = f"{native.native} {native.crm_id}: characters in {', '.join(native.mended)} cannot be stored, and are shown as \ufffd here"
    return Problem("text_repaired", "", words)


def value_problems(reading: Reading) -> list[Problem]:
    """Values that a list refuses, each alone; and those that were read although the CRM lists them no more."""
    told = ((one, f"{one.native} {one.what}; the rest was applied — {one.hint}") for one in reading.mistakes)
    refused = [Problem(UNLISTED, one.field, words, str(one.value)) for one, words in told]
    return [*refused, *(Problem(NOT_LISTED, one.field, f"{one.native} {one.what}", "; ".join(one.values)) for one in reading.unlisted)]


def payload_hash(fields: Mapping[str, Any]) -> str:
    """Whether a record that failed is still the same record."""
    return hashlib.blake2b(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS, default=plain), digest_size=12).hexdigest()


class OpenFindings:
    """What is open about the records of one chunk, as it was when they were looked at last."""

    def __init__(self, tx: Tx, object_: str, crm_ids: Sequence[str]) -> None:
        self._rows: dict[str, list[OpenRow]] = {}
        for row in failures.open_rows(tx, object_, crm_ids, STAGE):
            self._rows.setdefault(row.record, []).append(row)

    def __iter__(self) -> Iterator[OpenRow]:
        return (row for rows in self._rows.values() for row in rows)

    def failed_as_they_are(self, natives: Iterable[NativeRecord], mapping_hash: str) -> frozenset[str]:
        """Those of the records that failed as they are, under this very mapping: they would fail again."""
        if not self._rows:
            return frozenset()
        return frozenset(native.crm_id for native in natives if self._failed_so(native, mapping_hash))

    def failed(self) -> frozenset[str]:
        """The records that could not be applied."""
        return frozenset(row.record for row in self if row.kind == "failure")

    def said(self, codes: Collection[str]) -> frozenset[str]:
        """The records of which one of these was said."""
        return frozenset(row.record for row in self if row.code in codes)

    def _failed_so(self, native: NativeRecord, mapping_hash: str) -> bool:
        rows = [row for row in self._rows.get(native.crm_id, ()) if row.kind == "failure" and row.waits_for is None]
        here = (payload_hash(native.fields), mapping_hash) if rows else None
        return any((row.payload_hash, row.mapping_hash) == here for row in rows)


class Findings:
    """One chunk's failures and problems.

    **Shapes** the rows of a record are squared only where it was judged. `leaves_contracts`: the contract values are looked at when a first
    load ends, before which most of them heal. `only`: where these fields alone were read: rows about others stay as they are.
    """

    def __init__(
        self,
        tenant: Tenant,
        object_: str,
        run_id: str,
        before: OpenFindings,
        *,
        leaves_contracts: bool = False,
        only: Collection[str] | None = None,
    ) -> None:
        self._object = object_
        self._run_id = run_id
        self._mapping_hash = tenant.mapping.hash
        self._new_id = tenant.services.new_id
        self._before = before
        self._leaves_contracts = leaves_contracts
        self._only = only
        self._found: dict[tuple[str, str, str], Failure] = {}
        self._judged: set[str] = set()
        self._contracts_judged: set[str] = set()

    def take(self, native: NativeRecord, ruling: Ruling[Any]) -> None:
        """What the ruling says of the record, and of others. A record that could not be applied is kept whole, to be tried again."""
        if ruling.is_judged:
            self._judged.add(ruling.crm_id)
        if ruling.are_contracts_judged:
            self._contracts_judged.add(ruling.crm_id)
        for problem in ruling.problems:
            self._note(ruling.crm_id, problem, ruling.name)
        for remark in ruling.elsewhere:
            self._remark_contracts(remark)
        if ruling.failure:
            self._note_failure(native, ruling, ruling.failure)

    def take_contracts(self, remarks: Sequence[Remark]) -> None:
        """The contract values of these records were looked at, and nothing else; those with problems do not lead to an association."""
        self._contracts_judged |= {remark.crm_id for remark in remarks}
        for remark in remarks if not self._leaves_contracts else ():
            self._remark_contracts(remark)

    def _remark_contracts(self, remark: Remark) -> None:
        for problem in remark.problems if not self._leaves_contracts else ():
            told = replace(problem, field=contract_field(str(problem.value)))
            self._note(remark.crm_id, told, remark.name)

    def settle(self, tx: Tx) -> None:
        """Writes what is new and closes what is gone."""
        open_rows = {(row.record, row.code, row.field): row for row in self._before}
        news = [failure for key, failure in self._found.items() if not _is_same(open_rows.get(key), failure)]
        failures.record(tx, news)
        gone = [row.id for key, row in open_rows.items() if key not in self._found and self._covers(row)]
        failures.close(tx, gone, "the record passed")

    def _covers(self, row: OpenRow) -> bool:
        if row.field.startswith(f"{CONTRACTS}["):
            return row.record in self._contracts_judged
        return row.record in self._judged and (self._only is None or row.field in self._only)

    def _note(self, crm_id: str, problem: Problem, name: str) -> None:
        """The record passed, and this is wrong with it."""
        self._found[crm_id, problem.code, problem.field] = self._row(crm_id, problem, name)

    def _note_failure(self, native: NativeRecord, ruling: Ruling[Any], problem: Problem) -> None:
        """The record did not pass: it is kept whole."""
        self._found[ruling.crm_id, problem.code, problem.field] = replace(
            self._row(ruling.crm_id, problem, ruling.name),
            kind="failure",
            payload=dict(native.fields),
            payload_hash=payload_hash(native.fields),
            mapping_hash=self._mapping_hash,
        )

    def _row(self, crm_id: str, problem: Problem, name: str) -> Failure:
        return Failure(
            id=self._new_id(),
            kind="problem",
            object=self._object,
            record=crm_id,
            stage=STAGE,
            code=problem.code,
            message=problem.message,
            run_id=self._run_id,
            field=problem.field,
            name=name,
            waits_for=problem.waits_for,
        )


def _is_same(row: OpenRow | None, failure: Failure) -> bool:
    return row is not None and all(
        getattr(row, name) == getattr(failure, name) for name in ("kind", "message", "payload_hash", "mapping_hash", "waits_for")
    )
