"""What the tests' own PromQL says is what Prometheus says: each row was held against `promtool test rules`."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.watching.promql import Moment, NotSpoken
from tests.watching.promtool import PROMTOOL, WHY_NOT, expression_test, tried
from tests.watching.rules import duration, humanized, rendering
from tests.watching.series import NAME, Archive, Labels

AT_S = 310.0


def labels(name: str = "", **more: str) -> Labels:
    return frozenset({**({NAME: name} if name else {}), **more}.items())


@pytest.fixture
def archive() -> Archive:
    """Five minutes of scrapes every 30 s: counters that grow by 3 and begin anew once, a gauge, a histogram, a series that ended."""
    kept = Archive()
    for step in range(11):
        now = {
            labels("calls_total", portal="acme", verb="pull"): 100.0 + 3 * step,
            labels("calls_total", portal="birch", verb="pull"): float(3 * (step if step < 6 else step - 6)),
            labels("up", portal="acme"): 1.0,
            labels("up", portal="birch"): 0.0,
            labels("limit", portal="acme"): 4.0,
            labels("s_bucket", le="1"): 10.0 + step,
            labels("s_bucket", le="5"): 10.0 + 9 * step,
            labels("s_bucket", le="+Inf"): 10.0 + 10 * step,
        }
        if step < 9:
            now[labels("old", portal="acme")] = 7.0
        kept.scrape(now, for_s=30)
    return kept


ROWS: list[tuple[str, dict[Labels, float]]] = [
    ("up", {labels("up", portal="acme"): 1, labels("up", portal="birch"): 0}),
    ('up{portal=~"a.*|x"} == 1', {labels("up", portal="acme"): 1}),
    ('up{portal!="acme"} + 2 * 3', {labels(portal="birch"): 6}),
    ("old", {}),
    ("absent(up)", {}),
    ("absent(old)", {labels(): 1}),
    ('absent(old{portal="acme", verb=~"x|y"})', {labels(portal="acme"): 1}),
    ('label_replace(absent(old), "process", "web", "process", "")', {labels(process="web"): 1}),
    ('label_replace(up, "of", "$1-x", "portal", "(.).*") == 1', {labels("up", portal="acme", of="a-x"): 1}),
    ("max(up) - min(up)", {labels(): 1}),
    ("sum by (verb) (limit)", {labels(): 4}),
    ("up unless on (portal) limit", {labels("up", portal="birch"): 0}),
    ("up and on (portal) limit", {labels("up", portal="acme"): 1}),
    ("limit or up", {labels("limit", portal="acme"): 4, labels("up", portal="birch"): 0}),
    ("max by (portal) (limit) / max by (portal) (up)", {labels(portal="acme"): 4}),
    ("calls_total > on (portal) group_left () (20 * limit)", {labels("calls_total", portal="acme", verb="pull"): 130}),
    ("increase(calls_total[2m])", {labels(portal="acme", verb="pull"): 12, labels(portal="birch", verb="pull"): 12}),
    ('rate(calls_total{portal="acme"}[1m])', {labels(portal="acme", verb="pull"): 0.1}),
    ('increase(calls_total{portal="birch"}[5m])', {labels(portal="birch", verb="pull"): 26.666666666666668}),
    ('delta(calls_total{portal="birch"}[5m])', {labels(portal="birch", verb="pull"): 10}),
    ("histogram_quantile(0.5, sum by (le) (rate(s_bucket[2m])))", {labels(): 3}),
    ("histogram_quantile(0.99, sum by (le) (rate(s_bucket[2m])))", {labels(): 5}),
]


@pytest.mark.parametrize(("expression", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_an_expression_says_what_it_says_to_prometheus(archive: Archive, expression: str, expected: dict[Labels, float]) -> None:
    found = Moment(archive, AT_S).vector(expression)
    assert found.keys() == expected.keys()
    assert all(math.isclose(found[key], value) for key, value in expected.items()), found


@pytest.mark.skipif(not PROMTOOL, reason=WHY_NOT)
@pytest.mark.parametrize(("expression", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_promtool_says_so_too(archive: Archive, tmp_path: Path, expression: str, expected: dict[Labels, float]) -> None:
    found = Moment(archive, AT_S).vector(expression)
    assert tried(tmp_path, None, archive, promql_expr_test=[expression_test(expression, AT_S, found)]) == ""


@pytest.mark.parametrize(
    "expression", ["up offset 5m", "avg(up)", "up > bool 1", "rate(calls_total[1m:5s])", "quantile_over_time(0.5, up[5m])"]
)
def test_what_is_not_here_is_refused(archive: Archive, expression: str) -> None:
    with pytest.raises(NotSpoken):
        Moment(archive, AT_S).vector(expression)


def test_two_that_fit_one_are_refused_as_prometheus_does(archive: Archive) -> None:
    with pytest.raises(ValueError, match="many-to-many"):
        Moment(archive, AT_S).vector("limit + on () up")


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0s"), (0.25, "250ms"), (2.5, "2.5s"), (59.99, "59.99s"), (60.7, "1m 0s"), (3725.0, "1h 2m 5s"), (90_061.0, "1d 1h 1m 1s")],
)
def test_a_length_of_time_reads_as_in_prometheus(value: float, words: str) -> None:
    assert duration(value) == words


@pytest.mark.parametrize(("value", "words"), [(0.0, "0"), (61.016949, "61.02"), (1234.0, "1.234k"), (2e6, "2M")])
def test_a_count_reads_as_in_prometheus(value: float, words: str) -> None:
    assert humanized(value) == words


def test_a_placeholder_that_is_not_known_is_an_error() -> None:
    assert rendering("{{ $labels.portal }} {{ $value | humanizePercentage }}{{ $labels.none }}", {"portal": "acme"}, 0.05) == "acme 5%"
    with pytest.raises(ValueError, match=r"\$externalURL"):
        rendering("{{ $externalURL }}", {}, 1.0)
