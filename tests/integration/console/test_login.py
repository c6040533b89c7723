"""The log-in with the company's account, at a provider over real HTTP: who is let in as what, and whatever is refused is said in words."""

from __future__ import annotations

import base64
import hmac
import json
import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, expect
from pydantic import SecretStr
from sqlalchemy import func, select

from sync_worker.config.settings import CompanyLogIn, Settings, roles_of
from sync_worker.domain.people.console import EVERY_PORTAL, KEPT, SESSION_LASTS
from sync_worker.errors import ConfigError, TransientError
from sync_worker.provider import Provider
from sync_worker.store.people import console as kept
from sync_worker.store.people.tables import console_sessions
from sync_worker.web.console.core.door import COOKIE
from sync_worker.web.console.core.login import provider_of
from tests.integration.api.desk import Desk
from tests.integration.console.company import CLIENT_ID, CLIENT_SECRET, VERA, Company, company, first_key, other_key
from tests.integration.console.visitor import Page, Visitor, console, operator, stranger
from tests.integration.steps.world import Loaded
from tests.patience import HANG_S
from tests.servers import Clock

LINK: Final = "Log in with your company's account"
LOG_OUT: Final = "Log out of your company's account"
ROLES: Final = {"partners": "vendor@acme", "ops": "operator", "support": "operator@acme", "away": "operator@nowhere"}
UNDER_WAY: Final = "sync_worker_console_login"


def switched_on(issuer: str) -> dict[str, Any]:
    secret = SecretStr(CLIENT_SECRET)
    return {"oidc_issuer": issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": secret, "oidc_roles": json.dumps(ROLES)}


@pytest.fixture(scope="module")
def joined(sandbox: str, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Company]]:
    """One portal and one provider for all tests of this file; each person comes with a browser of their own."""
    with company(lambda: made.clock()) as provider:
        with console(tmp_path_factory.mktemp("login"), sandbox, loaded, settings=switched_on(provider.issuer)) as made:
            yield made, provider


@pytest.fixture
def desk(joined: tuple[Desk, Company]) -> Desk:
    return joined[0]


@pytest.fixture
def provider(joined: tuple[Desk, Company]) -> Company:
    """It publishes what it did at first, and what it published before is forgotten."""
    joined[1].renew()
    joined[0].clock.forward(hours=1)
    return joined[1]


def to_provider(visitor: Visitor) -> str:
    """The address at the provider that the browser is sent to."""
    answer = visitor.session.get(f"{visitor.base}/console/login", allow_redirects=False, timeout=HANG_S)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def way_back(visitor: Visitor, address: str) -> str:
    """The address of ours that the provider sends the browser to."""
    answer = visitor.session.get(address, allow_redirects=False, timeout=HANG_S)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"].removeprefix(visitor.base)


def encoded(said: bytes) -> str:
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def part(said: Mapping[str, Any]) -> str:
    """Of a token."""
    return encoded(json.dumps(said).encode())


def come(desk: Desk) -> Page:
    """A new browser goes the whole way."""
    visitor = stranger(desk)
    return visitor.open("/console/login")


# ── who is let in ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_operator_comes_in_by_the_link_of_the_page_that_turns_away(desk: Desk, provider: Company) -> None:
    # Given a person without a session
    ann = stranger(desk)
    page = ann.open("/console/portals/acme/failures")
    assert page.status == 401
    # When they follow the link, and the provider knows them
    page = ann.open(page.links[LINK])
    # Then they are in the console, with the name that the provider gives, in a session like any other
    assert (page.status, page.url) == (200, f"{desk.url}/console/")
    assert "Ann Lee" in page.words
    assert ann.open("/console/portals/acme/failures").status == 200
    with desk.installation.store.reading(EVERY_PORTAL) as tx:
        session = kept.sessions(tx)[0]
    assert (session.name, session.until_at - session.begun_at) == ("Ann Lee", SESSION_LASTS)
    # And the provider was asked as the standard says, with a scope that it offers for the claim
    asked = provider.asked[-1]
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert set(asked["scope"].split()) == {"openid", "profile", "email", "groups"}
    # And the page of the configuration says that it is on
    words = " ".join(ann.open("/console/portals/acme/configuration").words.split())
    assert f"on, at {provider.issuer}" in words
    assert CLIENT_SECRET not in words
    # And a person who logs out is shown the link again, and one that ends the provider's session too
    out = ann.press(ann.open("/console/"), "Log out")
    assert LINK in out.links
    assert ann.session.get(out.links[LOG_OUT], timeout=HANG_S).status_code == 200
    assert (provider.is_out, provider.asked[-1]) == (True, {"from": "us", "client_id": CLIENT_ID})


@pytest.mark.parametrize("its", ["none", "http://login.example.com/out", "javascript:alert(1)", 7])
def test_a_provider_without_a_safe_page_to_log_out_gets_no_link(desk: Desk, provider: Company, its: Any) -> None:
    provider.out = its
    page = stranger(desk).open("/console/out")
    assert (page.status, LOG_OUT in page.links, LINK in page.links) == (200, False, True)


def test_a_provider_that_is_down_keeps_nobody_from_logging_out(desk: Desk, provider: Company) -> None:
    provider.status = 503
    page = stranger(desk).open("/console/out")
    assert (page.status, LOG_OUT in page.links) == (200, False)
    desk.clock.forward(seconds=5)


def test_an_admin_of_the_vendor_comes_into_one_portal(desk: Desk, provider: Company) -> None:
    provider.person = VERA
    vera = stranger(desk)
    page = vera.open("/console/login")
    assert page.url.endswith("/console/portals/acme/companies")
    assert "vera@example.com" in page.words
    assert vera.open("/console/portals/acme/failures").status == 403


@pytest.mark.parametrize("groups", [[], ["staff"], ["away"], None, {"ops": True}])
def test_a_person_whose_claim_stands_for_no_role_is_refused_in_words(desk: Desk, provider: Company, groups: Any) -> None:
    provider.changes = {"groups": groups, "name": "Bo <b>Bold</b>\u202e"}
    page = come(desk)
    assert page.status == 401
    assert "groups stands for no role here" in page.words
    assert "SYNC_WORKER_OIDC_ROLES" in page.words
    assert "<b>" not in page.html
    assert LINK in page.links


def test_a_role_for_a_portal_that_is_not_there_is_said_at_the_start(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    provider_of(desk.installation)
    out, err = capfd.readouterr()
    assert ("operator@nowhere" in out + err, "vendor@acme" in out + err) == (True, False)


def test_a_session_that_was_over_a_month_ago_goes_when_a_person_logs_in(desk: Desk, provider: Company) -> None:
    come(desk)
    desk.clock.forward(seconds=(KEPT + SESSION_LASTS + timedelta(minutes=1)).total_seconds())
    come(desk)
    with desk.installation.store.reading(EVERY_PORTAL) as tx:
        assert tx.connection.scalar(select(func.count()).where(console_sessions.c.portal == EVERY_PORTAL)) == 1


def test_a_real_browser_goes_to_another_site_and_comes_back(browser: Browser, desk: Desk, provider: Company) -> None:
    # Given a person without a session, and a provider on another site with a page of its own
    provider.has_page = True
    with browser.new_context() as context:
        page, said = context.new_page(), list[str]()
        page.set_default_timeout(HANG_S * 1000)
        page.on("console", lambda message: said.append(f"{message.location['url']}: {message.text}"))
        page.goto(f"{desk.url}/console/out")
        # When they follow the link, and log in there
        page.get_by_role("link", name=LINK).click()
        page.get_by_role("button", name="Log in as Ann").click()
        # Then they are in the console, with both cookies sent along, and the browser did not complain
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        expect(page.get_by_text("Ann Lee")).to_be_visible()
        assert [cookie.get("name") for cookie in context.cookies(f"{desk.url}/console/login")] == [COOKIE]
    assert [one for one in said if not one.startswith(provider.issuer)] == []  # whose page has no icon


# ── the way there and back ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_under_way_is_for_this_browser_and_its_cookie_is_short(desk: Desk, provider: Company) -> None:
    # When a browser begins, on loopback and elsewhere
    cookies = [
        stranger(desk).session.get(f"{desk.url}/console/login", headers=headers, allow_redirects=False).headers["Set-Cookie"].lower()
        for headers in ({}, {"Host": "sync.example.com"})
    ]
    # Then no script and no other page reads the cookie, and only plain http on loopback is without Secure
    for cookie in cookies:
        assert {"httponly", "path=/console/login", "samesite=lax", "max-age=600"} <= {part.strip() for part in cookie.split(";")}
    assert ["secure" in cookie for cookie in cookies] == [False, True]


def test_a_way_back_is_good_once_and_in_its_own_browser(desk: Desk, provider: Company) -> None:
    # Given a person at the provider, and the address that it sends the browser to
    ann, mallory = stranger(desk), stranger(desk)
    back = way_back(ann, to_provider(ann))
    cookie = ann.session.cookies.get(UNDER_WAY, path="/console/login") or ""
    # Then it opens nothing in another browser, with or without something under way there
    assert mallory.open(back).status == 401
    to_provider(mallory)
    assert mallory.open(back).status == 401
    # And it lets the person in once
    assert ann.open(back).status == 200
    again = ann.open(back)
    assert (again.status, "used before" in again.words) == (401, True)
    # And where somebody has kept the cookie, the provider does not take the code again
    ann.session.cookies.set(UNDER_WAY, cookie, path="/console/login")
    again = ann.open(back)
    assert (again.status, "did not take the code" in again.words) == (401, True)


@pytest.mark.parametrize("state", ["", "x", "é", "x" * 43])
def test_a_state_that_is_not_the_one_is_refused_and_ends_what_was_under_way(desk: Desk, provider: Company, state: str) -> None:
    ann = stranger(desk)
    back = way_back(ann, to_provider(ann))
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert ann.open(f"/console/login/back?{urlencode({'code': code, 'state': state})}").status == 401
    assert not ann.session.cookies.get(UNDER_WAY)
    assert ann.open("/console/").status == 401


def test_a_way_back_is_over_after_ten_minutes(desk: Desk, provider: Company) -> None:
    ann = stranger(desk)
    back = way_back(ann, to_provider(ann))
    desk.clock.forward(minutes=10, seconds=1)
    assert ann.open(back).status == 401


@pytest.mark.parametrize("cookie", ["", "x", "gAAAAABx"])
def test_a_cookie_that_we_have_not_sealed_is_refused(desk: Desk, provider: Company, cookie: str) -> None:
    visitor = stranger(desk)
    visitor.session.cookies.set(UNDER_WAY, cookie, path="/console/login")
    assert visitor.open("/console/login/back?state=x&code=y").status == 401


# ── what the provider says ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nonce": "another"}, "nonce is wrong"),
        ({"nonce": None}, "nonce is wrong"),
        ({"aud": "another-client"}, "aud is wrong"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "azp is wrong"),
        ({"aud": None}, "aud is wrong"),
        ({"iss": "https://elsewhere.example.com"}, "iss is wrong"),
        ({"exp": 1}, "it has expired"),
        ({"exp": None}, "exp is wrong"),
        ({"exp": "soon"}, "exp is wrong"),
        ({"sub": None}, "sub is wrong"),
        ({"at_hash": "of-another-token"}, "at_hash is wrong"),
    ],
)
def test_an_id_token_that_says_another_thing_is_refused(desk: Desk, provider: Company, changes: Mapping[str, Any], words: str) -> None:
    provider.changes = changes
    page = come(desk)
    assert (page.status, words in page.words) == (401, True), page.words


@pytest.mark.parametrize("kid", ["first", "unknown"])
def test_a_foreign_signature_is_refused(desk: Desk, provider: Company, kid: str) -> None:
    provider.signing = other_key(kid)
    page = come(desk)
    assert page.status == 401
    assert "The provider's ID token is not valid" in page.words


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_a_token_that_anybody_could_have_signed_is_refused(
    desk: Desk, provider: Company, alg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a token without a signature, or signed with what everybody knows: the provider's public key
    def forged(*_args: str) -> str:
        now = int(desk.clock().timestamp())
        claims = {"iss": provider.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": provider.asked[-1]["nonce"], "sub": "u"}
        said = f"{part({'alg': alg, 'kid': 'first'})}.{part({**claims, 'groups': ['ops']})}"
        known = json.dumps(first_key().as_dict(private=False)).encode()
        return f"{said}.{encoded(hmac.digest(known, said.encode(), 'sha256')) if alg == 'HS256' else ''}"

    monkeypatch.setattr(provider, "token_for", forged)
    page = come(desk)
    assert (page.status, "The provider's ID token is not valid" in page.words) == (401, True), page.words


def test_a_key_that_the_provider_has_replaced_is_looked_for(desk: Desk, provider: Company) -> None:
    # Given a person who came in with the first key
    assert come(desk).status == 200
    # When the provider replaces it, and a minute later another one comes
    provider.published = other_key("second")
    desk.clock.forward(minutes=1)
    # Then the new key is known
    assert come(desk).status == 200


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "you have not allowed it"),
        ("temporarily_unavailable", "Log in again later"),
        ("interaction_required", "it says interaction_required"),
        ("<script>alert(1)</script>", "its reason has no known form"),
        ("x" * 5000, "its reason has no known form"),
    ],
)
def test_an_error_of_the_provider_is_shown_in_words(desk: Desk, provider: Company, error: str, words: str) -> None:
    provider.error = error
    page = come(desk)
    assert (page.status, words in page.words) == (401, True), page.words
    assert "alert(1)" not in page.html
    assert LINK in page.links


def test_a_provider_that_is_down_is_said_and_links_go_on_working(desk: Desk, provider: Company) -> None:
    # Given a person at the provider while it goes down
    ann = stranger(desk)
    back = way_back(ann, to_provider(ann))
    provider.status = 503
    # Then the page says so, on the way there and back
    page = ann.open(back)
    assert (page.status, "HTTP 503" in page.words) == (503, True), page.words
    desk.clock.forward(hours=1)
    assert come(desk).status == 503
    # And a link opens the console as ever
    assert operator(desk).open("/console/").status == 200
    # And when the provider is up again, the next person comes in
    provider.status = 200
    desk.clock.forward(seconds=5)
    assert come(desk).status == 200


def test_a_provider_that_does_not_answer_is_named() -> None:
    # Given a port where nothing listens
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        provider = Provider(CompanyLogIn(f"http://{host}", CLIENT_ID, CLIENT_SECRET, "groups", roles_of(json.dumps(ROLES))), Clock())
        with pytest.raises(TransientError, match=f"{host}.*connection refused") as said:
            provider.begin("http://127.0.0.1/console/login/back")
    assert CLIENT_SECRET not in str(said.value) + repr(provider.terms)


def test_a_provider_that_does_not_know_us_or_has_another_name_is_a_matter_of_the_settings(desk: Desk, provider: Company) -> None:
    provider.secret = "another"
    page = come(desk)
    assert (page.status, "SYNC_WORKER_OIDC_CLIENT_SECRET" in page.words) == (503, True), page.words
    # And
    desk.clock.forward(hours=1)
    issuer, provider.issuer = provider.issuer, "https://elsewhere.example.com"
    try:
        page = come(desk)
    finally:
        provider.issuer = issuer
    assert (page.status, "SYNC_WORKER_OIDC_ISSUER" in page.words) == (503, True), page.words


def test_no_secret_of_a_log_in_is_logged_or_shown(desk: Desk, provider: Company, capfd: pytest.CaptureFixture[str]) -> None:
    # Given a log-in that is let in, one that is refused, and one whose code is used again
    ann = stranger(desk)
    back = way_back(ann, to_provider(ann))
    shown = [ann.open(back), ann.open(back)]
    provider.changes = {"groups": []}
    shown.append(come(desk))
    # Then no code, token, state, nonce or secret is in the log or on a page
    out, err = capfd.readouterr()
    said = out + err + "".join(page.html for page in shown)
    assert "a log-in with the company's account was refused" in said
    asked = [one[name] for one in provider.asked for name in ("state", "nonce")]
    assert len(provider.said) >= 4
    assert [secret for secret in (CLIENT_SECRET, *provider.said, *asked) if secret in said] == []


# ── switched off, or half ────────────────────────────────────────────────────────────────────────────────────────────


def test_without_the_settings_there_is_no_such_log_in(acme: Desk, ann: Visitor) -> None:
    visitor = stranger(acme)
    assert LINK not in visitor.open("/console/").links
    for path in ("/console/login", "/console/login/back?state=x&code=y"):
        assert visitor.open(path).status == 404
    assert "Log-in with the company's accountoff" in ann.open("/console/portals/acme/configuration").words


@pytest.mark.parametrize("missing", ["oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_roles"])
def test_half_of_the_settings_is_a_mistake_that_names_the_other_half(missing: str) -> None:
    settings = Settings(**{name: one for name, one in switched_on("https://login.example.com").items() if name != missing})
    with pytest.raises(ConfigError, match=f"SYNC_WORKER_{missing.upper()}: it is not set"):
        _ = settings.log_in


def test_a_claim_alone_is_half_of_the_settings() -> None:
    with pytest.raises(ConfigError, match="SYNC_WORKER_OIDC_ISSUER"):
        _ = Settings(oidc_claim="role").log_in
