"""Programs that some tests need, where they are installed; and no deadline for property tests."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

# A shared machine may pause at any moment.
settings.register_profile(
    "without-deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("without-deadline")


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
