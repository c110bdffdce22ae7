"""Starts the model service and Prometheus, and ends them."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from boxkite.prometheus.rules import RuleOptions, render_rules

__all__ = [
    "DRIFT_PATH",
    "ServiceError",
    "flask_service",
    "free_port",
    "prometheus_service",
    "running",
    "wait_for",
]

DRIFT_PATH = "/drift"
"""Path of the drift page."""

_START_SECONDS = 60.0

_PROMETHEUS_CONFIG = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [boxkite.rules.yml]
scrape_configs:
  - job_name: flights
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""

_ALERTING_CONFIG = """\
alerting:
  alertmanagers:
    - static_configs:
        - targets: ["{alertmanager}"]
"""


class ServiceError(Exception):
    """A service did not start. The message names its log."""


def free_port() -> int:
    """Return a free port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def flask_service(folder: Path) -> Iterator[str]:
    """Serve the model under gunicorn, and yield the address."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--threads", "2",
               "--bind", f"127.0.0.1:{port}", "flask_app:app"]  # fmt: skip
    settings = {
        "MODEL": str(folder / "model.skops"),
        "FLASK_BOXKITE_BASELINE": str(folder / "histogram.prom"),
        "FLASK_BOXKITE_DRIFT_PATH": DRIFT_PATH,
    }
    with running("flask", command, folder, settings):
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/metrics", folder / "flask.log")
        yield address


@contextlib.contextmanager
def prometheus_service(
    folder: Path, service: str, window: str, alertmanager: str | None = None
) -> Iterator[str | None]:
    """Run Prometheus with boxkite's rules, and yield its address; None if it is not installed.

    Args:
        folder: For its configuration, data and log.
        service: Address of the service to scrape.
        window: Window of the rules.
        alertmanager: Host and port of Alertmanager; None for none.
    """
    program = shutil.which("prometheus")
    if program is None:
        yield None
        return
    # These are the rules of `boxkite rules`, except that a minute is judged like an hour.
    rules = render_rules(
        windows=[window], critical_windows={window: "1h"}, options=RuleOptions(interval="1s")
    )
    folder.joinpath("boxkite.rules.yml").write_text(rules)
    config = folder / "prometheus.yml"
    text = _PROMETHEUS_CONFIG.format(port=service.rpartition(":")[2])
    if alertmanager is not None:
        text += _ALERTING_CONFIG.format(alertmanager=alertmanager)
    config.write_text(text)
    data = folder / "prometheus-data"
    shutil.rmtree(data, ignore_errors=True)
    port = free_port()
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={data}",
               f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    with running("prometheus", command, folder):
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/-/ready", folder / "prometheus.log")
        yield address


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a program with its output in a file, and end it with the context."""
    with folder.joinpath(f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **(settings or {})}
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(url: str, log: Path) -> None:
    """Wait until an address answers.

    Raises:
        ServiceError: if it does not answer in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):  # a service needs some time to start
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise ServiceError(
        f"{url} did not answer within {_START_SECONDS:.0f} s; {log} ends in:\n{tail}"
    )
