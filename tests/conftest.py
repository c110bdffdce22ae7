"""Programs and files that some tests need; and no deadline for property tests."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from boxkite import signals
from boxkite.logs.log_record import LogRecord
from boxkite.testing import RecordingSink

from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch
from boxkite.logs.sinks.files import FilesSink
from boxkite.logs.stores.local import LocalStore
from boxkite.logs.terms import LogTerms

# What a test does not ask for is not logged; services that it starts inherit this.
os.environ.update({"BOXKITE_LOG": "none:", "FLASK_BOXKITE_LOG": "none:"})

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


@pytest.fixture
def write_log(tmp_path: Path) -> Callable[..., str]:
    """Write predictions, given by id, time of 23 November 2026 and other fields, as a log."""

    def write(
        *predictions: Mapping[str, Any], endpoint: str = "flights", logger: str = "w1",
        replica: str = "pod", compression: Any = None,
    ) -> str:  # fmt: skip
        folder = tmp_path / "log"
        terms = LogTerms(
            sink="file:", server_id="server", endpoint_id=endpoint, logger_id=logger,
            replica_id=replica, model="arrivals", version="7",
        )  # fmt: skip
        sink = FilesSink(LocalStore(folder), "file", compression)
        sink.deliver(Batch(terms, [_record(terms, **each) for each in predictions]))
        return str(folder)

    return write


def _record(terms: LogTerms, id: str, time: str, **fields: Any) -> LogRecord:  # noqa: A002
    created_at = f"2026-11-23T{time}Z"
    return LogRecord(
        prediction_id=f"{terms.server_id}/{created_at[:19]}/{id}",
        entity_id=id,
        server_id=terms.server_id,
        endpoint_id=terms.endpoint_id,
        model=terms.model,
        version=terms.version,
        created_at=created_at,
        **{"features": {}, "output": None, **fields},
    )


class Records(RecordingSink):
    """A sink that is looked at like a list, once all that was predicted has been delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.monitors: list[Any] = []

    def remember(self, monitor: Any, **_: Any) -> None:
        """Keep a monitor that is made during the test."""
        self.monitors.append(monitor)

    def __iter__(self) -> Iterator[LogRecord]:
        assert all(monitor.flush() for monitor in self.monitors)
        return iter(self.records)

    def __getitem__(self, index: int) -> LogRecord:
        return list(self)[index]


@pytest.fixture
def records() -> Iterator[Records]:
    """What the monitors log that are made with this as their sink."""
    kept = Records()
    with signals.baseline_loaded.connected_to(kept.remember):
        yield kept
    for monitor in kept.monitors:
        monitor.close()
