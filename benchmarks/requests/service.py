"""What the measured services have in common. Served as `service:app`.

Runs in an environment that has one framework and one subject. Which service it is says the
environment variable SERVICE, in JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import threading
import time
from typing import Any, NamedTuple

__all__ = ["Service", "fitted", "flush_each_second", "predecessor_monitor"]

_TRAINING_ROWS = 2000


class Service(NamedTuple):
    """What is served.

    Attributes:
        framework: "flask", "starlette" or "fastapi".
        subject: what monitors the view: "bare", "boxkite", "predecessor" or "exporter".
        features: in the request.
        folder: for the baseline, the state and the log.
    """

    framework: str
    subject: str
    features: int
    folder: str


def fitted(service: Service) -> dict[str, str]:
    """Fit a baseline; returns the options of `Boxkite` that a measured service has."""
    from boxkite import Baseline

    path = f"{service.folder}/histogram.prom"
    columns = _columns(service.features)
    scores = columns.pop("score")
    Baseline.fit(columns, scores).write(path)
    folder = service.folder
    return {"baseline": path, "log": f"file:{folder}/log", "state_dir": f"{folder}/state"}


def predecessor_monitor(service: Service) -> Any:
    """Return the monitor of boxkite 0.0.5 with its own baseline and log."""
    from boxkite.monitoring.collector import BaselineMetricCollector
    from boxkite.monitoring.service import ModelMonitoringService

    path = f"{service.folder}/histogram.prom"
    columns = _columns(service.features)
    scores = columns.pop("score")
    ModelMonitoringService.export_text(list(columns.items()), scores, path)
    return ModelMonitoringService(baseline_collector=BaselineMetricCollector(path))


def _columns(features: int) -> dict[str, list[float]]:
    draw = random.Random(2013).gauss
    names = [*(f"x{i}" for i in range(features)), "score"]
    return {name: [draw(0, 1) for _ in range(_TRAINING_ROWS)] for name in names}


def flush_each_second(monitor: Any) -> None:
    """Have the log written each second instead of each minute.

    Then a turn of a few seconds holds as much writing as a service does in that time.
    """

    def flush() -> None:
        while True:
            time.sleep(1)
            monitor.flush()

    threading.Thread(target=flush, daemon=True).start()


if "SERVICE" in os.environ:
    _service = Service(*json.loads(os.environ["SERVICE"]))
    app = getattr(importlib.import_module(f"{_service.framework}_services"), _service.subject)(
        _service
    )
