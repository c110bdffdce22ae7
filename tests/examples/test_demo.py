"""The whole demonstration, as `make demo` runs it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.xdist_group("prometheus")
@pytest.mark.usefixtures("demo_packages")
def test_the_demonstration_ends_well_and_both_sources_agree(examples: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demo", "--folder", str(tmp_path)]
    run = subprocess.run(command, cwd=examples, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [line.strip() for line in run.stdout.splitlines()]
    tables = [line for line in lines if line in ("like January", "July")]
    assert tables == ["like January", "July"]
    assert len([line for line in lines if line.startswith("arrival_delay ")]) == 2
    verdicts = [line for line in lines if line == "ok" or line.startswith("drift:")]
    assert [verdict.partition(":")[0] for verdict in verdicts] == ["ok", "drift"]
    assert lines[-4:] == [
        f"July's report, to open in a browser: {tmp_path / 'july.html'}",
        "make demo-serve: keep the service running, with its drift page and Prometheus",
        ".venv/bin/boxkite init myservice --framework flask: begin a service of yours",
        "docs/start/flask.md, docs/start/fastapi.md: from an empty folder to an alert",
    ]
    assert tmp_path.joinpath("july.html").read_text().count("<article") == 9
    if shutil.which("prometheus"):
        agreements = [line for line in lines if line.startswith("Python and Prometheus")]
        assert agreements == ["Python and Prometheus agree to the last digit."] * 2
