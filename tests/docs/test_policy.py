"""The code of the pages on policies, class probabilities and monitors does what they say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boxkite import Baseline, compare
from boxkite.drift import Floors
from boxkite.signals import drift_changed

GUIDES = Path(__file__).parents[2] / "docs" / "guides"


def run(page: str) -> dict[str, Any]:
    """Run the code of a page, and return its names."""
    (code,) = re.findall(r"```python\n(.*?)```", (GUIDES / page).read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(code, names)
    return names


def test_the_policy_has_the_floors_that_the_page_names() -> None:
    policy = run("policy.md")["policy"]
    labels = [f"c{i % 5}" for i in range(100)]
    dest, row_id, other = Baseline.fit(
        {"dest": labels, "row_id": labels, "other": labels}
    ).variables
    assert policy.floors(dest) == Floors(effect=0.2, moved=0.05, rate=0.01)
    assert not policy.floors(row_id).raises_alerts
    assert policy.floors(other) == Floors(effect=0.1, moved=0.02, rate=0.01)


def test_class_probabilities_are_counted_with_the_predicted_class(
    counted: Callable[[str], dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOXKITE_STATE_DIR", str(tmp_path))
    monitor = run("probabilities.md")["monitor"]
    assert counted(monitor.export().body.decode()) == {
        "predictions default": 1,
        "sum default petal": 4.2,
        "sum default setosa": 0.7,
        "sum default versicolor": 0.2,
        "sum default virginica": 0.1,
        "rows default class setosa": 1,
    }


def test_a_monitor_without_a_framework_and_a_receiver_of_drift_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOXKITE_STATE_DIR", str(tmp_path / "state"))
    trips = {"distance": [1.0, 2.0] * 100, "items": [1, 2] * 100, "vehicle": ["bike", "car"] * 100}
    baseline = Baseline.fit(trips, {"minutes": [17.0, 29.0] * 100})
    baseline.write("histogram.prom")
    worker, notify = re.findall(
        r"```python\n(.*?)```", (GUIDES / "in-code.md").read_text(), re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(worker, names)
    names["monitor"].close()
    assert "distance insufficient 1 row" in capsys.readouterr().out
    exec(notify, names)
    shifted = compare(baseline, trips | {"distance": [9.0] * 200}, policy=None)
    drift_changed.send(None, monitor=None, window="1d", comparison=shifted, changed=[*shifted])
    drift_changed.disconnect(names["tell"])
    assert capsys.readouterr().out.startswith("distance in the last 1d: ")
