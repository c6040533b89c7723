"""A person's consent: the vendor's page for a portal, and what must be there before."""

from __future__ import annotations

from typing import Final

from sync_worker.config.portal import Portal
from sync_worker.connections.terms import Means, consents, secret, unset_for_calls
from sync_worker.crm.login.consent import Consent
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.domain.operate.connection import KnownOrg
from sync_worker.errors import ConfigError, Mistake
from sync_worker.services import Services

SECRET_KEY: Final = "SYNC_WORKER_SECRET_KEY"  # noqa: S105 - its name


def keyless(portal: Portal, means: Means) -> tuple[Mistake, ...]:
    """The variable that is missing where a person is to connect the portal."""
    if means.seal or not consents(portal):
        return ()
    what = f"the environment variable {SECRET_KEY} is not set, and seals what a consent leaves"
    return (portal.source.mistake(("crm", "auth", "flow"), what, f"export {SECRET_KEY}=$(openssl rand -base64 32 | tr +/ -_)"),)


def consent_of(portal: Portal, services: Services) -> Consent:
    """The vendor's page on which a person lets us in. **Raises** ConfigError where a variable is not set."""
    if unset := unset_for_calls(portal):
        raise ConfigError(unset)
    auth, base_url = portal.crm.auth, portal.crm.base_url
    client_id, client_secret = auth.client_id or "", secret(auth.client_secret)
    if portal.crm.kind == "hubspot":
        from sync_worker.crm.hubspot.connection.consent import HubspotConsent

        return HubspotConsent(client_id, client_secret, base_url, services)
    from sync_worker.crm.salesforce.connection.consent import SalesforceConsent
    from sync_worker.crm.salesforce.connection.login import host_of

    return SalesforceConsent(client_id, client_secret, host_of(base_url, auth.domain or ""), base_url, services.clock)


def orgs_of(portal: Portal) -> list[KnownOrg]:
    """The accounts that the portal file names."""
    hooks = portal.crm.webhooks
    organization = canonical(hooks.organization_id) if hooks.organization_id else None
    named = {"crm.webhooks.organization_id": organization, "crm.webhooks.hub_id": hooks.hub_id}
    return [KnownOrg(str(org), f"{path} in the portal file") for path, org in named.items() if org]
