"""Each alert, tried: over what real processes show, it fires where something is wrong, for whom, with these words; and not before."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sync_worker.config.settings import Settings
from tests.integration.actors.conftest import Build
from tests.journey.stage import ROOT
from tests.watching import site as made
from tests.watching.promql import Moment
from tests.watching.promtool import PROMTOOL, WHY_NOT, alerts_test, tried
from tests.watching.rules import EVALUATED_S, Alert, Rule, watched
from tests.watching.series import SCRAPE_S, Archive, Shown
from tests.watching.site import HOUR_S, Site, both, site_of, with_

FILE = ROOT / "docs" / "dashboards" / "alerts.yaml"
RULES = [Rule.of(rule) for group in YAML(typ="safe").load(FILE.read_text())["groups"] for rule in group["rules"]]
QUIET_S = HOUR_S + 300
STEP_S = 120.0
Trouble = Callable[[Site], None]


@dataclass(frozen=True, slots=True)
class Case:
    """**Shapes** `trouble` makes it fire, `hardly` does not; `labels` beside the rule's own; `words`: a pattern of the whole summary.

    `is_once`: done once, it lasts; else it comes again and again.
    """

    alert: str
    trouble: Trouble
    hardly: tuple[Trouble, ...]
    labels: Mapping[str, str]
    words: str
    is_once: bool = True


ACME = {"portal": "acme"}
PAUSED_OR_HALTED = (made.paused, made.halted)
HOOK = "/webhooks/salesforce/{portal}/{secret}"
CASES = [
    Case("SyncWorkerDatabaseDown", made.database_away, (made.queue_away,), {}, "The database does not answer"),
    Case("SyncWorkerQueueDown", made.queue_away, (with_(made.messages, 3),), {}, "Redis does not answer"),
    Case(
        "SyncWorkerBehind",
        with_(made.behind, 3 * HOUR_S),
        (with_(made.behind, 2000), both(with_(made.behind, 3 * HOUR_S), made.halted)),
        ACME | {"record": "company"},
        r"acme: company is read up to 3h 0m \d+s ago",
    ),
    Case(
        "SyncWorkerPortalDisabled",
        made.disabled,
        (made.halted,),
        {"portal": "birch"},
        "birch is disabled: its files have a mistake, or a secret is not set",
    ),
    Case("SyncWorkerPortalPaused", made.paused, (made.halted,), ACME, "acme rests after an error"),
    Case(
        "SyncWorkerRecordPaused",
        with_(made.record_paused, timedelta(hours=1)),
        (with_(made.record_paused, timedelta(hours=-1)),),
        ACME,
        "acme: 1 record types rest: a field is hidden, or a change is held for review",
    ),
    Case(
        "SyncWorkerFailuresGrow",
        with_(made.failed, 60, "failure"),
        (with_(made.failed, 40, "failure"), with_(made.failed, 60, "problem")),
        ACME,
        r"acme: 6\d(\.\d+)? more failures than an hour ago",
    ),
    Case(
        "SyncWorkerBreakerOpen",
        with_(made.breaker, True),
        (with_(made.breaker, False),),
        {"code": "INVALID_EMAIL"},
        "INVALID_EMAIL has failed so often that it is tried only now and then",
    ),
    Case(
        "SyncWorkerRunsFail",
        with_(made.stopped, 15),
        (with_(made.stopped, 1),),
        {"verb": "pull"},
        r"pull: [\d.]+ ended with an error within half an hour",
        is_once=False,
    ),
    Case(
        "SyncWorkerQueueSlow",
        with_(made.messages, 5001),
        (with_(made.messages, 4999),),
        {"queue": "live"},
        "Work waits too long in the queue live",
    ),
    Case(
        "SyncWorkerQueueSlow",
        with_(made.waited, 50),
        (with_(made.waited, 4),),
        {"queue": "live"},
        "Work waits too long in the queue live",
        is_once=False,
    ),
    Case(
        "SyncWorkerNoticesWait",
        with_(made.noticed, 3 * HOUR_S),
        (with_(made.noticed, 300), *(both(with_(made.noticed, 3 * HOUR_S), rest) for rest in PAUSED_OR_HALTED)),
        ACME,
        r"acme: a notice has waited 3h 0m \d+s",
    ),
    Case(
        "SyncWorkerWritesWait",
        with_(made.owed, 3 * HOUR_S),
        (with_(made.owed, 600), *(both(with_(made.owed, 3 * HOUR_S), rest) for rest in PAUSED_OR_HALTED)),
        ACME,
        r"acme: a write has been due for 3h 0m \d+s",
    ),
    Case(
        "SyncWorkerWritesUncertain",
        made.uncertain,
        (with_(made.owed, 60),),
        ACME,
        "acme: nobody knows yet whether 1 writes arrived",
    ),
    Case(
        "SyncWorkerFeedBehind",
        with_(made.untold, 3 * HOUR_S),
        (with_(made.untold, 600),),
        ACME,
        r"acme has not taken an event for 3h 0m \d+s",
    ),
    Case("SyncWorkerBudgetLow", with_(made.called, 14_250), (with_(made.called, 12_000),), ACME, "acme has 5% of the day's calls left"),
    Case(
        "SyncWorkerWebhooksSlow",
        with_(made.answered, 2, HOOK),
        (with_(made.answered, 0.3, HOOK), with_(made.answered, 2, "/portals/{portal}/deals")),
        {},
        r"One webhook in a hundred is answered after 2\.\d+s",
        is_once=False,
    ),
    Case(
        "SyncWorkerWebhooksRefused",
        with_(made.refused, 10),
        (with_(made.refused, 1),),
        ACME,
        r"[\d.]+ webhooks refused for portal acme",
        is_once=False,
    ),
    Case(
        "SyncWorkerConnectionsEnded",
        with_(made.ended, 50),
        (with_(made.ended, 5),),
        {"why": "slow head"},
        r"[\d.]+ connections were ended in 15 minutes: slow head",
        is_once=False,
    ),
    Case(
        "SyncWorkerNoticesSlow",
        with_(made.applied, 250),
        (with_(made.applied, 50),),
        {},
        r"One change in a hundred is applied 4m \d+s after its notice",
        is_once=False,
    ),
]


@pytest.fixture
def site(build_on: Build, settings: Settings) -> Site:
    """`birch` has a secret of its own."""
    path = settings.config_dir / "portals" / "birch.yaml"
    path.write_text(path.read_text().replace("${ACME_SF_SECRET}", "${BIRCH_SECRET}"))
    return site_of(build_on(BIRCH_SECRET="sandbox-secret"), build_on())


def rule_of(alert: str) -> Rule:
    return next(rule for rule in RULES if rule.alert == alert)


def watched_through(site: Site, trouble: Trouble, rule: Rule, *, is_once: bool) -> Archive:
    """A quiet hour, and then the trouble until whatever waits for it is over."""
    archive = Archive()
    if not is_once:
        trouble(site)  # a counter has been at work before
    archive.scrape(site.scrape(), for_s=QUIET_S)
    lasting_s = rule.for_s + 900
    if is_once:
        trouble(site)
        archive.scrape(site.scrape(), for_s=lasting_s)
        return archive
    while archive.ended_s < QUIET_S + lasting_s:
        trouble(site)
        archive.scrape(site.scrape(), for_s=STEP_S)
    return archive


def fired(rule: Rule, archive: Archive) -> list[tuple[float, list[Alert]]]:
    return [(at_s, alerts) for at_s, alerts in watched(rule, archive, from_s=HOUR_S) if alerts]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_fires_for_what_it_is_about(site: Site, case: Case) -> None:
    rule = rule_of(case.alert)
    # Given a quiet hour, and then trouble
    archive = watched_through(site, case.trouble, rule, is_once=case.is_once)
    # When its rule is evaluated all the time
    found = fired(rule, archive)
    # Then it fires after its time, not before, and names whom it is about
    assert found, Moment(archive, archive.ended_s - 1).vector(rule.expression)
    first_s, alerts = found[0]
    assert QUIET_S + rule.for_s <= first_s
    if case.is_once:
        assert first_s <= QUIET_S + rule.for_s + SCRAPE_S + 2 * EVALUATED_S
    assert found[-1][0] > archive.ended_s - 2 * EVALUATED_S, "it does not last"
    labels = {"alertname": case.alert, **rule.labels, **case.labels}
    own = [alert for alert in alerts if alert.labels == labels]
    assert own, alerts
    assert re.fullmatch(case.words, own[0].annotations["summary"]), own[0]
    # And no other rule takes it for its own
    others = {rule.alert for rule in RULES if rule.alert != case.alert and Moment(archive, archive.ended_s - 1).vector(rule.expression)}
    assert others <= COME_ALONG.get(case.alert, set())


COME_ALONG: Mapping[str, set[str]] = {}


@pytest.mark.parametrize(
    ("case", "number"), [(case, number) for case in CASES for number in range(len(case.hardly))], ids=lambda one: getattr(one, "alert", one)
)
def test_it_does_not_fire_for_less(site: Site, case: Case, number: int) -> None:
    rule = rule_of(case.alert)
    archive = watched_through(site, case.hardly[number], rule, is_once=case.is_once)
    assert fired(rule, archive) == []


@pytest.mark.skipif(not PROMTOOL, reason=WHY_NOT)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_promtool_finds_the_same(site: Site, case: Case, tmp_path: Path) -> None:
    rule = rule_of(case.alert)
    archive = watched_through(site, case.trouble, rule, is_once=case.is_once)
    evaluations = list(watched(rule, archive, from_s=HOUR_S))
    first = next(place for place, (_, alerts) in enumerate(evaluations) if alerts)
    asked = [alerts_test(rule, *evaluations[place]) for place in (0, first - 1, first, len(evaluations) - 1)]
    assert tried(tmp_path, FILE, archive, alert_rule_test=asked) == ""


def test_nothing_fires_in_a_quiet_night(site: Site) -> None:
    archive = Archive()
    archive.scrape(site.scrape(), for_s=2 * HOUR_S)
    assert {rule.alert: found for rule in RULES if (found := [one for one in watched(rule, archive, from_s=HOUR_S) if one[1]])} == {}


# ── a process that is not there ──────────────────────────────────────────────────────────────────────────────────────

MISSING = "SyncWorkerProcessMissing"


@pytest.mark.parametrize("missing", ["web", "schedule", "worker"])
def test_a_process_that_is_missing_is_named(site: Site, missing: str, tmp_path: Path) -> None:
    # Given three processes, of which one ends
    archive, rule = Archive(), rule_of(MISSING)
    shows: dict[str, Shown] = {process: site.scrape(process) for process in ("web", "schedule", "worker")}
    archive.scrape(*shows.values(), for_s=600)
    del shows[missing]
    archive.scrape(*shows.values(), for_s=900)
    # When the rule is evaluated all the time
    found = [(at_s, alerts) for at_s, alerts in watched(rule, archive) if alerts]
    # Then it names that one, after two minutes
    words = {"summary": f"No {missing} process shows its metrics"}
    assert [alerts for _, alerts in found] == [[Alert({"alertname": MISSING, "severity": "page", "process": missing}, words)]] * len(found)
    assert 600 + rule.for_s <= found[0][0] <= 600 + rule.for_s + SCRAPE_S + 2 * EVALUATED_S
    if PROMTOOL:
        asked = [alerts_test(rule, *found[0]), alerts_test(rule, found[0][0] - EVALUATED_S, []), alerts_test(rule, *found[-1])]
        assert tried(tmp_path, FILE, archive, alert_rule_test=asked) == ""


def test_all_that_are_missing_are_named_each_for_itself(site: Site) -> None:
    archive = Archive()
    archive.scrape(site.scrape("web"), for_s=600)
    *_, (_, alerts) = watched(rule_of(MISSING), archive)
    assert [alert.labels["process"] for alert in alerts] == ["schedule", "worker"]


def test_run_alone_is_every_process(site: Site) -> None:
    archive = Archive()
    archive.scrape(site.scrape("run"), for_s=600)
    assert not [alerts for _, alerts in watched(rule_of(MISSING), archive) if alerts]


def test_every_alert_is_tried() -> None:
    assert {rule.alert for rule in RULES} == {case.alert for case in CASES} | {MISSING}
