"""The wheel holds three packages with their types and files. Importing one loads little else."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import boxkite

ROOT = Path(boxkite.__file__).parents[1]
NOT_NEEDED = {
    "boxkite_flask", "boxkite_starlette", "click", "fastapi", "flask", "pandas", "polars",
    "obstore", "pyarrow", "rich", "scipy", "sklearn", "starlette", "werkzeug", "zstandard",
}  # fmt: skip


def _loaded(program: str) -> set[str]:
    """Run a program in a new interpreter and return the top-level modules that it loaded."""
    tail = (
        "\nimport json, sys; print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program + tail], capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        "import boxkite",
        "import boxkite.monitoring.service, boxkite.monitoring.collector",
        "from boxkite import *; Monitor(Baseline.fit({'a': [1, 2]})).log_prediction([1])",
    ],
)
def test_the_core_loads_no_optional_package(program: str) -> None:
    assert _loaded(program) & NOT_NEEDED == set()


def test_each_adapter_loads_its_own_framework_only() -> None:
    assert _loaded("import boxkite_flask") & NOT_NEEDED == {
        "boxkite_flask", "click", "flask", "werkzeug",
    }  # fmt: skip
    assert _loaded("import boxkite_starlette") & NOT_NEEDED == {"boxkite_starlette", "starlette"}


def test_a_bare_installation_needs_few_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [requirement.partition(">=")[0] for requirement in project["dependencies"]]
    assert needed == ["blinker", "msgspec", "narwhals", "numpy", "prometheus-client"]
    assert all(">=" in each and "<" not in each for each in project["dependencies"])


def workflow(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return content


def test_only_the_job_that_publishes_may_ask_for_an_identity() -> None:
    jobs = workflow("publish.yml")["jobs"]
    allowed = {name: job.get("permissions") for name, job in jobs.items()}
    assert allowed == {"build": None, "publish": {"id-token": "write"}}
    assert workflow("publish.yml")["permissions"] == {"contents": "read"}
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["steps"][-1]["uses"] == "pypa/gh-action-pypi-publish@release/v1"


def test_the_wheel_is_tried_on_each_python_that_the_classifiers_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [each.rpartition(" ")[2] for each in project["classifiers"] if ":: 3." in each]
    assert workflow("ci.yml")["jobs"]["wheel"]["strategy"]["matrix"]["python"] == named


@pytest.mark.parametrize("name", ["ci.yml", "publish.yml"])
def test_the_scripts_of_the_workflows_exist(name: str) -> None:
    steps = [step for job in workflow(name)["jobs"].values() for step in job["steps"]]
    scripts = [step["run"] for step in steps if step.get("run", "").startswith(".ci/")]
    assert scripts
    assert [each for each in scripts if not os.access(ROOT / each, os.X_OK)] == []


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_three_packages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (path,) = tmp_path.glob("boxkite-*-py3-none-any.whl")
    wheel = zipfile.ZipFile(path)
    names = wheel.namelist()
    packages = ("boxkite", "boxkite_flask", "boxkite_starlette")
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert {f"{package}/py.typed" for package in packages} <= set(names)
    assert "boxkite/report/templates/page.html" in names
    # PyPI shows this text, where a relative link leads nowhere.
    (metadata,) = (wheel.read(name).decode() for name in names if name.endswith("/METADATA"))
    targets = re.findall(r"\]\(([^)]+)\)", metadata)
    assert len(targets) > 50
    assert [each for each in targets if not each.startswith("https://")] == []
    assert "\n## Changes in this release\n" in metadata
