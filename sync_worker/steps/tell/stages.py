"""STAGES: what people of the CRM call its sales stages, as it described them last; the CRM is not asked."""

from __future__ import annotations

from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.engine import Tx


def stage_labels(tx: Tx, tenant: Tenant) -> dict[str, str]:
    """Value → label, of every record that deals live in."""
    last, labels = tenant.described.last_in(tx), dict[str, str]()
    for name in tenant.deal_records():
        record = last.mapping.records[name]
        catalog, stage = last.catalogs.get(record.native), record.fields.get("stage")
        if catalog and stage and (described := catalog.fields.get(stage.native)):
            labels |= described.labels
    return labels
