"""A real Prometheus over samples of the past: blocks that promtool makes, and queries of them."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Database", "add_samples", "running", "series_lines"]


def series_lines(series: str, values: Iterable[float], times: Iterable[float]) -> Iterator[str]:
    """Yield the samples of one series in OpenMetrics; times are in seconds."""
    return (f"{series} {value} {time}\n" for value, time in zip(values, times, strict=True))


def add_samples(data: Path, lines: Iterable[str]) -> None:
    """Make blocks of OpenMetrics lines in a data folder; those of a metric stand together."""
    data.mkdir(exist_ok=True)
    text = data.parent / "samples.om"
    with text.open("w") as file:
        file.writelines(lines)
        file.write("# EOF\n")
    command = [
        "promtool", "tsdb", "create-blocks-from", "--max-block-duration=240h", "openmetrics",
        "--quiet", text, data,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    text.unlink()


class Database:
    """A Prometheus that answers queries.

    Args:
        address: of its API.
        data: its folder.
        process_id: of the server.
    """

    def __init__(self, address: str, data: Path, process_id: int) -> None:
        self.address = address
        self._data = data
        self._process_id = process_id

    def ask(self, path: str, parameters: Mapping[str, Any]) -> Any:
        """Return the data of an answer of the API."""
        encoded = urllib.parse.urlencode(parameters).encode()
        url = f"http://{self.address}/api/v1/{path}"
        with urllib.request.urlopen(url, encoded, timeout=600) as response:
            return json.load(response)["data"]

    def processor_seconds(self) -> float:
        """Return what the server has used of a processor."""
        fields = Path(f"/proc/{self._process_id}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def record(self, rules: Path, start: float, end: float, interval: str) -> None:
        """Evaluate the recording rules of a file from one time to another; seen after a restart."""
        command = [
            "promtool", "tsdb", "create-blocks-from", "--max-block-duration=24h", "rules",
            f"--url=http://{self.address}", f"--start={start:.0f}", f"--end={end:.0f}",
            f"--eval-interval={interval}", f"--output-dir={self._data}", rules,
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def running(data: Path, configuration_text: str = "{}\n") -> Iterator[Database]:
    """Run Prometheus over a folder of blocks until the context ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    configuration = data.parent / "prometheus.yml"
    configuration.write_text(configuration_text)
    command = [
        "prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={data}",
        f"--web.listen-address={address}", "--storage.tsdb.retention.time=10y",
        "--query.max-samples=500000000", "--query.timeout=10m",
    ]  # fmt: skip
    with (data.parent / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(address)
        yield Database(address, data, process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"Prometheus is not ready at {address}")
