"""The tables that say what an error means are complete: every class of errors.py has its pause and its exit code."""

from __future__ import annotations

import pytest

from sync_worker import errors
from sync_worker.actors import PAUSE_S, code_of, pause_s
from sync_worker.cli.app import EXIT_CODES, exit_code
from sync_worker.crm.faults import TriedEnough
from sync_worker.crm.salesforce.connection import faults
from sync_worker.domain.core.problem import CODES
from sync_worker.errors import (
    AuthFailed,
    CallRefused,
    ConfigError,
    ConnectionDown,
    HeldForReview,
    InvalidRecord,
    RateLimited,
    SchemaChanged,
    SchemaRefused,
    StaleRead,
    StoreDown,
    SyncError,
    TooLarge,
    TransientError,
    UncertainWrite,
    UnresolvedLink,
    WriteRejected,
    WritesRest,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SyncError) and kind is not SyncError]

MEANT: dict[type[SyncError], tuple[float, int]] = {
    ConfigError: (300, 2),
    StoreDown: (0, 3),
    ConnectionDown: (300, 3),
    AuthFailed: (300, 3),
    SchemaChanged: (300, 1),
    SchemaRefused: (0, 1),
    HeldForReview: (300, 1),
    errors.Stopped: (0, 130),
    TransientError: (15, 3),
    RateLimited: (77, 3),
    TooLarge: (15, 3),
    StaleRead: (0, 1),
    UncertainWrite: (0, 1),
    errors.RecordError: (0, 1),
    InvalidRecord: (0, 1),
    UnresolvedLink: (0, 1),
    WriteRejected: (0, 1),
    errors.FieldRefused: (0, 1),
    WritesRest: (0, 3),
    CallRefused: (15, 3),
}
"""Seconds the portal rests, and the exit code."""


def one(kind: type[SyncError]) -> SyncError:
    """An error of this class."""
    if issubclass(kind, RateLimited):
        return kind("words", retry_after_s=77, scope="burst")
    if issubclass(kind, WritesRest):
        return kind("words", code="no_room_in_crm", rest_s=300)
    if issubclass(kind, UnresolvedLink):
        return kind("words", code="c", field="f", waits_for="001")
    return kind("words", code="c") if issubclass(kind, errors.RecordError) else kind("words")


def test_every_error_is_in_the_table_above() -> None:
    assert set(KINDS) == set(MEANT)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_its_pause_and_its_exit_code(kind: type[SyncError]) -> None:
    assert any(ancestor in PAUSE_S for ancestor in kind.__mro__)
    assert any(ancestor in EXIT_CODES for ancestor in kind.__mro__)
    assert (pause_s(one(kind)), exit_code(one(kind))) == MEANT[kind]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if pause_s(one(kind)) and not issubclass(kind, ConfigError)])
def test_whatever_makes_a_portal_rest_is_explained(kind: type[SyncError]) -> None:
    assert code_of(one(kind)) in CODES


def test_an_error_of_the_crms_own_has_the_code_of_what_it_means() -> None:
    """A log-in that is away is an outage like any other: nobody has to act."""
    assert code_of(TriedEnough("the log-in is away")) == code_of(TransientError("x"))
    assert code_of(faults.JobLost("x")) == code_of(faults.LocatorLost("x")) == code_of(StaleRead("x"))


def test_a_bug_is_explained_and_so_is_what_is_held() -> None:
    assert {code_of(ValueError("a bug")), code_of(HeldForReview("words"))} <= CODES.keys()


def test_what_the_vendor_table_speaks_of_is_in_both() -> None:
    spoken = {*faults.CODES.values(), *faults.STATUSES.values(), faults.LocatorLost}
    assert {next(ancestor for ancestor in kind.__mro__ if ancestor in MEANT) for kind in spoken} <= set(KINDS)


def test_an_error_outside_every_branch_needs_a_person_and_no_pause() -> None:
    assert exit_code(SyncError("words")) == 1
    assert pause_s(SyncError("words")) == 0
    assert pause_s(ValueError("a bug")) == 0
