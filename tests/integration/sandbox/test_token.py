"""The token endpoint, and what a token opens."""

import base64
import hashlib
import hmac

import requests

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import VERSION, Wire
from tests.patience import HANG_S

SECRET = "sandbox-secret"


def _post(wire: Wire, **options: object) -> requests.Response:
    return requests.post(f"{wire.base_url}/services/oauth2/token", timeout=HANG_S, **options)  # type: ignore[arg-type]


def test_client_credentials_by_form_and_by_basic(wire: Wire) -> None:
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": SECRET}
    by_form = _post(wire, data=form)
    by_basic = _post(wire, data={"grant_type": "client_credentials"}, auth=("sandbox", SECRET))
    for answer in (by_form, by_basic):
        assert answer.status_code == 200
        body = answer.json()
        assert body["instance_url"] == wire.base_url
        assert body["token_type"] == "Bearer"
        assert "expires_in" not in body
        digest = hmac.new(SECRET.encode(), (body["id"] + body["issued_at"]).encode(), hashlib.sha256).digest()
        assert body["signature"] == base64.b64encode(digest).decode()
        assert "Sforce-Limit-Info" not in answer.headers


def test_bad_credentials_are_refused_in_oauths_shape(wire: Wire) -> None:
    for form, error in (
        ({"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "no"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "who", "client_secret": SECRET}, "invalid_client_id"),
        ({"grant_type": "telepathy"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ):
        answer = _post(wire, data=form)
        assert answer.status_code == 400
        assert answer.json()["error"] == error
        assert set(answer.json()) == {"error", "error_description"}


def test_versions_are_free_and_open(wire: Wire, remote: Remote) -> None:
    answer = requests.get(f"{wire.base_url}/services/data", timeout=HANG_S)
    newest = answer.json()[-1]
    assert newest == {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}
    assert answer.json()[0]["label"] == "Summer '14"
    assert "Sforce-Limit-Info" not in answer.headers
    assert remote.calls()["api_usage"]["used"] == 0


def test_without_a_good_token_401(wire: Wire, remote: Remote) -> None:
    # Given a token that works
    assert wire.ask("GET", "limits").status_code == 200
    # When all tokens expire
    remote.expire_tokens()
    # Then it is refused in the vendor's words, and a new one works
    answer = wire.ask("GET", "limits")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    wire.log_in()
    assert wire.ask("GET", "limits").status_code == 200


def test_a_token_left_alone_for_two_hours_ends(wire: Wire, remote: Remote) -> None:
    remote.advance_clock(7100)
    assert wire.ask("GET", "limits").status_code == 200
    remote.advance_clock(7100)
    assert wire.ask("GET", "limits").status_code == 200
    remote.advance_clock(7300)
    assert wire.ask("GET", "limits").status_code == 401


def test_an_unknown_version_or_resource_is_not_found(wire: Wire) -> None:
    for path in ("/services/data/v7.0/limits", "nowhere", "sobjects/Nothing/describe", "sobjects/Nothing__c"):
        answer = wire.ask("GET", path)
        assert answer.status_code == 404
        assert answer.json()[0]["errorCode"] == "NOT_FOUND"
    assert wire.ask("PUT", "limits").status_code == 405
    assert VERSION in wire.ask("GET", "").json()["query"]
