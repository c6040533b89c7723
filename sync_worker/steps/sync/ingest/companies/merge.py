"""Companies that the portal writes too: when their CRM record is read, what the portal changed and the CRM does not hold yet stays.

Contract values are merged one by one; what only the portal says (may register, the agreement) is put back. Otherwise the CRM's word counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.clocks import Clocks
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.reconcile import Base, Conflict, owed, reconcile
from sync_worker.domain.core.values import Value
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.tenant import COMPANY, field_rules
from sync_worker.steps.distributors.company_words import words_of
from sync_worker.steps.sync.ingest.recognize import LateWrites
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import company_links, outbox

OURS = (CONTRACTS, "may_register", "agreement_state")  # what is merged; name, type and status are the CRM's once it has the record


class Merging:
    """The companies of one chunk that the portal writes."""

    def __init__(self, tx: Tx, chunk: Chunk, known: Iterable[Company]) -> None:
        companies = {company.id: company for company in known}
        self._tx = tx
        self._record = record = chunk.record
        self._bases = dict(company_links.agreed(tx, companies))
        new = [company_id for company_id in self._bases if companies[company_id].crm_id is None]
        for company_id, sent in outbox.sent(tx, COMPANY, new).items():  # a create whose answer was lost
            self._bases[company_id] = {**self._bases[company_id], **sent}
        self._late = LateWrites(tx, chunk, COMPANY, self._bases)
        self._words = words_of(tx, [companies[company_id] for company_id in self._bases])
        self._rules = {name: rule for name, rule in field_rules(record).items() if name in OURS and rule.direction != "pull"}
        self._agreed: dict[str, Mapping[str, Base]] = {}
        self._owing: set[str] = set()

    def merged(self, native: NativeRecord, company: Company) -> tuple[Company, list[Problem]]:
        """The company as the CRM tells it, with what the portal has changed since; and what somebody changed there that is not theirs."""
        if company.id not in self._bases:
            return company, []
        words = self._words[company.id]
        base = self._late.recognized(company.id, native, self._bases[company.id], words).base
        reading = self._record.normalize(native.fields)
        plan = reconcile(
            self._rules,
            base=base,
            crm_values=reading.values,
            crm_spellings=reading.spellings,
            portal=words,
            clocks=Clocks(None, native.modified_at),
        )
        after: Mapping[str, Value] = {**words, **plan.keep}
        if plan.base or base != self._bases[company.id]:
            base = self._agreed[company.id] = {**base, **plan.base}
        if owed(self._rules, base=base, portal=after, is_create=False):
            self._owing.add(company.id)
        if CONTRACTS in self._rules:
            company = replace(company, second_partner_values=tuple(after[CONTRACTS] or ()))  # type: ignore[arg-type]  # a set of text
        return company, [_put_back(conflict) for conflict in plan.conflicts]

    def save(self, run_id: str) -> bool:
        """Writes what was agreed on. Whether the CRM is owed anything."""
        company_links.keep(self._tx, self._agreed)
        outbox.owe(self._tx, COMPANY, self._owing, run_id)
        return bool(self._owing)


def _put_back(conflict: Conflict) -> Problem:
    words = f"{conflict.field} was changed to {conflict.crm!r} in the CRM; the portal's {conflict.portal!r} is written again"
    return Problem(conflict.code, conflict.field, words, conflict.crm)
