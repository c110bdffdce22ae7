"""Starts the two services of the demonstration, and ends them."""

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

from boxkite.prometheus.rules import render_rules

__all__ = ["DRIFT_PATH", "ServiceError", "flask_service", "free_port", "prometheus_service"]

DRIFT_PATH = "/drift"
"""Where the service has the drift page."""

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


class ServiceError(Exception):
    """A service did not start; the message says where its log is."""


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def flask_service(folder: Path) -> Iterator[str]:
    """Serve the model under gunicorn for as long as the context lasts; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--threads", "2",
               "--bind", f"127.0.0.1:{port}", "flask_app:app"]  # fmt: skip
    settings = {
        "MODEL": str(folder / "model.skops"),
        "FLASK_BOXKITE_BASELINE": str(folder / "histogram.prom"),
        "FLASK_BOXKITE_DRIFT_PATH": DRIFT_PATH,
    }
    with _running("flask", command, folder, settings):
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/metrics", folder / "flask.log")
        yield address


@contextlib.contextmanager
def prometheus_service(folder: Path, service: str, window: str) -> Iterator[str | None]:
    """Run Prometheus over the service with boxkite's rules; yields None where there is none."""
    program = shutil.which("prometheus")
    if program is None:
        yield None
        return
    # As `boxkite rules` prints them, but that a minute is judged as an hour would be.
    rules = render_rules(windows=[window], critical_windows={window: "1h"}, interval="1s")
    folder.joinpath("boxkite.rules.yml").write_text(rules)
    config = folder / "prometheus.yml"
    config.write_text(_PROMETHEUS_CONFIG.format(port=service.rpartition(":")[2]))
    data = folder / "prometheus-data"
    shutil.rmtree(data, ignore_errors=True)
    port = free_port()
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={data}",
               f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    with _running("prometheus", command, folder):
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/-/ready", folder / "prometheus.log")
        yield address


@contextlib.contextmanager
def _running(
    name: str, command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a program, its output in a file, and end it with the context."""
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


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):  # a service may be slow to start
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise ServiceError(
        f"{url} did not answer within {_START_SECONDS:.0f} s; {log} ends in:\n{tail}"
    )
