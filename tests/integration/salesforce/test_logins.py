"""JWT bearer and refresh-token log-ins against the local Salesforce."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.login import JwtBearer, SalesforceLogin, SalesforceRefreshToken
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.errors import AuthFailed
from tests.integration.salesforce.conftest import NOW, Lab


def connected(lab: Lab, login: SalesforceLogin) -> SalesforceCrm:
    tokens = Tokens(login, lab.services, lab.patience)
    return SalesforceCrm(
        SalesforceConnection(login=login, tokens=tokens, services=lab.services, patience=lab.patience), assigns_on_create=False
    )


def jwt_login(lab: Lab) -> JwtBearer:
    known = lab.remote.login()
    return JwtBearer(known["client_id"], known["username"], known["private_key"], domain="", base_url=lab.base_url)


def refresh_login(lab: Lab) -> SalesforceRefreshToken:
    known = lab.remote.login()
    return SalesforceRefreshToken(known["client_id"], known["client_secret"], known["refresh_token"], domain="", base_url=lab.base_url)


LOGINS = [pytest.param(jwt_login, id="jwt"), pytest.param(refresh_login, id="refresh")]


@pytest.mark.parametrize("login_of", LOGINS)
def test_a_log_in_without_a_password_reads_what_any_other_reads(lab: Lab, login_of: Callable[[Lab], SalesforceLogin]) -> None:
    created = lab.leads(2)
    found = connected(lab, login_of(lab)).fetch("Lead", created, fields=("Company",))
    assert {record.crm_id for record in found} == set(created)
    assert lab.counted("token") == 1


@pytest.mark.parametrize("login_of", LOGINS)
def test_an_ended_session_is_renewed_once(lab: Lab, login_of: Callable[[Lab], SalesforceLogin]) -> None:
    created = lab.leads(1)
    crm = connected(lab, login_of(lab))
    crm.fetch("Lead", created, fields=())
    lab.remote.expire_tokens()
    assert len(crm.fetch("Lead", created, fields=())) == 1
    assert lab.counted("token") == 2


def test_an_assertion_holds_however_wrong_our_clock_is(lab: Lab) -> None:
    # Given an org whose clock is a day ahead of ours
    lab.remote.set_clock(NOW + timedelta(days=1))
    # Then the log-in passes all the same: the assertion's end is told by the org's clock
    assert connected(lab, jwt_login(lab)).fetch("Lead", lab.leads(1), fields=())


def test_a_key_may_come_from_one_line_of_the_environment(lab: Lab) -> None:
    login = jwt_login(lab)
    one_line = JwtBearer(login.client_id, login.username, login.private_key.replace("\n", "\\n"), domain="", base_url=lab.base_url)
    assert connected(lab, one_line).fetch("Lead", lab.leads(1), fields=())


@pytest.mark.parametrize("user", ["nobody@example.com", None])
def test_a_user_who_may_not_is_refused_once_with_what_to_correct(lab: Lab, user: str | None) -> None:
    # Given a user the org does not know, or one who has not approved the client
    login = jwt_login(lab)
    if user is None:
        lab.remote.set_user(login.username, approved=False)
    crm = connected(lab, JwtBearer(login.client_id, user or login.username, login.private_key, domain="", base_url=lab.base_url))
    # When it is used twice
    for _ in range(2):
        with pytest.raises(AuthFailed, match=r"crm\.auth"):
            crm.fetch("Lead", ["00QSb0000000001"], fields=())
    # Then the org was asked once
    assert lab.counted("token") == 1


def test_what_is_no_key_is_said_before_anything_is_sent(lab: Lab) -> None:
    login = JwtBearer("sandbox", "someone@example.com", "not a key", domain="", base_url=lab.base_url)
    with pytest.raises(AuthFailed, match="private_key is not an RSA private key") as caught:
        connected(lab, login).fetch("Lead", ["00QSb0000000001"], fields=())
    assert "not a key" not in str(caught.value)
    assert lab.counted("token") == 0


def test_a_refresh_token_that_is_replaced_is_used_next_time(lab: Lab) -> None:
    # Given an org that replaces the refresh token with each log-in
    lab.remote.login(rotates_refresh_tokens=True)
    created = lab.leads(1)
    crm = connected(lab, refresh_login(lab))
    # When the session ends twice
    for _ in range(2):
        crm.fetch("Lead", created, fields=())
        lab.remote.expire_tokens()
    # Then the worker still gets in
    assert crm.fetch("Lead", created, fields=())


@pytest.mark.parametrize("login_of", LOGINS)
def test_secrets_stand_in_no_repr(lab: Lab, login_of: Callable[[Lab], SalesforceLogin]) -> None:
    login, known = login_of(lab), lab.remote.login()
    assert not [secret for secret in ("client_secret", "private_key", "refresh_token") if str(known[secret]) in repr(login)]
