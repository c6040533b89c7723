"""What a person's consent at the CRM has left: one row a portal, its refresh token sealed; and consents that are under way.

One process at a time asks with the token (*turn*), because the CRM may put another one in its place with each answer.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, delete, insert, or_, select, update

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.operate.tables import consents, grants

KEPT: Final = timedelta(days=1)  # of a consent that a person did not finish


@dataclass(frozen=True, slots=True)
class KeptGrant:
    """**Shapes** `org`: the org's or the hub's id; `edition`: 1 at the first consent; `replaced_at`: of the token, by the CRM."""

    org: str
    sealed: str = field(repr=False)
    actor: str
    edition: int
    at: datetime
    replaced_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentUnderWay:
    """A person was sent to the CRM's page. **Shapes** `hash`: of the state; `sealed`: the verifier of PKCE."""

    id: str
    hash: str
    session_id: str
    redirect_uri: str
    sealed: str = field(repr=False)
    until_at: datetime


_GRANT: Final = [grants.c[name] for name in KeptGrant.__slots__]
_CONSENT: Final = [consents.c[name] for name in ConsentUnderWay.__slots__]


def get(tx: Tx) -> KeptGrant | None:
    """What there is."""
    row = tx.connection.execute(select(*_GRANT).where(grants.c.portal == tx.portal)).first()
    return KeptGrant(*row) if row else None


def keep(tx: Tx, *, org: str, sealed: str, actor: str) -> None:
    """A person has consented; what was kept before is replaced, and no turn with it counts any more."""
    before = get(tx)
    edition = before.edition + 1 if before else 1
    row = {"org": org, "sealed": sealed, "actor": actor, "edition": edition, "at": tx.now, "replaced_at": None}
    upsert(tx, grants, [{"portal": tx.portal, **row, "turn": None, "turn_until_at": None}])


def take_turn(tx: Tx, turn: str, lasts: timedelta) -> KeptGrant | None:
    """The grant, for the process that has this turn. None while another has it, or where nothing is kept."""
    is_free = or_(grants.c.turn.is_(None), grants.c.turn_until_at <= tx.shared_now)
    taken = update(grants).where(grants.c.portal == tx.portal, is_free).values(turn=turn, turn_until_at=tx.shared_now + lasts)
    return get(tx) if tx.connection.execute(taken).rowcount else None


def end_turn(tx: Tx, turn: str) -> None:
    """Another may ask with the token."""
    mine = and_(grants.c.portal == tx.portal, grants.c.turn == turn)
    tx.connection.execute(update(grants).where(mine).values(turn=None, turn_until_at=None))


def replace(tx: Tx, before: str, sealed: str) -> bool:
    """The token for the next time. **Shapes** `before`: as it was sealed. False: another consent or answer came between."""
    same = and_(grants.c.portal == tx.portal, grants.c.sealed == before)
    return bool(tx.connection.execute(update(grants).where(same).values(sealed=sealed, replaced_at=tx.now)).rowcount)


def begin_consent(tx: Tx, begun: ConsentUnderWay) -> None:
    """A person goes to the CRM's page. What others did not finish goes after a day."""
    tx.connection.execute(delete(consents).where(consents.c.portal == tx.portal, consents.c.until_at < tx.now - KEPT))
    tx.connection.execute(insert(consents).values(portal=tx.portal, **asdict(begun)))


def consent(tx: Tx, consent_id: str, session_id: str) -> ConsentUnderWay | None:
    """A consent of this session whose time is not over."""
    its = (consents.c.portal == tx.portal, consents.c.id == consent_id, consents.c.session_id == session_id)
    row = tx.connection.execute(select(*_CONSENT).where(*its, consents.c.until_at > tx.now)).first()
    return ConsentUnderWay(*row) if row else None


def end_consent(tx: Tx, consent_id: str) -> bool:
    """It is used up. False: it was before."""
    its = and_(consents.c.portal == tx.portal, consents.c.id == consent_id)
    return bool(tx.connection.execute(delete(consents).where(its)).rowcount)
