"""TRAVEL: what the CRM can still be told of a deal. The domain decides by the mapping; here is fetched what it decides by."""

from __future__ import annotations

from collections.abc import Mapping

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.registration import REGISTRABLE
from sync_worker.domain.deals.travel import after_record, before_record
from sync_worker.domain.distributors.parenthood import COMPANIES
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import DEAL, Tenant, field_rules
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links
from sync_worker.store.sync import outbox


def stuck_fields(tx: Tx, tenant: Tenant, deal_id: str, record: RecordMap) -> dict[str, Refusal]:
    """Why an edit of a field would never reach the CRM, by field. A company that the portal only reads has rules of its own."""
    rules = {name: rule for name, rule in field_rules(record).items() if name not in COMPANIES or rule.direction != "pull"}
    link = links.current(tx, [deal_id]).get(deal_id)
    if link is None and not outbox.sent(tx, DEAL, [deal_id]):
        return before_record(rules)
    registered_as = tenant.mapping.records[tenant.portal.deals.record].in_portal
    return after_record(rules, registered_with=registered_as.fields.keys() - COMPANIES, base=link.base if link else {})


def unwritable(record: RecordMap, values: Mapping[str, Value]) -> Refusal | None:
    """Why a registration cannot carry what was written: a value that only the CRM sets."""
    stuck = before_record(field_rules(record))
    own = REGISTRABLE | {name for name, field in record.fields.items() if field.is_attribute}
    return next((stuck[name] for name in sorted(own & stuck.keys()) if values.get(name) not in (None, "", ())), None)
