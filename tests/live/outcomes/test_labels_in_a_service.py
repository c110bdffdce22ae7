"""Labels in running and killed processes: every label is counted once."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline, ConfigError, Monitor
from boxkite.settings import Settings

RANDOM = np.random.default_rng(2)
SCORES = RANDOM.random(1000)
BASELINE = Baseline.fit({"x": np.arange(1000) % 5}, {"score": SCORES}, outcome=SCORES > 0.4)


def monitor(folder: Path, ttl: float = 86_400.0, *, raises: bool = False) -> Monitor:
    settings = Settings(outcome_ttl=ttl, state_dir=str(folder), log="none:", server_id="here")
    return Monitor(BASELINE, settings=settings, registry=None, raises=lambda: raises)


def results(text: str) -> Counter[str]:
    found = re.findall(r'\nboxkite_outcomes_total\{.*result="(\w+)"\} (\d+)', text)
    return Counter({result: int(number) for result, number in found})


def test_labels_of_killed_workers_count_once(tmp_path: Path) -> None:
    """Four workers die by SIGKILL, with labels of each other's predictions in their journals."""
    first = monitor(tmp_path)
    shared = [first.log_prediction([1.0], 0.9) for _ in range(400)]
    children: list[int] = []
    for worker in range(4):
        child = os.fork()
        if not child:
            own = [first.log_prediction([2.0], 0.2) for _ in range(1000)]
            first.log_outcomes((each, 0) for each in own)
            if worker % 2:
                first.export()
            first.log_outcomes((each, 1) for each in shared[worker::4])
            os.kill(os.getpid(), signal.SIGKILL)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    for _ in range(2):
        text = first.export().body.decode()
        assert +results(text) == {"paired": 4400}
        assert "\nboxkite_outcomes_waiting{" in text
    quality = first.quality()
    assert (quality.rows, quality.changes[0].now.value) == (4400, 1.0)
    (day,) = first.quality_by_day()[-1:]
    assert day.predictions == 4400
    first.close()
    assert monitor(tmp_path).quality().rows == 4400


def test_without_the_setting_a_label_is_refused_with_the_reason(tmp_path: Path) -> None:
    off = monitor(tmp_path, 0.0, raises=True)
    with pytest.raises(ConfigError, match="the setting OUTCOME_TTL is 0"):
        off.log_outcome("here/2026-11-30T00:00:00/x", 1)
    assert "boxkite_outcome_" not in off.export().body.decode().replace("baseline_outcome", "")
