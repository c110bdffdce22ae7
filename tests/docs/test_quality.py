"""The page on quality leads from a table of labels to an answer."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from boxkite import Baseline, Monitor
from boxkite.cli.commands import boxkite

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "quality.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run(command: str) -> Result:
    return CliRunner().invoke(boxkite, shlex.split(command)[1:])


def loans(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    scores = random.beta(2, 1, rows)
    days = pd.date_range("2026-01-01", periods=rows, freq="10min")
    paid_back = (random.random(rows) < scores).astype(int)
    amount = random.integers(1, 9, rows)
    return pd.DataFrame(
        {"amount": amount, "applied_at": days, "score": scores, "paid_back": paid_back}
    )


def test_the_page_leads_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    loans(4000, seed=1).to_parquet("held_out.parquet")
    fit, ask, tell = COMMANDS
    assert run(fit).exit_code == 0
    baseline = Baseline.read("histogram.prom")
    exec(PYTHON[0])
    assert Baseline.read("histogram.prom") == baseline

    live = loans(800, seed=2)
    monkeypatch.setenv("BOXKITE_STATE_DIR", str(tmp_path / "state"))
    monitor = Monitor(baseline=baseline, log="./log")
    ids = [
        monitor.log_prediction(features=[amount], output=score)
        for amount, score in zip(live["amount"].tolist(), live["score"].tolist(), strict=True)
    ]
    monitor.close()
    live.assign(prediction_id=ids)[["prediction_id", "paid_back"]].to_parquet("labels.parquet")
    found = run(ask)
    assert (found.stderr, found.exit_code) == ("", 0)
    assert "800 of 800 predictions have a label (100 %)" in found.stdout
    assert found.stdout.splitlines()[-1] == "7 ok"
    assert run(tell).exit_code == 0
    assert 'verdict="ok"} 1\n' in Path("quality.prom").read_text()

    capsys.readouterr()
    exec(PYTHON[1], {})
    exec(PYTHON[2], {})
    estimated = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    accuracy = float(estimated["accuracy"].split()[0])
    right = (live["score"] > 0.5) == live["paid_back"]
    assert accuracy == pytest.approx(right.mean(), abs=0.03)
