"""The commands on the page about jobs do what the page says, and the example is sound."""

import ast
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from boxkite import Baseline
from boxkite.cli.commands import boxkite
from boxkite.drift.comparison_series import PREFIX

EXAMPLE = Path(__file__).parents[2] / "examples" / "nightly_job"


def test_the_commands_give_the_files_that_the_page_describes(
    open_page: Callable[[str], Any], capsys: pytest.CaptureFixture[str], promtool: str
) -> None:
    page = open_page("guides/jobs.md")
    page.module("job.py")
    assert capsys.readouterr().out == "drift - 2 drift, 1 ok\n"
    drifted = Path("prices.prom").read_text()
    codes = {}
    for line in page.shell():
        words = shlex.split(line.partition(" > ")[0])
        result = CliRunner().invoke(boxkite, words[1:])
        codes[words[1]] = result.exit_code
        if target := line.partition(" > ")[2]:
            Path(target).write_text(result.stdout)
    assert codes == {"compare": 0, "rules": 0, "baseline": 0, "merge": 0}
    assert 'model_verdict{model_name="prices",' in drifted
    subprocess.run([promtool, "check", "rules", "boxkite.rules.yml"], check=True)
    one, other = (Baseline.read(f"{day}.prom") for day in ("monday", "tuesday"))
    assert Baseline.read("week.prom") == one.merge(other)
    # The table lists the series, and says how many there are.
    listed = set(re.findall(rf"`({PREFIX}_\w+)`", page.text))
    written = set(re.findall(rf"^({PREFIX}_\w+)", drifted, re.MULTILINE))
    assert listed - written == {f"{PREFIX}_period_end_seconds"}
    assert written <= listed
    series = [line for line in drifted.splitlines() if not line.startswith("#")]
    assert 17 * 3 + 7 <= len(series) <= 19 * 3 + 8


def test_the_task_runs_the_job_with_the_day_before() -> None:
    # Airflow is too large for a test, so its file is only parsed.
    tree = ast.parse((EXAMPLE / "dag.py").read_text())
    commands = [node.value.value for node in ast.walk(tree) if isinstance(node, ast.Return)]  # type: ignore[union-attr]
    assert commands == [
        "/opt/scoring/nightly.sh {{ (logical_date - macros.timedelta(days=1)) | ds }}"
    ]


def test_the_cron_line_runs_the_job_every_night() -> None:
    lines = [line for line in (EXAMPLE / "crontab").read_text().splitlines() if line[0] != "#"]
    assert lines[-1] == "15 2 * * * /opt/scoring/nightly.sh"
    assert os.access(EXAMPLE / "nightly.sh", os.X_OK)


def test_the_workflow_reports_what_the_command_writes() -> None:
    steps = yaml.safe_load((EXAMPLE / "ci.yml").read_text())["jobs"]["compare"]["steps"]
    (command,) = [step["run"] for step in steps if "compare" in step.get("run", "")]
    words = shlex.split(command)
    assert words[words.index("--junit") + 1] == steps[-1]["with"]["report_paths"]
