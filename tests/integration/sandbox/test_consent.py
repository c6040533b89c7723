"""The web server flow: the page that asks a person, the way back to the app, and a code that is good for one exchange."""

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
import requests

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import NOW, Wire
from tests.integration.sandbox.consent import press, said
from tests.patience import HANG_S

BACK = "http://127.0.0.1:9/console/connected"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "sandbox",
    "redirect_uri": BACK,
    "scope": "api refresh_token",
    "state": "s-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def _answer(wire: Wire, answer: str, **change: str) -> requests.Response:
    """Presses a button of the page that these parameters open; a parameter "" is left out."""
    asked = {name: value for name, value in {**ASKED, **change}.items() if value}
    return press(f"{wire.base_url}/services/oauth2/authorize", answer, asked)


def _said(answer: requests.Response) -> dict[str, str]:
    return said(answer, BACK)


def _exchange(wire: Wire, code: str, **change: str) -> dict[str, Any]:
    client = {"client_id": "sandbox", "client_secret": "sandbox-secret"}
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, **client, **change}
    found: dict[str, Any] = requests.post(f"{wire.base_url}/services/oauth2/token", data=form, timeout=HANG_S).json()
    return found


def test_a_person_who_allows_the_app_gives_it_a_code_for_one_exchange(wire: Wire) -> None:
    # Given a person who has pressed Allow
    back = _said(_answer(wire, "allow"))
    assert back["state"] == "s-1"
    # When the app exchanges the code
    granted = _exchange(wire, back["code"])
    # Then both tokens work, and a second exchange is refused
    assert granted["scope"] == "api refresh_token"
    again = _exchange(wire, "", grant_type="refresh_token", refresh_token=granted["refresh_token"])
    for token in (granted["access_token"], again["access_token"]):
        wire.http.headers["Authorization"] = f"Bearer {token}"
        assert wire.ask("GET", "limits").status_code == 200
    assert _exchange(wire, back["code"])["error"] == "invalid_grant"


def test_without_the_scope_for_it_there_is_no_refresh_token(wire: Wire) -> None:
    assert "refresh_token" not in _exchange(wire, _said(_answer(wire, "allow", scope="api"))["code"])


def test_with_rotation_the_token_of_a_consent_is_replaced_too(wire: Wire, remote: Remote) -> None:
    remote.login(rotates_refresh_tokens=True)
    first = _exchange(wire, _said(_answer(wire, "allow"))["code"])["refresh_token"]
    second = _exchange(wire, "", grant_type="refresh_token", refresh_token=first)["refresh_token"]
    assert second != first
    assert _exchange(wire, "", grant_type="refresh_token", refresh_token=first)["error"] == "invalid_grant"


def test_a_person_who_denies_is_sent_back_without_a_code(wire: Wire) -> None:
    assert _said(_answer(wire, "deny")) == {
        "error": "access_denied",
        "error_description": "end-user denied authorization",
        "state": "s-1",
    }


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ],
)
def test_an_app_that_asks_wrongly_hears_of_it(wire: Wire, remote: Remote, change: dict[str, str], error: str) -> None:
    remote.login(requires_pkce=True)
    assert _said(_answer(wire, "allow", **change))["error"] == error


def test_an_app_that_is_not_known_or_not_from_here_is_told_to_the_person_alone(wire: Wire, remote: Remote) -> None:
    remote.login(redirect_uris=["https://sync.example.com/console/connected"])
    for change, words in (({}, "redirect_uri must match"), ({"client_id": "who"}, "client identifier invalid")):
        page = _answer(wire, "allow", **change)
        assert page.status_code == 400
        assert words in page.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"redirect_uri": f"{BACK}/"}, "redirect_uri_mismatch"),
        ({"client_secret": "guess"}, "invalid_client"),
    ],
)
def test_a_code_alone_is_not_enough(wire: Wire, change: dict[str, str], error: str) -> None:
    assert _exchange(wire, _said(_answer(wire, "allow"))["code"], **change)["error"] == error


def test_a_code_is_over_after_a_quarter_of_an_hour(wire: Wire, remote: Remote) -> None:
    code = _said(_answer(wire, "allow"))["code"]
    remote.set_clock(NOW + timedelta(minutes=15))
    assert _exchange(wire, code)["error_description"] == "expired authorization code"
