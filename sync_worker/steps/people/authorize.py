"""AUTHORIZE: whose token this is and whether it may; asked by every request of the portal's API."""

from __future__ import annotations

from sync_worker.boundary import tokens as texts
from sync_worker.domain.core.deal import Refusal
from sync_worker.store.core.engine import Store
from sync_worker.store.people import tokens
from sync_worker.store.people.tokens import USED_EVERY, Token

OPERATOR = "an operator makes tokens: sync-worker tokens create"


def authorize(store: Store, portal: str, text: str, scope: str) -> Token | Refusal:
    """The token's row, or why not.

    **Shapes** codes of a refusal: `token_missing`, `token_malformed`, `token_unknown`, `token_revoked`, `token_expired` (401), and
    `scope_missing` (403). Only a holder of the whole token hears what became of it.
    """
    if not text:
        return Refusal("token_missing", "the request carries no token", OPERATOR)
    token_id = texts.id_of(text)
    if token_id is None:
        return Refusal("token_malformed", "the token of the request is not a token of sync-worker, or a part of it is missing", OPERATOR)
    with store.reading(portal) as tx:
        token, now = tokens.get(tx, token_id), tx.now
    if token is None or not texts.is_same(text, token.hash):
        return Refusal("token_unknown", f"portal {portal} has no such token", OPERATOR)
    if token.revoked_at:
        return Refusal("token_revoked", f"token {token.id} was revoked at {token.revoked_at.isoformat()}", OPERATOR)
    if token.expires_at and token.expires_at <= now:
        return Refusal("token_expired", f"token {token.id} expired at {token.expires_at.isoformat()}", OPERATOR)
    if scope not in token.scopes:
        return Refusal("scope_missing", f"token {token.id} does not have the scope {scope!r}", OPERATOR, token.scopes)
    if token.last_used_at is None or token.last_used_at <= now - USED_EVERY:
        with store.side_transaction(portal) as tx:
            tokens.note_use(tx, token.id)
    return token
