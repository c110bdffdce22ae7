"""`boxkite rules --estimate` against what services with segments and labels really export."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from boxkite import Baseline, Monitor, Settings
from boxkite.cli.commands import boxkite

pytestmark = pytest.mark.filterwarnings("ignore:segment")


def exported(baseline: Baseline, **settings: object) -> int:
    """Return how many series a service exports, once it has computed every threshold."""
    monitor = Monitor(baseline, registry=None, settings=replace(Settings(), **settings))
    found, before = 0, -1
    while found > before:
        lines = monitor.export().body.splitlines()
        before, found = found, sum(not line.startswith(b"#") for line in lines)
    monitor.close()
    return found


@pytest.mark.parametrize("export_baseline", [True, False])
def test_the_estimate_says_what_segments_and_labels_add(
    tmp_path: Path, export_baseline: bool
) -> None:
    random = np.random.default_rng(1)
    rows, score = 6000, random.random(6000)
    columns = {f"x{number}": random.normal(size=rows) for number in range(3)}
    columns["country"] = random.integers(0, 4, rows).astype(str)
    outcome = (random.random(rows) < score).astype(int)
    baseline = Baseline.fit(columns, {"score": score}, outcome=outcome, segments=["country"])
    baseline.write(tmp_path / "histogram.prom")
    arguments = ["rules", "--estimate", str(tmp_path / "histogram.prom"), "--replicas", "9"]
    result = CliRunner().invoke(boxkite, arguments)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("9 replicas, 5 variables, 6 segments, a scrape every 15 s")
    whole = replace(baseline, segments=())
    for number, (line, served, ttl) in enumerate(
        [
            ("series a replica", baseline, 86_400.0),
            ("  without labels (OUTCOME_TTL=0)", baseline, 0.0),
            ("  without segments", whole, 86_400.0),
            ("  without both", whole, 0.0),
        ]
    ):
        shown = re.search(rf"^{re.escape(line)} +(\S+) +(\S+)$", result.output, re.MULTILINE)
        assert shown is not None, result.output
        own = {"state_dir": str(tmp_path / str(number)), "outcome_ttl": ttl}
        series = exported(served, export_baseline=export_baseline, **own)
        assert shown[1 if export_baseline else 2] == f"{series:,}"


def test_the_estimate_of_a_plain_baseline_has_no_further_lines(tmp_path: Path) -> None:
    Baseline.fit({"x": np.arange(1000.0)}).write(tmp_path / "histogram.prom")
    arguments = ["rules", "--estimate", str(tmp_path / "histogram.prom")]
    output = CliRunner().invoke(boxkite, arguments).output
    assert output.startswith("1 replicas, 1 variables, a scrape every 15 s, windows 1h and 1d:\n")
    assert "without" not in output
