"""The code of the pages on policies and on class probabilities does what they say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boxkite import Baseline
from boxkite.drift import Floors

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
