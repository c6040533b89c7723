"""What tokens say of themselves: the old addresses per token, introspection on the dated ones, and private apps' own."""

from datetime import datetime
from typing import Any

from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_ID
from crm_sandbox.hubspot.login.tokens import AccessToken, Install

HUB_DOMAIN = "northwind.example"
USER = "integration@northwind.example"
USER_ID = 76_023_669
Shape = dict[str, Any]


def _whose(install: Install, hub_id: int) -> Shape:
    return {"user": USER, "user_id": USER_ID, "hub_domain": HUB_DOMAIN, "hub_id": hub_id, "scopes": sorted(install.scopes)}


def access_token(token: AccessToken, hub_id: int, now: datetime) -> Shape:
    """An OAuth access token that is not over."""
    left = 0 if token.ends_at is None else int((token.ends_at - now).total_seconds())
    shape = {"token": token.text, **_whose(token.install, hub_id), "app_id": token.install.app_id, "expires_in": left}
    return shape | {"token_type": "access", "is_private_distribution": True, "signed_access_token": _signed(token, hub_id)}


def _signed(token: AccessToken, hub_id: int) -> Shape:
    """What the vendor packs into a token; signatures and groups of scopes are left out here."""
    return {
        "appId": token.install.app_id,
        "expiresAt": 0 if token.ends_at is None else int(token.ends_at.timestamp() * 1000),
        "hubId": hub_id,
        "hublet": "na1",
        "installingUserId": USER_ID,
        "isPrivateDistribution": True,
        "isServiceAccount": False,
        "isUserLevel": False,
        "newSignature": "",
        "scopeToScopeGroupPks": "",
        "scopes": "",
        "signature": "",
        "trialScopeToScopeGroupPks": "",
        "trialScopes": "",
        "userId": USER_ID,
    }


def refresh_token(text: str, install: Install, hub_id: int) -> Shape:
    """A refresh token."""
    return {"token": text, **_whose(install, hub_id), "client_id": SANDBOX_CLIENT_ID, "token_type": "refresh"}


def inspected(shape: Shape, install: Install, use: str) -> Shape:
    """The same as introspection says it; `use` is `access_token` or `refresh_token`."""
    return {"active": True, **shape, "client_id": SANDBOX_CLIENT_ID, "app_id": install.app_id, "token_use": use}


def private_app(install: Install, hub_id: int) -> Shape:
    """A static token."""
    return {"userId": USER_ID, "hubId": hub_id, "appId": install.app_id, "scopes": sorted(install.scopes)}
