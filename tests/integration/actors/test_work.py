"""Every kind of work has one step that does it, and work of a newer version does no harm."""

from __future__ import annotations

import dramatiq
import pytest

from sync_worker.actors import STEPS
from sync_worker.crm.budget import SHARES
from sync_worker.steps.core.follow_up import Work
from tests.integration.actors.conftest import Build, register, working
from tests.integration.actors.test_actors import problems, run_verbs
from tests.patience import until


def test_every_kind_of_work_has_its_step() -> None:
    assert set(STEPS) == set(Work)


def test_every_kind_of_work_can_be_sent_in_each_share(queue: dramatiq.Broker, build_on: Build) -> None:
    register(queue, build_on())
    assert queue.actors.keys() == {f"{share}.{work}" for share in SHARES for work in Work}


def test_a_name_that_is_no_kind_of_work_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"^this version does not know the work 'pul'; it knows pull, backfill, refresh, "):
        Work("pul")


def test_work_of_a_newer_version_is_set_aside_and_named_and_what_comes_after_it_is_done(
    queue: dramatiq.Broker, build_on: Build, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a queue in which a newer version left work that this one does not know, and a pull after it
    installation = build_on()
    hands, tenant = register(queue, installation), installation.tenant("acme")
    queue.enqueue(dramatiq.Message(queue_name="live", actor_name="live.tidy", args=("acme", ""), kwargs={}, options={}))
    hands.send("acme", Work.PULL, "company")
    # when this version's worker takes both
    with working(queue, threads=1):
        until(lambda: ("pull", "company") in run_verbs(tenant), what="the pull after it is done")
    # then the log names the work that is not known, and no failure of the portal is made of it
    assert "live.tidy" in "".join(caplog.messages)
    assert problems(tenant) == []
