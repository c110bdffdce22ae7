"""boxkite 0.0.5 in an environment of its own, to run the same code on it and on ours."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = PROJECT / f".venv-0.0.5-{sys.version_info.major}.{sys.version_info.minor}"
USER_CODE = Path(__file__).with_name("user_code.py")

NEWER = ["msgpack", "numpy>=2"]
REQUIREMENTS: tuple[list[str], ...] = (
    ["boxkite==0.0.5"],
    # 0.0.5 runs with numpy 2, which it does not ask for, and newer Pythons have no older one.
    ["--no-deps", "boxkite==0.0.5", "fluent-logger==0.10.0", "prometheus-client==0.11.0", *NEWER],
)

Both = Callable[..., tuple[Any, Any]]


def _install(folder: Path) -> None:
    """Make the environment, or raise CalledProcessError with what pip said."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    for last, requirements in enumerate(REQUIREMENTS, 1 - len(REQUIREMENTS)):
        done = subprocess.run([*pip, *requirements], check=not last, capture_output=True)
        if done.returncode == 0:
            return


@pytest.fixture(scope="session")
def old_python() -> Path:
    """The interpreter that has boxkite 0.0.5; it is installed at the first use."""
    if not ENVIRONMENT.exists():
        folder = Path(tempfile.mkdtemp(prefix=".venv-", dir=PROJECT))
        try:
            _install(folder)
        except subprocess.CalledProcessError as error:
            shutil.rmtree(folder)
            command = f"python -m venv {ENVIRONMENT.name} && pip install boxkite==0.0.5"
            missing = f"cannot install boxkite 0.0.5 ({command}): {error.stderr.decode()[-500:]}"
            if os.environ.get("CI"):
                pytest.fail(missing)
            pytest.skip(missing)
        try:
            folder.rename(ENVIRONMENT)
        except OSError:  # another test process was first
            shutil.rmtree(folder)
    return ENVIRONMENT / "bin" / "python"


@pytest.fixture
def both(old_python: Path) -> Both:
    """A function that runs code on 0.0.5 and on ours, and returns what each has as `result`."""

    def run(code: str, **names: Any) -> tuple[Any, Any]:
        # Isolated, or PYTHONPATH would bring ours into it.
        old = _run([old_python, "-I"], code, names)
        return old, _run([sys.executable], code, names)

    return run


def _run(python: list[Path | str], code: str, names: dict[str, Any]) -> Any:
    done = subprocess.run(
        [*python, USER_CODE],
        input=json.dumps({"code": code, "names": names}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
