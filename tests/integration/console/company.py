"""The log-in of a company: a small OpenID Connect provider over real HTTP, which says of a person what a test tells it to."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

from tests.integration.api.desk import listening

CLIENT_ID: Final = "sync-worker"
CLIENT_SECRET: Final = "a-secret-of-the-provider"
ANN: Final[Mapping[str, Any]] = {"sub": "u-1", "name": "Ann Lee", "groups": ["staff", "ops"]}
VERA: Final[Mapping[str, Any]] = {"sub": "u-2", "preferred_username": "vera@example.com", "groups": ["partners"]}


@cache
def first_key() -> Key:
    return RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})


def other_key(kid: str) -> Key:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


@dataclass
class Company:
    """The provider, as a test wants it.

    **Shapes** `person`: claims of the one who logs in; `changes`: of the ID token, None takes a claim away; `error`: in place of a code.
    """

    clock: Callable[[], datetime]
    issuer: str = ""
    person: Mapping[str, Any] = field(default_factory=lambda: ANN)
    changes: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    has_page: bool = False
    status: int = 200
    secret: str = CLIENT_SECRET
    out: str = ""
    """Its page that ends its session, in place of the one that it has; "none": it publishes none."""
    is_out: bool = False
    published: Key = field(default_factory=first_key)
    signing: Key | None = None
    said: list[str] = field(default_factory=list)
    """Every code and token that was handed out."""
    asked: list[Mapping[str, str]] = field(default_factory=list)
    _codes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def renew(self) -> None:
        """As at the beginning."""
        fresh = Company(self.clock, self.issuer)
        vars(self).update({name: value for name, value in vars(fresh).items() if name != "_codes"})

    def about(self) -> Mapping[str, Any]:
        ways = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {
            "issuer": self.issuer,
            "scopes_supported": ["openid", "profile", "groups"],
            **{name: f"{self.issuer}/{path}" for name, path in ways.items()},
            **({} if self.out == "none" else {"end_session_endpoint": self.out or f"{self.issuer}/out?from=us"}),
        }

    def code_for(self, asked: Mapping[str, str]) -> str:
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        self.said.append(code)
        return code

    def token_for(self, code: str, verifier: str, redirect_uri: str) -> str | None:
        """None: the code is not one, was used, or its verifier is another one."""
        asked = self._codes.pop(code, {})
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if asked.get("code_challenge") != challenge or asked.get("redirect_uri") != redirect_uri:
            return None
        now = int(self.clock().timestamp())
        of_token = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: one for name, one in {**of_token, **self.person, **self.changes}.items() if one is not None}
        key = self.signing or self.published
        token = jwt.encode({"alg": str(key.get("alg")), "kid": str(key.kid)}, claims, key)
        self.said.append(token)
        return token


def _show_way_out(app: FastAPI, its: Company) -> None:
    @app.get("/out")
    def log_out(request: Request) -> Response:
        its.asked.append(dict(request.query_params))
        its.is_out = True
        return HTMLResponse("<p>You are logged out everywhere</p>")


@contextmanager
def company(clock: Callable[[], datetime]) -> Iterator[Company]:
    """The provider, on a free port of loopback."""
    app, its = FastAPI(), Company(clock)
    _show_way_out(app, its)

    @app.middleware("http")
    async def fail(request: Request, go_on: Callable[[Request], Any]) -> Response:
        return Response("<h1>maintenance</h1>", its.status) if its.status != 200 else await go_on(request)

    @app.get("/.well-known/openid-configuration")
    def describe() -> JSONResponse:
        return JSONResponse(dict(its.about()))

    @app.get("/keys")
    def publish() -> JSONResponse:
        return JSONResponse({"keys": [its.published.as_dict(private=False)]})

    @app.get("/authorize")
    def show_page(request: Request) -> Response:
        return HTMLResponse('<form method="post"><button>Log in as Ann</button></form>') if its.has_page else log_in(request)

    @app.post("/authorize")
    def log_in(request: Request) -> Response:
        asked = dict(request.query_params)
        its.asked.append(asked)
        answer = {"error": its.error} if its.error else {"code": its.code_for(asked)}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked['state']})}", 302)

    @app.post("/token")
    def exchange(
        request: Request, code: str = Form(), code_verifier: str = Form(), redirect_uri: str = Form(), grant_type: str = Form()
    ) -> JSONResponse:
        basic = base64.b64encode(f"{CLIENT_ID}:{its.secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        token = its.token_for(code, code_verifier, redirect_uri) if grant_type == "authorization_code" else None
        if token is None:
            return JSONResponse({"error": "invalid_grant", "error_description": f"code {code}"}, 400)
        return JSONResponse({"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    with listening(app) as url:
        its.issuer = url.replace("127.0.0.1", "localhost")  # for a browser another site than ours
        yield its
