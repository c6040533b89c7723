"""A portal is connected to its CRM on the vendor's page: what is kept, what is refused, and what goes on afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect

from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from crm_sandbox.remote import Remote
from sync_worker.boundary.sealing import NotOpened, Seal
from sync_worker.crm.faults import Patience
from sync_worker.crm.salesforce.connection.consent import SalesforceGrantLogin
from sync_worker.crm.salesforce.connection.session import Tokens
from sync_worker.crm.salesforce.connection.wire import SalesforceWire
from sync_worker.errors import AuthFailed, ConfigError
from sync_worker.services import Services
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.connecting.grant import SharedGrant
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.core import failures, portals
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.operate import grants
from tests.integration.api.desk import Desk
from tests.integration.conftest import as_it_was
from tests.integration.console.browser import opened
from tests.integration.console.connecting import AT, KEY, come_back, connect, refused_log_in, sent_back, unconnected, vendors_page
from tests.integration.console.visitor import Visitor, operator
from tests.integration.steps.world import Loaded
from tests.patience import HANG_S

OLD_KEY = "c3luYy13b3JrZXItdGVzdHMtc2VjcmV0LWtleS0wMDA="


@pytest.fixture
def remote(sandbox: str) -> Iterator[Remote]:
    """The sandbox as it was at its beginning, before and after: another test may log in by the token that it began with."""
    with Remote(sandbox) as controls:
        as_it_was(controls)
        yield controls
        as_it_was(controls)


@pytest.fixture
def acme(sandbox: str, remote: Remote, loaded: Loaded, tmp_path: Path) -> Iterator[Desk]:
    """A portal that nobody has connected yet."""
    with unconnected(tmp_path, sandbox, loaded) as made:
        yield made


def kept(acme: Desk) -> grants.KeptGrant | None:
    with acme.installation.store.reading("acme") as tx:
        return grants.get(tx)


def token_of(acme: Desk, key: str = KEY) -> str:
    found = kept(acme)
    assert found
    return Seal.of(key).open("acme", found.sealed)


def logging_in(acme: Desk, sandbox: str, keys: str = KEY) -> Callable[[], None]:
    """A process of its own, which asks for a new token at each call."""
    services = Services()
    grant = SharedGrant("acme", acme.installation.store, Seal.of(keys), services)
    login = SalesforceGrantLogin(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, sandbox, sandbox, grant=grant)

    def log_in() -> None:
        with SalesforceWire(sandbox, services.clock) as wire:
            Tokens(login, services, Patience(attempts=1)).current(wire)

    return log_in


def test_a_portal_that_is_connected_goes_on_at_once(acme: Desk, ann: Visitor, tmp_path: Path) -> None:
    # Given a portal that rests, because nobody has connected it yet
    with pytest.raises(AuthFailed, match="not connected to its CRM yet") as error:
        pull(acme.installation.tenant("acme"), COMPANY)
    refused_log_in(acme, str(error.value))
    assert "Connect it again" in ann.open(AT).links
    # When the operator allows it on the vendor's page
    page = connect(ann)
    # Then the page says who did it, the rest is over, and the CRM is read
    assert "by Ann (console)" in page.words
    assert page.url.endswith(f"{AT}/connection")
    with acme.installation.store.reading("acme") as tx:
        portal = portals.get(tx)
        assert portal is not None
        assert portal.paused_until_at is None
        assert failures.listed(tx, FailureFilter(code="auth_failed")) == []
    pull(acme.installation.tenant("acme"), COMPANY)
    assert "Connect it again" not in ann.open(AT).links
    # And the token stands nowhere in the clear
    token = token_of(acme)
    assert token.startswith("5Aep861")
    assert token not in page.html
    assert all(token.encode() not in file.read_bytes() for file in tmp_path.glob("sync-worker.db*"))


def test_a_refused_log_in_is_tried_again_as_soon_as_a_person_has_connected(acme: Desk, ann: Visitor, sandbox: str, remote: Remote) -> None:
    # Given a portal whose refresh token was revoked, which the process remembers
    connect(ann)
    tenant = acme.installation.tenant("acme")
    pull(tenant, COMPANY)
    requests.post(f"{sandbox}/services/oauth2/revoke", data={"token": token_of(acme)}, timeout=HANG_S).raise_for_status()
    remote.expire_tokens()
    for _ in range(2):
        with pytest.raises(AuthFailed, match=r"invalid_grant.*connect the portal again"):
            pull(tenant, COMPANY)
    # When the operator connects it again
    connect(ann)
    # Then the same process logs in, with no wait
    pull(tenant, COMPANY)


def test_a_person_who_denies_connects_nothing(acme: Desk, ann: Visitor) -> None:
    page = come_back(ann, sent_back(vendors_page(ann), "deny"))
    assert page.status == 409
    assert "You have not allowed it" in page.words
    assert kept(acme) is None


def test_a_way_back_is_good_once_and_for_its_own_session(acme: Desk, ann: Visitor) -> None:
    # Given a way back that another person has opened
    back = sent_back(vendors_page(ann))
    other = operator(acme)
    assert come_back(other, back).status == 410
    assert kept(acme) is None
    # Then Ann's own session may use it, once, and nobody without a session
    assert come_back(ann, back).status == 200
    assert come_back(ann, back).status == 410
    # And a state that we did not make, or of a portal that there is not, is refused
    for state in ("", "acme.x", f"nowhere.{back.rpartition('.')[2]}"):
        assert ann.open(f"/console/connected?code=c&state={state}").status == 410


def test_a_way_back_is_over_after_a_quarter_of_an_hour(acme: Desk, ann: Visitor) -> None:
    back = sent_back(vendors_page(ann))
    acme.clock.forward(seconds=16 * 60)
    assert come_back(ann, back).status == 410
    assert kept(acme) is None


def test_the_account_of_another_org_is_refused(sandbox: str, remote: Remote, loaded: Loaded, tmp_path: Path) -> None:
    # Given a portal file that names another org
    hooks = {"organization_id": "00D000000000001", "secret": "${SF_ID}"}
    with unconnected(tmp_path, sandbox, loaded, webhooks=hooks) as acme:
        ann = operator(acme)
        # When somebody connects it to the org of the sandbox
        page = connect(ann)
        # Then nothing is kept, and the words name both
        assert page.status == 409
        assert "00D000000000001EAA" in page.words
        assert "a portal of its own" in page.words
        assert kept(acme) is None


def test_a_portal_stays_with_the_org_that_it_was_connected_to(acme: Desk, ann: Visitor) -> None:
    with acme.installation.store.side_transaction("acme") as tx:
        grants.keep(tx, org="00D000000000009EAA", sealed="of before", actor="Bo")
    page = connect(ann)
    assert "connected by Bo" in page.words
    found = kept(acme)
    assert found
    assert found.sealed == "of before"


def test_without_a_key_nothing_is_asked(sandbox: str, remote: Remote, loaded: Loaded, tmp_path: Path) -> None:
    with unconnected(tmp_path, sandbox, loaded, key=None) as acme:
        # The portal is disabled, with the variable's name
        (mistake,) = acme.installation.disabled["acme"]
        assert "SYNC_WORKER_SECRET_KEY is not set" in str(mistake)
        with pytest.raises(ConfigError, match="SYNC_WORKER_SECRET_KEY"):
            pull(acme.installation.tenant("acme"), COMPANY)
        # The page says it, and its button does nothing
        ann = operator(acme)
        page = ann.open(f"{AT}/connection")
        assert "SYNC_WORKER_SECRET_KEY is not set" in page.words
        assert ann.press(page, "Connect").status == 409


def test_processes_that_log_in_at_once_lose_no_replaced_token(acme: Desk, ann: Visitor, sandbox: str, remote: Remote) -> None:
    # Given an org that replaces the refresh token with each log-in, and ends the one that it was asked with
    connect(ann)
    remote.login(rotates_refresh_tokens=True, ends_previous_session=False)
    first = token_of(acme)

    # When four processes log in three times each, side by side
    def process(_number: int) -> None:
        log_in = logging_in(acme, sandbox)
        for _ in range(3):
            log_in()

    # Then each gets in, and the last token is kept
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(process, range(4)))
    assert token_of(acme) != first
    logging_in(acme, sandbox)()


def test_a_token_is_sealed_with_the_new_key_at_the_next_log_in(acme: Desk, ann: Visitor, sandbox: str) -> None:
    # Given a token that an old key has sealed, and processes that know both
    connect(ann)
    token = token_of(acme)
    with acme.installation.store.side_transaction("acme") as tx:
        grants.keep(tx, org="00D", sealed=Seal.of(OLD_KEY).close("acme", token), actor="Ann")
    # Without the old key nobody logs in, and the words say what to do
    with pytest.raises(AuthFailed, match="behind the first one"):
        logging_in(acme, sandbox)()
    # When a process logs in that has both
    logging_in(acme, sandbox, f"{KEY},{OLD_KEY}")()
    # Then the old key is not needed any more
    assert token_of(acme) == token


def test_a_sealed_token_opens_in_its_own_portal_alone() -> None:
    seal = Seal.of(KEY)
    sealed = seal.close("acme", "secret")
    assert seal.open("acme", sealed) == "secret"
    assert "secret" not in sealed
    for portal, text in (("beta", sealed), ("acme", "no token")):
        with pytest.raises(NotOpened):
            seal.open(portal, text)


def test_credentials_that_have_ended_are_given_again_on_the_vendors_page(browser: Browser, acme: Desk) -> None:
    with opened(browser, acme) as page:
        # Given a portal that rests because the CRM refuses its log-in
        refused_log_in(acme, "Salesforce refused the credentials (invalid_grant: expired access/refresh token)")
        page.goto(acme.url + AT)
        expect(page.get_by_text("Salesforce refused the credentials").first).to_be_visible()
        # When the operator follows the link, and allows it at the vendor
        page.get_by_role("link", name="Connect it again").click()
        page.get_by_role("button", name="Connect").click()
        page.get_by_role("link", name="Go to Salesforce").click()
        expect(page.get_by_role("heading", name="Allow access to the sandbox Salesforce?")).to_be_visible()
        page.get_by_role("button", name="Allow").click()
        # Then the browser is back, and the portal rests no more
        expect(page.get_by_text("by Ann (console)")).to_be_visible()
        page.goto(acme.url + AT)
        expect(page.get_by_text("Salesforce refused the credentials")).to_have_count(0)
        pull(acme.installation.tenant("acme"), COMPANY)
