"""Where a person looks at a record in the CRM's own pages."""

from __future__ import annotations

from typing import Any

import pytest

from sync_worker.config.portal import Auth, CrmSettings, WebhookProof
from sync_worker.crm.address import address_of

SALESFORCE = Auth(flow="client_credentials", domain="acme.my")


def settings(kind: Any, auth: Auth, **more: Any) -> CrmSettings:
    return CrmSettings(kind=kind, mapping=f"{kind}.yaml", auth=auth, **more)


@pytest.mark.parametrize(
    ("crm", "native", "address"),
    [
        (settings("salesforce", SALESFORCE), "Lead", "https://acme.my.salesforce.com/7"),
        (settings("hubspot", Auth(flow="static_token"), webhooks=WebhookProof(hub_id="42")), "deals",
         "https://app.hubspot.com/contacts/42/record/0-3/7"),
        (settings("hubspot", Auth(flow="static_token")), "deals", None),
    ],
)  # fmt: skip
def test_a_record_has_the_address_of_its_page(crm: CrmSettings, native: str, address: str | None) -> None:
    assert address_of(crm, native, "7") == address
