"""Settings, programs and fixtures that all tests share."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from boxkite import signals
from boxkite.logs.log_record import LogRecord
from boxkite.prometheus import critical
from boxkite.testing import RecordingSink
from boxkite.web import sources

# Nothing is logged unless a test asks for it. Services that a test starts inherit this.
os.environ.update({"BOXKITE_LOG": "none:", "FLASK_BOXKITE_LOG": "none:"})


# Tests call fsync thousands of times, and each call waits for the disk. Memory does not wait.
# pytest's workers and the services that tests start inherit this.
MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**30:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.fixture(scope="session", autouse=True)
def _own_folder_for_temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the state of services out of /var/tmp, where a later run would adopt it as orphaned."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield


# A busy machine may pause a process at any moment, so neither limit of time may apply: a callable
# would be reported as slow, and a scrape would leave critical values to the next scrape.
sources._SLOW_SECONDS = 60.0
critical._SECONDS_A_SCRAPE = 60.0

# `--hypothesis-profile=quick` chooses the other profile.
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _patient, max_examples=20)
settings.register_profile("thorough", _patient, max_examples=100)
settings.load_profile("thorough")


def _installed(program: str, package: str = "prometheus") -> str:
    """Return the path of a program. If it is missing, skip the test, or fail in CI."""
    path = shutil.which(program)
    if path is None:
        missing = f"{program} is not installed; on Debian, run: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return the path of promtool, or skip the test."""
    return _installed("promtool")


@pytest.fixture(scope="session")
def prometheus() -> str:
    """Return the path of the Prometheus server, or skip the test."""
    return _installed("prometheus")


@pytest.fixture(scope="session")
def alertmanager() -> str:
    """Return the path of Alertmanager, which has this name in Debian, or skip the test."""
    return _installed("prometheus-alertmanager", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def amtool() -> str:
    """Return the path of amtool, or skip the test."""
    return _installed("amtool", "prometheus-alertmanager")


class Records(RecordingSink):
    """A sink that reads like a list. Reading first waits until every record is delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.monitors: list[Any] = []

    def remember(self, _: Any, *, monitor: Any, **__: Any) -> None:
        """Remember a monitor that the test makes."""
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
    """Give a sink that holds what the monitors of this test log."""
    kept = Records()
    with signals.baseline_loaded.connected_to(kept.remember):
        yield kept
    for monitor in kept.monitors:
        monitor.close()


def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are processors, because many tests wait for a server."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) + 1
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run all tests of a real Prometheus: two servers at once fall behind."""
    for item in items:
        if "prometheus" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("prometheus"))


def pytest_collection_finish() -> None:
    """Exclude modules and tests from garbage collection, so that tests which collect stay fast."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a value by its type if its text differs between processes.

    An address or the order of a set does. pytest-xdist requires the same names in each worker.
    """
    try:
        changes = isinstance(val, set | frozenset) or " at 0x" in repr(val)
    except Exception:  # noqa: BLE001 - Some tests have values whose repr() raises.
        changes = True
    return type(val).__name__ if changes else None
