"""Programs that some tests need, where they are installed."""

import os
import shutil

import pytest


def _installed(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        missing = f"{program} is not installed: apt-get install prometheus"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of promtool."""
    return _installed("promtool")


@pytest.fixture(scope="session")
def prometheus() -> str:
    """The path of the Prometheus server."""
    return _installed("prometheus")
