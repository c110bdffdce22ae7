"""What is measured: ours, boxkite 0.0.5, prometheus-client, and the floors below all of them.

Each is made in a process of its own, whose environment may lack what the others need.
"""

from __future__ import annotations

import math
import mmap
import os
import zlib
from collections import deque
from pathlib import Path
from typing import Any, Protocol

import numpy as np

__all__ = ["SUBJECTS", "Subject", "row", "training_data"]

TRAINING_ROWS = 2000
_MAP_BYTES = 64 * 2**20


class Subject(Protocol):
    """Takes predictions, and answers scrapes where it can.

    Attributes:
        port: where a receiver listens for logs.
    """

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None: ...

    def predict(self) -> object:
        """Take one prediction."""

    def scrape(self) -> bytes:
        """Answer one scrape."""


def training_data(features: int) -> dict[str, Any]:
    """Return columns of normal numbers, the last one the model's output."""
    random = np.random.default_rng(2013)
    columns = {f"x{i}": random.normal(size=TRAINING_ROWS) for i in range(features)}
    return {**columns, "output": random.normal(size=TRAINING_ROWS)}


def row(features: int) -> list[float]:
    """Return one row of features."""
    values: list[float] = np.random.default_rng(7).normal(size=features).tolist()
    return values


class Ours:
    """The monitor, on a baseline file of its own, with its log in a folder."""

    log = "file:"

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None:
        from boxkite import Baseline
        from boxkite.monitor import Monitor
        from boxkite.settings import Settings

        del port
        path = folder / f"ours-{features}-{bins}.prom"
        if not path.exists():
            data = training_data(features)
            output = data.pop("output")
            Baseline.fit(data, output, bins=bins).write(path)
        self._row = row(features)
        state = folder / f"state-{os.getpid()}"
        self._settings = Settings(baseline=str(path), state_dir=str(state), log=self.log)
        self._make = lambda: Monitor(settings=self._settings, registry=None)
        self.monitor = self._make()

    def start(self) -> None:
        """Make the monitor once more."""
        self._make()

    def predict(self) -> object:
        """Take one prediction."""
        return self.monitor.log_prediction(self._row, 0.5, "{}")

    def scrape(self) -> bytes:
        """Answer one scrape."""
        return self.monitor.export().body

    def finish(self) -> None:
        """Count what waits."""
        self.monitor.flush()


class OursWithoutLog(Ours):
    """The monitor without a log, so that its background work is the fold alone."""

    log = "none:"


class SameSamples:
    """prometheus-client's `generate_latest` on the samples of our scrape."""

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.parser import text_string_to_metric_families

        families = list(
            text_string_to_metric_families(Ours(folder, features, bins, port).scrape().decode())
        )
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(families))
        self.scrape = lambda: generate_latest(registry)


class _Collector:
    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families


class Observe:
    """prometheus-client alone: each value of the row observed in a histogram of its own."""

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None:
        from prometheus_client import CollectorRegistry, Histogram, generate_latest

        del folder, port
        edges = np.linspace(-3, 3, bins - 1).tolist()
        registry = CollectorRegistry()
        self._histograms = [
            Histogram(f"feature_{i}_value", "Values.", buckets=edges, registry=registry)
            for i in range(features)
        ]
        self._row = row(features)
        self.scrape = lambda: generate_latest(registry)

    def predict(self) -> object:
        """Take one prediction."""
        for histogram, value in zip(self._histograms, self._row, strict=True):
            histogram.observe(value)
        return None


class Predecessor:
    """boxkite 0.0.5 without a log."""

    log = False

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None:
        from boxkite.monitoring.collector import BaselineMetricCollector
        from boxkite.monitoring.exporter import FluentdExporter
        from boxkite.monitoring.service import ModelMonitoringService

        del bins  # 0.0.5 chooses its own
        path = folder / f"predecessor-{features}.prom"
        if not path.exists():
            data = {name: list(values) for name, values in training_data(features).items()}
            output = data.pop("output")
            ModelMonitoringService.export_text(data.items(), output, str(path))
        os.environ["BEDROCK_FLUENTD_ADDR"] = f"127.0.0.1:{port}"
        self._row = row(features)
        self._make = lambda: ModelMonitoringService(
            FluentdExporter() if self.log else _NoLog(), BaselineMetricCollector(str(path))
        )
        self._service = self._make()

    def start(self) -> None:
        """Make the service once more."""
        self._make()

    def predict(self) -> object:
        """Take one prediction."""
        return self._service.log_prediction("{}", self._row, 0.5)

    def scrape(self) -> bytes:
        """Answer one scrape."""
        body: bytes = self._service.export_http()[0]
        return body


class _NoLog:
    def emit(self, prediction: object) -> None:
        """Keep nothing."""


class PredecessorWithFluentd(Predecessor):
    """boxkite 0.0.5 with its log."""

    log = True


class DequeFloor:
    """What keeping a prediction costs at least: an append of the row."""

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None:
        del folder, bins, port
        self._kept: deque[object] = deque(maxlen=1000)
        self._row = row(features)

    def predict(self) -> object:
        """Take one prediction."""
        return self._kept.append(self._row)


class MappedFloor:
    """What keeping it through `kill -9` costs at least: encoded, with a CRC, in a mapped file."""

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None:
        import msgspec

        del bins, port
        path = folder / f"floor-{os.getpid()}"
        path.write_bytes(bytes(_MAP_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _MAP_BYTES)
        path.unlink()
        self._end = 0
        self._encode = msgspec.msgpack.Encoder().encode
        self._row = row(features)

    def predict(self) -> object:
        """Take one prediction."""
        record = self._encode(self._row)
        record += zlib.crc32(record).to_bytes(4, "little")
        end = self._end + len(record)
        if end > _MAP_BYTES:
            self._end, end = 0, len(record)
        self._map[self._end : end] = record
        self._end = end
        return None


class FoldFloor:
    """What counting costs at least: all values of many records into bins with one call."""

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None:
        del folder, port
        self.records = 512
        edges = np.linspace(-3, 3, bins - 1)
        values = np.tile(row(features), (self.records, 1))
        offsets = np.arange(features) * bins
        self.fold = lambda: np.bincount(
            (np.searchsorted(edges, values) + offsets).ravel(), minlength=features * bins
        )


class Nothing:
    """A request that does next to nothing, to know what the machine itself holds up."""

    def __init__(self, folder: Path, features: int, bins: int, port: int) -> None:
        del folder, features, bins, port

    def predict(self) -> object:
        """Take one prediction."""
        return math.sqrt(2)

    def scrape(self) -> bytes:
        """Answer one scrape."""
        return b""


SUBJECTS: dict[str, Any] = {
    "ours": Ours,
    "ours without log": OursWithoutLog,
    "same samples": SameSamples,
    "observe": Observe,
    "0.0.5": Predecessor,
    "0.0.5 with fluentd": PredecessorWithFluentd,
    "deque": DequeFloor,
    "mapped": MappedFloor,
    "bulk": FoldFloor,
    "nothing": Nothing,
}
