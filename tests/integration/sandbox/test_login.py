"""Every way to log in, who the token then belongs to, and how a session ends."""

import base64
import hashlib
import hmac
import re
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import NOW, Loopback, Wire
from tests.patience import HANG_S

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def _token(wire: Wire, **form: Any) -> requests.Response:
    return requests.post(f"{wire.base_url}/services/oauth2/token", data=form, timeout=HANG_S)


def _works(wire: Wire, token: str) -> bool:
    answer = requests.get(f"{wire.base_url}/services/data/v60.0/limits", headers={"Authorization": f"Bearer {token}"}, timeout=HANG_S)
    return answer.status_code == 200


def _assertion(login: dict[str, Any], **claims: Any) -> str:
    whole = {
        "iss": login["client_id"],
        "sub": login["username"],
        "aud": "https://login.salesforce.com",
        "exp": str(int((NOW + timedelta(minutes=3)).timestamp())),
        **claims,
    }
    return jwt.encode(whole, login["private_key"], algorithm="RS256")


def test_jwt_bearer(wire: Wire, remote: Remote) -> None:
    login = remote.login()
    for claims in ({}, {"exp": int(NOW.timestamp()) + 60}, {"aud": "https://test.salesforce.com"}, {"aud": wire.base_url}):
        answer = _token(wire, grant_type=JWT_BEARER, assertion=_assertion(login, **claims))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert _works(wire, body["access_token"])
        digest = hmac.new(login["client_secret"].encode(), (body["id"] + body["issued_at"]).encode(), hashlib.sha256).digest()
        assert body["signature"] == base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("claims", "error", "words"),
    [
        ({"sub": "nobody@northwind.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "who"}, "invalid_client_id", "client identifier invalid"),
        ({"aud": "https://example.org"}, "invalid_grant", "audience is invalid"),
        ({"exp": int(NOW.timestamp()) - 60}, "invalid_grant", "expired assertion"),
        ({"exp": int(NOW.timestamp()) + 3600}, "invalid_grant", "invalid assertion"),
        ({"exp": "soon"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_an_assertion_that_does_not_hold(wire: Wire, remote: Remote, claims: dict[str, Any], error: str, words: str) -> None:
    answer = _token(wire, grant_type=JWT_BEARER, assertion=_assertion(remote.login(), **claims))
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"].startswith(words)


def test_a_signature_by_another_key_and_a_key_of_the_clients_own(wire: Wire, remote: Remote) -> None:
    # Given a client that has registered a public key
    login = remote.login()
    good = _assertion(login)
    head, payload, signature = good.split(".")
    forged = f"{head}.{payload}.{signature[::-1]}"
    assert _token(wire, grant_type=JWT_BEARER, assertion=forged).json()["error_description"] == "invalid assertion"
    # When it hands over that key itself, its assertions hold; rubbish is refused by the control
    assert remote.login(public_key=login["public_key"])["private_key"] is None
    assert _token(wire, grant_type=JWT_BEARER, assertion=good).status_code == 200
    # Then users who have not approved it are told so
    remote.set_user(login["username"], approved=False)
    assert _token(wire, grant_type=JWT_BEARER, assertion=good).json()["error_description"] == "user hasn't approved this consumer"


def test_password_flow(wire: Wire, remote: Remote) -> None:
    login = remote.login()
    client = {name: login[name] for name in ("client_id", "client_secret", "username")}
    for password in (login["password"], login["password"] + login["security_token"]):
        answer = _token(wire, grant_type="password", password=password, **client)
        assert _works(wire, answer.json()["access_token"])
    wrong = _token(wire, grant_type="password", password="guess", **client)
    assert (wrong.status_code, wrong.json()) == (400, {"error": "invalid_grant", "error_description": "authentication failure"})
    remote.set_user(login["username"], active=False)
    inactive = _token(wire, grant_type="password", password=login["password"], **client)
    assert inactive.json()["error"] == "inactive_user"


def _refresh(wire: Wire, login: dict[str, Any], token: str) -> requests.Response:
    client = {"client_id": login["client_id"], "client_secret": login["client_secret"]}
    return _token(wire, grant_type="refresh_token", refresh_token=token, **client)


def test_refresh_tokens_without_rotation(wire: Wire, remote: Remote) -> None:
    login = remote.login()
    first, second = (_refresh(wire, login, login["refresh_token"]).json() for _ in range(2))
    assert "refresh_token" not in first
    assert _works(wire, first["access_token"])
    assert _works(wire, second["access_token"])
    assert _refresh(wire, login, "nonsense").json() == {"error": "invalid_grant", "error_description": "expired access/refresh token"}


def test_refresh_tokens_with_rotation_end_what_came_before(wire: Wire, remote: Remote) -> None:
    login = remote.login(rotates_refresh_tokens=True)
    first = _refresh(wire, login, login["refresh_token"]).json()
    assert _works(wire, first["access_token"])
    second = _refresh(wire, login, first["refresh_token"]).json()
    assert not _works(wire, first["access_token"])
    assert _works(wire, second["access_token"])
    assert _refresh(wire, login, login["refresh_token"]).status_code == 400


def test_the_form_may_stand_in_the_address(wire: Wire, remote: Remote) -> None:
    login = remote.login()
    form = {"grant_type": "client_credentials", "client_id": login["client_id"], "client_secret": login["client_secret"]}
    answer = requests.post(f"{wire.base_url}/services/oauth2/token", params=form, timeout=HANG_S)
    assert _works(wire, answer.json()["access_token"])


def test_revoke_and_introspect(wire: Wire, remote: Remote) -> None:
    login = remote.login()
    token = wire.log_in()
    client = {"client_id": login["client_id"], "client_secret": login["client_secret"], "token": token}
    assert wire.ask("POST", "/services/oauth2/introspect", data=client).json()["username"] == login["username"]
    assert wire.ask("POST", "/services/oauth2/revoke", data={"token": token}).status_code == 200
    assert wire.ask("GET", "limits").status_code == 401
    assert wire.ask("POST", "/services/oauth2/introspect", data=client).json() == {"active": False}
    assert wire.ask("POST", "/services/oauth2/revoke", data={"token": token}).json()["error"] == "invalid_token"


def test_who_the_token_belongs_to(wire: Wire, remote: Remote) -> None:
    login = remote.login()
    body = _token(wire, grant_type="client_credentials", client_id=login["client_id"], client_secret=login["client_secret"]).json()
    identity = requests.get(body["id"], headers={"Authorization": f"Bearer {body['access_token']}"}, timeout=HANG_S).json()
    info = wire.ask("GET", "/services/oauth2/userinfo").json()
    assert identity["username"] == info["preferred_username"] == login["username"]
    assert identity["urls"]["rest"].endswith("/services/data/v{version}/")
    assert (requests.get(body["id"], timeout=HANG_S).status_code, requests.get(body["id"], timeout=HANG_S).text) == (
        403,
        "Missing_OAuth_Token",
    )
    assert remote.calls()["api_usage"]["used"] == 0


def _soap(base_url: str, **options: Any) -> Salesforce:
    return Salesforce(session=Loopback(base_url), version=options.pop("version", "59.0"), **options)


def test_simple_salesforce_logs_in_by_every_flow(base_url: str, wire: Wire, remote: Remote) -> None:
    # The library signs with the machine's time, so the sandbox keeps that as well.
    remote.freeze(frozen=False)
    remote.set_clock(NOW.fromtimestamp(time.time(), NOW.tzinfo))
    login = remote.login()
    user = {"username": login["username"], "password": login["password"]}
    client = {"consumer_key": login["client_id"], "consumer_secret": login["client_secret"]}
    for options in (
        {**user, "security_token": login["security_token"]},
        {**user, "organizationId": re.search(r"/id/(\w+)/", _token_id(wire, login))[1]},  # type: ignore[index]
        {**user, **client},
        {**client, "domain": "northwind.my"},
        {"username": login["username"], "consumer_key": login["client_id"], "privatekey": login["private_key"]},
    ):
        client_of_ours = _soap(base_url, **options)
        assert client_of_ours.query("SELECT COUNT() FROM Account")["totalSize"] == 60
        assert f"https://{client_of_ours.sf_instance}" == base_url.replace("http:", "https:")


def _token_id(wire: Wire, login: dict[str, Any]) -> str:
    form = {name: login[name] for name in ("client_id", "client_secret")}
    return str(_token(wire, grant_type="client_credentials", **form).json()["id"])


def test_soap_faults(base_url: str, wire: Wire, remote: Remote) -> None:
    login = remote.login()
    good = {"username": login["username"], "password": login["password"], "security_token": login["security_token"]}
    for options, code in (
        ({**good, "password": "guess"}, "INVALID_LOGIN"),
        ({**good, "security_token": "stale"}, "INVALID_LOGIN"),
        ({"username": login["username"], "password": login["password"], "organizationId": "00Dxx0000000001"}, "INVALID_LOGIN"),
        ({**good, "version": "65.0"}, "UNSUPPORTED_API_VERSION"),
    ):
        with pytest.raises(SalesforceAuthenticationFailed) as refused:
            _soap(base_url, **options)
        assert code in str(refused.value)
    remote.login(soap_login=False)
    with pytest.raises(SalesforceAuthenticationFailed, match="SOAP API login\\(\\) is disabled"):
        _soap(base_url, **good)


def test_an_envelope_with_a_document_type_is_refused(wire: Wire) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Envelope><Body><login><username>&a;</username></login></Body></Envelope>'
    answer = requests.post(f"{wire.base_url}/services/Soap/u/59.0", data=bomb, timeout=HANG_S)
    assert answer.status_code == 500
    assert "a document type is not allowed" in answer.text


def test_ordered_refusals_have_the_shape_of_their_endpoint(base_url: str, wire: Wire, remote: Remote) -> None:
    remote.fault("token", error_code="inactive_user")
    remote.fault("soap_login", error_code="INVALID_LOGIN")
    refused = _token(wire, grant_type="client_credentials")
    assert (refused.status_code, refused.json()) == (400, {"error": "inactive_user", "error_description": "user is inactive"})
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        _soap(base_url, username="a", password="b", security_token="c")


def test_the_org_moves(wire: Wire, remote: Remote) -> None:
    # Given a session on one host
    assert wire.ask("GET", "limits").status_code == 200
    # When the org moves
    moved_to = remote.move_instance("https://na99.my.salesforce.com")
    # Then the old host is gone, tokens name the new one, and a client that goes there is served
    gone = wire.ask("GET", "limits")
    assert (gone.status_code, "URL No Longer Exists" in gone.text) == (404, True)
    login = remote.login()
    body = _token(wire, grant_type="client_credentials", client_id=login["client_id"], client_secret=login["client_secret"]).json()
    assert body["instance_url"] == moved_to
    headers = {"Authorization": f"Bearer {body['access_token']}", "X-Orig-Host": "na99.my.salesforce.com"}
    assert wire.ask("GET", "limits", headers=headers).status_code == 200
    # And without a name given it moves to the sandbox's other one, where nobody has to rewrite anything
    remote.reset()
    assert remote.move_instance().startswith("http://localhost:")
