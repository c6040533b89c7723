"""Controls over tokens: what a client may use, and what an admin or time has done to it."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.consent_page import addresses
from crm_sandbox.hubspot.controls.route import control_route
from crm_sandbox.hubspot.login import credentials
from crm_sandbox.hubspot.login.scopes import EVERY_SCOPE
from crm_sandbox.hubspot.login.tokens import ROTATION_GRACE
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire.routing import json_object

Body = dict[str, Any]


class HubspotLoginControls:
    """`/__sandbox__/login`, `scopes`, `tokens` and below."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    async def show(self, _: Request) -> Body:
        """Everything that a client needs to log in, by every flow; nothing of it is secret."""
        installs = self._state.tokens.installs()
        return {
            "access_token": credentials.SANDBOX_TOKEN,
            "client_id": credentials.SANDBOX_CLIENT_ID,
            "client_secret": credentials.SANDBOX_CLIENT_SECRET,
            "refresh_token": credentials.SANDBOX_REFRESH_TOKEN,
            "redirect_uri": credentials.SANDBOX_REDIRECT_URI,
            "redirect_uris": self._state.tokens.redirect_uris,
            "developer_key": credentials.SANDBOX_DEVELOPER_KEY,
            "app_id": credentials.SANDBOX_APP_ID,
            "scopes": {str(install.app_id): sorted(install.scopes) for install in installs},
        }

    async def change(self, request: Request) -> Body:
        """`{"redirect_uris": […]}`: where the app may send a person back to; null: anywhere on loopback."""
        self._state.tokens.redirect_uris = addresses((await json_object(request)).get("redirect_uris"))
        return await self.show(request)

    async def add(self, request: Request) -> Body:
        """`{"scopes": […]}`: another app's static token, with all scopes unless it says which."""
        wanted = _scopes((await json_object(request)).get("scopes", EVERY_SCOPE))
        token = self._state.tokens.add_static(wanted)
        return {"access_token": token.text, "app_id": token.install.app_id}

    async def consent(self, request: Request) -> Body:
        """`{"scopes": […], "redirect_uri"}`: a person connects the app; the code for the token endpoint."""
        body = await json_object(request)
        uri = str(body.get("redirect_uri", credentials.SANDBOX_REDIRECT_URI))
        wanted = _scopes(body.get("scopes", EVERY_SCOPE))
        return {"code": self._state.tokens.consent(wanted, self._state.clock.now(), uri)}

    async def rotate(self, request: Request) -> Body:
        """`{"token", "grace_s": 604800}`: a new static token; the old one works on for the grace."""
        body = await json_object(request)
        grace = timedelta(seconds=float(body.get("grace_s", ROTATION_GRACE.total_seconds())))
        old = str(body.get("token", credentials.SANDBOX_TOKEN))
        return {"access_token": self._state.tokens.rotate(old, self._state.clock.now(), grace=grace).text}

    async def revoke(self, request: Request) -> Body:
        """`{"token"}`: an access token, or a refresh token with its access tokens, ends now; without one, the static token."""
        text = str((await json_object(request)).get("token", credentials.SANDBOX_TOKEN))
        return {"revoked": self._state.tokens.revoke(text)}

    async def expire(self, _: Request) -> Body:
        """Every OAuth access token's half hour is over."""
        return {"expired": self._state.tokens.expire_oauth(self._state.clock.now())}

    async def scopes(self, request: Request) -> Body:
        """`{"remove": […], "add": […]}`: what an admin takes from every app in the account, or gives it."""
        body = await json_object(request)
        removed, added = _scopes(body.get("remove", ())), _scopes(body.get("add", ()))
        for install in self._state.tokens.installs():
            install.scopes = (install.scopes - removed) | added
        return await self.show(request)


def _scopes(names: Any) -> set[str]:
    found = {str(name) for name in names}
    if unknown := sorted(found - EVERY_SCOPE):
        raise ValueError(f"unknown scopes {unknown}; known are {sorted(EVERY_SCOPE)}")
    return found


def login_controls(state: HubspotState) -> list[Route]:
    """The routes of these controls."""
    controls = HubspotLoginControls(state)
    return [
        control_route("/login", GET=controls.show, POST=controls.change),
        control_route("/tokens", POST=controls.add),
        control_route("/tokens/consent", POST=controls.consent),
        control_route("/tokens/rotate", POST=controls.rotate),
        control_route("/tokens/revoke", POST=controls.revoke),
        control_route("/expire_tokens", POST=controls.expire),
        control_route("/scopes", POST=controls.scopes),
    ]
