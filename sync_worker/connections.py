"""A portal's ways out, made of its file: to its CRM, one connection for each thread that calls, and to the receiver of its feed.

Where a variable is not set, the way is there and leads nowhere: its first call names the variable, and nothing goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pydantic import SecretStr
from redis import Redis

from sync_worker.config.portal import Portal
from sync_worker.crm.budget import Purse
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection import login as hubspot_login
from sync_worker.crm.hubspot.connection.session import Access
from sync_worker.crm.hubspot.connection.shared_pace import SharedPace
from sync_worker.crm.port import WholeCrm
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.crm.salesforce.connection.login import (
    AUDIENCE,
    Credentials,
    JwtBearer,
    SalesforceLogin,
    SalesforceLoginUnset,
    SalesforceRefreshToken,
)
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.crm.shared_turnstile import SharedTurnstile
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.errors import Mistake
from sync_worker.receiver import Receiver, UnsetReceiver
from sync_worker.services import Services

AT_SALESFORCE: Final = Limit(first=4, most=20)  # of the calls that last 20 s and more it bears 25, those of other apps among them
AT_HUBSPOT: Final = Limit(first=8, most=24)  # 19 calls a second are its pace: at one second a call so many are in flight

Connect = Callable[[Purse], WholeCrm]
"""Makes one connection, for the thread that calls it."""


def connection_of(portal: Portal, services: Services, patience: Patience, redis: Redis | None) -> Connect:
    """The way to the portal's CRM."""
    if portal.crm.kind == "hubspot":
        return _hubspot(portal, services, patience, redis)
    return _salesforce(portal, services, patience, redis)


def misfits_of_webhooks(portal: Portal) -> Iterator[Mistake]:
    """Why Salesforce's webhooks could never be proven."""
    written = portal.crm.webhooks.organization_id
    if written is not None and canonical(written) is None:
        at = ("crm", "webhooks", "organization_id")
        yield portal.source.mistake(at, "the last three characters do not fit the others", "copy it again, or leave them out")


def receiver_of(portal: Portal, services: Services) -> Receiver | None:
    """The way to the portal's receiver, where it has a feed."""
    if portal.feed is None:
        return None
    if unset := [mistake for mistake in portal.unset if mistake.path.startswith("feed.")]:
        return UnsetReceiver(portal.source.at(("feed", "url")), unset)
    secrets = filter(None, (_secret(portal.feed.secret), _secret(portal.feed.previous_secret)))
    return Receiver(portal.feed.url, *secrets, clock=services.clock)


def _unset_for_calls(portal: Portal) -> tuple[Mistake, ...]:
    """The variables that are not set, and without which the CRM cannot be called."""
    return tuple(one for one in portal.unset if one.path.startswith("crm.") and not one.path.startswith("crm.webhooks."))


def _turnstile(portal: Portal, services: Services, redis: Redis | None, safe: Limit) -> Turnstile:
    limit = safe.at_most(portal.crm.parallel_calls)
    return SharedTurnstile(portal.name, redis, limit, services) if redis else Turnstile(limit, services, portal.name)


def _salesforce(portal: Portal, services: Services, patience: Patience, redis: Redis | None) -> Connect:
    login = _salesforce_login(portal)
    tokens = Tokens(login, services, patience, _turnstile(portal, services, redis, AT_SALESFORCE))
    return lambda purse: SalesforceCrm(
        SalesforceConnection(login=login, tokens=tokens, services=services, patience=patience, purse=purse),
        assigns_on_create=portal.deals.run_assignment_rules_on_create,
        bulk_above=portal.crm.bulk_above,
    )


def _salesforce_login(portal: Portal) -> SalesforceLogin:
    if unset := _unset_for_calls(portal):
        return SalesforceLoginUnset(unset)
    auth, base_url = portal.crm.auth, portal.crm.base_url
    client_id, domain = auth.client_id or "", auth.domain or ""
    if auth.flow == "jwt_bearer":
        audience = auth.audience or AUDIENCE
        return JwtBearer(client_id, auth.username or "", _secret(auth.private_key), domain, base_url, audience)
    if auth.flow == "refresh_token":
        return SalesforceRefreshToken(client_id, _secret(auth.client_secret), _secret(auth.refresh_token), domain, base_url)
    return Credentials(client_id, _secret(auth.client_secret), domain, base_url)


def _hubspot(portal: Portal, services: Services, patience: Patience, redis: Redis | None) -> Connect:
    pace = SharedPace(portal.name, redis, services) if redis else None
    access = Access(_hubspot_login(portal), services, patience, pace, _turnstile(portal, services, redis, AT_HUBSPOT))
    return lambda purse: HubspotCrm(access, services=services, patience=patience, purse=purse)


def _hubspot_login(portal: Portal) -> hubspot_login.HubspotLogin:
    if unset := _unset_for_calls(portal):
        return hubspot_login.HubspotLoginUnset(unset)
    auth, base_url = portal.crm.auth, portal.crm.base_url
    if auth.flow == "refresh_token":
        return hubspot_login.HubspotRefreshToken(auth.client_id or "", _secret(auth.client_secret), _secret(auth.refresh_token), base_url)
    return hubspot_login.StaticToken(_secret(auth.token), base_url)


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""
