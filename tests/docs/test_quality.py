"""The page on quality leads from a table of labels to an answer."""

import asyncio
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
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
BASELINE, IN_FLASK, IN_FASTAPI, POLICY, ESTIMATED = re.findall(
    r"```python\n(.*?)```", PAGE, re.DOTALL
)


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
    fit, ask, show, tell = COMMANDS
    assert run(fit).exit_code == 0
    baseline = Baseline.read("histogram.prom")
    exec(BASELINE)
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
    said = "Quality is not worse than at training. 800 predictions with a label. Written to"
    assert said in run(show).stdout
    assert run(tell).exit_code == 0
    assert 'verdict="ok"} 1\n' in Path("quality.prom").read_text()

    capsys.readouterr()
    exec(POLICY, {})
    exec(ESTIMATED, {})
    estimated = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    accuracy = float(estimated["accuracy"].split()[0])
    right = (live["score"] > 0.5) == live["paid_back"]
    assert accuracy == pytest.approx(right.mean(), abs=0.03)


@pytest.mark.parametrize("code", [IN_FLASK, IN_FASTAPI], ids=["flask", "fastapi"])
def test_a_handler_takes_labels(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = loans(1000, seed=1)
    outcome = rows["paid_back"]
    Baseline.fit(rows[["amount"]], rows["score"], outcome=outcome).write(
        tmp_path / "histogram.prom"
    )
    for prefix in ("BOXKITE_", "FLASK_BOXKITE_"):
        if (prefix == "BOXKITE_") == ("fastapi" in code):
            monkeypatch.setenv(f"{prefix}BASELINE", str(tmp_path / "histogram.prom"))
            monkeypatch.setenv(f"{prefix}STATE_DIR", str(tmp_path / "state"))
    names = {"__name__": __name__}
    exec(code, names)
    app: Any = names["app"]
    monitor = app.state.boxkite if "fastapi" in code else app.extensions["boxkite"]
    label = {"prediction_id": monitor.log_prediction([3], 0.9), "paid_back": 1}
    if "fastapi" in code:

        async def post() -> int:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return (await client.post("/labels", json=label)).status_code

        assert asyncio.run(post()) == 204
    else:
        assert app.test_client().post("/labels", json=label).status_code == 204
    assert monitor.quality().rows == 1
    monitor.close()
