"""The configurations and commands of the pages on production are valid."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from boxkite import Baseline, compare
from boxkite.cli.commands import boxkite

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text()
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)


def test_prometheus_accepts_the_jobs_of_staging_and_canary(promtool: str, tmp_path: Path) -> None:
    (config,) = blocks("guides/staging-and-canary.md", "yaml")
    (tmp_path / "prometheus.yml").write_text(config)
    command = [promtool, "check", "config", tmp_path / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


COMMANDS = [
    line
    for page in (
        "guides/sizing.md", "guides/upgrading.md", "production/alertmanager.md",
        "production/grafana.md", "production/kubernetes.md",
    )
    for language in ("sh", "console")
    for block in blocks(page, language)
    for line in map(str.strip, block.splitlines())
    if line.startswith("boxkite ")
]  # fmt: skip


def test_every_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Baseline.fit({"distance": np.arange(1000.0)}).write("histogram.prom")
    assert len(COMMANDS) == 7
    for command in COMMANDS:
        _, *arguments = shlex.split(re.split(r" [>|] ", command)[0])
        result = CliRunner().invoke(boxkite, arguments)
        assert (result.exit_code, result.stderr) == (0, ""), command


def test_a_test_of_the_baseline_notices_a_renamed_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    columns: dict[str, Any] = {
        "distance": np.arange(1000.0),
        "items": np.arange(1000) % 10,
        "vehicle": ["bike", "car"] * 500,
    }
    code = blocks("guides/testing.md", "python")[-1]
    names: dict[str, Any] = {"compare": compare}
    exec(code, names)
    Baseline.fit(columns).write("histogram.prom")
    names["test_the_features_are_those_of_training"]()
    columns["parcels"] = columns.pop("items")
    Baseline.fit(columns).write("histogram.prom")
    with pytest.raises(AssertionError):
        names["test_the_features_are_those_of_training"]()
