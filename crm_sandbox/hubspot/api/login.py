"""`/oauth`: getting a token, and asking about one. None of it wants a token or counts against a limit."""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_sandbox.consent_page import ALLOW, consent_page, refusal_page, sent_back
from crm_sandbox.hubspot.data.portal import PORTAL_ID
from crm_sandbox.hubspot.login import consent, describe
from crm_sandbox.hubspot.login.grants import check_client, granted
from crm_sandbox.hubspot.login.tokens import AccessToken, AccessTokens
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors
from crm_sandbox.hubspot.wire.paths import is_dated
from crm_sandbox.hubspot.wire.refusal import TokenRefusal
from crm_sandbox.hubspot.wire.replies import answer, empty
from crm_sandbox.hubspot.wire.routing import json_object, route, version


class HubspotLoginRoutes:
    """The endpoints."""

    def __init__(self, state: HubspotState) -> None:
        self._state = state

    @property
    def _tokens(self) -> AccessTokens:
        return self._state.tokens

    async def token(self, request: Request) -> Response:
        """POST a form for an access token; the first version takes it in the address too, later ones do not."""
        dated = is_dated(version(request))
        try:
            done = granted(await self._form(request), self._tokens, hub_id=PORTAL_ID, now=self._state.clock.now())
        except TokenRefusal as refusal:
            return answer(refusal.body(is_dated=dated), 400)
        return answer(done | ({"token_use": "access_token", "user_id": describe.USER_ID} if dated else {}))

    async def authorize(self, request: Request) -> Response:
        """GET the page that asks a person, POST what the person pressed; then the browser goes back to the app."""
        asked = dict(request.query_params) if request.method == "GET" else await self._form(request)
        try:
            wanted = consent.scopes_of(asked, self._tokens.redirect_uris)
        except consent.ConsentRefusal as refusal:
            return refusal_page("Authorization failed", str(refusal))
        if request.method == "GET":
            return consent_page("HubSpot", sorted(wanted), {name: asked[name] for name in consent.ASKED if name in asked})
        redirect_uri, state = asked["redirect_uri"], asked.get("state", "")
        if asked.get("answer") != ALLOW:
            denied = {"error": "access_denied", "error_description": "The user denied the request"}
            return sent_back(redirect_uri, denied | {"state": state})
        code = self._tokens.consent(wanted, self._state.clock.now(), redirect_uri)
        return sent_back(redirect_uri, {"code": code, "state": state})

    async def introspect(self, request: Request) -> Response:
        """POST a token with the client's credentials: whether it works, and whose it is."""
        form = await self._form(request)
        try:
            check_client(form)
        except TokenRefusal as refusal:
            return answer(refusal.body(is_dated=True), 400)
        text, now = form.get("token", ""), self._state.clock.now()
        if install := self._tokens.refreshed_by(text):
            shape = describe.refresh_token(text, install, PORTAL_ID)
            return answer(describe.inspected(shape, install, "refresh_token"))
        token = self._working(text)
        if token is None:
            return answer({"active": False})
        return answer(describe.inspected(describe.access_token(token, PORTAL_ID, now), token.install, "access_token"))

    async def revoke(self, request: Request) -> Response:
        """POST a token with the client's credentials: it ends."""
        form = await self._form(request)
        try:
            check_client(form)
        except TokenRefusal as refusal:
            return answer(refusal.body(is_dated=True), 400)
        self._tokens.revoke(form.get("token", ""))
        return empty(200)

    async def access_token(self, request: Request) -> Response:
        """GET what an access token is."""
        token = self._working(request.path_params["token"])
        if token is None:
            raise errors.not_found("access token not found")
        return answer(describe.access_token(token, PORTAL_ID, self._state.clock.now()))

    async def show_refresh_token(self, request: Request) -> Response:
        """GET what a refresh token is."""
        text = request.path_params["token"]
        install = self._tokens.refreshed_by(text)
        if install is None:
            raise errors.not_found("refresh token not found")
        return answer(describe.refresh_token(text, install, PORTAL_ID))

    async def drop_refresh_token(self, request: Request) -> Response:
        """DELETE a refresh token: the app is uninstalled."""
        self._tokens.revoke(request.path_params["token"])
        return empty()

    async def private_app(self, request: Request) -> Response:
        """POST `{"tokenKey"}`: whose a static token is, and what it may do."""
        token = self._working(str((await json_object(request)).get("tokenKey", "")))
        if token is None or token.is_oauth:
            raise errors.unauthenticated()
        return answer(describe.private_app(token.install, PORTAL_ID))

    def _working(self, text: str) -> AccessToken | None:
        token = self._tokens.find(text)
        return token if token is not None and token.seconds_over(self._state.clock.now()) is None else None

    @staticmethod
    async def _form(request: Request) -> dict[str, str]:
        body = (await request.body()).decode("utf-8", "replace")
        in_address = request.query_params if version(request) == "v1" else {}
        return {**in_address, **dict(parse_qsl(body, keep_blank_values=True))}


def login_routes(state: HubspotState) -> list[Route]:
    """The routes of this package."""
    login = HubspotLoginRoutes(state)
    return [
        route("/oauth/authorize", GET=login.authorize, POST=login.authorize),
        route("/oauth/token", POST=login.token),
        route("/oauth/token/introspect", POST=login.introspect),
        route("/oauth/token/revoke", POST=login.revoke),
        route("/oauth/access-tokens/{token}", GET=login.access_token),
        route("/oauth/refresh-tokens/{token}", GET=login.show_refresh_token, DELETE=login.drop_refresh_token),
        route("/oauth/private-apps/get/access-token-info", POST=login.private_app),
    ]
