"""TOKENS: one is made and shown once, or ended. Only its hash is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from sync_worker.boundary import tokens as texts
from sync_worker.boundary.tokens import Made
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.people import tokens
from sync_worker.store.people.tokens import NewToken, Token


def _unheard(_tx: Tx, _token_id: str) -> None:
    pass


class TokenWish(NamedTuple):
    """What a token is to be. **Shapes** `name`: who uses it; `by`: who made it; `expires_at` None: it does not end by itself."""

    name: str
    scopes: Collection[str]
    by: str
    expires_at: datetime | None = None


def issue(store: Store, portal: str, wish: TokenWish, *, on_made: Callable[[Tx, str], object] = _unheard) -> Made | None:
    """A new token, whose text is shown this once. None: its end is over already, so none was made. **Raises** StoreDown.

    **Shapes** `on_made` hears the id in the commit.
    """
    made = texts.make()
    with store.side_transaction(portal) as tx:
        if wish.expires_at and wish.expires_at <= tx.now:
            return None
        tokens.add(tx, NewToken(made.id, wish.name, made.hash, sorted(set(wish.scopes)), made_by=wish.by, expires_at=wish.expires_at))
        on_made(tx, made.id)
    return made


def revoke(store: Store, portal: str, token_id: str, *, by: str) -> Token | None:
    """Ends a token, from the next request on; one that was ended stays as it was. None: there is no token of this id."""
    with store.side_transaction(portal) as tx:
        if tokens.get(tx, token_id) is None:
            return None
        tokens.revoke(tx, token_id, by)
        return tokens.get(tx, token_id)


def state_of(token: Token, now: datetime) -> str:
    """Whether it lets anybody in."""
    if token.revoked_at:
        return "revoked"
    return "expired" if token.expires_at and token.expires_at <= now else "active"
