"""Work of a portal that is disabled in one process: the others' goes on, and nothing of it is lost."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import dramatiq
import pytest

from sync_worker.actors import register
from sync_worker.bootstrap import Installation, broker, build
from sync_worker.config.settings import Settings
from sync_worker.errors import ConfigError
from sync_worker.schedule import Scheduler
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import Work
from sync_worker.store.core import runs
from sync_worker.telemetry import metrics
from tests.integration.actors.conftest import IMPATIENT, Build, working
from tests.integration.actors.test_actors import problems, run_verbs, settle, standing
from tests.servers import Clock

ENVIRON = {"ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook", "BIRCH_SECRET": "sandbox-secret"}


@pytest.fixture
def own_secret(settings: Settings) -> Path:
    """`birch` has a secret of its own."""
    path = settings.config_dir / "portals" / "birch.yaml"
    path.write_text(path.read_text().replace("${ACME_SF_SECRET}", "${BIRCH_SECRET}"))
    return path


def disabled(installation: Installation) -> dict[str, float]:
    installation.begin()
    return {name: metrics.DISABLED.labels(name)._value.get() for name in ("acme", "birch")}


def test_what_a_process_without_the_secret_takes_from_the_queue_is_done_by_one_that_has_it(
    queue: dramatiq.Broker, own_secret: Path, settings: Settings, clock: Clock
) -> None:
    def built(**environ: str) -> Installation:
        return build(settings, environ={**ENVIRON, **environ}, services=Services(clock=clock), patience=IMPATIENT)

    # Given a schedule that knows every secret, and a worker that lacks the one of birch
    with closing(built()) as whole, closing(built(BIRCH_SECRET="")) as lacking:
        schedule = Scheduler(whole, register(queue, whole))
        acme, birch = whole.tenant("acme"), whole.tenant("birch")
        its_queue = broker(settings)
        hands = register(its_queue, lacking)
        # when that worker takes what is due
        for portal in ("acme", "birch"):
            for name in ("company", "lead", "opportunity"):
                hands.send(portal, Work.PULL, name)
        with working(its_queue):
            settle(its_queue)
        # then acme is read, and birch does not rest: nothing went wrong there
        assert ("pull", "company") in run_verbs(acme)
        assert (run_verbs(birch), problems(birch), standing(birch)) == ([], [], None)
        # and the next worker that has it does the work
        schedule.tick()
        with working(queue):
            settle(queue)
        assert ("pull", "company") in run_verbs(birch)


@pytest.mark.parametrize("mistake", ["secret", "file"])
def test_the_schedule_looks_at_the_portals_that_work_and_the_metrics_name_the_other(
    mistake: str, queue: dramatiq.Broker, own_secret: Path, build_on: Build
) -> None:
    if mistake == "file":
        own_secret.write_text("portal: [")
    installation = build_on(BIRCH_SECRET="")
    Scheduler(installation, register(queue, installation)).tick()
    with working(queue):
        settle(queue)
    assert ("pull", "company") in run_verbs(installation.tenant("acme"))
    with installation.store.reading("birch") as tx:
        assert not runs.listed(tx, limit=None)
    assert disabled(installation) == {"acme": 0, "birch": 1}


def test_where_no_portal_can_work_every_mistake_is_said_once(own_secret: Path, settings: Settings, build_on: Build) -> None:
    own_secret.write_text("portal: [")
    with pytest.raises(ConfigError) as refused:
        build_on(ACME_SF_SECRET="", ACME_SF_ID="").begin()
    words = str(refused.value).splitlines()
    assert len(words) == len(set(words)) == 3
    assert all(any(said in word for word in words) for said in ("ACME_SF_SECRET is not set", "ACME_SF_ID is not set", "birch.yaml:1:"))
