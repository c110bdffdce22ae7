"""The code of docs/guides/segments.md runs, and its numbers are right."""

import contextlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.baseline.segment_fitting import live_series

PAGE = Path(__file__).parents[2] / "docs/guides/segments.md"


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), {})
    assert re.fullmatch(r"carrier=HA .* of rows moved .*\n", printed.getvalue())


def test_the_table_of_series_is_right() -> None:
    rng = np.random.default_rng(1)
    rows = {f"x{i}": rng.normal(size=4400) for i in range(10)}
    keys = [f"k{i % 20}" for i in range(4400)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [Baseline.fit(rows), Baseline.fit(rows, segments={"key": keys})]
    live = [live_series(each.counted_variables) for each in found]
    trained = [sum(len(family.series) for family in each.families()) for each in found]
    line = next(each for each in PAGE.read_text().splitlines() if each.startswith("| 10 |"))
    numbers = [int(each.replace(",", "")) for each in line.strip("| ").split(" | ")]
    assert numbers[1:5] == [*live, *trained]
