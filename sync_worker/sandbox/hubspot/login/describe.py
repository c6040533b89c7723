"""What tokens say of themselves: the old addresses per token, introspection on the dated ones, and private apps' own."""

from datetime import datetime
from typing import Any

from sync_worker.sandbox.hubspot.login.credentials import SANDBOX_CLIENT_ID
from sync_worker.sandbox.hubspot.login.tokens import Install, Token

HUB_DOMAIN = "northwind.example"
USER = "integration@northwind.example"
USER_ID = 76_023_669
Shape = dict[str, Any]


def _whose(install: Install, hub_id: int) -> Shape:
    return {"user": USER, "user_id": USER_ID, "hub_domain": HUB_DOMAIN, "hub_id": hub_id, "scopes": sorted(install.scopes)}


def access_token(token: Token, hub_id: int, now: datetime) -> Shape:
    """An OAuth access token that is not over."""
    left = 0 if token.ends_at is None else int((token.ends_at - now).total_seconds())
    shape = {"token": token.text, **_whose(token.install, hub_id), "app_id": token.install.app_id}
    return shape | {"expires_in": left, "token_type": "access", "is_private_distribution": True}


def refresh_token(text: str, install: Install, hub_id: int) -> Shape:
    """A refresh token."""
    return {"token": text, **_whose(install, hub_id), "client_id": SANDBOX_CLIENT_ID, "token_type": "refresh"}


def private_app(install: Install, hub_id: int) -> Shape:
    """A static token."""
    return {"userId": USER_ID, "hubId": hub_id, "appId": install.app_id, "scopes": sorted(install.scopes)}
