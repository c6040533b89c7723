"""The same series and expectations as a file for `promtool test rules`, for whoever has it: CI does not."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from tests.patience import HANG_S
from tests.watching.rules import EVALUATED_S, Alert, Rule
from tests.watching.series import NAME, SCRAPE_S, Archive, Labels, Series

PROMTOOL: Final = shutil.which("promtool")
WHY_NOT: Final = "promtool is not on PATH"


def tried(folder: Path, rules: Path | None, archive: Archive, **expected: Sequence[Mapping[str, Any]]) -> str:
    """What promtool finds otherwise than expected; "" = nothing."""
    assert PROMTOOL
    test = {"interval": f"{SCRAPE_S:.0f}s", "input_series": list(_written(archive)), **expected}
    whole = {"rule_files": [str(rules)] if rules else [], "evaluation_interval": f"{EVALUATED_S:.0f}s", "tests": [test]}
    (folder / "test.yaml").write_text(json.dumps(whole))
    done = subprocess.run([PROMTOOL, "test", "rules", str(folder / "test.yaml")], capture_output=True, text=True, timeout=HANG_S)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def alerts_test(rule: Rule, at_s: float, alerts: Iterable[Alert]) -> dict[str, Any]:
    """What has to fire at this evaluation."""
    expected = [
        {
            "exp_labels": {name: value for name, value in one.labels.items() if name != "alertname"},
            "exp_annotations": dict(one.annotations),
        }
        for one in alerts
    ]
    return {"eval_time": f"{at_s:.0f}s", "alertname": rule.alert, "exp_alerts": expected}


def expression_test(expression: str, at_s: float, expected: Mapping[Labels, float]) -> dict[str, Any]:
    samples = [{"labels": selector(labels), "value": value} for labels, value in expected.items()]
    return {"expr": expression, "eval_time": f"{at_s:.0f}s", "exp_samples": samples}


def selector(labels: Labels) -> str:
    """`name{label="value"}`."""
    named = dict(labels)
    name = named.pop(NAME, "")
    return f"{name}{{{', '.join(f'{key}={json.dumps(value)}' for key, value in sorted(named.items()))}}}"


def _written(archive: Archive) -> Iterable[dict[str, str]]:
    for of_name in archive.by_name.values():
        for labels, series in of_name.items():
            yield {"series": selector(labels), "values": _values(series)}


def _values(series: Series) -> str:
    """`_x3 5+0x9 stale`."""
    missing = round(series.times_s[0] / SCRAPE_S)
    words = [f"_x{missing}"] if missing else []
    for value, run in groupby(series.values):
        count = len(list(run))
        words.append("stale" if value is None else f"{value!r}+0x{count - 1}" if count > 1 else repr(value))
    return " ".join(words)
