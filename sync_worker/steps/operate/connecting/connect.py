"""CONNECT: a person lets the worker into the portal's CRM account; the refresh token is kept sealed.

begin      a state that is good once, for this session
finish     the code for a token; the account is the portal's; kept; a rest because the CRM had refused us is over
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sync_worker.boundary import tokens as texts
from sync_worker.boundary.sealing import NotOpened, Seal
from sync_worker.crm.login.consent import Consent, ConsentAsk, Consented, new_verifier
from sync_worker.domain.operate.connection import CONSENT_LASTS, KnownOrg, other_org
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.halt import let_in
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import grants
from sync_worker.store.operate.grants import ConsentUnderWay, KeptGrant


class ConsentWay(NamedTuple):
    """What a consent needs. **Shapes** `known`: the accounts that the portal file names."""

    consent: Consent
    seal: Seal
    known: Sequence[KnownOrg]


def begin(tenant: Tenant, seal: Seal, *, session_id: str, redirect_uri: str) -> ConsentAsk:
    """What the vendor's page is asked with. **Raises** StoreDown."""
    made, verifier = texts.make(texts.CONSENT), new_verifier()
    sealed = seal.close(tenant.name, verifier)
    with tenant.store.side_transaction(tenant.name) as tx:
        until_at = tx.now + CONSENT_LASTS
        grants.begin_consent(tx, ConsentUnderWay(made.id, made.hash, session_id, redirect_uri, sealed, until_at))
    return ConsentAsk(redirect_uri, made.text, verifier)


def asked(store: Store, portal: str, state: str, session_id: str) -> ConsentUnderWay | None:
    """The consent of a state, which is used up by this. None: it is not this session's, was used, or is over."""
    consent_id = texts.id_of(state, texts.CONSENT)
    if consent_id is None:
        return None
    with store.side_transaction(portal) as tx:
        found = grants.consent(tx, consent_id, session_id)
        if found is None or not texts.is_same(state, found.hash) or not grants.end_consent(tx, found.id):
            return None
    return found


def finish(tenant: Tenant, way: ConsentWay, under_way: ConsentUnderWay, code: str, *, actor: str) -> str:
    """The code for a token, which is kept. Returns why not, in words; "" where it is. **Raises** AuthFailed, TransientError, StoreDown."""
    try:
        verifier = way.seal.open(tenant.name, under_way.sealed)
    except NotOpened:
        return "The keys of SYNC_WORKER_SECRET_KEY have changed meanwhile. Begin again."
    consented = way.consent.exchange(code, ConsentAsk(under_way.redirect_uri, "", verifier))
    if words := _keep(tenant, way, consented, actor):
        return words
    let_in(tenant)
    tenant.log.warning("the portal was connected to its CRM", org=consented.org, actor=actor)
    return ""


def connection(tenant: Tenant) -> KeptGrant | None:
    """What is kept of the last consent."""
    with tenant.store.reading(tenant.name) as tx:
        return grants.get(tx)


def _keep(tenant: Tenant, way: ConsentWay, consented: Consented, actor: str) -> str:
    sealed = way.seal.close(tenant.name, consented.refresh_token)
    with tenant.store.side_transaction(tenant.name) as tx:
        before = grants.get(tx)
        of_before = [KnownOrg(before.org, f"connected by {before.actor}")] if before else []
        if words := other_org(way.consent.org_kind, consented.org, [*way.known, *of_before]):
            return words
        grants.keep(tx, org=consented.org, sealed=sealed, actor=actor)
    return ""
