"""A form at the token endpoint → a new access token.

Source: https://developers.hubspot.com/docs/api-reference/2026-03/authentication/oauth-tokens/refresh-oauth-token
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from crm_sandbox.hubspot.login.tokens import TOKEN_LIFE, AccessTokens, Install
from crm_sandbox.hubspot.wire.refusal import TokenRefusal

Form = Mapping[str, str]


def granted(form: Form, tokens: AccessTokens, *, hub_id: int, now: datetime) -> dict[str, Any]:
    """The answer to a form.

    Raises: TokenRefusal.
    """
    flows = {"authorization_code": _by_code, "refresh_token": _by_refresh_token}
    flow = flows.get(form.get("grant_type", ""))
    if flow is None:
        raise TokenRefusal("BAD_GRANT_TYPE")
    check_client(form)
    refresh_token, install = flow(form, tokens, now)
    token = tokens.open(install, now)
    return {
        "token_type": "bearer",
        "refresh_token": refresh_token,
        "access_token": token.text,
        "hub_id": hub_id,
        "scopes": sorted(install.scopes),
        "expires_in": int(TOKEN_LIFE.total_seconds()),
    }


def check_client(form: Form) -> None:
    """Raises: TokenRefusal for a client that is not the one registered."""
    if form.get("client_id") != SANDBOX_CLIENT_ID:
        raise TokenRefusal("BAD_CLIENT_ID")
    if form.get("client_secret") != SANDBOX_CLIENT_SECRET:
        raise TokenRefusal("BAD_CLIENT_SECRET")


def _by_code(form: Form, tokens: AccessTokens, now: datetime) -> tuple[str, Install]:
    found = tokens.take_code(form.get("code", ""), form.get("redirect_uri", ""), now)
    if found is None:
        raise TokenRefusal("BAD_AUTH_CODE")
    return found


def _by_refresh_token(form: Form, tokens: AccessTokens, _: datetime) -> tuple[str, Install]:
    text = form.get("refresh_token", "")
    install = tokens.refreshed_by(text)
    if install is None:
        raise TokenRefusal("BAD_REFRESH_TOKEN")
    return text, install
