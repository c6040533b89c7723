"""Companies of a chunk that the portal writes too: what both sides agreed on, and what the portal says of them now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sync_worker.domain.core.company import StoredCompany
from sync_worker.domain.core.reconcile import FieldRule
from sync_worker.domain.sync.ingest.companies.merge import NAME, OURS, WrittenCompany
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.tenant import COMPANY, field_rules
from sync_worker.steps.distributors.company_words import words_of
from sync_worker.steps.sync.ingest.recognize import shown
from sync_worker.steps.sync.ingest.succession import Succession
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import company_links, outbox, unlearned


def merged_fields(record: RecordMap) -> Mapping[str, FieldRule]:
    """What is merged of companies that the portal writes. A name that is only written at the create is the CRM's from then on."""
    rules = {name: rule for name, rule in field_rules(record).items() if name in OURS and rule.direction != "pull"}
    return {name: _decided(rule) for name, rule in rules.items() if name != NAME or rule.write in ("always", "update")}


def _decided(rule: FieldRule) -> FieldRule:
    """Nothing waits for a person on a company, and no clock tells when its name was changed: the CRM decides then."""
    return rule if rule.field != NAME or rule.conflict in ("crm", "portal") else replace(rule, conflict="crm")


def written_companies(
    tx: Tx, chunk: Chunk, known: Mapping[str, StoredCompany], succession: Succession | None = None
) -> dict[str, WrittenCompany]:
    """Those of the companies that the portal writes, by our id. **Shapes** `known` by CRM id."""
    places = {stored.company.id: crm_id for crm_id, stored in known.items()}
    bases = company_links.agreed(tx, places)
    if not bases:
        return {}
    ours = [known[places[company_id]].company for company_id in bases]
    words, sends = words_of(tx, ours), unlearned.of(tx, COMPANY, bases)
    created = outbox.sent(tx, COMPANY, [company.id for company in ours if company.crm_id is None])  # a create whose answer was lost
    natives = {native.crm_id: native for native in chunk.natives if not native.is_deleted}
    found = {}
    for company_id, base in bases.items():
        ends = {places[company_id], succession.end(places[company_id]) if succession else places[company_id]}
        of_sends = {crm_id: shown(chunk, sends.get(company_id, ()), natives[crm_id]) for crm_id in ends & natives.keys()}
        found[company_id] = WrittenCompany({**base, **created.get(company_id, {})}, words[company_id], of_sends)
    return found
