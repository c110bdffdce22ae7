"""Every command of the page on seeing drift runs and exits as the page says."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from boxkite import Baseline
from boxkite.cli.commands import boxkite

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "seeing.md"
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    training = pd.DataFrame({"dep_delay": np.arange(1000.0), "score": np.arange(1000) / 1000})
    paid_back = np.arange(1000) % 2
    baseline = Baseline.fit(training[["dep_delay"]], training["score"], outcome=paid_back)
    baseline.write("histogram.prom")
    (training + 500).to_parquet("july.parquet")
    pd.DataFrame({"entity_id": ["a"], "paid_back": [1]}).to_parquet("labels.parquet")
    log = Path("log/models/predictions/e/2026-11-22/2359_w1-pod.txt")
    log.parent.mkdir(parents=True)
    record = {
        "entity_id": "a",
        "model": baseline.model,
        "version": baseline.version,
        "created_at": "2026-11-22T23:59:00Z",
        "features": [1],
        "output": 0.5,
    }
    log.write_text(json.dumps(record) + "\n")
    program, *arguments = shlex.split(command)
    result = CliRunner().invoke(boxkite, arguments)
    # July drifts, and the log has too few rows for a verdict. Other commands judge nothing.
    judged = {"july.parquet": 1, "log": 3}
    code = next((judged[each] for each in arguments if each in judged), 0)
    assert (program, result.stderr, result.exit_code) == ("boxkite", "", code)
    for option in ("-o", "--junit"):
        if option in arguments:
            assert Path(arguments[arguments.index(option) + 1]).stat().st_size > 0


def test_the_notebook_shows_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    training = pd.DataFrame({"dep_delay": np.arange(1000.0)})
    Baseline.fit(training).write("histogram.prom")
    (training + 500).to_parquet("july.parquet")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["comparison"].verdict == "drift"
    assert "<svg" in names["comparison"]._repr_html_()
    assert "<svg" in names["baseline"]._repr_html_()
