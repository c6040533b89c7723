"""Controls over logging in: what a client may use, and what an admin has switched off or moved."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route

from crm_sandbox.consent_page import addresses
from crm_sandbox.salesforce.controls.route import control_route
from crm_sandbox.salesforce.login import credentials, keys
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.routing import json_object

Body = dict[str, Any]


class SalesforceLoginControls:
    """`/__sandbox__/login`, `user` and `instance`."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state

    async def show(self, _: Request) -> Body:
        """Everything that a client needs to log in, by every flow; nothing of it is secret."""
        auth, people = self._state.auth, self._state.org.people
        user = self._state.org.store.get(self._state.org.sobject("User"), people.integration) or {}
        return {
            "client_id": credentials.SANDBOX_CLIENT_ID,
            "client_secret": credentials.SANDBOX_CLIENT_SECRET,
            "username": user["Username"],
            "password": credentials.SANDBOX_PASSWORD,
            "security_token": credentials.SANDBOX_SECURITY_TOKEN,
            "refresh_token": credentials.SANDBOX_REFRESH_TOKEN,
            "private_key": None if auth.grants.public_pem else keys.test_keys().private_pem,
            "public_key": auth.grants.public_pem or keys.test_keys().public_pem,
            "instance_url": auth.instance_url,
            "soap_login": auth.has_soap_login,
            "rotates_refresh_tokens": auth.refresh_tokens.rotates,
            "ends_previous_session": auth.refresh_tokens.ends_previous,
            "redirect_uris": auth.consents.redirect_uris,
            "requires_pkce": auth.consents.requires_pkce,
        }

    async def change(self, request: Request) -> Body:
        """Any of `public_key` (PEM or null), `redirect_uris` (or null), and of the switches; `show` names them."""
        body, auth = await json_object(request), self._state.auth
        known = {"public_key", "soap_login", "rotates_refresh_tokens", "ends_previous_session", "redirect_uris", "requires_pkce"}
        if unknown := sorted(set(body) - known):
            raise ValueError(f"unknown keys {unknown}; known are {sorted(known)}")
        if "public_key" in body:
            auth.grants.public_pem = None if body["public_key"] is None else keys.public_key(str(body["public_key"]))
        auth.has_soap_login = bool(body.get("soap_login", auth.has_soap_login))
        tokens = auth.refresh_tokens
        tokens.rotates = bool(body.get("rotates_refresh_tokens", tokens.rotates))
        tokens.ends_previous = body.get("ends_previous_session", tokens.ends_previous)
        if "redirect_uris" in body:
            auth.consents.redirect_uris = addresses(body["redirect_uris"])
        auth.consents.requires_pkce = bool(body.get("requires_pkce", auth.consents.requires_pkce))
        return await self.show(request)

    async def user(self, request: Request) -> Body:
        """`{"username", "active": false, "approved": false}`: the user is inactive, or has not approved the client."""
        body, grants = await json_object(request), self._state.auth.grants
        user = grants.user_named(str(body["username"]))
        if user is None:
            raise ValueError(f"no user {body['username']!r}")
        if "active" in body:
            self._state.org.store.update(self._state.org.sobject("User"), user["Id"], {"IsActive": bool(body["active"])})
        if "approved" in body:
            change = grants.unapproved.discard if body["approved"] else grants.unapproved.add
            change(user["Username"])
        return {"username": user["Username"], "approved": user["Username"] not in grants.unapproved}

    async def instance(self, request: Request) -> Body:
        """`{"url": …}`: the org moves. Tokens say the new address, sessions end, and the old host answers as gone.

        Without `url` it moves to this sandbox's other name, `localhost` for `127.0.0.1`, and back again.
        """
        body, auth = await json_object(request), self._state.auth
        url = str(body.get("url") or _other_name(auth.instance_url)).rstrip("/")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ValueError(f"url must be an address, not {url!r}")
        auth.instance_url, auth.has_moved = url, True
        return {"instance_url": url, "ended": auth.expire_all()}


def _other_name(url: str) -> str:
    return url.replace("127.0.0.1", "localhost") if "127.0.0.1" in url else url.replace("localhost", "127.0.0.1")


def login_controls(state: SalesforceState) -> list[Route]:
    """The routes of these controls."""
    controls = SalesforceLoginControls(state)
    return [
        control_route("/login", GET=controls.show, POST=controls.change),
        control_route("/user", POST=controls.user),
        control_route("/instance", POST=controls.instance),
    ]
