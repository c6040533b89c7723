"""What ingest finds wrong with the records of one chunk, squared with what is open already.

New rows open, rows not found again resolve themselves; a record that was found as it was costs no write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import orjson

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.company import NOT_LISTED
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.values import plain
from sync_worker.errors import RecordError, UnresolvedLink
from sync_worker.mapping.compile import Reading
from sync_worker.mapping.fields import UNLISTED
from sync_worker.services import Services
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


class Findings:
    """One chunk's failures and problems.

    **Shapes** a record is judged at most once; its rows are squared only when it was. `only`: where these fields alone were read: rows
    about others stay as they are.
    """

    def __init__(
        self,
        tx: Tx,
        object_: str,
        crm_ids: Sequence[str],
        *,
        run_id: str,
        mapping_hash: str,
        services: Services,
        leaves_contracts: bool = False,
        only: Collection[str] | None = None,
    ) -> None:
        self._tx = tx
        self._object = object_
        self._run_id = run_id
        self._mapping_hash = mapping_hash
        self._services = services
        self._leaves_contracts = leaves_contracts
        self._only = only
        self._open: dict[str, list[OpenRow]] = {}
        for row in failures.open_rows(tx, object_, crm_ids, STAGE):
            self._open.setdefault(row.record, []).append(row)
        self._found: dict[tuple[str, str, str], Failure] = {}
        self._judged: set[str] = set()
        self._contracts_judged: set[str] = set()

    def is_known_failure(self, native: NativeRecord) -> bool:
        """Whether this very record failed under this very mapping before: it would fail again."""
        rows = [row for row in self._open.get(native.crm_id, ()) if row.kind == "failure" and row.waits_for is None]
        if not rows:
            return False
        here = (payload_hash(native.fields), self._mapping_hash)
        return any((row.payload_hash, row.mapping_hash) == here for row in rows)

    def has_failed(self, crm_id: str) -> bool:
        """Whether this record could not be applied when it was last looked at."""
        return any(row.kind == "failure" for row in self._open.get(crm_id, ()))

    def is_open(self, crm_id: str, codes: Collection[str]) -> bool:
        """Whether one of these was said of the record when it was last looked at."""
        return any(row.code in codes for row in self._open.get(crm_id, ()))

    def judged(self, crm_id: str, *, with_contracts: bool = False) -> None:
        """The record was looked at: open rows that were not found again are resolved."""
        self._judged.add(crm_id)
        if with_contracts:
            self._contracts_judged.add(crm_id)

    def failure(self, native: NativeRecord, error: RecordError, *, name: str) -> None:
        """The record could not be applied; it is kept whole, to be tried again."""
        self.judged(native.crm_id)
        self._note(
            "failure",
            native.crm_id,
            Problem(error.code, error.field, str(error)),
            name=name,
            payload=dict(native.fields),
            payload_hash=payload_hash(native.fields),
            waits_for=error.waits_for if isinstance(error, UnresolvedLink) else None,
        )

    def problem(self, crm_id: str, problem: Problem, *, name: str, waits_for: str | None = None) -> None:
        """The record was applied, and this is wrong with it."""
        self._note("problem", crm_id, problem, name=name, waits_for=waits_for)

    def contract_problem(self, crm_id: str, problem: Problem, *, name: str) -> None:
        """One contract value of the record does not lead to an association; left to the end of a first load, before which most heal."""
        if self._leaves_contracts:
            return
        field = contract_field(str(problem.value))
        self._note("problem", crm_id, Problem(problem.code, field, problem.message, problem.value), name=name)

    def settle(self) -> None:
        """Writes what is new and closes what is gone."""
        open_rows = {(row.record, row.code, row.field): row for rows in self._open.values() for row in rows}
        news = [failure for key, failure in self._found.items() if not _is_same(open_rows.get(key), failure)]
        failures.record(self._tx, news)
        gone = [row.id for key, row in open_rows.items() if key not in self._found and self._covers(row)]
        failures.close(self._tx, gone, "the record passed")

    def _covers(self, row: OpenRow) -> bool:
        if row.field.startswith(f"{CONTRACTS}["):
            return row.record in self._contracts_judged
        return row.record in self._judged and (self._only is None or row.field in self._only)

    def _note(
        self,
        kind: Literal["failure", "problem"],
        crm_id: str,
        problem: Problem,
        *,
        name: str,
        payload: Any = None,
        payload_hash: str = "",
        waits_for: str | None = None,
    ) -> None:
        self._found[crm_id, problem.code, problem.field] = Failure(
            id=self._services.new_id(),
            kind=kind,
            object=self._object,
            record=crm_id,
            stage=STAGE,
            code=problem.code,
            message=problem.message,
            run_id=self._run_id,
            field=problem.field,
            name=name,
            payload=payload,
            payload_hash=payload_hash,
            mapping_hash=self._mapping_hash if kind == "failure" else "",
            waits_for=waits_for,
        )


def _is_same(row: OpenRow | None, failure: Failure) -> bool:
    return row is not None and all(
        getattr(row, name) == getattr(failure, name) for name in ("kind", "message", "payload_hash", "mapping_hash", "waits_for")
    )
