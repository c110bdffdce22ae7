"""Programs that some tests need, where they are installed; and no deadline for property tests."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from boxkite import signals
from boxkite.logs.log_record import LogRecord
from boxkite.prometheus import policy_series
from boxkite.testing import RecordingSink
from boxkite.web import sources

# What a test does not ask for is not logged; services that it starts inherit this.
os.environ.update({"BOXKITE_LOG": "none:", "FLASK_BOXKITE_LOG": "none:"})


@pytest.fixture(scope="session", autouse=True)
def _own_folder_for_temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the state of services out of /var/tmp, where a later run would adopt it."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield


# A shared machine may pause at any moment: no callable is slow for that.
sources._SLOW_SECONDS = 60.0
# Nor does a scrape leave critical values to the next one.
policy_series._SECONDS_A_SCRAPE = 60.0
settings.register_profile(
    "without-deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("without-deadline")


def _installed(program: str, package: str = "prometheus") -> str:
    path = shutil.which(program)
    if path is None:
        missing = f"{program} is not installed: apt-get install {package}"
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


@pytest.fixture(scope="session")
def alertmanager() -> str:
    """The path of Alertmanager, by the name that Debian gives it."""
    return _installed("prometheus-alertmanager", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def amtool() -> str:
    """The path of amtool."""
    return _installed("amtool", "prometheus-alertmanager")


class Records(RecordingSink):
    """A sink that is looked at like a list, once all that was predicted has been delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.monitors: list[Any] = []

    def remember(self, _: Any, *, monitor: Any, **__: Any) -> None:
        """Keep a monitor that is made during the test."""
        self.monitors.append(monitor)

    def __iter__(self) -> Iterator[LogRecord]:
        assert all(monitor.flush() for monitor in self.monitors)
        return iter(self.records)

    def __len__(self) -> int:
        return len(list(self.__iter__()))

    def __getitem__(self, index: int) -> LogRecord:
        return list(self.__iter__())[index]


@pytest.fixture
def records() -> Iterator[Records]:
    """What the monitors log that are made with this as their sink."""
    kept = Records()
    with signals.baseline_loaded.connected_to(kept.remember):
        yield kept
    for monitor in kept.monitors:
        monitor.close()


def pytest_collection_finish() -> None:
    """Leave modules and tests out of garbage collection: tests that collect take them for old."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a value without its address or its order, so that each process collects the same."""
    try:
        changes = isinstance(val, set | frozenset) or " at 0x" in repr(val)
    except Exception:  # noqa: BLE001 - a hostile value of the tests
        changes = True
    return type(val).__name__ if changes else None
