"""A person installs the app in a HubSpot account; and the log-in with what that has left. HubSpot's page takes no PKCE.

Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from urllib3.exceptions import HTTPError

from sync_worker.crm.hubspot.connection import faults
from sync_worker.crm.hubspot.connection.pace import Pace
from sync_worker.crm.hubspot.connection.session import TOKEN_PATH
from sync_worker.crm.hubspot.connection.wire import HubspotWire
from sync_worker.crm.login.consent import BEGIN_AGAIN, ConsentAsk, Consented, GrantLogin
from sync_worker.services import Services

PAGES: Final = "https://app.hubspot.com"  # where people log in; the API has another host
SCOPES: Final = (
    "oauth",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.schemas.companies.read",
    "crm.schemas.deals.read",
)
"""What the app must name as required, each of them."""
TO_PROVISION: Final = ("crm.schemas.companies.write", "crm.schemas.deals.write")  # optional: while fields are made


@dataclass(frozen=True, slots=True)
class HubspotConsent:
    """The account's page. **Shapes** `base_url` replaces the vendor's hosts by a sandbox on loopback."""

    client_id: str
    client_secret: str = field(repr=False)
    base_url: str | None
    services: Services = field(repr=False)
    vendor: str = "HubSpot"
    org_kind: str = "account"

    def address(self, ask: ConsentAsk) -> str:
        said = {
            "client_id": self.client_id,
            "redirect_uri": ask.redirect_uri,
            "scope": " ".join(SCOPES),
            "optional_scope": " ".join(TO_PROVISION),
            "state": ask.state,
        }
        return f"{self.base_url or PAGES}/oauth/authorize?{urlencode(said)}"

    def exchange(self, code: str, ask: ConsentAsk) -> Consented:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_uri": ask.redirect_uri,
        }
        wire = HubspotWire(self.base_url, Pace(self.services))
        try:
            answer = wire.plain("POST", TOKEN_PATH, fields=form, encode_multipart=False)
        except HTTPError as error:
            raise faults.of_call(error, doing="exchanging the code of a consent", at=wire.host) from error
        content = faults.decoded(answer.data)
        if not 200 <= answer.status < 300 or not isinstance(content, Mapping) or not content.get("refresh_token"):
            raise faults.of_token_answer(answer.status, answer.data, answer.headers, at=wire.host, remedy=BEGIN_AGAIN)
        return Consented(str(content["refresh_token"]), str(content.get("hub_id") or ""))


@dataclass(slots=True)
class HubspotGrantLogin(GrantLogin):
    """An OAuth app, with the refresh token that a consent has left, which every process of the portal shares."""

    client_id: str
    client_secret: str = field(repr=False)
    base_url: str | None

    @property
    def token(self) -> str | None:
        return None

    def form(self) -> Mapping[str, str]:
        own = {"client_id": self.client_id, "client_secret": self.client_secret}
        return {"grant_type": "refresh_token", **own, "refresh_token": self.refresh_token}
