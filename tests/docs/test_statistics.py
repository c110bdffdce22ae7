"""The example in docs/explained/statistics.md runs and finds the values that the page states."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boxkite import Baseline

PAGE = Path(__file__).parents[2] / "docs" / "explained" / "statistics.md"


def test_the_design_effect_is_estimated_as_the_page_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(5)
    days = np.repeat(pd.date_range("2026-01-01", periods=60), 400)
    rows = pd.DataFrame({
        "repeated": np.repeat(random.normal(size=6000), 4),
        "independent": random.normal(size=24000),
        "time": days,
    })  # fmt: skip
    Baseline.fit(rows[["repeated", "independent"]]).write("histogram.prom")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {"rows": rows}
    exec(example, names)
    assert names["effects"] == pytest.approx((4.0, 1.0), rel=0.1)
