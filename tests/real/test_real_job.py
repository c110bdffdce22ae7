"""The nightly job of the examples, with a real Pushgateway and a real Prometheus."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boxkite import Baseline
from boxkite.prometheus.rules import render_rules

EXAMPLES = Path(__file__).parents[2] / "examples"
DAYS = {
    "2026-11-25": "ok",
    "2026-11-26": "drift",
    "2026-11-27": "ok",
    "2026-11-28": "insufficient",
    "2026-11-29": "ok",
}
EXIT_CODES = {"ok": 0, "drift": 1, "insufficient": 3}
DRIFT = 'ALERTS{alertname="BoxkiteFeatureDrift",alertstate="firing",variable="departure_delay"}'
STOPPED = 'ALERTS{alertname="BoxkiteJobStopped",alertstate="firing",job="scoring"}'


def flights(seed: int, rows: int = 3000, late: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "departure_delay": random.normal(10 + late, 20, rows),
            "distance": random.uniform(100, 2500, rows),
        }
    )


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The example in a folder of its own, with a baseline and the rows of five days."""
    folder = tmp_path / "job"
    shutil.copytree(EXAMPLES / "nightly_job", folder)
    (folder / "rows").mkdir()
    sys.path.insert(0, str(folder))
    try:
        from score import predict  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("score", None)
    training = flights(0)
    output = {"arrival_delay": predict(training)}
    Baseline.fit(training, output, model="delays").write(folder / "histogram.prom")
    for seed, (day, verdict) in enumerate(DAYS.items(), 1):
        rows = flights(
            seed, 9 if verdict == "insufficient" else 3000, 30 if verdict == "drift" else 0
        )
        rows.to_parquet(folder / "rows" / f"{day}.parquet")
    return folder


def run(job: Path, day: str, pushgateway: str, every: str) -> int:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, "PUSHGATEWAY": pushgateway, "EVERY": every}
    command = [job / "nightly.sh", day]
    return subprocess.run(command, env=settings, capture_output=True, check=False).returncode


def pushed_times(gateway: str) -> list[str]:
    with urllib.request.urlopen(f"{gateway}/metrics") as answer:
        return re.findall("^boxkite_compare_timestamp.*", answer.read().decode(), re.MULTILINE)


@pytest.mark.slow
def test_each_run_has_the_right_verdict_and_a_stopped_job_raises_an_alert(
    job: Path, pushed: Any
) -> None:
    # The rules run every second, and an alert ends with its cause.
    rules = render_rules().replace("    interval: 1m\n", "    interval: 1s\n")
    rules = re.sub("keep_firing_for: .*", "keep_firing_for: 0s", rules)
    with pushed(rules) as (gateway, system):
        for day, verdict in DAYS.items():
            # The last run says that the next one follows in a second.
            every = "1s" if day == max(DAYS) else "1d"
            recent = f"boxkite_compare_timestamp_seconds > {time.time()}"
            assert system.query(STOPPED) == []
            assert run(job, day, gateway, every) == EXIT_CODES[verdict]
            system.wait("the push", lambda recent=recent: system.query(recent))
            ((labels, _),) = system.query("boxkite_compare_model_verdict == 1")
            assert (labels["verdict"], labels["job"]) == (verdict, "scoring")
            drifted = verdict == "drift"
            system.wait("the alert", lambda drifted=drifted: bool(system.query(DRIFT)) == drifted)
        system.wait("the alert", lambda: system.query(STOPPED))
        # A day without rows is a failure, and pushes nothing.
        before = pushed_times(gateway)
        assert run(job, "2026-12-01", gateway, "1s") == 2
        assert pushed_times(gateway) == before
