"""Who may use an address of the API: whose token it is, with which scope, and which person acts or looks. We call this a door.

An endpoint names its door in its signature:

Reading     a token that may read               companies, associations, users
Looking     the same, and the person who looks  deals and what hangs on them; where `visible_to` names one as well, both must see it
Telling     a token that may write              the portal tells of its users
Acting      the same, and the person who acts   deals
Operating   a token that may operate            conflicts, failures, the feed
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeAlias

from fastapi import Header, Path, Query, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sync_worker.bootstrap import Installation
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.core.user import User
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.authorize import authorize
from sync_worker.steps.people.users import acting
from sync_worker.store.core.engine import Tx
from sync_worker.store.people import people
from sync_worker.store.people.tokens import Token
from sync_worker.telemetry import logs
from sync_worker.web.api.core.follow_up import FollowUps
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.webhooks.heard import DISABLED_S

PRINTABLE: Final = r"^[^\x00-\x1f\x7f]+$"

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="Of one portal: `sync-worker tokens create PORTAL --scope …`.")
Bearer: TypeAlias = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
PortalName: TypeAlias = Annotated[str, Path(description="The portal's name.", examples=["acme"])]
ACTING_USER: Final = "Acting-User"
_acting_user = Header(
    alias=ACTING_USER, description="The portal's id of the user in whose name the request is made.", examples=["ann"],
    min_length=1, max_length=200, pattern=PRINTABLE,
)  # fmt: skip
UserId: TypeAlias = Annotated[str, _acting_user]
LookerId: TypeAlias = Annotated[str | None, _acting_user]
VisibleTo: TypeAlias = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        pattern=PRINTABLE,
        description="Only what this user sees, by the portal's id. Enough without `Acting-User`; with it, both must see what is shown.",
    ),
]
Word: TypeAlias = Annotated[str | None, Query(max_length=200, pattern=PRINTABLE)]
NOBODY: Final = Refusal(
    "actor_missing", "the request does not say who looks", "a user's id in the header Acting-User, or in visible_to", field="Acting-User"
)

DISABLED: Final = Refusal(
    "portal_disabled",
    "the portal's files have a mistake, or a secret of it is not set; nothing was done",
    "an operator: `sync-worker portals list` names the mistake; send the same again later",
)


@dataclass(frozen=True, slots=True)
class Api:
    """What every request of the API stands on."""

    installation: Installation
    follow_ups: FollowUps


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, inside the door."""

    api: Api
    portal: str
    token: Token

    @property
    def tenant(self) -> Tenant:
        """The portal's, of the thread that asks: a request may go through several."""
        return self.api.installation.tenant(self.portal, "live")

    @property
    def holder(self) -> str:
        """Who acts where no person is named: the holder of the token."""
        return f"{self.token.name} (token {self.token.id})"


@dataclass(frozen=True, slots=True)
class PersonalVisit(Visit):
    """The same, in the name of a person. **Shapes** `also`: the person that `visible_to` names beside the one who acts."""

    user: User
    also: User | None = None

    @property
    def actor(self) -> Actor:
        return acting(self.user)

    @property
    def onlookers(self) -> tuple[User, ...]:
        """Everybody who must see what is shown."""
        return (self.user, self.also) if self.also else (self.user,)

    @property
    def actors(self) -> tuple[Actor, ...]:
        """The same people, as actors."""
        return tuple(map(acting, self.onlookers))


def scope_of(dependant: Dependant) -> str:
    """The scope of the door that an endpoint names in its signature; "" where it names none."""
    own = dependant.own_oauth_scopes or []
    return next(filter(None, [*own, *map(scope_of, dependant.dependencies)]), "")


async def knock(request: Request, scope: str) -> None:
    """Asks whose token it is before anything of the body is read. The door takes this answer. **Raises** Refused."""
    portal = str(request.path_params["portal"])
    visit = await run_in_threadpool(_enter, request, portal, await _bearer(request), scope)
    request.state.known_visit = (scope, visit)


def _enter(request: Request, portal: str, bearer: HTTPAuthorizationCredentials | None, scope: str) -> Visit:
    known: tuple[str, Visit] | None = getattr(request.state, "known_visit", None)
    if known and known[0] == scope:
        return known[1]
    api: Api = request.app.state.api
    token = _token(api, portal, bearer.credentials if bearer else "", scope)
    if isinstance(token, Refusal):
        raise _told(token, portal)
    if portal in api.installation.disabled:
        raise Refused(DISABLED, headers={"Retry-After": str(DISABLED_S)})
    return Visit(api, portal, token)


def _token(api: Api, portal: str, text: str, scope: str) -> Token | Refusal:
    if portal not in api.installation.names:
        return Refusal("token_unknown" if text else "token_missing", "there is no such portal", "")
    return authorize(api.installation.store, portal, text, scope)


def _told(refusal: Refusal, portal: str) -> Refused:
    """A caller without a valid token learns only that. The log says why, and whether the portal exists."""
    logs.get().warning("a request of the API was refused", portal=portal[:64], code=refusal.code, reason=refusal.why)
    if refusal.code == "scope_missing":
        return Refused(refusal)
    if refusal.code == "token_missing":
        why = Refusal("token_missing", "the request carries no token", "a request with `Authorization: Bearer swk_…`")
    else:
        words = "this is not a valid token of this portal: mistyped, revoked, expired, or another's; the operator's log says which"
        why = Refusal("token_unknown", words, "an operator makes tokens: sync-worker tokens create")
    return Refused(why, headers={"WWW-Authenticate": 'Bearer realm="sync-worker"'})


def _person(visit: Visit, user_id: str, field: str) -> User:
    """An active user of the portal. **Raises** Refused. **Shapes** `field`: the header or parameter that names the user."""
    with visit.api.installation.store.reading(visit.portal) as tx:
        return _active(tx, user_id, field)


def again(tx: Tx, visit: PersonalVisit) -> PersonalVisit:
    """The visit with the person as the portal tells of it in this transaction: while the request waited for its turn, the person may have
    been erased, deactivated or moved to another company. **Raises** Refused.
    """
    also = _active(tx, visit.also.id, "visible_to") if visit.also else None
    return replace(visit, user=_active(tx, visit.user.id, ACTING_USER), also=also)


def _active(tx: Tx, user_id: str, field: str) -> User:
    user = people.get(tx, user_id)
    who = "a user that the portal has told of, and not deactivated"
    if user is None:
        raise Refused(Refusal("user_unknown", f"the portal has not sent a user {user_id} to sync-worker", who, field=field), 403)
    if not user.is_active:
        raise Refused(Refusal("user_inactive", f"{user.name} is inactive in the portal", who, field=field))
    return user


def _personal(visit: Visit, user: User, also: User | None = None) -> PersonalVisit:
    return PersonalVisit(visit.api, visit.portal, visit.token, user, also)


def _reading(request: Request, portal: PortalName, bearer: Bearer) -> Visit:
    return _enter(request, portal, bearer, "read")


def _telling(request: Request, portal: PortalName, bearer: Bearer) -> Visit:
    return _enter(request, portal, bearer, "write")


def _operating(request: Request, portal: PortalName, bearer: Bearer) -> Visit:
    return _enter(request, portal, bearer, "operate")


Reading: TypeAlias = Annotated[Visit, Security(_reading, scopes=["read"])]
Telling: TypeAlias = Annotated[Visit, Security(_telling, scopes=["write"])]
Operating: TypeAlias = Annotated[Visit, Security(_operating, scopes=["operate"])]


def _looking(visit: Reading, acting_user: LookerId = None, visible_to: VisibleTo = None) -> PersonalVisit:
    actor = _person(visit, acting_user, ACTING_USER) if acting_user else None
    also = _person(visit, visible_to, "visible_to") if visible_to else None
    if actor:
        return _personal(visit, actor, also)
    if also:
        return _personal(visit, also)
    raise Refused(NOBODY)


def _acting(visit: Telling, acting_user: UserId) -> PersonalVisit:
    return _personal(visit, _person(visit, acting_user, ACTING_USER))


Looking: TypeAlias = Annotated[PersonalVisit, Security(_looking)]
Acting: TypeAlias = Annotated[PersonalVisit, Security(_acting)]
