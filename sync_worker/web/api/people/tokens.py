"""API tokens of the portal. An operator makes and ends them; the text of a new one is in one answer and kept nowhere."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, TypeAlias

from fastapi import Path, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.people.answer import Keep
from sync_worker.steps.people.tokens import TokenWish, issue, revoke, state_of
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import tokens
from sync_worker.store.people.answers import Answer
from sync_worker.store.people.tokens import Token
from sync_worker.web.api.core.authentication import PRINTABLE, Operating, Visit
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.core.shapes import PageView
from sync_worker.web.api.core.views import JSON
from sync_worker.web.api.people.token_shapes import NewTokenView, TokenBody, TokenView

router = portal_router("operator")

TokenId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]


@router.get("/operate/tokens")
def list_tokens(visit: Operating, page: PageOf) -> PageView[TokenView]:
    """Lists the tokens of the portal, the newest first, ended ones too."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = tokens.listed(tx)
    some = page.falling(found, lambda one: (one.made_at.isoformat(), one.id))
    return PageView(items=[TokenView(**_shown(visit, one)) for one in some.items], next=some.next)


@router.post("/operate/tokens", status_code=201, response_model=NewTokenView)
def create_token(visit: Operating, said: TokenBody, once: OnceOnly) -> Response:
    """Makes a token. The first answer alone has its text: nothing of the text is kept. If that answer is lost, revoke the token."""

    def work(keep: Keep) -> Answer:
        def keep_without_text(tx: Tx, token_id: str) -> None:
            if one := tokens.get(tx, token_id):
                keep(tx, _made(visit, one, None))

        ends_at = said.expires_at.astimezone(UTC) if said.expires_at else None
        wish = TokenWish(said.name, said.scopes, visit.holder, ends_at)
        made = issue(visit.tenant.store, visit.portal, wish, on_made=keep_without_text)
        if made is None:
            raise Refused(Refusal("value_malformed", "this moment is over", "a later one", field="expires_at"))
        return _made(visit, _found(visit, made.id), made.text)

    return once.answer(visit, work)


def _made(visit: Visit, one: Token, text: str | None) -> Answer:
    body = NewTokenView(**_shown(visit, one), token=text).model_dump_json()
    return Answer(201, body, {**JSON, "Location": f"/portals/{visit.portal}/operate/tokens/{one.id}"})


@router.get("/operate/tokens/{token_id}", responses=problems(404))
def get_token(visit: Operating, token_id: TokenId) -> TokenView:
    """Returns one token, without its text."""
    return TokenView(**_shown(visit, _found(visit, token_id)))


@router.post("/operate/tokens/{token_id}/revoke", response_model=TokenView, responses=problems(404))
def revoke_token(visit: Operating, token_id: TokenId, once: OnceOnly) -> Response:
    """Ends a token, from the next request on. One that has ended stays as it is."""

    def work(_keep: object) -> Answer:
        ended = revoke(visit.tenant.store, visit.portal, token_id, by=visit.holder)
        if ended is None:
            raise _unknown(token_id)
        return Answer(200, TokenView(**_shown(visit, ended)).model_dump_json(), JSON)

    return once.answer(visit, work)


def _found(visit: Visit, token_id: str) -> Token:
    with visit.tenant.store.reading(visit.portal) as tx:
        found = tokens.get(tx, token_id)
    if found is None:
        raise _unknown(token_id)
    return found


def _unknown(token_id: str) -> Refused:
    return Refused(Refusal("token_id_unknown", f"there is no token {token_id}", "an id from GET /operate/tokens"))


def _shown(visit: Visit, one: Token) -> dict[str, Any]:
    names = ("id", "name", "scopes", "made_by", "made_at", "expires_at", "last_used_at", "revoked_at", "revoked_by")
    return {**{name: getattr(one, name) for name in names}, "state": state_of(one, visit.tenant.services.clock())}
