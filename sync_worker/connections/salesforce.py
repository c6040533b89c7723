"""The way to Salesforce."""

from __future__ import annotations

from typing import Final

from sync_worker.config.portal import Portal
from sync_worker.connections.terms import Connect, Means, secret, turnstile_of, unset_for_calls
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.consent import SalesforceGrantLogin
from sync_worker.crm.salesforce.connection.login import (
    AUDIENCE,
    Credentials,
    JwtBearer,
    SalesforceLogin,
    SalesforceLoginUnset,
    SalesforceRefreshToken,
    host_of,
)
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.crm.width import Limit

AT_SALESFORCE: Final = Limit(first=4, most=20)  # of the calls that last 20 s and more it bears 25, those of other apps among them


def way_to_salesforce(portal: Portal, means: Means) -> Connect:
    """All connections share one token."""
    services, patience = means.services, means.patience
    login = _login(portal, means)
    tokens = Tokens(login, services, patience, turnstile_of(portal, means, AT_SALESFORCE))
    return lambda purse: SalesforceCrm(
        SalesforceConnection(login=login, tokens=tokens, services=services, patience=patience, purse=purse),
        assigns_on_create=portal.deals.run_assignment_rules_on_create,
        bulk_above=portal.crm.bulk_above,
    )


def _login(portal: Portal, means: Means) -> SalesforceLogin:
    if unset := unset_for_calls(portal):
        return SalesforceLoginUnset(unset)
    auth, base_url = portal.crm.auth, portal.crm.base_url
    client_id, domain = auth.client_id or "", auth.domain or ""
    if grant := means.grant(portal):
        return SalesforceGrantLogin(client_id, secret(auth.client_secret), host_of(base_url, domain), base_url, grant=grant)
    if auth.flow == "jwt_bearer":
        audience = auth.audience or AUDIENCE
        return JwtBearer(client_id, auth.username or "", secret(auth.private_key), domain, base_url, audience)
    if auth.flow == "refresh_token":
        return SalesforceRefreshToken(client_id, secret(auth.client_secret), secret(auth.refresh_token), domain, base_url)
    return Credentials(client_id, secret(auth.client_secret), domain, base_url)
