"""Where a person looks at a record: its address in the CRM's own pages. Nothing is asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sync_worker.config.portal import CrmSettings

HUBSPOT: Final = "https://app.hubspot.com/contacts"
HUBSPOT_TYPES: Final[Mapping[str, str]] = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "leads": "0-136"}
"""Record type → how HubSpot's pages call it. **Source** https://developers.hubspot.com/docs/guides/api/crm/understanding-the-crm"""


def address_of(crm: CrmSettings, native: str, crm_id: str) -> str | None:
    """The page of a record; None where the portal file does not say enough: HubSpot's pages need the id of the account."""
    if crm.kind == "salesforce":
        host = crm.base_url or (f"https://{crm.auth.domain}.salesforce.com" if crm.auth.domain else None)
        return f"{host}/{crm_id}" if host else None
    hub_id = crm.webhooks.hub_id
    return f"{HUBSPOT}/{hub_id}/record/{HUBSPOT_TYPES.get(native, native)}/{crm_id}" if hub_id else None
