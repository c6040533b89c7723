"""Journeys as they are kept: every save is a version, and a version never changes. One that is deleted keeps its versions and its log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, insert, select, update

from sync_worker.domain.core.values import Plain
from sync_worker.domain.tell.event import JOURNEY, By, Subject, difference_event
from sync_worker.domain.tell.journeys.journey import Journey, WrittenJourney
from sync_worker.store.core import documents, feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.tell.tables import journey_versions, journeys
from sync_worker.telemetry.correlation import run_under_way


@dataclass(frozen=True, slots=True)
class StoredJourney:
    """One version of a journey, and how the journey stands.

    **Shapes** `digest`: of what was written; `file`: that keeps it, "" = the API does; `looked_at`: when a person last
    released or discarded held mails.
    """

    journey: Journey
    version: int
    is_on: bool
    saved_at: datetime
    saved_by: str
    digest: str
    file: str = ""
    looked_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.journey.key

    def is_as(self, written: WrittenJourney) -> bool:
        """Whether it is what was written there, and a file keeps both or neither. Processes may know the file by another path."""
        return (self.digest, bool(self.file)) == (_digest_of(written), bool(written.file))


def listed(tx: Tx) -> list[StoredJourney]:
    """The version that counts of every journey, by key; not the deleted ones."""
    return _found(tx, _current(tx).where(journeys.c.deleted_at.is_(None)).order_by(journeys.c.key))


def get(tx: Tx, key: str) -> StoredJourney | None:
    """The version that counts; None where there is no such journey, or it is deleted."""
    found = _found(tx, _current(tx).where(journeys.c.deleted_at.is_(None), journeys.c.key == key))
    return found[0] if found else None


def versions(tx: Tx, key: str) -> list[StoredJourney]:
    """Every version, the oldest first, those of a deleted journey included."""
    return _found(tx, _every(tx).where(journeys.c.key == key).order_by(journey_versions.c.version))


def save(tx: Tx, written: WrittenJourney, *, is_on: bool, actor: str) -> StoredJourney:
    """The journey as a new version, which counts from now on. **Shapes** `is_on`: perhaps not yet, although its writer wants it."""
    version, digest = _last_version(tx, written.key) + 1, _digest_of(written)
    row = {
        "portal": tx.portal,
        "key": written.key,
        "version": version,
        "digest": digest,
        "document": written.journey.to_document(),
        "saved_at": tx.now,
        "saved_by": actor,
    }
    tx.connection.execute(insert(journey_versions).values(row))
    saved = StoredJourney(written.journey, version, is_on, tx.now, actor, digest, written.file)
    return point(tx, saved, actor=actor)


def point(tx: Tx, pointed: StoredJourney, *, actor: str) -> StoredJourney:
    """This version counts from now on, and the portal is told. When a person last looked stays."""
    before = get(tx, pointed.key)
    row = {
        "portal": tx.portal,
        "key": pointed.key,
        "version": pointed.version,
        "is_on": pointed.is_on,
        "file": pointed.file,
        "looked_at": None,
        "deleted_at": None,
    }
    upsert(tx, journeys, [row], keep=["looked_at"])
    _tell(tx, before, pointed, actor)
    return pointed


def same_as(tx: Tx, written: WrittenJourney) -> StoredJourney | None:
    """The latest version that was written in just this way."""
    query = _every(tx).where(journeys.c.key == written.key, journey_versions.c.digest == _digest_of(written))
    return next(iter(_found(tx, query.order_by(journey_versions.c.version.desc()).limit(1))), None)


def switch(tx: Tx, key: str, *, is_on: bool, actor: str) -> None:
    """Goes on or off, and the portal is told; the version stays."""
    if before := get(tx, key):
        tx.connection.execute(update(journeys).where(journeys.c.portal == tx.portal, journeys.c.key == key).values(is_on=is_on))
        _tell(tx, before, replace(before, is_on=is_on), actor)


def delete(tx: Tx, key: str, actor: str) -> None:
    """It sends nothing any more, and the portal is told."""
    if before := get(tx, key):
        here = (journeys.c.portal == tx.portal, journeys.c.key == key)
        tx.connection.execute(update(journeys).where(*here).values(deleted_at=tx.now, is_on=False))
        _tell(tx, before, None, actor)


def look(tx: Tx, key: str) -> None:
    """A person has looked at its held mails: the count of its mails begins again."""
    tx.connection.execute(update(journeys).where(journeys.c.portal == tx.portal, journeys.c.key == key).values(looked_at=tx.now))


def _tell(tx: Tx, before: StoredJourney | None, after: StoredJourney | None, actor: str) -> None:
    key = next(one.key for one in (before, after) if one)
    by = By("portal", actor, run_under_way())
    feed.tell(tx, [difference_event("journey.changed", Subject(JOURNEY, key), _known(before), _known(after), by)])


def _known(journey: StoredJourney | None) -> dict[str, Plain]:
    """What the portal is told of a journey; what it says is asked for."""
    return {"name": journey.journey.name, "version": journey.version, "enabled": journey.is_on} if journey else {}


def _digest_of(written: WrittenJourney) -> str:
    """The same for what was written in the same way, in whatever file."""
    document = {**written.journey.to_document(), "enabled": written.is_on, "confirm_users": written.confirmed_count}
    return hashlib.sha256(documents.encoded(document)).hexdigest()


def _last_version(tx: Tx, key: str) -> int:
    query = select(func.max(journey_versions.c.version)).where(journey_versions.c.portal == tx.portal, journey_versions.c.key == key)
    return tx.connection.execute(query).scalar() or 0


def _every(tx: Tx) -> Select[Any]:
    its = and_(journey_versions.c.portal == journeys.c.portal, journey_versions.c.key == journeys.c.key)
    of_version = (journey_versions.c[name] for name in ("key", "document", "version", "saved_at", "saved_by", "digest"))
    standing = (journeys.c[name] for name in ("is_on", "file", "looked_at"))
    return select(*of_version, *standing).join_from(journeys, journey_versions, its).where(journeys.c.portal == tx.portal)


def _current(tx: Tx) -> Select[Any]:
    return _every(tx).where(journey_versions.c.version == journeys.c.version)


def _found(tx: Tx, query: Select[Any]) -> list[StoredJourney]:
    return [
        StoredJourney(Journey.from_document(key, document), version, is_on, saved_at, saved_by, digest, file, looked_at)
        for key, document, version, saved_at, saved_by, digest, is_on, file, looked_at in tx.connection.execute(query)
    ]
