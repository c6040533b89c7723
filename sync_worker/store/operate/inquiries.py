"""What people ask and a worker answers: check, plan, compare, repair, rules. One of a kind is open at a time in a portal.

An inquiry is claimed, and the claim is renewed while a worker is at it. A claim that ran out is taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.domain.operate.inquiry import InquiryKind, InquiryState
from sync_worker.store.core.engine import Tx
from sync_worker.store.operate.tables import inquiries


@dataclass(frozen=True, slots=True)
class NewInquiry:
    """A question that a person asks. **Shapes** as `InquiryRow`."""

    id: str
    kind: InquiryKind
    actor: str
    is_full: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True)
class InquiryRow:
    """One question, and what is known of its answer.

    **Shapes** `is_full`: a plan that reads every record. `said`: what the person wrote with it. `total_count` None: not known. `result`:
    as the command's `--json`, None until it is answered; `error`: why there is no answer, "" otherwise. `tries`: the times that a worker
    took it up.
    """

    id: str
    kind: InquiryKind
    actor: str
    is_full: bool
    said: str
    asked_at: datetime
    begun_at: datetime | None = None
    finished_at: datetime | None = None
    words: str = ""
    done_count: int = 0
    total_count: int | None = None
    tries: int = 0
    result: Any = None
    error: str = ""

    @property
    def state(self) -> InquiryState:
        """How far it is."""
        if self.finished_at:
            return InquiryState.FAILED if self.error else InquiryState.ANSWERED
        return InquiryState.RUNNING if self.begun_at else InquiryState.WAITS


_COLUMNS: Final = tuple(inquiries.c[name] for name in InquiryRow.__slots__)
_OPEN: Final = inquiries.c.finished_at.is_(None)


def ask(tx: Tx, new: NewInquiry) -> InquiryRow:
    """Writes a question down, unless one of its kind is open: that one is for this person as well."""
    insert = (postgresql if tx.is_postgresql else sqlite).insert(inquiries)
    row = {"portal": tx.portal, **asdict(new), "kind": new.kind.value, "asked_at": tx.now}
    tx.connection.execute(insert.values(row).on_conflict_do_nothing())
    return get(tx, new.id) or open_one(tx, new.kind) or latest(tx, new.kind, limit=1)[0]


def get(tx: Tx, inquiry_id: str) -> InquiryRow | None:
    """One by its id."""
    row = tx.connection.execute(select(*_COLUMNS).where(_mine(tx), inquiries.c.id == inquiry_id)).first()
    return _inquiry(row) if row else None


def open_one(tx: Tx, kind: InquiryKind) -> InquiryRow | None:
    """The one of this kind that waits for an answer."""
    row = tx.connection.execute(select(*_COLUMNS).where(_mine(tx), inquiries.c.kind == kind.value, _OPEN)).first()
    return _inquiry(row) if row else None


def latest(
    tx: Tx, kind: InquiryKind | None = None, *, limit: int, before: tuple[datetime, str] | None = None, is_answered: bool = False
) -> list[InquiryRow]:
    """Those of one kind or of all, the latest first. **Shapes** `before`: the last one of the page before; `is_answered`: no others."""
    place = tuple_(inquiries.c.asked_at, inquiries.c.id)
    here = [_mine(tx), *([inquiries.c.kind == kind.value] if kind else []), *([place < before] if before else [])]
    here += [inquiries.c.finished_at.is_not(None), inquiries.c.error == ""] if is_answered else []
    query = select(*_COLUMNS).where(*here).order_by(inquiries.c.asked_at.desc(), inquiries.c.id.desc()).limit(limit)
    return [_inquiry(row) for row in tx.connection.execute(query)]


def claim(tx: Tx, kind: InquiryKind, token: str, until_at: datetime) -> InquiryRow | None:
    """The open one of this kind, ours while the claim is renewed; None where there is none, or another worker is at it."""
    is_free = or_(inquiries.c.claim_until_at.is_(None), inquiries.c.claim_until_at < tx.shared_now)
    values = {"claim_token": token, "claim_until_at": until_at, "begun_at": tx.now, "tries": inquiries.c.tries + 1}
    here = (_mine(tx), inquiries.c.kind == kind.value, _OPEN, is_free)
    if not tx.connection.execute(update(inquiries).where(*here).values(values)).rowcount:
        return None
    return open_one(tx, kind)


def renew(tx: Tx, inquiry_id: str, token: str, until_at: datetime) -> bool:
    """The claim goes on. False: it was lost."""
    return _set(tx, inquiry_id, token, claim_until_at=until_at)


def tell(tx: Tx, inquiry_id: str, token: str, words: str, counts: tuple[int, int | None]) -> bool:
    """How far it is. False: the claim was lost. **Shapes** `counts`: done, and of how many where that is known."""
    return _set(tx, inquiry_id, token, words=words, done_count=counts[0], total_count=counts[1])


def let_go(tx: Tx, inquiry_id: str, token: str) -> bool:
    """Gives the inquiry back, because the worker was asked to stop. The next worker takes it at once, and this try does not count."""
    return _set(tx, inquiry_id, token, claim_token=None, claim_until_at=None, begun_at=None, tries=inquiries.c.tries - 1)


def finish(tx: Tx, inquiry_id: str, token: str, *, result: Mapping[str, Any] | None = None, error: str = "") -> bool:
    """It is over. False: the claim was lost, and another worker says how it ends."""
    return _set(tx, inquiry_id, token, result=result, error=error, finished_at=tx.now, claim_token=None, claim_until_at=None)


def _set(tx: Tx, inquiry_id: str, token: str, **values: Any) -> bool:
    here = (_mine(tx), inquiries.c.id == inquiry_id, inquiries.c.claim_token == token, _OPEN)
    return tx.connection.execute(update(inquiries).where(*here).values(values)).rowcount > 0


def _mine(tx: Tx) -> ColumnElement[bool]:
    return and_(inquiries.c.portal == tx.portal)


def _inquiry(row: Any) -> InquiryRow:
    found = dict(zip(InquiryRow.__slots__, row, strict=True))
    return InquiryRow(**{**found, "kind": InquiryKind(found["kind"])})
