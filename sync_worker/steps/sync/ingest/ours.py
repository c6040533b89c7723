"""What makes a CRM record ours before its values are looked at: the native fields of which one is filled on all that would be ours."""

from __future__ import annotations

from sync_worker.config.portal import Portal
from sync_worker.crm.port import NativeRecord
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.tenant import COMPANY


def marks(portal: Portal, record: RecordMap) -> tuple[str, ...]:
    """A company has a portal status; a deal our key or, where deals may begin in the CRM, an owner company. The first alone tells most."""
    if record.record == COMPANY:
        return (record.fields["portal_status"].native,)
    if portal.deals.from_crm and "owner_company" in record.fields:
        return (record.fields["owner_company"].native, record.key_field)
    return (record.key_field,)


def is_marked(portal: Portal, record: RecordMap, native: NativeRecord) -> bool:
    """Whether a record has one of the marks."""
    return any(native.fields.get(name) for name in marks(portal, record))
