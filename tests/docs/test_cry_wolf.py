"""The examples on the page "Will it cry wolf?" run."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from boxkite import Baseline, Monitor
from boxkite.cli.commands import boxkite
from boxkite.drift import Policy, VariablePolicy

PAGE = (Path(__file__).parents[2] / "docs" / "explained" / "cry-wolf.md").read_text()


class Model:
    def predict(self, features: dict[str, Any]) -> Any:
        return np.asarray(features["x"]) / 10


def test_training_with_times_and_learning_from_a_log_write_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hours = np.repeat(np.arange(14 * 24), 120)
    values = np.random.default_rng(1).normal(np.sin(hours * np.pi / 12))
    names = {
        "Baseline": Baseline, "model": Model(), "X_train": {"x": values},
        "requested_at": hours * 3600.0,
    }  # fmt: skip
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(example, names)
    x, _ = Baseline.read("histogram.prom").variables
    assert len(x.variation["1h"].directions) > 0

    monitor = Monitor("histogram.prom", log=tmp_path / "log", registry=None)
    monitor.log_prediction({"x": 1.0}, 0.1)
    monitor.flush()
    monitor.close()
    (command,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    result = CliRunner().invoke(boxkite, shlex.split(command)[1:])
    assert (result.stderr, result.exit_code) == ("", 0)
    assert "natural variation of 0 of 2 variables" in result.stdout


def test_each_policy_of_the_page_is_one() -> None:
    policies = re.findall(r"`(Policy\(.+?\))` \|", PAGE)
    assert len(policies) == 3
    names = {"Policy": Policy, "VariablePolicy": VariablePolicy}
    assert all(isinstance(eval(each, names), Policy) for each in policies)
