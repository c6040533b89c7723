"""Whose token it is, and whether it may."""

from __future__ import annotations

from datetime import timedelta

from sync_worker.boundary import tokens as texts
from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.people.authorize import authorize
from sync_worker.store.core.engine import Store
from sync_worker.store.people import tokens
from sync_worker.store.people.tokens import NewToken
from tests.servers import MONDAY, Clock


def given(store: Store, *scopes: str, portal: str = "acme", lasts_h: int | None = None) -> texts.Made:
    """A new token of the portal."""
    made = texts.make()
    ends_at = MONDAY + timedelta(hours=lasts_h) if lasts_h else None
    with store.side_transaction(portal) as tx:
        tokens.add(tx, NewToken(id=made.id, name="portal", hash=made.hash, scopes=scopes or ("read",), made_by="Ann", expires_at=ends_at))
    return made


def code(store: Store, text: str, scope: str = "read", portal: str = "acme") -> str:
    """ "" = it may."""
    found = authorize(store, portal, text, scope)
    return found.code if isinstance(found, Refusal) else ""


def test_a_token_may_what_its_scopes_say_on_its_own_portal(store: Store) -> None:
    made = given(store, "read", "write")
    assert [code(store, made.text, scope) for scope in ("read", "write", "operate")] == ["", "", "scope_missing"]
    assert code(store, made.text, portal="globex") == "token_unknown"


def test_what_is_no_token_of_ours_is_refused_with_the_reason(store: Store) -> None:
    made = given(store)
    assert [code(store, text) for text in ("", made.text[:-1], texts.make().text)] == ["token_missing", "token_malformed", "token_unknown"]


def test_knowing_an_id_is_not_having_the_token(store: Store) -> None:
    made = given(store)
    before = f"swk_{made.id}_{'0' * 64}"
    forged = f"{before}_{texts._checksum(before)}"  # a checksum is no secret
    assert texts.id_of(forged) == made.id
    assert code(store, forged) == "token_unknown"


def test_a_token_ends_when_it_expires_or_is_revoked(store: Store, clock: Clock) -> None:
    short, other = given(store, lasts_h=1), given(store)
    with store.side_transaction("acme") as tx:
        assert tokens.revoke(tx, other.id, "Bo") == [other.id]
        assert tokens.revoke(tx, other.id, "Cy") == []
    assert code(store, other.text) == "token_revoked"
    assert code(store, short.text) == ""
    clock.forward(hours=1)
    assert code(store, short.text) == "token_expired"


def test_its_use_is_noted_once_an_hour(store: Store, clock: Clock) -> None:
    made, moments = given(store), []
    for _ in range(3):
        assert code(store, made.text) == ""
        with store.reading("acme") as tx:
            token = tokens.get(tx, made.id)
        assert token
        moments.append(token.last_used_at)
        clock.forward(minutes=40)
    assert moments == [MONDAY, MONDAY, MONDAY + timedelta(minutes=80)]


def test_nothing_that_is_kept_is_the_token(store: Store) -> None:
    made = given(store)
    with store.reading("acme") as tx:
        assert made.text.split("_")[2] not in repr(tokens.listed(tx))
