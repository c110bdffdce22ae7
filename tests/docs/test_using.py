"""The code of the page on using boxkite does what the page says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "using.md"


def test_class_probabilities_are_counted_with_the_predicted_class(
    counted: Callable[[str], dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOXKITE_STATE_DIR", str(tmp_path))
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
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
