"""Installs boxkite 0.0.5 in its own environment, and runs the same code on it and on ours."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = PROJECT / f".venv-0.0.5-{sys.version_info.major}.{sys.version_info.minor}"
USER_CODE = Path(__file__).with_name("user_code.py")

Both = Callable[..., tuple[Any, Any]]


def _install(folder: Path) -> None:
    """Make the environment, or raise CalledProcessError with what the installer said."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
    install = [PROJECT / ".ci" / "install", folder, "--only-binary", ":all:", "boxkite==0.0.5"]
    subprocess.run(install, check=True, capture_output=True)


@pytest.fixture(scope="session")
def old_python() -> Path:
    """The interpreter that has boxkite 0.0.5; it is installed at the first use."""
    if sys.version_info >= (3, 13):
        pytest.skip("0.0.5 needs a numpy before 2, which there is not for Python 3.13 and later")
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


@pytest.fixture(scope="session")
def interpreters(old_python: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that run code, one on 0.0.5 and one on ours."""
    # Isolated, or PYTHONPATH would bring ours into it.
    commands = [[old_python, "-I", USER_CODE], [sys.executable, USER_CODE]]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            for command in commands
        ]
        yield processes


@pytest.fixture
def both(interpreters: list[subprocess.Popen[str]]) -> Both:
    """A function that runs code on 0.0.5 and on ours, and returns what each has as `result`."""

    def run(code: str, **names: Any) -> tuple[Any, Any]:
        theirs, ours = (_run(process, code, names) for process in interpreters)
        return theirs, ours

    return run


def _run(process: subprocess.Popen[str], code: str, names: dict[str, Any]) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"code": code, "names": names}) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())
