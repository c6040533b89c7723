"""Tokens: who is let in, for how long, and with which scopes."""

from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_TOKEN
from tests.integration.sandbox.hubspot.conftest import DATED, Wire
from tests.patience import HANG_S

COMPANIES = f"/crm/objects/{DATED}/companies"
TOKEN_PATHS = ("/oauth/v1/token", "/oauth/2026-03/token")


def _status(wire: Wire, token: str | None = None) -> tuple[int, str | None]:
    answer = wire.ask("GET", COMPANIES, headers={} if token is None else {"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("category")


def _form(remote: HubspotRemote, **more: str) -> dict[str, str]:
    login = remote.login()
    known = {name: login[name] for name in ("client_id", "client_secret", "refresh_token")}
    return {"grant_type": "refresh_token", **known, **more}


def _refreshed(wire: Wire, remote: HubspotRemote) -> dict[str, Any]:
    answer = wire.http.post(f"{wire.base_url}/oauth/2026-03/token", data=_form(remote), timeout=HANG_S)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nobody's", f"Basic {SANDBOX_TOKEN}"])
def test_without_a_token_nobody_is_let_in(wire: Wire, header: str) -> None:
    answer = requests.get(f"{wire.base_url}{COMPANIES}", headers={"Authorization": header}, timeout=HANG_S)

    assert answer.status_code == 401
    body = answer.json()
    assert (body["status"], body["category"]) == ("error", "INVALID_AUTHENTICATION")
    assert body["message"].startswith("Authentication credentials not found.")
    assert set(body) == {"status", "message", "correlationId", "category"}
    assert [name for name in answer.headers if "RateLimit" in name] == []


def test_a_static_token_does_not_expire_but_is_revoked(wire: Wire, remote: HubspotRemote) -> None:
    remote.advance_clock(365 * 86_400)
    assert _status(wire) == (200, None)

    remote.expire_tokens()
    assert _status(wire) == (200, None)

    assert remote.revoke_token()
    assert _status(wire) == (401, "INVALID_AUTHENTICATION")


def test_a_rotated_key_works_on_for_a_week(wire: Wire, remote: HubspotRemote) -> None:
    fresh = remote.rotate_token()

    assert (_status(wire), _status(wire, fresh)) == ((200, None), (200, None))
    remote.advance_clock(7 * 86_400)
    assert (_status(wire), _status(wire, fresh)) == ((401, "INVALID_AUTHENTICATION"), (200, None))


@pytest.mark.parametrize("path", TOKEN_PATHS)
def test_an_access_token_by_refresh_token_lives_half_an_hour(wire: Wire, remote: HubspotRemote, path: str) -> None:
    answer = wire.http.post(f"{wire.base_url}{path}", data=_form(remote), timeout=HANG_S).json()

    assert answer["expires_in"] == 1800
    assert answer["token_type"] == "bearer"
    assert answer["refresh_token"] == remote.login()["refresh_token"]
    assert len(answer["access_token"]) > 100
    remote.advance_clock(1799)
    assert _status(wire, answer["access_token"]) == (200, None)
    remote.advance_clock(8)
    refused = wire.ask("GET", COMPANIES, headers={"Authorization": f"Bearer {answer['access_token']}"})
    assert (refused.status_code, refused.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert refused.json()["message"] == "The OAuth token used to make this call expired 7 second(s) ago."


def test_every_oauth_token_expires_by_control(wire: Wire, remote: HubspotRemote) -> None:
    token = _refreshed(wire, remote)["access_token"]
    remote.expire_tokens()
    assert _status(wire, token) == (401, "EXPIRED_AUTHENTICATION")


@pytest.mark.parametrize("path", TOKEN_PATHS)
def test_a_code_is_good_for_one_exchange(wire: Wire, remote: HubspotRemote, path: str) -> None:
    code = remote.consent(scopes=["oauth", "crm.objects.companies.read"])
    uri = remote.login()["redirect_uri"]
    form = _form(remote, grant_type="authorization_code", code=code, redirect_uri=uri)

    first, second = (wire.http.post(f"{wire.base_url}{path}", data=form, timeout=HANG_S) for _ in range(2))

    assert first.json()["scopes"] == ["crm.objects.companies.read", "oauth"]
    assert _status(wire, first.json()["access_token"]) == (200, None)
    assert (second.status_code, second.json()["status"]) == (400, "BAD_AUTH_CODE")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"refresh_token": "nobody's"}, "BAD_REFRESH_TOKEN"),
        ({"client_id": "nobody"}, "BAD_CLIENT_ID"),
        ({"client_secret": "wrong"}, "BAD_CLIENT_SECRET"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
    ],
)
def test_what_the_token_endpoint_refuses(wire: Wire, remote: HubspotRemote, change: dict[str, str], code: str) -> None:
    old, dated = (wire.http.post(f"{wire.base_url}{path}", data=_form(remote, **change), timeout=HANG_S) for path in TOKEN_PATHS)

    assert (old.status_code, dated.status_code) == (400, 400)
    assert set(old.json()) == {"status", "message"}
    assert old.json()["status"] == dated.json()["status"] == code
    assert dated.json()["error"] in ("invalid_grant", "invalid_client", "unsupported_grant_type")


def test_only_the_first_version_takes_the_form_in_the_address(wire: Wire, remote: HubspotRemote) -> None:
    old, dated = (wire.http.post(f"{wire.base_url}{path}", params=_form(remote), timeout=HANG_S) for path in TOKEN_PATHS)
    assert (old.status_code, dated.status_code) == (200, 400)


def test_a_revoked_refresh_token_takes_its_access_tokens_with_it(wire: Wire, remote: HubspotRemote) -> None:
    granted = _refreshed(wire, remote)

    assert remote.revoke_token(granted["refresh_token"])

    assert _status(wire, granted["access_token"]) == (401, "INVALID_AUTHENTICATION")
    again = wire.http.post(f"{wire.base_url}/oauth/v1/token", data=_form(remote), timeout=HANG_S)
    assert (again.status_code, again.json()) == (400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"})


def test_tokens_say_what_they_are(wire: Wire, remote: HubspotRemote) -> None:
    granted, login = _refreshed(wire, remote), remote.login()
    remote.advance_clock(100)

    access = wire.get(f"/oauth/v1/access-tokens/{granted['access_token']}").json()
    refresh = wire.get(f"/oauth/v1/refresh-tokens/{granted['refresh_token']}").json()
    static = wire.post("/oauth/v2/private-apps/get/access-token-info", {"tokenKey": SANDBOX_TOKEN}).json()
    credentials = {name: login[name] for name in ("client_id", "client_secret")}
    inspected = wire.ask("POST", "/oauth/2026-03/token/introspect", data={**credentials, "token": granted["access_token"]}).json()

    assert (access["expires_in"], access["token_type"], access["app_id"]) == (1700, "access", login["app_id"])
    assert (refresh["token_type"], refresh["client_id"]) == ("refresh", login["client_id"])
    assert static["hubId"] == access["hub_id"] == granted["hub_id"]
    assert static["scopes"] == access["scopes"] == granted["scopes"]
    assert (inspected["active"], inspected["token"], inspected["token_use"]) == (True, granted["access_token"], granted["token_use"])
    assert inspected["signed_access_token"]["hubId"] == inspected["hub_id"] == granted["hub_id"]
    remote.expire_tokens()
    assert wire.get(f"/oauth/v1/access-tokens/{granted['access_token']}").status_code == 404
    over = wire.ask("POST", "/oauth/2026-03/token/introspect", data={**credentials, "token": granted["access_token"]})
    assert over.json() == {"active": False}


def test_a_scope_taken_away_is_named(wire: Wire, remote: HubspotRemote) -> None:
    remote.change_scopes(remove=["crm.objects.companies.read"])

    refused = wire.get(COMPANIES)

    assert refused.status_code == 403
    body = refused.json()
    assert body["category"] == "MISSING_SCOPES"
    assert body["links"] == {"scopes": "https://developers.hubspot.com/scopes"}
    [error] = body["errors"]
    assert "crm.objects.companies.read" in error["context"]["requiredGranularScopes"]
    remote.change_scopes(add=["crm.objects.companies.read"])
    assert _status(wire) == (200, None)


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("POST", "/crm/v3/objects/companies/search", {}, "crm.objects.companies.read"),
        ("POST", "/crm/objects/2026-09/0-2/batch/read", {"inputs": [{"id": "1"}]}, "crm.objects.companies.read"),
        ("POST", "/crm/v3/objects/deals", {"properties": {}}, "crm.objects.deals.write"),
        ("POST", "/crm/objects/2026-09/deals/batch/upsert", {"inputs": []}, "crm.objects.deals.write"),
        ("GET", "/crm/v3/properties/deals", None, "crm.schemas.deals.read"),
        ("POST", "/crm/v3/properties/deals", {}, "crm.schemas.deals.write"),
        ("GET", "/crm/v3/owners/", None, "crm.objects.owners.read"),
        ("POST", "/crm/v4/associations/deals/companies/batch/read", {"inputs": []}, "crm.objects.deals.read"),
    ],
)
def test_every_call_asks_for_its_scope(wire: Wire, remote: HubspotRemote, method: str, path: str, body: Any, scope: str) -> None:
    wire.token = remote.add_token(["oauth"])

    refused = wire.ask(method, path, json=body)

    assert refused.status_code == 403
    assert scope in refused.json()["errors"][0]["context"]["requiredGranularScopes"]
