"""The way to HubSpot."""

from __future__ import annotations

from typing import Final

from sync_worker.config.portal import Portal
from sync_worker.connections.terms import Connect, Means, secret, turnstile_of, unset_for_calls
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.consent import HubspotGrantLogin
from sync_worker.crm.hubspot.connection.login import HubspotLogin, HubspotLoginUnset, HubspotRefreshToken, StaticToken
from sync_worker.crm.hubspot.connection.pace import Pace
from sync_worker.crm.hubspot.connection.session import Access
from sync_worker.crm.width import Limit

AT_HUBSPOT: Final = Limit(first=8, most=24)  # 19 calls a second are its pace: at one second a call so many are in flight


def way_to_hubspot(portal: Portal, means: Means) -> Connect:
    """All connections share one token and one pace."""
    services, patience, pace = means.services, means.patience, _shared_pace(portal, means)
    access = Access(_login(portal, means), services, patience, pace, turnstile_of(portal, means, AT_HUBSPOT))
    return lambda purse: HubspotCrm(access, services=services, patience=patience, purse=purse)


def _shared_pace(portal: Portal, means: Means) -> Pace | None:
    """One pace of all processes. None: this one keeps its own."""
    if means.redis is None:
        return None
    from sync_worker.crm.hubspot.connection.shared_pace import SharedPace  # only where there is a Redis

    return SharedPace(portal.name, means.redis, means.services)


def _login(portal: Portal, means: Means) -> HubspotLogin:
    if unset := unset_for_calls(portal):
        return HubspotLoginUnset(unset)
    auth, base_url = portal.crm.auth, portal.crm.base_url
    if grant := means.grant(portal):
        return HubspotGrantLogin(auth.client_id or "", secret(auth.client_secret), base_url, grant=grant)
    if auth.flow == "refresh_token":
        return HubspotRefreshToken(auth.client_id or "", secret(auth.client_secret), secret(auth.refresh_token), base_url)
    return StaticToken(secret(auth.token), base_url)
