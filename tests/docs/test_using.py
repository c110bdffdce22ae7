"""The code of the page on using boxkite does what the page says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boxkite import Baseline
from boxkite.drift import Floors

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "using.md"
CODE = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_policy_has_the_floors_that_the_page_names() -> None:
    *_, code = CODE
    names: dict[str, Any] = {}
    exec(code, names)
    policy = names["policy"]
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
    code, *_ = CODE
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(code, names)
    assert counted(names["monitor"].export().body.decode()) == {
        "predictions default": 1,
        "sum default petal": 4.2,
        "sum default setosa": 0.7,
        "sum default versicolor": 0.2,
        "sum default virginica": 0.1,
        "rows default class setosa": 1,
    }


def test_ordered_categories_have_the_cells_of_their_order() -> None:
    _, code, _ = CODE
    names: dict[str, Any] = {}
    exec(code, names)
    (size,) = names["baseline"].variables
    assert (size.kind, size.categories[:4]) == ("ordered", ("S", "M", "L", "XL"))
