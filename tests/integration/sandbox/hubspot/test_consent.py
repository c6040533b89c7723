"""The page on which a person installs the app, and the way back to it."""

import pytest
import requests

from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from crm_sandbox.hubspot.remote import HubspotRemote
from tests.integration.sandbox.consent import press, said
from tests.integration.sandbox.hubspot.conftest import DATED, Wire
from tests.patience import HANG_S

BACK = "http://localhost:9/console/connected?from=hubspot"
READS = "crm.objects.companies.read"
ASKED = {"client_id": SANDBOX_CLIENT_ID, "redirect_uri": BACK, "scope": f"oauth {READS}", "state": "s-1"}


def _answer(wire: Wire, answer: str, **change: str) -> requests.Response:
    return press(f"{wire.base_url}/oauth/authorize", answer, {**ASKED, **change})


def _said(answer: requests.Response) -> dict[str, str]:
    return said(answer, BACK)


def test_a_person_who_allows_the_app_gives_it_its_scopes(wire: Wire) -> None:
    # Given a person who has installed the app, which asks for a scope that there is and for one that there is not beside its own
    back = _said(_answer(wire, "allow", optional_scope="crm.objects.deals.read crm.objects.invoices.read"))
    assert back["state"] == "s-1"
    # When the app exchanges the code, once
    form = {"grant_type": "authorization_code", "client_id": SANDBOX_CLIENT_ID, "client_secret": SANDBOX_CLIENT_SECRET}
    form |= {"redirect_uri": BACK, "code": back["code"]}
    first, second = (requests.post(f"{wire.base_url}/oauth/{DATED}/token", data=form, timeout=HANG_S) for _ in range(2))
    # Then the token has the scopes, and the code is used up
    assert first.json()["scopes"] == ["crm.objects.companies.read", "crm.objects.deals.read", "oauth"]
    assert second.json()["error"] == "invalid_grant"
    wire.token = first.json()["access_token"]
    assert wire.get(f"/crm/objects/{DATED}/companies").status_code == 200
    assert wire.get(f"/crm/objects/{DATED}/contacts").status_code == 403


def test_a_person_who_denies_is_sent_back_without_a_code(wire: Wire) -> None:
    back = _said(_answer(wire, "deny"))
    assert (back["error"], back["state"], "code" in back) == ("access_denied", "s-1", False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_id": "who"}, "app with this client id"),
        ({"redirect_uri": "https://elsewhere.example.com"}, "redirect URL"),
        ({"scope": "oauth crm.objects.invoices.read"}, "scope mismatch"),
    ],
)
def test_what_is_wrong_with_the_app_the_person_sees(wire: Wire, change: dict[str, str], words: str) -> None:
    page = _answer(wire, "allow", **change)
    assert page.status_code == 400
    assert words in page.text.replace("&#x27;", "'")


def test_the_app_may_name_the_addresses_that_it_comes_back_to(wire: Wire, remote: HubspotRemote) -> None:
    remote.login(redirect_uris=["https://sync.example.com/console/connected"])
    assert _answer(wire, "allow").status_code == 400
    remote.login(redirect_uris=None)
    assert _answer(wire, "allow").status_code == 302
