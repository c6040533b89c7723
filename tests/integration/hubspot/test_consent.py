"""A person installs the app on HubSpot's page, and the portal logs in with what that leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_sandbox.hubspot.data.portal import PORTAL_ID
from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from sync_worker.boundary.sealing import Seal
from sync_worker.crm.hubspot.connection.consent import SCOPES, HubspotConsent, HubspotGrantLogin
from sync_worker.crm.login.consent import ConsentAsk
from sync_worker.errors import AuthFailed
from sync_worker.steps.operate.connecting.grant import SharedGrant
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import grants
from sync_worker.store.operate.migrate import upgrade
from tests.integration.hubspot.conftest import Lab
from tests.integration.sandbox.consent import press, said

BACK = "http://127.0.0.1:9/console/connected"
SEAL = Seal.of("c3luYy13b3JrZXItdGVzdHMtc2VjcmV0LWtleS0wMDE=")


def consent_of(lab: Lab, secret: str = SANDBOX_CLIENT_SECRET) -> HubspotConsent:
    return HubspotConsent(SANDBOX_CLIENT_ID, secret, lab.base_url, lab.services)


def test_what_a_consent_leaves_logs_the_portal_in(lab: Lab, tmp_path: Path) -> None:
    # Given a person who has installed the app
    consent, ask = consent_of(lab), ConsentAsk(BACK, "s-1", "no verifier: HubSpot takes none")
    back = said(press(consent.address(ask), "allow", {}), BACK)
    assert back["state"] == "s-1"
    # When the code is exchanged
    consented = consent.exchange(back["code"], ask)
    assert consented.org == str(PORTAL_ID)
    assert consented.refresh_token not in repr(consented)
    # Then the account is read with it, as far as the scopes go that were asked for
    store = Store(f"sqlite:///{tmp_path / 'a.db'}", clock=lab.services.clock, shared_clock=lab.services.clock)
    upgrade(store)
    with store.side_transaction("acme") as tx:
        grants.keep(tx, org=consented.org, sealed=SEAL.close("acme", consented.refresh_token), actor="Ann")
    login = HubspotGrantLogin(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, lab.base_url, grant=SharedGrant("acme", store, SEAL, lab.services))
    crm = lab.connect(lab.new_access(login))
    assert len(crm.fetch("deals", lab.deals(1), fields=("dealname",))) == 1
    store.close()


def test_a_code_that_is_used_up_and_a_wrong_secret_are_refused_in_words(lab: Lab) -> None:
    ask = ConsentAsk(BACK, "s-1", "")
    code = said(press(consent_of(lab).address(ask), "allow", {}), BACK)["code"]
    consent_of(lab).exchange(code, ask)
    for consent, words in ((consent_of(lab), "begin again on the page Connection"), (consent_of(lab, "guess"), "correct crm.auth")):
        with pytest.raises(AuthFailed, match=words) as error:
            consent.exchange(code, ask)
        assert code not in str(error.value)


def test_the_scopes_are_those_that_the_document_names() -> None:
    page = (Path(__file__).parents[3] / "docs" / "hubspot.md").read_text()
    assert [scope for scope in SCOPES if f"`{scope}`" not in page] == []
