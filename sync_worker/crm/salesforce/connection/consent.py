"""The web server flow at Salesforce, with PKCE; and the log-in with what it has left.

Source: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import requests

from sync_worker.crm.login.consent import BEGIN_AGAIN, ConsentAsk, Consented, GrantLogin
from sync_worker.crm.salesforce.connection import faults
from sync_worker.crm.salesforce.connection.ids import id_18
from sync_worker.crm.salesforce.connection.wire import SalesforceWire, decoded
from sync_worker.errors import AuthFailed

SCOPES: Final = "api refresh_token"
WITHOUT_OFFLINE: Final = (
    "Salesforce gave no refresh token; add the scope 'Perform requests at any time (refresh_token, offline_access)' to the app"
)


@dataclass(frozen=True, slots=True)
class SalesforceConsent:
    """The org's page. **Shapes** `host`: the org's own, or a sandbox's; `base_url` replaces the vendor's hosts by a sandbox."""

    client_id: str
    client_secret: str = field(repr=False)
    host: str
    base_url: str | None
    clock: Callable[[], datetime] = field(repr=False)
    vendor: str = "Salesforce"
    org_kind: str = "org"

    def address(self, ask: ConsentAsk) -> str:
        said = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": ask.redirect_uri,
            "scope": SCOPES,
            "state": ask.state,
            "code_challenge": ask.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.host}/services/oauth2/authorize?{urlencode(said)}"

    def exchange(self, code: str, ask: ConsentAsk) -> Consented:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_uri": ask.redirect_uri,
            "code_verifier": ask.verifier,
        }
        with SalesforceWire(self.base_url, self.clock) as wire:
            try:
                answer = wire.post(f"{self.host}/services/oauth2/token", data=form)
            except requests.RequestException as error:
                raise faults.of_call(error, doing="exchanging the code of a consent") from error
            content = decoded(answer)
            if not answer.ok or not isinstance(content, Mapping):
                raise faults.of_token_answer(answer.status_code, content, heard=wire.heard(), remedy=BEGIN_AGAIN)
        return _consented(content)


def _consented(content: Mapping[str, Any]) -> Consented:
    if not content.get("refresh_token"):
        raise AuthFailed(WITHOUT_OFFLINE)
    _, _, identity = str(content.get("id") or "").rpartition("/id/")  # https://login.salesforce.com/id/ORG/USER
    return Consented(str(content["refresh_token"]), id_18(identity.partition("/")[0]))


@dataclass(slots=True)
class SalesforceGrantLogin(GrantLogin):
    """The refresh-token flow with the token that a consent has left, which every process of the portal shares."""

    client_id: str
    client_secret: str = field(repr=False)
    host: str
    base_url: str | None

    def form(self, crm_now: Callable[[], datetime]) -> Mapping[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": self.refresh_token}

    def basic(self) -> tuple[str, str] | None:
        return self.client_id, self.client_secret
