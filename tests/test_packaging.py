"""The wheel holds three packages with their types and files. Importing one loads little else."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

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


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_three_packages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("boxkite-*-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
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
